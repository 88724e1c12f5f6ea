//! An issuer, a table, and two instances of the functions' session check.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clorp_context::Clock;
use clorp_domain::Error;
use clorp_issuer::{Issuer, Options, Person, SignedIn};
use clorp_local_aws::dynamo::client;
use clorp_sam::Template;
use clorp_sessions::{Browser, Config, Session, Sessions};
use clorp_store::Store;
use clorp_tests::database::{Database, TABLE};
use clorp_tests::{Aws, Proxy};
use serde_json::{Value, json};

/// A browser without HTTPS, at an unknown address.
pub const BROWSER: Browser = Browser { secure: false, address: None };

pub struct World {
    database: Database,
    shift_millis: Arc<AtomicI64>,
    /// The stand-in for Supabase. It uses the world's clock.
    pub issuer: Issuer,
    /// The proxy between the instances and the table.
    pub proxy: Proxy,
    /// Two instances, which share nothing but the table.
    pub instances: [Sessions; 2],
}

impl World {
    pub async fn start() -> Self {
        let table = Template::from_repo().unwrap().table().unwrap();
        let database = Database::start(Aws::from_env(), &table).await;
        let proxy = Proxy::start(database.url(), table).await;
        let shift_millis = Arc::new(AtomicI64::new(0));
        let options = Options { clock_shift_millis: shift_millis.clone(), ..Options::default() };
        let issuer = Issuer::start(options).await.unwrap();
        let instance = || {
            let store = Store::new(proxy.client("users"), TABLE);
            // A slow machine must not abandon a refresh.
            let config = issuer.config().unwrap().with_max_delay(Duration::from_secs(60));
            Sessions::new(config, store, Clock::shifted(shift_millis.clone()))
        };
        let instances = [instance(), instance()];
        Self { database, shift_millis, issuer, proxy, instances }
    }

    /// Another instance, with empty caches, for a project with this configuration.
    pub fn instance(&self, config: Config) -> Sessions {
        let store = Store::new(self.proxy.client("users"), TABLE);
        Sessions::new(config, store, self.clock())
    }

    pub fn clock(&self) -> Clock {
        Clock::shifted(self.shift_millis.clone())
    }

    pub fn now(&self) -> i64 {
        self.clock().now().as_second()
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.shift_millis.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// True if the table holds the record of a refresh with this outcome.
    pub async fn has_outcome(&self, outcome: &str) -> bool {
        self.items().await.contains(&format!("\"outcome\": S(\"{outcome}\")"))
    }

    /// Signs Ada in with a token that lasts this many seconds.
    pub fn ada(&self, expires_in: i64) -> SignedIn {
        self.issuer.sign_in(&ada(), expires_in).unwrap()
    }

    /// True if the first instance accepts a token as Ada's.
    pub async fn accepts(&self, token: &str) -> bool {
        is_ada(&self.instances[0].by_token(token).await)
    }

    /// Every item of the table.
    pub async fn items(&self) -> String {
        let scan = client(self.database.url()).scan().table_name(TABLE).send().await.unwrap();
        format!("{:?}", scan.items())
    }

    pub async fn finish(self) {
        let forbidden: Vec<_> = self
            .proxy
            .used_permissions()
            .into_iter()
            .filter(|need| !["REFRESH#", "USER#"].contains(&need.keys.as_deref().unwrap_or_default()))
            .collect();
        assert!(forbidden.is_empty(), "sessions must not ask for {forbidden:?}");
        self.issuer.shutdown().await.unwrap();
        self.database.shutdown().await;
    }
}

pub fn ada() -> Person {
    Person::new("5f0c2f6e-0d0b-4b53-8d5f-6a3a6a1f2d11", "Ada")
}

/// True for Ada, false for a refusal. Any other outcome is a failure.
pub fn is_ada(identity: &Result<clorp_sessions::Identity, Error>) -> bool {
    match identity {
        Ok(identity) => {
            assert_eq!((identity.id.as_str(), identity.name.as_str()), (ada().id.as_str(), "Ada"));
            true
        }
        Err(Error::Unauthenticated) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// Authenticates a browser by its cookies.
pub async fn authenticate(sessions: &Sessions, cookie: &str) -> Result<Session, Error> {
    sessions.by_cookies([cookie], BROWSER).await.map(|session| session.expect("a readable cookie"))
}

/// The browser's `Cookie` after a response: the cookies it had, changed by those that the response sets.
pub fn apply_cookies(cookie: &str, session: &Session) -> String {
    let mut jar: Vec<(String, String)> = cookie.split("; ").map(pair).collect();
    for set in &session.set_cookies {
        let (set, attributes) = set.as_str().split_once("; ").unwrap();
        let (name, value) = pair(set);
        jar.retain(|(known, _)| *known != name);
        if !attributes.contains("Max-Age=0") {
            jar.push((name, value));
        }
    }
    jar.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap();
    (name.to_owned(), value.to_owned())
}

/// The `Cookie` of a session with these tokens.
pub fn cookie(access_token: &str, refresh_token: Option<&str>) -> String {
    let session: Value = json!({ "access_token": access_token, "refresh_token": refresh_token });
    let (name, value) = clorp_sessions::cookie::encode("sb-127-auth-token", &session.to_string()).remove(0);
    format!("{name}={value}")
}

#[track_caller]
pub fn assert_unavailable<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
}

#[track_caller]
pub fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::Unauthenticated)), "{outcome:?}");
}

//! A world to test in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use axum::Router;
use clorp_domain::api_key::ApiKey;
use clorp_domain::{Account, Cents, EntryId, Posting, Reason, Rules, User, UserId};
use clorp_funds::{Funds, Pages, Reports};
use clorp_judge::{EmbeddedJudge, Judge};
use clorp_payments::Stripe;
use clorp_payments::signature::Secrets;
use clorp_queue::RankingQueue;
use clorp_service::{Clock, Service, new_ulid};
use clorp_store::Store;
use futures::future::join_all;
use infra::audit::audit;
use infra::dynamo::{Dynamo, client, create_table};
use infra::sandbox::{self, Sandbox};
use infra::template::Template;
use ranking::{Ranking, Swept};

use crate::client::{Client, Fleet};
use crate::proxy::Proxy;

/// Name of the table.
pub const TABLE: &str = "clorp";
/// The key that the sandbox wants.
pub const STRIPE_KEY: &str = "sk_test_sandbox";
const INSTANCES: usize = 3;
const WORKERS: usize = 7;

/// What differs from world to world.
#[derive(Clone)]
pub struct Options {
    /// The marketplace's rules.
    pub rules: Rules,
    /// Who judges.
    pub judge: Arc<dyn Judge>,
    /// Puts a proxy between the functions and the table that counts, and fails on demand.
    pub proxied: bool,
    /// Where the functions send their wake-up calls; without one only sweeps close windows.
    pub queue: Option<RankingQueue>,
    /// How Stripe's stand-in behaves. It goes by the world's clock.
    pub sandbox: sandbox::Options,
    /// Secrets that the webhook knows beside the sandbox's, as it does while one is rolled.
    pub webhook_secrets: Vec<String>,
    /// How often Stripe is asked for one thing in one call. By default as often as there is time for, which takes
    /// seconds where it does not answer.
    pub stripe_tries: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            judge: Arc::new(EmbeddedJudge),
            proxied: false,
            queue: None,
            sandbox: sandbox::Options::default(),
            webhook_secrets: Vec::new(),
            stripe_tries: usize::MAX,
        }
    }
}

/// The whole API, a sender with 20,000 cents, seven workers with 1,000 each, and a stranger with nothing.
pub struct World {
    dynamo: Dynamo,
    fleet: Arc<Fleet>,
    http: reqwest::Client,
    shift_millis: Arc<AtomicI64>,
    /// The table, directly: what the functions do not go through.
    pub store: Store,
    /// Two instances of the ranking function.
    pub rankings: Vec<Ranking>,
    /// Two instances of what asks Stripe, as the payments function has it.
    pub funds: Vec<Funds>,
    /// An instance of the webhook's function that no network leads to.
    pub webhook: Router,
    /// What answers in Stripe's place.
    pub sandbox: Sandbox,
    /// Between the functions and the table, if the options ask for it.
    pub proxy: Option<Proxy>,
    /// Somebody with money.
    pub sender: Client,
    /// Seven who work.
    pub workers: Vec<Client>,
    /// Somebody else.
    pub stranger: Client,
    /// Nobody.
    pub anon: Client,
}

impl World {
    /// A world with the defaults.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A world that differs.
    pub async fn with(options: Options) -> Self {
        let template = Template::from_repo().expect("template.yaml");
        let dynamo = Dynamo::in_memory().await.expect("embedded DynamoDB");
        let admin = client(&dynamo.url);
        let table = template.table().expect("the table");
        create_table(&admin, &table, TABLE).await.expect("the table is made");
        let proxy = if options.proxied { Some(Proxy::start(&dynamo.url, table).await) } else { None };
        let url = proxy.as_ref().map_or(dynamo.url.clone(), |proxy| proxy.url.clone());
        let shift_millis = Arc::new(AtomicI64::new(0));
        let service = || Service {
            store: Store::new(client(&url), TABLE),
            rules: Arc::new(options.rules.clone()),
            clock: Clock::shifted(shift_millis.clone()),
        };
        let sandbox = sandbox::Options { clock_shift_millis: shift_millis.clone(), ..options.sandbox };
        let mut secrets = options.webhook_secrets.clone();
        secrets.push(sandbox.webhook_secret.clone());
        let secrets = Secrets::parse(&secrets.join(",")).expect("a webhook secret");
        let sandbox = Sandbox::start(sandbox).await.expect("the Stripe sandbox");
        let stripe = Stripe::new(STRIPE_KEY, Some(&sandbox.url)).expect("a usable key");
        let funds = || Funds {
            service: service(),
            stripe: stripe.clone().with_tries(options.stripe_tries),
            pages: Pages::new(format!("{}/_sandbox/returned", sandbox.url)),
        };
        let webhook =
            || stripe_webhook::App { reports: Reports { service: service() }, secrets: secrets.clone() };
        let drops = || drops::router(drops::App::new(funds(), options.queue.clone()));
        let functions: [(&str, Vec<Router>); 6] = [
            ("drops", (0..INSTANCES).map(|_| drops()).collect()),
            ("board", (0..INSTANCES).map(|_| board::router(service())).collect()),
            ("wallet", (0..INSTANCES).map(|_| wallet::router(wallet::App { funds: funds() })).collect()),
            ("stripe", (0..INSTANCES).map(|_| stripe::router(stripe::App { funds: funds() })).collect()),
            ("stripe-webhook", (0..INSTANCES).map(|_| stripe_webhook::router(webhook())).collect()),
            ("users", (0..INSTANCES).map(|_| users::router(service())).collect()),
        ];
        let mut instances = BTreeMap::new();
        for (function, routers) in functions {
            instances.insert(function.to_owned(), join_all(routers.into_iter().map(serve)).await);
        }
        sandbox.set_webhook_urls(webhook_urls(&instances)[..1].to_vec());
        let webhook = stripe_webhook::router(webhook());
        let ranking =
            || Ranking { service: service(), judge: options.judge.clone(), queue: options.queue.clone() };
        let rankings = (0..2).map(|_| ranking()).collect();
        let funds = (0..2).map(|_| funds()).collect();
        let fleet = Arc::new(Fleet { template, instances, turn: AtomicUsize::new(0) });
        let http = reqwest::Client::new();
        let anon = Client {
            fleet: fleet.clone(),
            http: http.clone(),
            authorization: None,
            idempotency_key: None,
            id: String::new(),
        };
        let store = Store::new(admin, TABLE);
        let clock = Clock::shifted(shift_millis.clone());
        let sender = enrol(&store, &clock, &anon, "sender", 20_000).await;
        let workers = (1..=WORKERS).map(|i| format!("worker-{i}"));
        let workers =
            join_all(workers.map(async |name| enrol(&store, &clock, &anon, &name, 1_000).await)).await;
        let stranger = enrol(&store, &clock, &anon, "stranger", 0).await;
        Self {
            dynamo,
            fleet,
            http,
            shift_millis,
            store,
            rankings,
            funds,
            webhook,
            sandbox,
            proxy,
            sender,
            workers,
            stranger,
            anon,
        }
    }

    /// Somebody new.
    pub async fn user(&self, name: &str, balance_cents: i64) -> Client {
        enrol(&self.store, &self.clock(), &self.anon, name, balance_cents).await
    }

    /// Where the table's database answers.
    pub fn table_url(&self) -> &str {
        &self.dynamo.url
    }

    /// The table itself, for a test that tampers with it.
    pub fn table(&self) -> aws_sdk_dynamodb::Client {
        client(&self.dynamo.url)
    }

    /// The world's clock.
    pub fn clock(&self) -> Clock {
        Clock::shifted(self.shift_millis.clone())
    }

    /// Lets time pass at once.
    pub fn advance_seconds(&self, seconds: i64) {
        self.shift_millis.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// One sweep of the ranking, which must not fail.
    pub async fn sweep(&self) -> Swept {
        let swept = self.rankings[0].sweep().await.expect("the sweep runs");
        assert_eq!(swept.failed, 0, "a drop could not be settled");
        swept
    }

    /// One call of the payments function, which finds out what became of what is pending. What begins to be pending is
    /// looked at only once its own request has had its time, 15 seconds. Gives how many have ended.
    pub async fn resume(&self) -> u64 {
        let event = payments::Event { source: "aws.events".to_owned() };
        let resumed = payments::handle(&self.funds[0], event).await.expect("the sweep runs");
        assert_eq!(resumed["failed"], 0, "something pending could not be looked at");
        resumed["settled"].as_u64().expect("a number")
    }

    /// The first `n` workers claim a drop and submit outputs of their own.
    pub async fn race(&self, drop: &str, n: usize) {
        for (i, worker) in self.workers[..n].iter().enumerate() {
            worker.claim(drop).await.expect(201);
            let output = format!("Tagline {i}: still compiling since {} - roast number {i}", 1990 + i);
            worker.submit(drop, &output).await.expect(201);
        }
    }

    /// Everything Stripe has to report has arrived.
    pub async fn reported(&self) {
        self.sandbox.settled().await;
    }

    /// From now on every event is sent to every instance of the webhook's function at once, and not only to one.
    pub fn report_to_every_instance(&self) {
        self.sandbox.set_webhook_urls(webhook_urls(&self.fleet.instances));
    }

    /// Ends the world: every cent must be accounted for, here and at Stripe.
    pub async fn finish(self) {
        self.reported().await;
        let books = self.store.books().await.expect("the books can be read");
        assert!(!books.postings.is_empty(), "an audit of nothing proves nothing");
        let audited = audit(&self.store, Some(&self.funds[0].stripe)).await.expect("an audit");
        assert_eq!(audited.faults, Vec::<String>::new());
        drop((self.fleet, self.http));
        self.sandbox.shutdown().await.expect("the sandbox stops");
        self.dynamo.shutdown().await.expect("embedded DynamoDB stops");
    }
}

fn webhook_urls(instances: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    instances["stripe-webhook"].iter().map(|instance| format!("{instance}/api/stripe/webhook")).collect()
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn enrol(store: &Store, clock: &Clock, anon: &Client, name: &str, balance_cents: i64) -> Client {
    let now = clock.now();
    let id: UserId = new_ulid(now).to_string().parse().expect("a ULID is a user id");
    let user = User::new(id.clone(), name, None, now);
    assert!(store.create_user(&user).await.expect("a user is made"));
    let key = ApiKey::from_random(rand::random());
    assert!(store.create_key(&key.hash(), &id, now).await.expect("a key is made"));
    if balance_cents > 0 {
        let entry = EntryId::new(new_ulid(now));
        let (from, to) = (Account::External, Account::User(id.clone()));
        let reason = Reason::Topup(format!("test_{entry}"));
        let topup =
            Posting::transfer(entry, reason, now, from, to, Cents::new(balance_cents)).expect("balanced");
        store.post(&topup).await.expect("a wallet is funded");
    }
    Client { id: id.to_string(), ..anon.with_authorization(&format!("Bearer {}", key.expose())) }
}

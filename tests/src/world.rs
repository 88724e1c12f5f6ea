//! A complete marketplace in one process, with a table, Stripe and an issuer of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use axum::Router;
use clorp_context::{Clock, new_api_key, new_ulid};
use clorp_domain::{
    Account, ApiKey, Cents, DropId, EntryId, KeyId, Posting, RateLimit, Reason, Rights, Rules, StoredKey,
    User, UserId,
};
use clorp_issuer::{Issuer, Person};
use clorp_ledger_audit::audit;
use clorp_local_aws::dynamo::client;
use clorp_payments::Payments;
use clorp_queue::RankingQueue;
use clorp_ranking::{Judges, Ranking, Swept};
use clorp_sam::Template;
use clorp_store::{Conditional, Store};
use clorp_stripe_sandbox::{self as sandbox, Sandbox};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{Client, Fleet};
pub use crate::database::TABLE;
use crate::database::{Aws, Bucket, Database};
use crate::functions::Functions;
use crate::moto::StoredSecret;
use crate::permissions::grant_for;
use crate::proxy::Proxy;

/// The API key that the Stripe sandbox expects.
pub const STRIPE_KEY: &str = "sk_test_sandbox";
/// The page on which users approve logins of programs.
pub const LOGIN_PAGE: &str = "https://clorp.example/cli/login";
/// The header in which a test states the milliseconds until Lambda ends the function.
pub const ENDS_IN_MILLIS: &str = "test-ends-in-millis";
/// The header in which a test states the client's address. The real gateway takes it from the network.
pub const SOURCE_ADDRESS: &str = "test-source-address";
/// The origin of the web pages.
pub const WEB_ORIGIN: &str = "https://clorp.example";
const WORKERS: usize = 7;

/// Settings of a world.
#[derive(Clone)]
pub struct Options {
    /// The stand-ins for AWS; by default the environment's choice.
    pub aws: Aws,
    /// The marketplace's rules; [`unlimited`] by default.
    pub rules: Rules,
    /// The models that judge; by default the embedded judge does.
    pub judges: Option<Arc<Judges>>,
    /// Puts a [`Proxy`] between the functions and the table.
    pub proxied: bool,
    /// Queue for the functions' wake-up calls; without one only sweeps close windows.
    pub queue: Option<RankingQueue>,
    /// Behaviour of the Stripe sandbox, which uses the world's clock.
    pub sandbox: sandbox::Options,
    /// Secrets that the webhook accepts beside the sandbox's, as during a rotation.
    pub webhook_secrets: Vec<String>,
    /// A secret in Secrets Manager whose fields all functions use instead of values of their own.
    pub secret: Option<StoredSecret>,
    /// Attempts of one request to Stripe. By default limited only by time, so a silent Stripe costs seconds.
    pub stripe_tries: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            aws: Aws::from_env(),
            rules: unlimited(),
            judges: None,
            proxied: false,
            queue: None,
            sandbox: sandbox::Options::default(),
            webhook_secrets: Vec::new(),
            secret: None,
            stripe_tries: usize::MAX,
        }
    }
}

/// The default rules with rate limits that no test reaches, with winnings that mature at once, and without a
/// minimum length of a race, so that a test need not move the clock to settle a full drop.
pub fn unlimited() -> Rules {
    let rate = RateLimit { quota: 1_000_000, window_seconds: 60 };
    Rules {
        create_rate: rate,
        claim_rate: rate,
        submit_rate: rate,
        money_rate: rate,
        setup_rate: rate,
        keys_rate: rate,
        upload_rate: rate,
        verify_rate: rate,
        unpaid_rate: rate,
        read_rate: rate,
        login_rate: rate,
        payout_hold_seconds: 0,
        min_race_seconds: 0,
        public_rate: rate,
        ..Rules::default()
    }
}

impl Options {
    /// The defaults without the claim cooldown, for tests in which a few workers let many claims lapse.
    pub fn without_cooldown() -> Self {
        let rules = Rules { cooldown_lapses: u32::MAX, ..unlimited() };
        Self { rules, ..Self::default() }
    }

    /// The defaults with a balance of the platform at Stripe, so that users can withdraw money.
    pub fn funded() -> Self {
        let sandbox = sandbox::Options { starting_balance_cents: 1_000_000, ..sandbox::Options::default() };
        Self { sandbox, ..Self::default() }
    }
}

/// The whole API, a sender with 20,000 cents, seven workers with 1,000 each, and a stranger with nothing. The
/// money counts as won, so it may be withdrawn.
pub struct World {
    database: Database,
    fleet: Arc<Fleet>,
    http: reqwest::Client,
    shift_millis: Arc<AtomicI64>,
    /// The bucket of uploads and attachments.
    pub bucket: Bucket,
    /// The store on the table itself, without the proxy.
    pub store: Store,
    /// Two instances of the ranking function.
    pub rankings: Vec<Ranking>,
    /// Two instances of the reconciler's [`Payments`].
    pub payments: Vec<Payments>,
    /// An instance of the webhook function that is not reachable over the network.
    pub webhook: Router,
    /// The stand-in for Stripe.
    pub sandbox: Sandbox,
    /// The stand-in for Supabase's sign-in. It uses the world's clock.
    pub issuer: Issuer,
    /// The proxy between the functions and the table, if the options ask for one.
    pub proxy: Option<Proxy>,
    /// A user with 20,000 cents.
    pub sender: Client,
    /// Seven users with 1,000 cents each.
    pub workers: Vec<Client>,
    /// A user without money who takes part in nothing.
    pub stranger: Client,
    /// A client without a credential.
    pub anon: Client,
}

impl World {
    /// Starts a world with the default options.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// Starts a world with these options.
    pub async fn with(options: Options) -> Self {
        let template = Template::from_repo().expect("template.yaml");
        let shift_millis = Arc::new(AtomicI64::new(0));
        let table = template.table().expect("the table");
        let database = Database::start(options.aws, &table).await;
        let proxy = if options.proxied { Some(Proxy::start(database.url(), table).await) } else { None };
        let sandbox =
            sandbox::Options { clock_shift_millis: shift_millis.clone(), ..options.sandbox.clone() };
        let webhook_secret = sandbox.webhook_secret.clone();
        let sandbox = Sandbox::start(sandbox).await.expect("the Stripe sandbox");
        let bucket = Bucket::start(options.aws).await;
        let issuer = clorp_issuer::Options { clock_shift_millis: shift_millis.clone(), ..Default::default() };
        let issuer = Issuer::start(issuer).await.expect("the issuer of sessions");
        let clock = Clock::shifted(shift_millis.clone());
        let secrets = match &options.secret {
            Some(secret) => Some(secret.read(clock.clone()).await.expect("the secret is read")),
            None => None,
        };
        let functions = Functions {
            options: &options,
            clock: clock.clone(),
            table_url: database.url(),
            proxy: proxy.as_ref(),
            sandbox: &sandbox,
            webhook_secret: &webhook_secret,
            files: bucket.files(),
            issuer: &issuer,
            secrets,
        };
        let instances = functions.start(&template).await;
        sandbox.set_webhook_urls(webhook_urls(&instances)[..1].to_vec());
        let webhook = functions.router("stripe-webhook");
        let rankings = (0..2).map(|_| functions.ranking()).collect();
        let payments = (0..2).map(|_| functions.payments("reconciler")).collect();
        let turn = AtomicUsize::new(0);
        let fleet = Arc::new(Fleet { template, instances, turn, clock: clock.clone(), webhook_secret });
        let http = reqwest::Client::new();
        let anon = Client::anonymous(fleet.clone(), http.clone());
        let store = Store::new(client(database.url()), TABLE);
        let sender = create_user(&store, &clock, &anon, "sender", 20_000).await;
        let workers = (1..=WORKERS).map(|i| format!("worker-{i}"));
        let workers =
            join_all(workers.map(async |name| create_user(&store, &clock, &anon, &name, 1_000).await)).await;
        let stranger = create_user(&store, &clock, &anon, "stranger", 0).await;
        Self {
            database,
            fleet,
            http,
            shift_millis,
            bucket,
            store,
            rankings,
            payments,
            webhook,
            sandbox,
            issuer,
            proxy,
            sender,
            workers,
            stranger,
            anon,
        }
    }

    /// Creates a user.
    pub async fn user(&self, name: &str, balance_cents: i64) -> Client {
        create_user(&self.store, &self.clock(), &self.anon, name, balance_cents).await
    }

    /// The same user with another API key, adjusted by `change`.
    pub async fn with_key(&self, client: &Client, change: impl FnOnce(StoredKey) -> StoredKey) -> Client {
        let owner = client.id.parse().expect("a user's id");
        let key = create_key(&self.store, &owner, self.clock().now(), change).await;
        client.with_authorization(&format!("Bearer {}", key.expose()))
    }

    /// The same user in a browser with a new session. Its pages are at [`WEB_ORIGIN`].
    pub fn browser(&self, client: &Client, token_seconds: i64) -> Client {
        // Without a name, the session does not rename the user.
        let person = Person { name: None, ..Person::new(client.id.clone(), "") };
        let cookie = self.issuer.sign_in(&person, token_seconds).expect("a session").cookie;
        Client { authorization: None, cookie: Some(cookie), ..client.clone() }
    }

    /// The URL of the DynamoDB.
    pub fn table_url(&self) -> &str {
        self.database.url()
    }

    /// A client for the table itself, for a test that tampers with it.
    pub fn table(&self) -> aws_sdk_dynamodb::Client {
        client(self.database.url())
    }

    /// The world's clock.
    pub fn clock(&self) -> Clock {
        Clock::shifted(self.shift_millis.clone())
    }

    /// Moves the world's clock forward.
    pub fn advance_seconds(&self, seconds: i64) {
        self.shift_millis.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Runs one sweep of the ranking, which must not fail.
    pub async fn sweep(&self) -> Swept {
        let swept = self.rankings[0].sweep().await.expect("the sweep runs");
        assert_eq!(swept.failed, 0, "a drop could not be settled");
        swept
    }

    /// Runs the reconciler once and returns the number of payments that it settled. A payment is due 15
    /// seconds after its request began.
    pub async fn reconcile(&self) -> u64 {
        let event = clorp_reconciler::Event { source: "aws.events".to_owned() };
        let swept = clorp_reconciler::handle(&self.payments[0], event).await.expect("the sweep runs");
        assert_eq!(swept["failed"], 0, "a pending payment could not be reconciled");
        swept["settled"].as_u64().expect("a number")
    }

    /// Has the first `n` workers claim a drop and submit different outputs.
    pub async fn race(&self, drop: &str, n: usize) {
        for (i, worker) in self.workers[..n].iter().enumerate() {
            worker.claim(drop).await.expect(201);
            let output = format!("Tagline {i}: still compiling since {} - roast number {i}", 1990 + i);
            worker.submit(drop, &output).await.expect(201);
        }
    }

    /// Calls the sandbox's control API, which must succeed.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox/{path}", self.sandbox.url);
        let response = self.http.post(url).json(&body).send().await.expect("the sandbox answers");
        let status = response.status();
        let answer = response.text().await.expect("a text body");
        assert!(status.is_success(), "{path}: {status} {answer}");
        serde_json::from_str(&answer).expect("JSON")
    }

    /// Connects a Stripe account to a user, so that the user can withdraw money.
    pub async fn onboard(&self, user: &Client) {
        user.post_empty("/api/stripe/connect").await.expect(200);
        let known = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
        let account = known["stripe_account_id"].as_str().expect("an account");
        self.control(&format!("accounts/{account}/onboard"), json!({})).await;
        self.wait_for_webhooks().await;
    }

    /// Saves a card for a user, sets these automatic top-ups, and returns the card's id at Stripe.
    pub async fn save_card(&self, user: &Client, auto_topup: Value) -> String {
        let setup = user.post_empty("/api/wallet/setup-payment-method").await.expect(200);
        let secret = setup["client_secret"].as_str().expect("a secret");
        let (id, _) = secret.split_once("_secret_").expect("the secret names its setup");
        let saved = self.control(&format!("setup_intents/{id}/succeed"), json!({})).await;
        self.wait_for_webhooks().await;
        user.post("/api/wallet/auto-topup", auto_topup).await.expect(200);
        saved["payment_method"].as_str().expect("a payment method").to_owned()
    }

    /// The number of Stripe's events of this type.
    pub fn count_events(&self, kind: &str) -> usize {
        self.sandbox.events().iter().filter(|event| event["type"] == kind).count()
    }

    /// Waits until every webhook event has been delivered.
    pub async fn wait_for_webhooks(&self) {
        self.sandbox.settled().await;
    }

    /// Sends each later webhook event to all instances of the webhook function at once instead of to one.
    pub fn send_webhooks_to_every_instance(&self) {
        self.sandbox.set_webhook_urls(webhook_urls(&self.fleet.instances));
    }

    /// Ends the world. Every cent must be accounted for, here and at Stripe, and no function may have used a
    /// permission that the template does not grant.
    pub async fn finish(self) {
        self.wait_for_webhooks().await;
        let ledger = self.store.ledger().audit().await.expect("the ledger can be read");
        assert!(!ledger.postings.is_empty(), "an audit of nothing proves nothing");
        let audited = audit(&self.store, Some(&self.payments[0].stripe)).await.expect("an audit");
        assert_eq!(audited.discrepancies, Vec::<String>::new());
        let used = self.proxy.iter().flat_map(|proxy| proxy.used_permissions());
        let forbidden: Vec<_> = used.filter(|need| grant_for(need).is_none()).collect();
        assert!(forbidden.is_empty(), "the template does not permit {forbidden:?}");
        drop((self.fleet, self.http));
        self.sandbox.shutdown().await.expect("the sandbox stops");
        self.issuer.shutdown().await.expect("the issuer stops");
        self.bucket.shutdown().await;
        self.database.shutdown().await;
    }
}

fn webhook_urls(instances: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    instances["stripe-webhook"].iter().map(|instance| format!("{instance}/api/stripe/webhook")).collect()
}

/// Creates an API key with all rights, adjusted by `change`. It counts as just used, so using it writes
/// nothing.
async fn create_key(
    store: &Store,
    owner: &UserId,
    now: Timestamp,
    change: impl FnOnce(StoredKey) -> StoredKey,
) -> ApiKey {
    let key = new_api_key();
    let stored = StoredKey::new(KeyId::new(new_ulid(now)), &key, owner.clone(), now);
    let stored =
        StoredKey { name: "test".to_owned(), rights: Rights::ALL, last_used_at: Some(now), ..stored };
    let stored = change(stored);
    assert_eq!(store.api_keys().create(&stored, 100).await.expect("a key is created"), Conditional::Applied);
    key
}

async fn create_user(store: &Store, clock: &Clock, anon: &Client, name: &str, balance_cents: i64) -> Client {
    let now = clock.now();
    let id: UserId = new_ulid(now).to_string().parse().expect("a ULID is a user id");
    let user = User::new(id.clone(), name, None, now);
    assert!(store.users().create(&user).await.expect("a user is created").is_applied());
    let key = create_key(store, &id, now, |key| key).await;
    if balance_cents > 0 {
        let entry = EntryId::new(new_ulid(now));
        let (from, to) = (Account::External, Account::User(id.clone()));
        let reason = Reason::Win(DropId::new(new_ulid(now)));
        let won =
            Posting::transfer(entry, reason, now, from, to, Cents::new(balance_cents)).expect("balanced");
        store.ledger().post(&won).await.expect("a wallet is funded");
    }
    Client { id: id.to_string(), ..anon.with_authorization(&format!("Bearer {}", key.expose())) }
}

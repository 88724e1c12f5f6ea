//! The local stack of a run: the database, the functions, the gateway and the Stripe sandbox.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clorp_context::{new_api_key, new_ulid};
use clorp_domain::{
    Account, ApiKey, Cents, DropId, EntryId, KeyId, Posting, Reason, Rights, StoredKey, User, UserId,
};
use clorp_local_aws::dynamo::{client, create_table};
use clorp_sam::Template;
use clorp_store::Store;
use clorp_stripe_api::Stripe;
use clorp_stripe_sandbox::{Options as SandboxOptions, Sandbox};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::database::{Database, TABLE};
use crate::fleet::{Fleet, Parts};
use crate::functions::Programs;
use crate::gateway;
use crate::history::Recorder;
use crate::saboteur;

/// Number of slots of a drop.
pub const MAX_CLAIMS: i64 = 5;
/// The API key that the Stripe sandbox expects.
const STRIPE_KEY: &str = "sk_test_sandbox";
/// The platform's balance at Stripe before any payment, which covers every withdrawal.
const STRIPE_CENTS: i64 = 1_000_000_000;
/// Instances of each function that a run needs.
const INSTANCES: [(&str, usize); 6] =
    [("drops", 4), ("wallet", 3), ("connect", 1), ("stripe-webhook", 2), ("ranking", 2), ("reconciler", 1)];
/// Time for which a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(35);
/// Number of times that an account is connected before the run fails.
const ONBOARDING_TRIES: usize = 5;

/// The functions that a run needs.
pub fn functions() -> Vec<String> {
    INSTANCES.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// A user with an API key.
#[derive(Clone, Debug)]
pub struct Person {
    /// Id of the user.
    pub id: String,
    /// The `Authorization` header.
    pub authorization: String,
    /// Balance at the start, in cents.
    pub balance_cents: i64,
}

/// The running stack.
#[derive(Debug)]
pub struct Stack {
    /// URL of the API.
    pub url: String,
    /// The database's process.
    pub database: Mutex<Database>,
    /// The functions.
    pub fleet: Arc<Fleet>,
    /// Stripe's stand-in.
    pub sandbox: Sandbox,
    /// The table, for seeding and auditing.
    pub store: Store,
    /// Stripe, for auditing.
    pub stripe: Stripe,
    /// The users, senders first.
    pub people: Vec<Person>,
    /// A client for the API and for the sandbox's controls.
    pub http: reqwest::Client,
    tasks: JoinSet<()>,
}

impl Stack {
    /// Starts everything in `folder`. `program` is this package's, which serves the database. `balances` are
    /// the balances of the users to create.
    ///
    /// # Errors
    /// Fails if a part does not start.
    pub async fn start(
        program: &Path,
        programs: &Programs,
        folder: &Path,
        balances: &[i64],
        plant: bool,
        recorder: &Arc<Recorder>,
    ) -> Result<Self> {
        let template = Template::from_repo()?;
        let database = Database::start(program, folder).await?;
        let admin = client(&database.url());
        create_table(&admin, &template.table()?, TABLE).await?;
        let store = Store::new(admin, TABLE);
        let mut people = Vec::new();
        for balance in balances {
            people.push(create(&store, *balance).await?);
        }
        let mut tasks = JoinSet::new();
        let database_url = match plant {
            true => saboteur::start(&database.url(), Arc::clone(recorder), &mut tasks).await?,
            false => database.url(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the API")?;
        let url = format!("http://{}", listener.local_addr()?);
        let options = SandboxOptions {
            secret_key: STRIPE_KEY.to_owned(),
            webhook_urls: vec![format!("{url}{}", gateway::WEBHOOK)],
            starting_balance_cents: STRIPE_CENTS,
            redelivery_pauses: (Duration::from_millis(200), Duration::from_secs(2)),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options).await?;
        let log = std::fs::File::create(folder.join("functions.log"))?;
        let variables = variables(&database_url, &sandbox);
        let program = |(name, count): &(&str, usize)| Ok(((*name).to_owned(), programs.path(name)?, *count));
        let functions: Result<Vec<(String, PathBuf, usize)>> = INSTANCES.iter().map(program).collect();
        let parts = Parts { template, functions: functions?, variables, log, recorder: Arc::clone(recorder) };
        let fleet = Fleet::start(parts, &mut tasks).await?;
        gateway::serve(listener, Arc::clone(&fleet), Arc::clone(recorder), &mut tasks);
        let stripe = Stripe::new(STRIPE_KEY, Some(&sandbox.url)).map_err(|error| anyhow!(error))?;
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let database = Mutex::new(database);
        Ok(Self { url, database, fleet, sandbox, store, stripe, people, http, tasks })
    }

    /// Connects a Stripe account to a user, so that the user can withdraw winnings.
    ///
    /// # Errors
    /// Fails if a part does not answer as it should.
    pub async fn onboard(&self, person: &Person) -> Result<()> {
        let mut tries = 0;
        loop {
            let connect = self.http.post(format!("{}/api/stripe/connect", self.url));
            let answer = connect.header("authorization", &person.authorization).send().await?;
            let status = answer.status();
            if status.is_success() {
                break;
            }
            // A busy machine may let a function start too slowly.
            tries += 1;
            ensure!(tries < ONBOARDING_TRIES, "connecting an account: {status} {}", answer.text().await?);
        }
        let user = self.store.users().get(&person.id.parse()?).await.map_err(|error| anyhow!("{error:?}"))?;
        let account = user.and_then(|user| user.stripe.account).context("no account was recorded")?;
        self.control(&format!("accounts/{account}/onboard"), json!({})).await?;
        Ok(())
    }

    /// Calls the sandbox's control API.
    ///
    /// # Errors
    /// Fails if the sandbox refuses the call.
    pub async fn control(&self, path: &str, body: Value) -> Result<Value> {
        let url = format!("{}/_sandbox/{path}", self.sandbox.url);
        let answer = self.http.post(url).json(&body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// Stops everything.
    ///
    /// # Errors
    /// Fails if a part has failed before.
    pub async fn stop(mut self) -> Result<()> {
        self.sandbox.shutdown().await?;
        self.fleet.stop();
        self.database.lock().await.kill().await?;
        self.tasks.shutdown().await;
        Ok(())
    }
}

/// The environment of every function. Windows are short, rate limits and the cooldown are out of reach, and
/// winnings mature at once.
fn variables(database_url: &str, sandbox: &Sandbox) -> Vec<(String, String)> {
    let set = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut variables: Vec<(String, String)> = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", database_url),
        // No drop of a run has files.
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
        ("CLORP_UPLOADS_BUCKET", "clorp-uploads"),
        ("CLORP_TABLE", TABLE),
        ("CLORP_JUDGE", "embedded"),
        ("CLORP_PAYOUT_HOLD_SECONDS", "0"),
        ("CLORP_MIN_TIME_LIMIT_SECONDS", "1"),
        ("CLORP_MIN_RACE_SECONDS", "1"),
        ("CLORP_LEASE_SECONDS", "900"),
        ("CLORP_COOLDOWN_LAPSES", "100"),
        ("CLORP_COOLDOWN_WINDOW_SECONDS", "1"),
        ("CLORP_UNPAID_RATE", "1000000/60"),
        ("STRIPE_SECRET_KEY", STRIPE_KEY),
        ("STRIPE_API_URL", &sandbox.url),
        ("STRIPE_WEBHOOK_SECRETS", &sandbox.webhook_secrets().join(",")),
        ("CLORP_WALLET_URL", "http://127.0.0.1/returned"),
        ("RUST_LOG", "warn"),
    ]
    .map(set)
    .into();
    let rates = ["CREATE", "CLAIM", "SUBMIT", "MONEY", "READ", "PUBLIC"];
    variables.extend(rates.map(|name| (format!("CLORP_{name}_RATE"), "1000000/60".to_owned())));
    variables
}

/// Creates a user whose balance counts as won, so that it may be withdrawn.
async fn create(store: &Store, balance_cents: i64) -> Result<Person> {
    let now = Timestamp::now();
    let now = Timestamp::from_millisecond(now.as_millisecond())?;
    let id: UserId = new_ulid(now).to_string().parse()?;
    let failed = |error| anyhow!("creating a user: {error:?}");
    let _new = store.users().create(&User::new(id.clone(), "racer", None, now)).await.map_err(failed)?;
    let key: ApiKey = new_api_key();
    let stored = StoredKey::new(KeyId::new(new_ulid(now)), &key, id.clone(), now);
    let stored =
        StoredKey { name: "histories".to_owned(), rights: Rights::ALL, last_used_at: Some(now), ..stored };
    let _new = store.api_keys().create(&stored, 1).await.map_err(failed)?;
    if balance_cents > 0 {
        let (from, to) = (Account::External, Account::User(id.clone()));
        let reason = Reason::Win(DropId::new(new_ulid(now)));
        let entry = EntryId::new(new_ulid(now));
        let won = Posting::transfer(entry, reason, now, from, to, Cents::new(balance_cents))
            .map_err(|error| anyhow!("funding a user: {error:?}"))?;
        store.ledger().post(&won).await.map_err(failed)?;
    }
    let authorization = format!("Bearer {}", key.expose());
    Ok(Person { id: id.to_string(), authorization, balance_cents })
}

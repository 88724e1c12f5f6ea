//! `cargo demo`: plays one race against the running stack, and prints each step.

mod api;
mod money;
mod scripts;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clorp_domain::Pack;
use serde_json::{Value, json};

use crate::dev_file::{DevFile, DevUser};
use crate::term::{Style, dollars};
use api::{Api, list, number, text};
use clorp_stand_in::files::{default_data_dir, display};
use money::Stripe;
use scripts::{Script, script};

const PRICE_CENTS: i64 = 1000;
/// Number of workers that get a slot. One more worker claims too late.
const SLOTS: usize = 5;
/// Time that settling a drop may take after its window has closed.
const SETTLEMENT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(250);
const OUTPUT_COLUMNS: usize = 60;

/// Play one race against the running `cargo dev`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Pack of the drop: roast, scout, code, cook or wild.
    #[arg(long, default_value = "roast")]
    pack: Pack,
    /// Longest time that the window stays open, in seconds. It closes early if every slot has submitted.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(30..=900))]
    time_limit: u64,
    /// Data directory of the running stack.
    #[arg(long, default_value_os_t = default_data_dir())]
    data_dir: PathBuf,
}

/// Plays the race.
///
/// # Errors
/// Fails if no stack is running, or if the API answers with anything unexpected.
pub async fn run(args: Args) -> Result<()> {
    let stack = DevFile::read(&args.data_dir)?
        .with_context(|| format!("no stack runs in {}: start `cargo dev` first", display(&args.data_dir)))?;
    ensure!(
        stack.users.len() > SLOTS + 1,
        "the demo needs a sender and {} workers: start `cargo dev` with `--users {}`",
        SLOTS + 1,
        SLOTS + 2
    );
    let api = Api::new(&stack.base_url)?;
    api.get(None, "/api/board/stats")
        .await
        .with_context(|| format!("nothing answers at {}: start `cargo dev` first", stack.base_url))?;
    let race = Race {
        api,
        users: &stack.users[..SLOTS + 2],
        script: script(args.pack),
        stripe: stack.stripe_url.as_deref().map(Stripe::new).transpose()?,
        style: Style::stdout(),
        began: Instant::now(),
    };
    race.play(args.pack, args.time_limit).await
}

/// Money that crossed the platform's border during the race, in cents: in from a card, out to a bank.
#[derive(Clone, Copy, Debug)]
struct Outside {
    paid_in: i64,
    paid_out: i64,
}

/// A submission in the demo: a label for its quality, and its text.
type Delivery = (&'static str, &'static str);

struct Race<'a> {
    api: Api,
    /// The sender, the racing workers, and the worker that claims too late.
    users: &'a [DevUser],
    script: Script,
    /// The sandbox's control API; `None` for a real Stripe account.
    stripe: Option<Stripe>,
    style: Style,
    began: Instant,
}

impl Race<'_> {
    async fn play(&self, pack: Pack, time_limit: u64) -> Result<()> {
        let before = self.wallets().await?;
        let paid_in = self.top_up().await?;
        let drop = self.post(pack, time_limit).await?;
        self.claim(&drop).await?;
        self.deliver(&drop).await?;
        let done = self.wait_until_completed(&drop, Duration::from_secs(time_limit)).await?;
        let winner = self.reveal(&drop, &done).await?;
        let paid_out = self.withdraw(winner, number(&done, "payout_cents")?).await?;
        let after = self.wallets().await?;
        self.print_accounts(&done, winner, Outside { paid_in, paid_out }, &before, &after)
    }

    fn sender(&self) -> &DevUser {
        &self.users[0]
    }

    fn workers(&self) -> &[DevUser] {
        &self.users[1..=SLOTS]
    }

    fn say(&self, who: &str, what: &str) {
        let at = format!("{:>6.1} s", self.began.elapsed().as_secs_f32());
        println!("{}  {}  {what}", self.style.dim(&at), self.style.bold(&format!("{who:<9}")));
    }

    fn title(&self, title: &str) {
        println!("\n{}", self.style.cyan(title));
    }

    async fn wallets(&self) -> Result<BTreeMap<String, i64>> {
        let mut wallets = BTreeMap::new();
        for user in self.users {
            let wallet = self.api.get(Some(user), "/api/wallet/balance?limit=1").await?.expect(200)?;
            wallets.insert(user.name.clone(), number(&wallet, "balance_cents")?);
        }
        Ok(wallets)
    }

    /// Asks for an estimate, posts the drop, and finds it on the board. Returns the drop's id.
    async fn post(&self, pack: Pack, time_limit: u64) -> Result<String> {
        self.title("The drop");
        let mut body = json!({
            "prompt": self.script.prompt, "pack": pack.to_string(), "price_cents": PRICE_CENTS,
            "time_limit_seconds": time_limit,
        });
        let estimate =
            self.api.post(self.sender(), "/api/jobs/run", Some(body.clone())).await?.expect(200)?;
        let estimated = number(&estimate, "estimated_price_cents")?;
        self.say("sender", &format!("asks: \"{}\"", self.script.prompt));
        self.say("sender", &format!("estimate for pack {pack}: {}; nothing charged yet", dollars(estimated)));
        body["confirmed"] = json!(true);
        let drop = self.api.post(self.sender(), "/api/jobs/run", Some(body)).await?.expect(201)?;
        let id = text(&drop, "id")?.to_owned();
        ensure!(text(&drop, "status")? == "open", "the drop is not open: {drop}");
        self.say("sender", &format!("posts drop {id}; {} leave the wallet", dollars(PRICE_CENTS)));
        let board = self.api.get(None, "/api/board?sort=newest&limit=100").await?.expect(200)?;
        let posted = list(&board)?.iter().find(|entry| entry["id"] == id.as_str());
        let posted = posted.context("the drop is not on the public board")?;
        let payout = dollars(number(posted, "payout_cents")?);
        self.say("board", &format!("shows it publicly: {payout} for the winner, {time_limit} s"));
        Ok(id)
    }

    /// Claims a slot for every racing worker at the same time. The claim of one more worker must be refused.
    async fn claim(&self, drop: &str) -> Result<()> {
        self.title("The claims");
        let path = format!("/api/jobs/{drop}/claim");
        let claims = self.workers().iter().map(|worker| self.api.post(worker, &path, None));
        for (worker, claim) in self.workers().iter().zip(futures::future::try_join_all(claims).await?) {
            let seen = claim.expect(201)?;
            ensure!(!seen["your_claim"].is_null(), "{} does not see its claim", worker.name);
            self.say(&worker.name, "claims a slot");
        }
        let late = &self.users[SLOTS + 1];
        let refused = self.api.post(late, &path, None).await?.expect(409)?;
        self.say(&late.name, &self.style.yellow(&format!("is too late: {}", text(&refused, "error")?)));
        Ok(())
    }

    fn deliveries(&self) -> [Delivery; SLOTS] {
        let Script { prompt, excellent, good, thin } = self.script;
        [
            ("good work", good),
            ("hardly any work", thin),
            ("the prompt given back", prompt),
            ("excellent work", excellent),
            ("a copy of the excellent work", excellent),
        ]
    }

    /// Submits every worker's output, the copy last. Before the drop is judged, not even the sender can read
    /// outputs.
    async fn deliver(&self, drop: &str) -> Result<()> {
        self.title("The submissions");
        for (i, (worker, (kind, output))) in self.workers().iter().zip(self.deliveries()).enumerate() {
            if i + 1 == SLOTS {
                self.check_sealed(drop, i).await?;
            }
            let path = format!("/api/jobs/{drop}/submit");
            let made =
                self.api.post(worker, &path, Some(json!({ "output_text": output }))).await?.expect(201)?;
            ensure!(text(&made, "job_id")? == drop, "a submission to another drop: {made}");
            let mut start: String = output.chars().take(OUTPUT_COLUMNS).collect();
            start = start.replace('\n', " ");
            self.say(&worker.name, &format!("submits {kind}: {}", self.style.dim(&format!("{start}…"))));
        }
        Ok(())
    }

    async fn check_sealed(&self, drop: &str, count: usize) -> Result<()> {
        let path = format!("/api/jobs/{drop}/submissions");
        let seen = self.api.get(Some(self.sender()), &path).await?.expect(200)?;
        let seen = list(&seen)?;
        ensure!(seen.len() == count, "the sender sees {} of {count} submissions", seen.len());
        ensure!(
            seen.iter().all(|one| one["output_text"].is_null() && one["grade"].is_null()),
            "a submission can be read before the drop is judged"
        );
        self.say("sender", &format!("sees that {count} have submitted, but not what: the work is sealed"));
        Ok(())
    }

    async fn wait_until_completed(&self, drop: &str, window: Duration) -> Result<Value> {
        let wait_timeout = window + SETTLEMENT;
        let deadline = Instant::now() + wait_timeout;
        loop {
            let seen = self.api.get(Some(self.sender()), &format!("/api/jobs/{drop}")).await?.expect(200)?;
            match text(&seen, "status")? {
                "completed" => {
                    self.say("judge", "has ranked the work, and the winner is paid");
                    return Ok(seen);
                }
                "open" | "ranking" if Instant::now() < deadline => tokio::time::sleep(POLL).await,
                status => bail!("the drop is {status} after {} s", wait_timeout.as_secs()),
            }
        }
    }

    /// Prints the ranking with grades and rationales, and returns the winner.
    async fn reveal(&self, drop: &str, done: &Value) -> Result<&DevUser> {
        self.title("The reveal");
        let path = format!("/api/jobs/{drop}/submissions");
        let judged = self.api.get(Some(self.sender()), &path).await?.expect(200)?;
        let judged = list(&judged)?;
        ensure!(judged.len() == SLOTS, "{} of {SLOTS} submissions were judged", judged.len());
        for one in judged {
            let worker = self.worker(text(one, "worker")?)?;
            let kind = self.kind(worker);
            let grade = text(one, "grade")?;
            let (rank, score) = (number(one, "rank")?, number(one, "score")?);
            let line = format!("{rank}. {grade} {score:>3}/100  {:<9}  {kind}", worker.name);
            println!("{}", if rank == 1 { self.style.green(&line) } else { line });
            println!("   {}", self.style.dim(text(one, "rationale")?));
        }
        ensure!(judged[0]["id"] == done["winning_submission_id"], "rank 1 is not the winner");
        let first = self.worker(text(&judged[0], "worker")?)?;
        ensure!(self.kind(first) == "excellent work", "the excellent work did not win");
        Ok(first)
    }

    fn worker(&self, id: &str) -> Result<&DevUser> {
        let found = self.workers().iter().find(|worker| worker.id == id);
        found.with_context(|| format!("a submission by {id}, who was not in the race"))
    }

    fn kind(&self, worker: &DevUser) -> &'static str {
        let position = self.workers().iter().position(|other| other.id == worker.id);
        position.map_or("nothing", |position| self.deliveries()[position].0)
    }

    /// Prints every wallet before and after, and checks that no cent appeared or disappeared.
    fn print_accounts(
        &self,
        done: &Value,
        winner: &DevUser,
        outside: Outside,
        before: &BTreeMap<String, i64>,
        after: &BTreeMap<String, i64>,
    ) -> Result<()> {
        let (fee, payout) = (number(done, "fee_cents")?, number(done, "payout_cents")?);
        self.title("The wallets");
        println!("{:<9}  {:>10}  {:>10}  {:>10}", "", "before", "after", "change");
        let mut sum = 0;
        for user in self.users {
            let (had, has) = (before[&user.name], after[&user.name]);
            sum += has - had;
            let line = format!(
                "{:<9}  {:>10}  {:>10}  {:>10}",
                user.name,
                dollars(had),
                dollars(has),
                dollars(has - had)
            );
            println!("{}", if has > had { self.style.green(&line) } else { line });
        }
        let Outside { paid_in, paid_out } = outside;
        for (who, change) in [("platform", fee), ("card", -paid_in), ("bank", paid_out)] {
            println!("{who:<9}  {:>10}  {:>10}  {:>10}", "", "", dollars(change));
        }
        ensure!(fee + payout == PRICE_CENTS, "fee {fee} and payout {payout} are not the price");
        let change = sum + fee - paid_in + paid_out;
        ensure!(change == 0, "{} appeared or disappeared", dollars(change));
        let won = after[&winner.name] - before[&winner.name] + paid_out;
        ensure!(won == payout, "the winner was paid {won} and not {payout}");
        println!(
            "\n{} wins {}; the platform keeps {}. To the cent.",
            self.style.bold(&winner.name),
            self.style.green(&dollars(payout)),
            dollars(fee)
        );
        Ok(())
    }
}

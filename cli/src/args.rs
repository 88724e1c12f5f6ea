//! The verbs and options of the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 failure or no such thing, 2 usage, 3 sign-in or rights, 4 payment, 5 conflict,
6 rate limit, 7 unavailable.

Environment: CLORP_API_KEY and CLORP_API_URL come before ~/.clorp/credentials.json, which `clorp login` writes.
NO_COLOR switches colours and movement off.";

/// Post drops, race on them, and read the verdicts.
#[derive(Debug, Parser)]
#[command(name = "clorp", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct Args {
    /// Options of every verb.
    #[command(flatten)]
    pub common: Common,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every verb.
#[derive(Clone, Debug, ClapArgs)]
pub struct Common {
    /// Print JSON. This is the default unless standard output is a terminal.
    #[arg(long, global = true, help_heading = "Options of every verb")]
    pub json: bool,
    /// Show the request that would change something, and do not send it.
    #[arg(long, global = true, help_heading = "Options of every verb")]
    pub dry_run: bool,
    /// Name of this command's effect: the same command under the same name takes effect once within a day.
    #[arg(long, global = true, help_heading = "Options of every verb", value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Longest wait for a rate limit or a failing service, in seconds.
    #[arg(
        long,
        global = true,
        help_heading = "Options of every verb",
        value_name = "SECONDS",
        default_value_t = 60
    )]
    pub retry_for: u64,
}

/// A verb.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Post a drop: workers race on the prompt, and the best output wins the price.
    Drop(Drop),
    /// Reveal the result of a drop: grade, rationale, winning output, and how many raced.
    Pull(Pull),
    /// List open drops.
    Board(Board),
    /// Claim a slot of an open drop, and show its brief.
    Claim(Claim),
    /// Submit an output to a drop that you have claimed.
    Submit(Submit),
    /// List finished drops.
    Feed(Feed),
    /// Follow a drop until it ends.
    Wait(Wait),
    /// List the drops that you are working on.
    Status,
    /// List the drops that you have posted.
    Jobs(Jobs),
    /// Show a drop that you posted or claimed.
    View(OneDrop),
    /// Pay for a drop that was posted without enough money.
    Pay(Pay),
    /// Cancel a drop that has no submission; its price returns.
    Cancel(OneDrop),
    /// Give up your slot of a drop.
    Release(OneDrop),
    /// Show the wallet, top it up, or withdraw from it.
    Wallet(Wallet),
    /// Show the balance of the wallet.
    Balance(Count),
    /// List your finished races.
    Races(Count),
    /// Read the verdict on a drop, with every rank and rationale.
    Verdict(OneDrop),
    /// Ask for a second opinion on a verdict.
    Appeal(OneDrop),
    /// Claim drops and have a command do the work.
    Work(Work),
    /// Check an output against criteria, apart from drops. The exit code is 1 if it fails.
    Verify(Verify),
    /// List, create, change or delete your agents.
    Agents(Agents),
    /// List, create or revoke your API keys.
    Keys(Keys),
    /// Sign in: a browser on any machine approves, and this machine gets a key.
    Login(Login),
    /// Sign out: revoke the key of this machine, and forget it.
    Logout(Logout),
    /// Show who you are, and where the key comes from.
    Whoami,
    /// Print the completion script of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Options of `drop`.
#[derive(Debug, ClapArgs)]
pub struct Drop {
    /// The task in plain text; `-` reads it from standard input.
    pub prompt: String,
    /// Files that belong to the task.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Kind of work: roast, scout, code, cook or wild.
    #[arg(long)]
    pub pack: Option<String>,
    /// Price in cents. The default depends on the pack.
    #[arg(long, value_name = "CENTS")]
    pub price: Option<i64>,
    /// Length of the window in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub window: Option<i64>,
    /// Context for the workers, which is on no public page.
    #[arg(short = 'e', long = "context", value_name = "NAME=VALUE", value_parser = pair)]
    pub context: Vec<(String, String)>,
    /// Admit only workers with a verified bank account.
    #[arg(long)]
    pub verified_payouts: bool,
    /// Admit only workers with this many finished races.
    #[arg(long, value_name = "N")]
    pub min_races: Option<i64>,
    /// Admit only workers who have won this share of their races.
    #[arg(long, value_name = "PERCENT")]
    pub min_win_rate: Option<i64>,
    /// Post without showing the price first.
    #[arg(short, long)]
    pub yes: bool,
    /// Wait for the result, and reveal it.
    #[arg(long)]
    pub wait: bool,
}

/// A name and a value.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A time, or a length of time from now: `2026-11-27T18:00:00Z`, `90m`, `2h 30m`.
fn when(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let length = text.parse::<Span>().ok();
    let length = length.and_then(|length| length.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let length = length.filter(SignedDuration::is_positive);
    let end = length.and_then(|length| Timestamp::now().checked_add(length).ok());
    end.ok_or_else(|| {
        "must be a time such as 2026-11-27T18:00:00Z, or a length of time such as 90m".to_owned()
    })
}

/// Options of `pull`.
#[derive(Debug, ClapArgs)]
pub struct Pull {
    /// The drop; your newest one without it.
    pub id: Option<String>,
    /// Save the winner's files in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,
}

/// Options of `board`.
#[derive(Debug, ClapArgs)]
pub struct Board {
    /// Kind of work: roast, scout, code, cook or wild.
    #[arg(long)]
    pub pack: Option<String>,
    /// Lowest price in cents.
    #[arg(long, value_name = "CENTS")]
    pub min_price: Option<i64>,
    /// Order: closing, newest or price.
    #[arg(long, value_name = "ORDER")]
    pub sort: Option<String>,
    /// Most entries to list.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub limit: usize,
}

/// The number of entries of a list.
#[derive(Debug, ClapArgs)]
pub struct Count {
    /// Most entries to list.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub limit: usize,
}

/// Options of `claim`.
#[derive(Debug, ClapArgs)]
pub struct Claim {
    /// The drop.
    pub id: String,
    /// The agent to credit instead of your default one.
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
    /// Save the files of the task in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,
}

/// An output, as text or as files.
#[derive(Debug, ClapArgs)]
#[group(id = "output", required = true, multiple = true)]
pub struct OutputText {
    /// The output.
    #[arg(short, long, value_name = "TEXT", conflicts_with = "file")]
    pub text: Option<String>,
    /// File with the text of the output; `-` is standard input.
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// File that is a part of the output.
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<PathBuf>,
}

/// Options of `submit`.
#[derive(Debug, ClapArgs)]
pub struct Submit {
    /// The drop; the only one that you are working on without it.
    pub id: Option<String>,
    /// The output.
    #[command(flatten)]
    pub output: OutputText,
    /// The agent to credit instead of the one that claimed.
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
}

/// Options of `feed`.
#[derive(Debug, ClapArgs)]
pub struct Feed {
    /// Kind of work: roast, scout, code, cook or wild.
    #[arg(long)]
    pub pack: Option<String>,
    /// Most entries to list.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Go on with drops as they finish.
    #[arg(long)]
    pub follow: bool,
}

/// Options of `wait`.
#[derive(Debug, ClapArgs)]
pub struct Wait {
    /// The drop; your newest one without it.
    pub id: Option<String>,
}

/// Options of `jobs`.
#[derive(Debug, ClapArgs)]
pub struct Jobs {
    /// Only drops with this status: pending_payment, open, ranking, completed, cancelled or expired.
    #[arg(long)]
    pub status: Option<String>,
    /// Most entries to list.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub limit: usize,
}

/// A drop.
#[derive(Debug, ClapArgs)]
pub struct OneDrop {
    /// The drop.
    pub id: String,
}

/// Options of `pay`.
#[derive(Debug, ClapArgs)]
pub struct Pay {
    /// The drop.
    pub id: String,
    /// Pay without showing the price first.
    #[arg(short, long)]
    pub yes: bool,
}

/// Options of `wallet`.
#[derive(Debug, ClapArgs)]
pub struct Wallet {
    /// The action; the balance without one.
    #[command(subcommand)]
    pub action: Option<WalletAction>,
}

/// An action on the wallet.
#[derive(Debug, Subcommand)]
pub enum WalletAction {
    /// Show the balance, and the newest movements.
    Balance(Count),
    /// Get a page on which a person pays money in by card.
    Topup {
        /// Amount in cents.
        #[arg(value_name = "CENTS")]
        amount: i64,
    },
    /// Send winnings to your bank.
    Withdraw {
        /// Amount in cents.
        #[arg(value_name = "CENTS")]
        amount: i64,
        /// Send without asking.
        #[arg(short, long)]
        yes: bool,
    },
    /// Get a page on which a person adds a bank account, or show its state.
    Connect {
        /// Show the state only.
        #[arg(long)]
        status: bool,
    },
    /// Show or change automatic top-ups from a saved card.
    AutoTopup(AutoTopup),
}

/// Options of `wallet auto-topup`.
#[derive(Debug, ClapArgs)]
pub struct AutoTopup {
    /// Switch them on.
    #[arg(long, conflicts_with = "off")]
    pub on: bool,
    /// Switch them off.
    #[arg(long)]
    pub off: bool,
    /// Amount of each, in cents.
    #[arg(long, value_name = "CENTS")]
    pub amount: Option<i64>,
    /// Balance below which they happen, in cents.
    #[arg(long, value_name = "CENTS")]
    pub threshold: Option<i64>,
    /// Most that a day's may charge, in cents.
    #[arg(long, value_name = "CENTS")]
    pub daily_limit: Option<i64>,
}

/// Options of `work`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Work {
    /// Command that gets the prompt on standard input, and whose standard output is submitted.
    #[arg(long, value_name = "CMD")]
    pub exec: String,
    /// Kind of work to take; may be given several times.
    #[arg(long)]
    pub pack: Vec<String>,
    /// Lowest price to work for, in cents.
    #[arg(long, value_name = "CENTS")]
    pub min_price: Option<i64>,
    /// Stop after this many claims.
    #[arg(long, value_name = "N")]
    pub max: Option<u64>,
    /// Take no more claims after this time (RFC 3339), or after this long (`90m`, `2h 30m`).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub until: Option<Timestamp>,
    /// Commands at once. There are never more claims than that.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub concurrency: u8,
    /// Longest run of the command, in seconds. The window's end limits it too.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
    /// Time before the window's end by which the command must be done, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub margin: u64,
    /// Shortest rest of a window that is worth a claim, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub min_window: u64,
    /// Seconds between two looks at the board.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    pub poll: u64,
    /// Stop after this many failures of the command in a row.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub max_failures: u32,
    /// The agent to credit instead of your default one.
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
}

/// Options of `verify`.
#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// The criteria in words.
    pub criteria: String,
    /// The output.
    #[command(flatten)]
    pub output: OutputText,
}

/// Options of `agents`.
#[derive(Debug, ClapArgs)]
pub struct Agents {
    /// The action; the list without one.
    #[command(subcommand)]
    pub action: Option<AgentsAction>,
}

/// An action on agents.
#[derive(Debug, Subcommand)]
pub enum AgentsAction {
    /// List your agents.
    List(Count),
    /// Create an agent.
    New {
        /// Its name, which is public.
        name: String,
        /// Its description, which is public.
        #[arg(long)]
        description: Option<String>,
    },
    /// Change an agent.
    Edit {
        /// The agent.
        id: String,
        /// Its new name.
        #[arg(long)]
        name: Option<String>,
        /// Its new description.
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete an agent, with its record.
    Delete {
        /// The agent.
        id: String,
    },
}

/// Options of `keys`.
#[derive(Debug, ClapArgs)]
pub struct Keys {
    /// The action; the list without one.
    #[command(subcommand)]
    pub action: Option<KeysAction>,
}

/// An action on API keys.
#[derive(Debug, Subcommand)]
pub enum KeysAction {
    /// List your keys.
    List(Count),
    /// Create a key. Its secret is shown once.
    New {
        /// Its name.
        name: String,
        /// A right: read, work, spend, cards, keys or payouts; may be given several times.
        #[arg(long = "right", value_name = "RIGHT")]
        rights: Vec<String>,
        /// Highest price of one drop, in cents.
        #[arg(long, value_name = "CENTS")]
        per_drop: Option<i64>,
        /// Highest sum of a day, in cents.
        #[arg(long, value_name = "CENTS")]
        per_day: Option<i64>,
        /// End of its validity: a time (RFC 3339), or a length of time (`90m`, `2h 30m`).
        #[arg(long, value_name = "WHEN", value_parser = when)]
        expires: Option<Timestamp>,
    },
    /// Revoke a key.
    Revoke {
        /// The key.
        id: String,
    },
}

/// Options of `login`.
#[derive(Debug, ClapArgs)]
pub struct Login {
    /// Name for the key [default: the name of this machine].
    #[arg(long)]
    pub name: Option<String>,
    /// A right to ask for: read, work, spend, cards, keys or payouts; may be given several times.
    #[arg(long = "right", value_name = "RIGHT")]
    pub rights: Vec<String>,
}

/// Options of `logout`.
#[derive(Debug, ClapArgs)]
pub struct Logout {
    /// Forget the key without revoking it.
    #[arg(long)]
    pub keep_key: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_verb_is_documented() {
        let page = include_str!("../../docs/cli.md");
        for verb in Args::command().get_subcommands() {
            let name = verb.get_name();
            assert!(page.contains(&format!("`clorp {name}")), "{name} is not on docs/cli.md");
            for option in verb.get_arguments().filter(|option| !option.is_global_set()) {
                assert!(option.get_help().is_some(), "{name} {}", option.get_id());
            }
        }
    }

    #[test]
    fn the_documented_forms_are_understood() {
        for line in [
            "clorp drop prompt --pack roast --price 500 -y a.txt b.txt",
            "clorp drop -e A=b=c prompt",
            "clorp pull",
            "clorp pull 01A --json",
            "clorp --json board",
            "clorp submit -t text",
            "clorp submit 01A -f out.md --attach a.png --attach b.png",
            "clorp wallet",
            "clorp wallet topup 1000",
            "clorp wallet auto-topup --on --amount 1000",
            "clorp work --exec cat --pack code --pack cook --max 3 --until 2h --min-price 500",
            "clorp completions zsh",
            "clorp keys new agent --right work --expires 30d",
        ] {
            let parsed = Args::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
        for line in [
            "clorp",
            "clorp submit 01A",
            "clorp submit -t a -f b",
            "clorp drop",
            "clorp drop -e A p",
            "clorp frobnicate",
        ] {
            assert!(Args::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn an_end_is_a_time_or_a_length_of_time() {
        assert_eq!(when("2026-11-27T18:00:00Z").unwrap(), "2026-11-27T18:00:00Z".parse().unwrap());
        for text in ["90m", "2h 30m", "1h30m", "45s", "30d"] {
            let ends = when(text);
            assert!(ends.is_ok_and(|ends| ends > Timestamp::now()), "{text}");
        }
        for text in ["", "soon", "-5m", "0s", "18:00"] {
            assert!(when(text).is_err(), "{text}");
        }
    }
}

//! Every call of the command line, typed by hand. A test compares each with the API document.

use super::Call;
use super::types::*;

/// Declares calls, and lists them for the test that compares them with the API document.
macro_rules! calls {
    ($($(#[doc = $doc:literal])* $name:ident: $body:ty => $answer:ty = $call:expr;)*) => {
        $($(#[doc = $doc])* pub const $name: Call<$body, $answer> = $call;)*

        /// Every call with what it expects of the API document.
        #[cfg(test)]
        pub fn contracts() -> Vec<super::contract::Contract> {
            vec![$(super::contract::Contract::of(stringify!($name), &$name)),*]
        }
    };
}

calls! {
    /// Estimates a drop. Nothing is charged.
    ESTIMATE: RunRequest => Estimate = Call::post("/api/jobs/run", &[200]);
    /// Posts a drop and pays for it.
    RUN: RunRequest => Drop = Call::post("/api/jobs/run", &[201]);
    /// Pays for a drop that was posted without enough money.
    PAY: () => Drop = Call::post("/api/jobs/{id}/pay", &[200]);
    /// Reads one drop.
    JOB: () => Drop = Call::get("/api/jobs/{id}");
    /// Lists the caller's drops, newest first.
    JOBS: () => Vec<Drop> = Call::get("/api/jobs").with_query(&["status", "limit", "cursor"]);
    /// Cancels a drop.
    CANCEL: () => Drop = Call::post("/api/jobs/{id}/cancel", &[200]);
    /// Claims a slot.
    CLAIM: ClaimRequest => Drop = Call::post("/api/jobs/{id}/claim", &[200, 201]);
    /// Gives up a slot.
    RELEASE: () => Drop = Call::post("/api/jobs/{id}/release", &[200]);
    /// Submits an output.
    SUBMIT: SubmitRequest => Receipt = Call::post("/api/jobs/{id}/submit", &[200, 201]);
    /// Lists the submissions to a drop of the caller.
    SUBMISSIONS: () => Vec<Submission> = Call::get("/api/jobs/{id}/submissions");
    /// Reads the verdict on a drop.
    VERDICT: () => Verdict = Call::get("/api/jobs/{id}/verdict");
    /// Asks for a second opinion.
    APPEAL: () => Appeal = Call::post("/api/jobs/{id}/appeal", &[200, 202]);
    /// Reads the timeline of a drop.
    LOGS: () => TimelineEvent = Call::stream("/api/jobs/{id}/logs");
    /// Lists open drops.
    BOARD: () => Vec<OpenDrop> = Call::get("/api/board")
        .with_query(&["pack", "min_price_cents", "sort", "limit", "cursor"])
        .without_credential();
    /// Lists finished drops, newest first.
    FEED: () => Vec<FinishedDrop> =
        Call::get("/api/feed").with_query(&["pack", "limit", "cursor"]).without_credential();
    /// Lists the drops that the caller works on.
    STATUS: () => Vec<ActiveDrop> = Call::get("/api/users/status");
    /// Lists the caller's finished races, newest first.
    RACES: () => Vec<FinishedRace> = Call::get("/api/users/races").with_query(&["limit", "cursor"]);
    /// Names the owner of the key.
    WHOAMI: () => Whoami = Call::post("/api/whoami", &[200]);
    /// Reads the caller's account.
    USER: () => User = Call::get("/api/users/{id}");
    /// Lists the caller's agents, newest first.
    AGENTS: () => Vec<Agent> = Call::get("/api/agents").with_query(&["limit", "cursor"]);
    /// Creates an agent.
    NEW_AGENT: AgentRequest => Agent = Call::post("/api/agents", &[201]);
    /// Changes an agent.
    EDIT_AGENT: AgentPatch => Agent = Call::patch("/api/agents/{id}");
    /// Deletes an agent.
    DELETE_AGENT: () => () = Call::delete("/api/agents/{id}");
    /// Lists the caller's API keys, newest first.
    KEYS: () => Vec<ApiKey> = Call::get("/api/keys").with_query(&["limit", "cursor"]);
    /// Creates an API key.
    NEW_KEY: KeyRequest => NewKey = Call::post("/api/keys", &[201]);
    /// Revokes an API key.
    REVOKE_KEY: () => () = Call::delete("/api/keys/{id}");
    /// Begins a login.
    BEGIN_LOGIN: LoginRequest => BegunLogin = Call::post("/api/cli/login", &[201]).without_credential();
    /// Polls for the key of a login.
    LOGIN_TOKEN: TokenRequest => Token = Call::post("/api/cli/token", &[201]).without_credential();
    /// Announces a file.
    ANNOUNCE: UploadRequest => Upload = Call::post("/api/uploads", &[201]);
    /// Reads the wallet.
    BALANCE: () => Balance = Call::get("/api/wallet/balance").with_query(&["limit", "cursor"]);
    /// Begins a top-up.
    TOPUP: AmountRequest => Page = Call::post("/api/wallet/topup", &[200]);
    /// Sends money to the caller's bank.
    WITHDRAW: AmountRequest => Withdrawal = Call::post("/api/wallet/withdraw", &[201, 202]);
    /// Reads or changes the settings of automatic top-ups.
    AUTO_TOPUP: AutoTopupRequest => AutoTopup = Call::post("/api/wallet/auto-topup", &[200]);
    /// Creates a page on which the caller adds a bank account.
    CONNECT: () => Page = Call::post("/api/stripe/connect", &[200]);
    /// Reads the state of the caller's account at Stripe.
    CONNECT_STATUS: () => ConnectStatus = Call::get("/api/stripe/connect/status");
    /// Checks an output against criteria.
    VERIFY: VerifyRequest => Verification = Call::post("/api/verify", &[201]);
}

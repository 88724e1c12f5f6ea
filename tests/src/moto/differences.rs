//! The ways in which moto differs from AWS, and the tests that cannot run on moto because of them.

/// A way in which moto differs from AWS. A test in `tests/tests/moto/differences.rs` shows each but
/// [`Difference::RealTime`], and fails once moto behaves as AWS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Requests that run at the same time see and undo each other's parts of a transaction. AWS isolates
    /// them. `server.py` makes up for it: it handles one request at a time.
    Isolation,
    /// S3 keeps the checksum of an upload only if a further header names its algorithm. AWS always keeps it.
    /// `server.py` makes up for it: it adds the header.
    Checksum,
    /// A transaction runs again when it is repeated under its token. AWS runs it once, and answers the
    /// repetition.
    Token,
    /// The reported consumption is the same for every read. AWS counts it.
    Consumption,
    /// S3 accepts requests whatever their signature and checksum are, and after they have expired. AWS
    /// refuses them.
    Signature,
    /// The test measures real seconds, and moto takes them. A test that fails for this reason can pass on a
    /// machine with nothing else to do.
    RealTime,
}

/// The tests that fail on moto, by the difference that makes them fail.
pub const EXCLUDED: &[(Difference, &[&str])] = &[
    (
        Difference::Token,
        &[
            "concurrency::faults::a_claim_and_a_submission_whose_responses_are_lost_count_once",
            "concurrency::faults::a_payment_and_a_cancel_whose_responses_are_lost_move_the_money_once",
            "concurrency::faults::a_settlement_whose_responses_are_lost_pays_once",
            "concurrency::faults::an_expiry_whose_response_is_lost_refunds_once",
        ],
    ),
    (
        Difference::Signature,
        &[
            "uploads::flow::strangers_and_the_public_see_nothing_of_files",
            "uploads::signed::a_download_is_saved_under_its_name_and_never_runs_in_a_browser",
            "uploads::signed::a_signed_url_expires",
            "uploads::signed::an_upload_that_differs_from_its_announcement_is_refused",
        ],
    ),
    (
        Difference::RealTime,
        &[
            "access::rate_limits::all_keys_of_a_user_together_have_three_times_the_quota_of_one",
            "payments::auto_topup::\
             twenty_concurrent_runs_above_the_balance_charge_once_if_one_charge_is_enough",
            "queue::the_last_submission_of_a_young_drop_sends_a_message_for_the_end_of_the_minimum",
        ],
    ),
];

/// The modules whose tests pass on moto, but for those in [`EXCLUDED`].
pub const COVERED: &[&str] = &[
    "access::",
    "api::agents::",
    "concurrency::",
    "drops::agents::",
    "drops::appeal::",
    "drops::cooldown::",
    "idempotency::",
    "judging::",
    "ledger_audit::claims::",
    "moto::",
    "payments::",
    "queue::",
    "uploads::",
];

/// Tells whether a test is in a module of [`COVERED`].
pub fn covered(test: &str) -> bool {
    COVERED.iter().any(|module| test.starts_with(module))
}

/// The difference that makes a test fail on moto, if there is one.
pub fn excluded(test: &str) -> Option<Difference> {
    let of = |(_, tests): &&(Difference, &[&str])| tests.contains(&test);
    EXCLUDED.iter().find(of).map(|(difference, _)| *difference)
}

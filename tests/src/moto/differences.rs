//! The ways in which moto differs from AWS, and the tests that cannot run on moto because of them.

/// A way in which moto differs from AWS. A test in `tests/tests/moto/differences.rs` shows each, and fails
/// once moto behaves as AWS does.
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
}

/// The tests that fail on moto, by the difference that makes them fail.
pub const EXCLUDED: &[(Difference, &[&str])] = &[];

/// The difference that makes a test fail on moto, if there is one.
pub fn excluded(test: &str) -> Option<Difference> {
    let of = |(_, tests): &&(Difference, &[&str])| tests.contains(&test);
    EXCLUDED.iter().find(of).map(|(difference, _)| *difference)
}

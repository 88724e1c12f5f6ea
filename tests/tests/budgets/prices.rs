//! Dollars: what counted units, round trips and requests come to. `docs/cost.md` has the tables.

use super::cost::Cost;

/// The prices in us-east-1, in dollars per million.
const READ_UNIT: f64 = 0.125;
const WRITE_UNIT: f64 = 0.625;
const GATEWAY_REQUEST: f64 = 1.00;
const QUEUE_REQUEST: f64 = 0.40;
const INVOCATION: f64 = 0.20;
const GB_SECOND: f64 = 13.3334;

/// The memory of a function, in GB, as in the template.
const MEMORY_GB: f64 = 0.25;
/// Assumed duration of a round trip to the table with the work around it, in milliseconds: a published
/// function in Rust answers a request with one read in 5.1 ms at the median.
const MILLIS_PER_ROUND_TRIP: f64 = 5.0;
/// Assumed duration of a request without a round trip, in milliseconds.
const MILLIS_WITHOUT: f64 = 1.0;
/// Requests to the queue for each message: it is sent, received and deleted.
const QUEUE_REQUESTS_PER_MESSAGE: f64 = 3.0;

/// Dollars for a million times the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dollars {
    pub table: f64,
    pub functions: f64,
    pub gateway: f64,
    pub queue: f64,
}

impl Dollars {
    /// The price of a cost that came about by this many invocations, of which some were `requests` to the
    /// gateway and others `messages` of the queue.
    pub fn new(cost: &Cost, invocations: usize, requests: usize, messages: usize) -> Self {
        let waited = cost.round_trips() as f64 * MILLIS_PER_ROUND_TRIP;
        let seconds = waited.max(MILLIS_WITHOUT * invocations as f64) / 1000.0;
        Self {
            table: cost.read_units() * READ_UNIT + cost.write_units() as f64 * WRITE_UNIT,
            functions: invocations as f64 * INVOCATION + seconds * MEMORY_GB * GB_SECOND,
            gateway: requests as f64 * GATEWAY_REQUEST,
            queue: messages as f64 * QUEUE_REQUESTS_PER_MESSAGE * QUEUE_REQUEST,
        }
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            table: self.table + other.table,
            functions: self.functions + other.functions,
            gateway: self.gateway + other.gateway,
            queue: self.queue + other.queue,
        }
    }

    pub fn total(self) -> f64 {
        self.table + self.functions + self.gateway + self.queue
    }
}

/// The rows of the list of prices.
pub fn price_rows() -> Vec<String> {
    let mut rows = vec!["| a million of | dollars |".to_owned(), "|---|---|".to_owned()];
    rows.extend(
        [
            ("read units", READ_UNIT),
            ("write units", WRITE_UNIT),
            ("requests to the gateway", GATEWAY_REQUEST),
            ("requests to the queue", QUEUE_REQUEST),
            ("invocations of a function", INVOCATION),
            ("GB-seconds of functions on arm64", GB_SECOND),
        ]
        .map(|(what, dollars)| format!("| {what} | {dollars} |")),
    );
    rows
}

#[test]
fn the_prices_of_the_page_are_those_of_the_tables() {
    super::docs::assert_cost_rows("prices", &price_rows());
}

#[test]
fn the_functions_have_the_memory_that_the_tables_assume() {
    let template = include_str!("../../../template.yaml");
    let sizes: Vec<&str> =
        template.lines().filter_map(|line| line.trim().strip_prefix("MemorySize:")).collect();
    let assumed = (MEMORY_GB * 1024.0).to_string();
    assert!(sizes.iter().all(|size| size.trim() == assumed), "{sizes:?}");
}

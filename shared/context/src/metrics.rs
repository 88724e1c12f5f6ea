//! Business metrics, as log lines in CloudWatch's embedded metric format.
//!
//! CloudWatch makes a metric of each line, under the namespace in `CLORP_METRICS_NAMESPACE`. Without one, the
//! lines are ordinary lines of the log.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The log's target of metrics.
pub(crate) const TARGET: &str = "clorp_metrics";

/// A metric of the marketplace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A drop was opened, and so paid for. A repeated request may count again.
    DropsOpened,
    /// A slot was claimed.
    Claims,
    /// A drop was settled. The value is the time since it closed to submissions, in milliseconds.
    SettleDelay,
    /// A winner was paid into the wallet, in cents.
    Payouts,
    /// A withdrawal was sent to a bank, in cents.
    Withdrawals,
    /// A language model judged, in millionths of a cent.
    JudgeCost,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 6] = [
        Self::DropsOpened,
        Self::Claims,
        Self::SettleDelay,
        Self::Payouts,
        Self::Withdrawals,
        Self::JudgeCost,
    ];

    /// The name in CloudWatch. It ends in the unit, where CloudWatch has no name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DropsOpened => "DropsOpened",
            Self::Claims => "Claims",
            Self::SettleDelay => "SettleDelay",
            Self::Payouts => "PayoutCents",
            Self::Withdrawals => "WithdrawalCents",
            Self::JudgeCost => "JudgeCostMicroCents",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::SettleDelay => "Milliseconds",
            Self::DropsOpened | Self::Claims => "Count",
            Self::Payouts | Self::Withdrawals | Self::JudgeCost => "None",
        }
    }
}

/// Records one value of a metric. The number of values is a metric too, so a sum of cents is also a count.
pub fn record(metric: Metric, value: impl TryInto<i64>) {
    let value = value.try_into().unwrap_or(i64::MAX);
    tracing::info!(target: TARGET, metric = metric.name(), unit = metric.unit(), value);
}

/// The format of the log: JSON, and that of CloudWatch for metrics if there is a namespace.
pub(crate) struct Lines {
    pub(crate) json: Format<Json>,
    pub(crate) namespace: Option<String>,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match &self.namespace {
            Some(namespace) if event.metadata().target() == TARGET => {
                let mut recorded = Recorded::default();
                event.record(&mut recorded);
                writeln!(
                    writer,
                    "{}",
                    recorded.line(namespace, clorp_clock::Clock::system().now().as_millisecond())
                )
            }
            _ => self.json.format_event(context, writer, event),
        }
    }
}

/// The fields of a metric's event.
#[derive(Debug, Default)]
struct Recorded {
    metric: String,
    unit: String,
    value: i64,
}

impl Visit for Recorded {
    fn record_i64(&mut self, _: &Field, value: i64) {
        self.value = value;
    }

    fn record_str(&mut self, field: &Field, text: &str) {
        match field.name() {
            "metric" => text.clone_into(&mut self.metric),
            "unit" => text.clone_into(&mut self.unit),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl Recorded {
    /// The line, as CloudWatch's specification of the embedded metric format asks for it.
    fn line(self, namespace: &str, now_millis: i64) -> Value {
        let directive = json!({
            "Namespace": namespace,
            "Dimensions": [[]],
            "Metrics": [{ "Name": self.metric, "Unit": self.unit }],
        });
        let meta = json!({ "Timestamp": now_millis, "CloudWatchMetrics": [directive] });
        Value::Object(Map::from_iter([("_aws".to_owned(), meta), (self.metric, json!(self.value))]))
    }
}

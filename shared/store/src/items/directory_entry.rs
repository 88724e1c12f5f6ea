//! The place of an agent in the directory, which is also where its record is kept: attributes of the agent's
//! own item.
//!
//! An agent has one sort key for each order of the directory. A settlement must be able to raise it without
//! having read it, or the settlements of a busy agent would wait for each other; and no two agents may share
//! one, or a page could not end between them. So a sort key is the figure times [`STEP`] plus a number that
//! is the agent's alone, and raising the figure is an addition.

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_domain::{AgentId, Cents, Error, Grade, Race, Record};

use crate::table::item::s;
use crate::table::{Item, SHARDS, Update};

/// The attribute of the directory's partitions.
pub(crate) const PARTITION: &str = "directory";
/// The sort key by earnings.
pub(crate) const EARNINGS: &str = "by_earnings";
/// The sort key by wins.
pub(crate) const WINS: &str = "by_wins";

/// Agents' own numbers are below this, which leaves figures below 10^14.
const STEP: u128 = 10_u128.pow(24);

pub(crate) fn partition(shard: u128) -> String {
    format!("AGENTS#{shard}")
}

/// A sort key as an attribute.
pub(crate) fn position(value: u128) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Begins the empty record of an agent that is written for the first time.
pub(crate) fn begin_record(update: &mut Update, id: AgentId) {
    for key in [EARNINGS, WINS] {
        update.set(key, position(own(id)));
    }
}

/// Adds a race to the record of an agent. A win puts it into the directory, or moves it there; a race without
/// one leaves every rank as it is. The record begins with this race where the agent is `new` to the table.
pub(crate) fn add_race(update: &mut Update, id: AgentId, race: Race, new: bool) {
    let won = race.payout.unwrap_or_default();
    let figures =
        [(EARNINGS, u64::try_from(won.get()).unwrap_or_default()), (WINS, u64::from(race.payout.is_some()))];
    for (key, figure) in figures {
        if new {
            update.set(key, position(own(id) + steps(figure)));
        } else if figure > 0 {
            update.add_number(key, position(steps(figure)));
        }
    }
    update.add(&grade_attribute(race.grade), 1);
    if race.payout.is_some() {
        update.set(PARTITION, s(partition(id.ulid().random() % SHARDS)));
    }
}

/// Requires that no race was added to the record of an agent since it was read. Each race adds a grade.
pub(crate) fn require_record(update: &mut Update, record: &Record) {
    for (count, grade) in record.grades.iter().zip(Grade::ALL) {
        update.require_number(&grade_attribute(grade), i64::try_from(*count).unwrap_or(i64::MAX));
    }
}

/// The record in an item of an agent.
pub(crate) fn read_record(item: &Item) -> Result<Record, Error> {
    let figure = |key| {
        let figure = u64::try_from(read_position(item, key)? / STEP);
        figure.map_err(|_| Error::internal(format!("stored {key} is too large")))
    };
    let mut grades = [0; Grade::ALL.len()];
    for (count, grade) in grades.iter_mut().zip(Grade::ALL) {
        let stored = read_position(item, &grade_attribute(grade))?;
        *count = u64::try_from(stored).map_err(|_| Error::internal("stored grades are too many"))?;
    }
    let earnings = i64::try_from(figure(EARNINGS)?).map_err(|_| Error::internal("earnings are too large"))?;
    // Each race was graded.
    Ok(Record { races: grades.iter().sum(), wins: figure(WINS)?, earnings: Cents::new(earnings), grades })
}

/// A number of up to 38 digits; 0 where there is no such attribute.
pub(crate) fn read_position(item: &Item, attribute: &str) -> Result<u128, Error> {
    let Some(value) = item.get(attribute) else {
        return Ok(0);
    };
    let number = value.as_n().ok().and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| Error::internal(format!("stored {attribute} {value:?} is no count")))
}

/// The addition that raises a sort key by a figure.
fn steps(figure: u64) -> u128 {
    u128::from(figure).saturating_mul(STEP)
}

/// The sort keys of an agent that has not raced.
fn own(id: AgentId) -> u128 {
    id.ulid().random() % STEP
}

fn grade_attribute(grade: Grade) -> String {
    format!("grade_{}", grade.as_str().to_ascii_lowercase())
}

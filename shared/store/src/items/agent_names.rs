//! The names that a user's agents have taken: one attribute each, the number of agents, and what is kept of
//! the records of deleted ones.

use std::collections::BTreeSet;

use clorp_domain::{AgentName, Fingerprint};

use crate::table::Item;
use crate::table::item::number;

/// The attribute that counts a user's agents beside the default one.
pub(crate) const OTHERS: &str = "others";

/// The attribute that counts the races of a user's deleted agents.
pub(crate) const PAST_RACES: &str = "past_races";
/// The attribute that counts the races which a user's deleted agents have won.
pub(crate) const PAST_WINS: &str = "past_wins";

/// The attribute of a taken name. Built from the name's hash, because a name may be any text.
pub(crate) fn name_attribute(name: &AgentName) -> String {
    let hash: String = Fingerprint::of(&[name.folded().as_bytes()]).as_str().chars().take(24).collect();
    format!("name:{hash}")
}

/// The number of agents beside the default one, and all attributes.
pub(crate) fn read_names(item: Item) -> (u32, BTreeSet<String>) {
    (number(&item, OTHERS).unwrap_or(0), item.into_keys().collect())
}

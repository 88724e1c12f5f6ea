//! Drops, endpoint by endpoint. Each module is named after the path it is about, or the rule.

mod agents;
mod cooldown;
mod lifecycle;
mod money;
mod owner;
mod race;
mod release;
mod timeline;

//! Drops, endpoint by endpoint. Each module has the name of its path or of its rule.

mod agents;
mod appeal;
mod cooldown;
mod lifecycle;
mod money;
mod owner;
mod race;
mod readers;
mod refused;
mod release;
mod requirements;
mod timeline;

//! Drops, endpoint by endpoint. Each module is named after the path it is about.

mod race;

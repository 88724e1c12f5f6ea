//! Browser sessions: valid and forged tokens, the project's keys, refreshes, and the issuer that stands in
//! for Supabase.

mod attacks;
mod forge;
mod issuer;
mod keys;
mod refreshes;
mod requests;
mod rolls;
mod support;

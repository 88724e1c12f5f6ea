//! Clients that other people wrote, against the real API, the Stripe sandbox and the issuer. A test asserts
//! what the client saw and what the servers did.

mod generated;
mod lint;
mod program;
mod streams;
mod stripe;
mod supabase;

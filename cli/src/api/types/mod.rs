//! The bodies of requests and responses, as far as the command line reads them.

mod account;
mod drops;
mod verdicts;
mod wallet;

pub use account::*;
pub use drops::*;
pub use verdicts::*;
pub use wallet::*;

//! The endpoints, one per file.

pub(crate) mod auto_topup;
pub(crate) mod balance;
pub(crate) mod setup_payment_method;
pub(crate) mod topup;
pub(crate) mod withdraw;

//! Closed sets of words in bodies and parameters, each with a schema of its own, so that a typed client
//! rejects a misspelt word.
//!
//! A field that holds such a word refers to the schema: `#[schema(value_type = words::Pack)]`.

use clorp_domain::appeal::Side;
use clorp_domain::connect::ConnectStatus;
use clorp_domain::verdict::{Confidence, Fallback, Met};
use clorp_domain::{Grade, Pack as DomainPack, Status};
use utoipa::openapi::{ComponentsBuilder, ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::error_codes::ERROR_CODES;

/// Defines schemas, each with its description and its words.
macro_rules! words {
    ($($(#[doc = $line:literal])+ $name:ident = $words:expr;)+) => {
        $(
            $(#[doc = $line])+
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    schema_of(concat!($($line),+), $words.as_ref())
                }
            }

            impl ToSchema for $name {}
        )+

        /// Adds all these schemas to the components of a document. Parameters refer to schemas without
        /// registering them.
        pub(crate) fn add_to(components: ComponentsBuilder) -> ComponentsBuilder {
            components$(.schema_from::<$name>())+
        }
    };
}

words! {
    /// Status of a drop, which only moves forward: `pending_payment`, `open`, `ranking`, then `completed`,
    /// `cancelled` or `expired`.
    DropStatus = Status::ALL.map(Status::as_str);
    /// Kind of work that a drop asks for.
    Pack = DomainPack::ALL.map(DomainPack::as_str);
    /// Grade of a submission, from S down to F.
    SubmissionGrade = Grade::ALL.map(Grade::as_str);
    /// Certainty of a verdict's first place.
    JudgeConfidence = Confidence::ALL.map(Confidence::as_str);
    /// Reason why the embedded judge decided although a model is configured.
    FallbackReason = Fallback::ALL.map(Fallback::as_str);
    /// Result of a check against one constraint; `unclear` if the judge cannot tell.
    CheckResult = Met::ALL.map(Met::as_str);
    /// Side that appeals.
    AppealSide = Side::ALL.map(Side::as_str);
    /// State of an appeal: `pending` until the second opinion is there, then `decided`.
    AppealStatus = ["pending", "decided"];
    /// Status of a Stripe account: `not_connected`, `pending` (Stripe requires more information) or `active`
    /// (withdrawals are possible).
    StripeAccountStatus = ConnectStatus::ALL.map(ConnectStatus::as_str);
    /// Status of a withdrawal that was not refused: `paid` (the money is on its way to your bank) or
    /// `pending` (the wallet is debited, and Stripe has not confirmed the transfer yet).
    WithdrawalStatus = ["paid", "pending"];
    /// Status of a login: `pending`, `approved`, `denied`, or `redeemed` once the program has its key.
    LoginStatus = ["pending", "approved", "denied", "redeemed"];
    /// Order of the board: `closing` (the first to close first), `newest` or `price` (highest first).
    BoardOrder = ["closing", "newest", "price"];
    /// Order of the directory of agents, highest first.
    DirectoryOrder = ["earnings", "wins"];
    /// Code of an error, for programs. Codes are stable, and new ones may be added.
    ErrorCode = ERROR_CODES;
}

fn schema_of(description: &str, words: &[&str]) -> RefOr<Schema> {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description.trim()))
        .enum_values(Some(words.iter().copied()));
    RefOr::T(text.into())
}

//! What the OpenAPI documents of all functions have in common.

use utoipa::IntoResponses;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use crate::problem::{ErrorBody, PaymentRequiredBody};

/// Name of the scheme in the document.
pub const API_KEY: &str = "api_key";

/// What a request can meet that depends on nothing but itself.
#[derive(IntoResponses)]
pub enum ParamErrors {
    /// A parameter is unknown; `field` says which.
    #[response(status = 400)]
    BadRequest(ErrorBody),
}

/// What any request that depends on the table can meet.
#[derive(IntoResponses)]
pub enum AnyErrors {
    /// The body or a parameter is malformed or breaks a rule; `field` says where.
    #[response(status = 400)]
    BadRequest(ErrorBody),
    /// A fault of ours. Nothing half-done is left behind.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// A dependency is down or contended; send the same request again after `Retry-After` seconds.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// What any request with a credential can meet.
#[derive(IntoResponses)]
pub enum AuthErrors {
    /// No valid credential.
    #[response(status = 401)]
    Unauthenticated(ErrorBody),
}

/// What any request with a body can meet.
#[derive(IntoResponses)]
pub enum BodyErrors {
    /// The body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// The body is not declared as JSON.
    #[response(status = 415)]
    UnsupportedMediaType(ErrorBody),
}

/// What a request that takes no body can meet when it has one.
#[derive(IntoResponses)]
pub enum NoBodyErrors {
    /// The body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(ErrorBody),
}

/// What a request for one thing can meet.
#[derive(IntoResponses)]
pub enum IdErrors {
    /// There is no such thing, or it is hidden from this caller.
    #[response(status = 404)]
    NotFound(ErrorBody),
}

/// What a request that is not for everybody can meet.
#[derive(IntoResponses)]
pub enum RoleErrors {
    /// The caller may see the drop but not do this.
    #[response(status = 403)]
    Forbidden(ErrorBody),
}

/// What a request that depends on the drop's state can meet.
#[derive(IntoResponses)]
pub enum StateErrors {
    /// The drop's state does not allow it; `code` says which rule.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// What a request that costs money can meet.
#[derive(IntoResponses)]
pub enum PaymentErrors {
    /// The wallet does not hold the price. The drop is kept as `pending_payment`.
    #[response(status = 402)]
    PaymentRequired(PaymentRequiredBody),
}

/// The document all functions' routes are merged into.
pub fn document(version: &str) -> OpenApi {
    let info = InfoBuilder::new().title("clorp").version(version).description(Some(
        "A marketplace where AI agents race: post a drop, up to five workers submit, a judge ranks and grades the \
         work, the winner is paid. Money is integer US cents; timestamps are RFC 3339 in UTC with milliseconds; \
         ids are opaque strings. An unknown path is 404 and a known path with another method is 405, both with the \
         error body.",
    ));
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("clorp_…")
        .description(Some("API key"))
        .build();
    // Derived responses refer to these schemas without registering them.
    let components = ComponentsBuilder::new()
        .schema_from::<ErrorBody>()
        .schema_from::<PaymentRequiredBody>()
        .security_scheme(API_KEY, SecurityScheme::Http(key))
        .build();
    OpenApiBuilder::new().info(info.build()).components(Some(components)).build()
}

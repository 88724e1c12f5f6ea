//! What the OpenAPI documents of all functions have in common.

use utoipa::IntoResponses;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder, Type,
};

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

/// What a change of the caller's agents can meet.
#[derive(IntoResponses)]
pub enum AgentErrors {
    /// The agents you have do not allow it; `code` says which rule.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// What a request that takes money out of the wallet can meet.
#[derive(IntoResponses)]
pub enum FundsErrors {
    /// The wallet does not hold the amount.
    #[response(status = 402)]
    InsufficientBalance(ErrorBody),
}

/// What a request that costs money can meet.
#[derive(IntoResponses)]
pub enum PaymentErrors {
    /// The wallet does not hold the price, and topping it up did not help; `code` says why. The drop is kept as
    /// `pending_payment`.
    #[response(status = 402)]
    PaymentRequired(PaymentRequiredBody),
}

/// Name of the header parameter and of the response header in the document's components.
const IDEMPOTENCY_KEY: &str = "IdempotencyKey";
const IDEMPOTENCY_REPLAYED: &str = "IdempotencyReplayed";

/// What a POST by a caller can meet when it carries an `Idempotency-Key`.
const IDEMPOTENCY_CONFLICTS: &str = "With an `Idempotency-Key`, `idempotency_key_reused`: it came with another \
                                     request; or `idempotency_in_flight`: the request with it is still running.";

/// The document of the whole API: the functions' `parts` together, and what holds for the routes of all of them.
pub fn document(version: &str, parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut whole = frame(version);
    for part in parts {
        whole.merge(part);
    }
    let posts = whole.paths.paths.values_mut().filter_map(|item| item.post.as_mut());
    posts.filter(|post| takes_key(post)).for_each(document_key);
    whole
}

/// Whether a POST knows idempotency keys: it does if it has a caller.
pub(crate) fn takes_key(post: &Operation) -> bool {
    post.security.as_ref().is_some_and(|security| !security.is_empty())
}

/// Adds to an operation the header, the conflicts, and the mark of an answer that was given before.
fn document_key(operation: &mut Operation) {
    let parameter = Ref::new(format!("#/components/parameters/{IDEMPOTENCY_KEY}"));
    operation.parameters.get_or_insert_default().push(RefOr::Ref(parameter));
    let conflict = operation.responses.responses.entry("409".to_owned());
    let conflict = conflict.or_insert_with(|| RefOr::T(conflict_response()));
    if let RefOr::T(conflict) = conflict {
        conflict.description = format!("{} {IDEMPOTENCY_CONFLICTS}", conflict.description).trim().to_owned();
    }
    for (status, response) in &mut operation.responses.responses {
        let is_final = status.parse().is_ok_and(crate::idempotency::is_final);
        if let (true, RefOr::T(response)) = (is_final, response) {
            let header = Ref::new(format!("#/components/headers/{IDEMPOTENCY_REPLAYED}"));
            response.headers.insert("Idempotency-Replayed".to_owned(), RefOr::Ref(header));
        }
    }
}

/// A 409 of an operation that has none of its own.
fn conflict_response() -> utoipa::openapi::Response {
    let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    ResponseBuilder::new().content("application/json", body).build()
}

fn key_parameter() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A name of your choice for this request. Within 24 hours, the same request under the same key is not \
             carried out again but answered with the same status and body, and `Idempotency-Replayed: true`. \
             After a fault (429, 5xx) \
             send it again under the same key: what the first try did is not done a second time.",
        ))
        .schema(Some(text))
        .build()
}

fn replayed_header() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["true"]))))
        .description(Some("Present on an answer that was given before"))
        .build()
}

/// The document all functions' routes are merged into.
fn frame(version: &str) -> OpenApi {
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
        .parameter(IDEMPOTENCY_KEY, key_parameter())
        .header(IDEMPOTENCY_REPLAYED, replayed_header())
        .security_scheme(API_KEY, SecurityScheme::Http(key))
        .build();
    OpenApiBuilder::new().info(info.build()).components(Some(components)).build()
}

//! What the OpenAPI documents of all functions have in common.

use axum::http::Method;
use clorp_domain::RateClass;
use utoipa::IntoResponses;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder, ServerBuilder, Type,
};

use crate::problem::{ErrorBody, PaymentRequiredBody};

/// Names of the schemes in the document.
pub const API_KEY: &str = "api_key";
const SESSION: &str = "session";
const ACCESS_TOKEN: &str = "access_token";

/// What a request that changes something can meet when it comes with a session cookie.
const FOREIGN_ORIGIN: &str = "With a session cookie, `foreign_origin`: it was not a page of ours that asked.";

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
    /// `internal`: a fault of ours. Nothing half-done is left behind.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// `unavailable`: a dependency is down or contended; send the same request again after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds until the same may be asked again")))]
    Unavailable(ErrorBody),
}

/// What any request with a credential can meet.
#[derive(IntoResponses)]
pub enum AuthErrors {
    /// `authentication_required`: no valid credential.
    #[response(status = 401)]
    Unauthenticated(ErrorBody),
    /// `rate_limited`: too many requests of this kind; again after `Retry-After` seconds.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds until the next request of this kind")))]
    RateLimited(ErrorBody),
}

/// What a request can meet of whose sender nothing is known but the address.
#[derive(IntoResponses)]
pub enum AddressErrors {
    /// `rate_limited`: too many requests of this kind from your address.
    #[response(
        status = 429,
        headers(("Retry-After" = u32, description = "Seconds until another is let through"))
    )]
    TooManyRequests(ErrorBody),
}

/// What a poll of a login can meet.
#[derive(IntoResponses)]
pub enum PollErrors {
    /// `authorization_pending`: nobody has decided yet. `slow_down`: you poll too often. Both name in `Retry-After` how
    /// many seconds to wait between two polls from now on. `access_denied`: the user has denied. `expired_token`: the
    /// login's time is over. `invalid_grant`: there is no such login, or its key has been handed out. Or the body is
    /// malformed; `field` says where.
    #[response(status = 400)]
    NotGranted(ErrorBody),
    /// `too_many_keys`: the user has as many as they may. Once they have revoked one, poll again.
    #[response(status = 409)]
    Conflict(ErrorBody),
    /// `internal`: a fault of ours.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// `unavailable`: a dependency is down or contended; poll again after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds until the same may be asked again")))]
    Unavailable(ErrorBody),
}

/// What any request with a body can meet.
#[derive(IntoResponses)]
pub enum BodyErrors {
    /// `payload_too_large`: the body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// `unsupported_media_type`: the body is not declared as JSON.
    #[response(status = 415)]
    UnsupportedMediaType(ErrorBody),
}

/// What a request that takes no body can meet when it has one.
#[derive(IntoResponses)]
pub enum NoBodyErrors {
    /// `payload_too_large`: the body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(ErrorBody),
}

/// What a request for one thing can meet.
#[derive(IntoResponses)]
pub enum IdErrors {
    /// `not_found`: there is no such thing, or it is hidden from this caller.
    #[response(status = 404)]
    NotFound(ErrorBody),
}

/// What a request that is not for everybody can meet.
#[derive(IntoResponses)]
pub enum RoleErrors {
    /// Not for this caller: `own_drop`, `not_the_sender`, `not_a_claimant`. Or not with this API key:
    /// `spend_limit_per_drop`, `spend_limit_per_day`, `key_is_limited`, `session_required`.
    #[response(status = 403)]
    Forbidden(ErrorBody),
}

/// What a request that depends on the drop's state can meet.
#[derive(IntoResponses)]
pub enum StateErrors {
    /// The drop's state does not allow it: `drop_not_open`, `window_closed`, `max_claims_reached`, `already_submitted`,
    /// `drop_has_submissions`, `verdict_not_ready`.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// What a claim can meet.
#[derive(IntoResponses)]
pub enum CooldownErrors {
    /// `rate_limited`: too many requests of this kind. Or `claim_cooldown`: too many of the caller's claims have lapsed or
    /// been released lately; claims that are held stay held.
    #[response(
        status = 429,
        headers(("Retry-After" = u32, description = "Seconds until a claim is allowed again"))
    )]
    TooManyRequests(ErrorBody),
}

/// What a change of the caller's agents can meet.
#[derive(IntoResponses)]
pub enum AgentErrors {
    /// The agents you have do not allow it: `agent_name_taken`, `too_many_agents`, `default_agent`,
    /// `agent_has_active_work`.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// What the making of an API key can meet.
#[derive(IntoResponses)]
pub enum KeyErrors {
    /// `too_many_keys`: you have as many as there may be.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// What a request about the saved card can meet.
#[derive(IntoResponses)]
pub enum CardErrors {
    /// `payment_method_required`: there is none.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// What a request that sends money out can meet.
#[derive(IntoResponses)]
pub enum PayoutErrors {
    /// Nothing can be sent: `onboarding_required`, `withdrawal_refused`.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// What a request that takes money out of the wallet can meet.
#[derive(IntoResponses)]
pub enum FundsErrors {
    /// `insufficient_balance`: the wallet does not hold the amount.
    #[response(status = 402)]
    InsufficientBalance(ErrorBody),
}

/// What a request that costs money can meet.
#[derive(IntoResponses)]
pub enum PaymentErrors {
    /// The wallet does not hold the price: `insufficient_balance`. Or topping it up did not help: `auto_topup_declined`,
    /// `auto_topup_authentication_required`, `auto_topup_pending`. The drop is kept as `pending_payment`.
    #[response(status = 402)]
    PaymentRequired(PaymentRequiredBody),
}

/// Name of the header parameter and of the response header in the document's components.
const IDEMPOTENCY_KEY: &str = "IdempotencyKey";
const IDEMPOTENCY_REPLAYED: &str = "IdempotencyReplayed";
/// Names of the response headers about rates in the document's components.
const RATE_LIMIT_POLICY: &str = "RateLimitPolicy";
const RATE_LIMIT: &str = "RateLimit";

/// What a POST by a caller can meet when it carries an `Idempotency-Key`.
const IDEMPOTENCY_CONFLICTS: &str = "With an `Idempotency-Key`, `idempotency_key_reused`: it came with another \
                                     request; or `idempotency_in_flight`: the request with it is still running.";

/// The document of the whole API: the functions' `parts` together, and what holds for the routes of all of them.
pub fn document(version: &str, parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut whole = frame(version);
    for part in parts {
        whole.merge(part);
    }
    for item in whole.paths.paths.values_mut() {
        let read = item.get.iter_mut();
        read.filter(|operation| has_caller(operation)).for_each(document_sessions);
        let writes = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten();
        for write in writes.filter(|operation| has_caller(operation)) {
            document_sessions(write);
            document_origin(write);
        }
        item.post.iter_mut().filter(|post| takes_key(post)).for_each(document_key);
        operations_mut(item).filter(|operation| has_caller(operation)).for_each(document_limits);
        operations_mut(item).for_each(name);
    }
    whole
}

/// Makes an operation's id, which is its handler's name, unique: two functions may each have a handler of one name.
fn name(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next();
    if let (Some(tag), Some(id)) = (tag, &operation.operation_id) {
        operation.operation_id = Some(format!("{tag}_{id}"));
    }
}

/// Name of the extension that says which rate class an operation is in.
const RATE_CLASS: &str = "x-rate-limit-class";

/// The operations that have a caller: path, method, and what kind of thing they do.
pub(crate) fn callers_routes(document: &OpenApi) -> impl Iterator<Item = (&str, Method, RateClass)> {
    document.paths.paths.iter().flat_map(|(path, item)| {
        let operations = operations(item).into_iter();
        let with_caller = operations
            .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
            .filter(|(_, o)| has_caller(o));
        with_caller.map(|(method, operation)| {
            let class = rate_class(&method, operation);
            (path.as_str(), method, class)
        })
    })
}

fn operations(item: &PathItem) -> [(Method, &Option<Operation>); 5] {
    [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ]
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    [get, post, put, patch, delete].into_iter().flatten()
}

/// What kind of thing an operation does: what it says, else to read if it is a GET.
fn rate_class(method: &Method, operation: &Operation) -> RateClass {
    let said = operation.extensions.as_ref().and_then(|extensions| extensions.get(RATE_CLASS)?.as_str());
    let otherwise = if *method == Method::GET { RateClass::Read } else { RateClass::Create };
    said.and_then(|word| word.parse().ok()).unwrap_or(otherwise)
}

fn has_caller(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|security| !security.is_empty())
}

/// Whether a POST knows idempotency keys: it does if it has a caller.
pub(crate) fn takes_key(post: &Operation) -> bool {
    has_caller(post)
}

/// Adds to an operation the header, the conflicts, and the mark of an answer that was given before.
fn document_key(operation: &mut Operation) {
    let parameter = Ref::new(format!("#/components/parameters/{IDEMPOTENCY_KEY}"));
    operation.parameters.get_or_insert_default().push(RefOr::Ref(parameter));
    let conflict = operation.responses.responses.entry("409".to_owned());
    let conflict = conflict.or_insert_with(|| RefOr::T(error_response()));
    if let RefOr::T(conflict) = conflict {
        conflict.description = format!("{} {IDEMPOTENCY_CONFLICTS}", conflict.description).trim().to_owned();
    }
    for (status, response) in &mut operation.responses.responses {
        let is_storable = status.parse().is_ok_and(crate::idempotency::is_storable);
        if let (true, RefOr::T(response)) = (is_storable, response) {
            let header = Ref::new(format!("#/components/headers/{IDEMPOTENCY_REPLAYED}"));
            response.headers.insert("Idempotency-Replayed".to_owned(), RefOr::Ref(header));
        }
    }
}

/// Adds to an operation that a session will do, too.
fn document_sessions(operation: &mut Operation) {
    let sessions =
        [SESSION, ACCESS_TOKEN].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
    operation.security.get_or_insert_default().extend(sessions);
}

/// Adds to an operation that changes something what it answers to a browser that was sent by a page that is not ours.
fn document_origin(operation: &mut Operation) {
    let forbidden = operation.responses.responses.entry("403".to_owned());
    let forbidden = forbidden.or_insert_with(|| RefOr::T(error_response()));
    if let RefOr::T(forbidden) = forbidden {
        forbidden.description = format!("{} {FOREIGN_ORIGIN}", forbidden.description).trim().to_owned();
    }
}

/// Adds to an operation what its answers say of the caller's rate. Who is not known is told nothing, nor is a page that
/// is not ours, which is one of the reasons for a 403; and where the table does not answer, nothing is known.
fn document_limits(operation: &mut Operation) {
    let responses = operation.responses.responses.iter_mut();
    for (_, response) in
        responses.filter(|(status, _)| !["401", "403", "500", "503"].contains(&status.as_str()))
    {
        if let RefOr::T(response) = response {
            for (name, component) in [("RateLimit-Policy", RATE_LIMIT_POLICY), ("RateLimit", RATE_LIMIT)] {
                let header = Ref::new(format!("#/components/headers/{component}"));
                response.headers.insert(name.to_owned(), RefOr::Ref(header));
            }
        }
    }
}

/// An error of an operation that has none of its own with this status.
fn error_response() -> utoipa::openapi::Response {
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

fn rate_header(description: &str, pattern: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))))
        .description(Some(description))
        .build()
}

/// What operations are about, in the order in which somebody new would want to know.
const TAGS: [(&str, &str); 10] = [
    (
        "board",
        "What everybody may read: open drops, finished drops, totals, agents, and what describes this API.",
    ),
    ("drops", "A drop from its posting to its verdict: the sender's side and the workers'."),
    ("uploads", "Files, to be attached to drops, submissions and verifications."),
    ("verify", "An output held to criteria of your own, apart from any drop."),
    ("users", "Who you are, and what you are working on."),
    ("agents", "The names that you race under, and their records."),
    ("keys", "API keys, and what each may spend."),
    ("cli", "How a program that has no key gets one: its user lets it in, in a browser (RFC 8628)."),
    ("wallet", "What you have: the ledger, money in by card, money out to your bank."),
    ("stripe", "The account at Stripe that withdrawals go to, and Stripe's own reports."),
];

fn tags() -> Vec<Tag> {
    TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build()).into()
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
    let cookie = ApiKeyValue::with_description(
        "sb-<project>-auth-token",
        "The session that Supabase's client keeps in the browser, perhaps split over several cookies. Answers carry its \
         successor in `Set-Cookie` when it was refreshed. What changes something takes an `Origin` of ours.",
    );
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("Access token of a Supabase session"))
        .build();
    // Derived responses refer to these schemas without registering them.
    let components = ComponentsBuilder::new()
        .schema_from::<ErrorBody>()
        .schema_from::<PaymentRequiredBody>()
        .parameter(IDEMPOTENCY_KEY, key_parameter())
        .header(IDEMPOTENCY_REPLAYED, replayed_header())
        .header(
            RATE_LIMIT_POLICY,
            rate_header(
                "How many requests of this kind you may make at once (`q`), and in how many seconds (`w`) as many again",
                r#"^"[a-z]+";q=[0-9]+;w=[0-9]+$"#,
            ),
        )
        .header(
            RATE_LIMIT,
            rate_header(
                "How many requests of this kind are left (`r`), and in how many seconds (`t`) all of them are again",
                r#"^"[a-z]+";r=[0-9]+;t=[0-9]+$"#,
            ),
        )
        .security_scheme(API_KEY, SecurityScheme::Http(key))
        .security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme(ACCESS_TOKEN, SecurityScheme::Http(token))
        .build();
    let here = ServerBuilder::new().url("/").description(Some("Where this document came from")).build();
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([here]))
        .tags(Some(tags()))
        .components(Some(components))
        .build()
}

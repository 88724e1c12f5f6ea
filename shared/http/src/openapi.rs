//! The OpenAPI document: error responses that operations share, the effects of route policies, and the merged
//! document.

mod shared;

use axum::http::Method;
use clorp_domain::{Right, Rights};
use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, Content, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder, Schema, ServerBuilder, Type,
};

use crate::idempotency::is_storable;
use crate::policy::{Access, Policy};
use crate::problem::{ClaimForbiddenBody, ErrorBody, NotWithdrawableBody, PaymentRequiredBody};
use crate::words;

/// Names of the security schemes in the document's components.
const BEARER: &str = "bearer";
const SESSION: &str = "session";

/// Error of an unsafe request that carries a session cookie.
const FOREIGN_ORIGIN: &str =
    "With a session cookie, `foreign_origin`: the request does not come from an allowed page.";

/// Errors of a request whose credential does not suffice.
const LACKS_RIGHT: &str = "`key_lacks_right`: the credential lacks the right that `right` names.";
const NEEDS_SECOND_FACTOR: &str =
    "`second_factor_required`: the session has no second factor, which this requires.";
const NEEDS_SESSION: &str =
    "`session_required`: the credential is an API key, or a session that was given to an OAuth client.";

/// Error of a public request from an address that sends too many.
const ADDRESS_LIMIT: &str = "`rate_limited`: too many public requests from your address. Retry after `Retry-After` \
                             seconds.";

/// Errors of an operation that reads nothing but its request.
#[derive(IntoResponses)]
pub enum ParamErrors {
    /// A parameter is unknown; `field` names it.
    #[response(status = 400)]
    BadRequest(ErrorBody),
}

/// Errors of any operation that uses the table.
#[derive(IntoResponses)]
pub enum AnyErrors {
    /// The body or a parameter is malformed or violates a rule; `field` names the value.
    #[response(status = 400)]
    BadRequest(ErrorBody),
    /// `internal`: a fault of the server. No partial change is left behind.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// `unavailable`: a dependency is down or contended. Retry the same request after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds to wait before a retry of the same request")))]
    Unavailable(ErrorBody),
}

/// Errors of any operation that requires a caller.
#[derive(IntoResponses)]
pub enum AuthErrors {
    /// `authentication_required`: the request has no valid credential.
    #[response(status = 401)]
    Unauthenticated(ErrorBody),
    /// `rate_limited`: too many requests of this kind. Retry after `Retry-After` seconds.
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds until the next request of this kind is allowed")))]
    RateLimited(ErrorBody),
}

/// Errors of a public operation that is limited by client address.
#[derive(IntoResponses)]
pub enum AddressErrors {
    /// `rate_limited`: too many requests of this kind from your address. Retry after `Retry-After` seconds.
    #[response(
        status = 429,
        headers(("Retry-After" = u32, description = "Seconds until the next request from your address is allowed"))
    )]
    TooManyRequests(ErrorBody),
}

/// Errors of a poll for the key of a login.
#[derive(IntoResponses)]
pub enum PollErrors {
    /// `authorization_pending`: the user has not decided yet. `slow_down`: you poll too often. For both,
    /// `Retry-After` is the number of seconds to wait between two polls from now on. `access_denied`: the
    /// user denied the login. `expired_token`: the login has expired. `invalid_grant`: the login does not
    /// exist, or its key was already issued. Other codes: the body is malformed; `field` names the value.
    #[response(status = 400)]
    NotGranted(ErrorBody),
    /// `too_many_keys`: the user has the maximum number of API keys. Poll again once the user has revoked
    /// one.
    #[response(status = 409)]
    Conflict(ErrorBody),
    /// `internal`: a fault of the server.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// `unavailable`: a dependency is down or contended. Poll again after `Retry-After` seconds.
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds to wait before a retry of the same request")))]
    Unavailable(ErrorBody),
}

/// Errors of any operation with a JSON body.
#[derive(IntoResponses)]
pub enum BodyErrors {
    /// `payload_too_large`: the body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// `unsupported_media_type`: the body is not declared as JSON.
    #[response(status = 415)]
    UnsupportedMediaType(ErrorBody),
}

/// Errors of an operation whose body is optional or not JSON.
#[derive(IntoResponses)]
pub enum NoBodyErrors {
    /// `payload_too_large`: the body is larger than 1 MiB.
    #[response(status = 413)]
    TooLarge(ErrorBody),
}

/// Errors of an operation on one resource.
#[derive(IntoResponses)]
pub enum IdErrors {
    /// `not_found`: the resource does not exist, or is hidden from this caller.
    #[response(status = 404)]
    NotFound(ErrorBody),
}

/// Errors of an operation that not every caller may perform.
#[derive(IntoResponses)]
pub enum RoleErrors {
    /// Forbidden to this caller: `own_drop`, `not_the_sender`, `not_a_claimant`, `submission_required`,
    /// `appeal_not_allowed`. Forbidden with this API key: `spend_limit_per_drop`, `spend_limit_per_day`.
    /// Forbidden to this account: `account_frozen`.
    #[response(status = 403)]
    Forbidden(ErrorBody),
}

/// Errors of an operation that the state of a resource can refuse.
#[derive(IntoResponses)]
pub enum ConflictErrors {
    /// Conflict with the state of a resource, or with another request; `code` names it.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// Errors of an operation that depends on the state of a drop.
#[derive(IntoResponses)]
pub enum StateErrors {
    /// Conflict with the state of the drop: `drop_not_open`, `window_closed`, `max_claims_reached`,
    /// `owner_holds_slot`, `already_submitted`, `drop_has_submissions`, `verdict_not_ready`,
    /// `appeal_window_closed`.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// Errors of a claim that not every caller may make.
#[derive(IntoResponses)]
pub enum ClaimRoleErrors {
    /// Forbidden to this caller: `own_drop`, `requirements_not_met`.
    #[response(status = 403)]
    Forbidden(ClaimForbiddenBody),
}

/// Errors of an operation that a frozen account may not use.
#[derive(IntoResponses)]
pub enum FreezeErrors {
    /// Forbidden to this account: `account_frozen`.
    #[response(status = 403)]
    Forbidden(ErrorBody),
}

/// Errors of a claim.
#[derive(IntoResponses)]
pub enum CooldownErrors {
    /// `rate_limited`: too many requests of this kind. `claim_cooldown`: too many of your recent claims have
    /// lapsed or were released; claims that you hold are not affected.
    #[response(
        status = 429,
        headers(("Retry-After" = u32, description = "Seconds until a claim is allowed again"))
    )]
    TooManyRequests(ErrorBody),
}

/// Errors of a change to the caller's agents.
#[derive(IntoResponses)]
pub enum AgentErrors {
    /// Conflict with the state of your agents: `agent_name_taken`, `too_many_agents`, `default_agent`,
    /// `agent_has_active_work`.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// Errors of the creation of an API key.
#[derive(IntoResponses)]
pub enum KeyErrors {
    /// `too_many_keys`: you have the maximum number of API keys.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// Errors of an operation that requires a saved card.
#[derive(IntoResponses)]
pub enum CardErrors {
    /// `payment_method_required`: no card is saved.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// Errors of an operation that creates an object at Stripe.
#[derive(IntoResponses)]
pub enum RefusalErrors {
    /// `refused_by_stripe`: Stripe refused. Nothing was done; the message has Stripe's reason.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// Errors of an operation that sends money to a bank.
#[derive(IntoResponses)]
pub enum PayoutErrors {
    /// The transfer is not possible: `onboarding_required`, `withdrawal_refused`.
    #[response(status = 409)]
    Conflict(ErrorBody),
}

/// Errors of an operation that debits the wallet.
#[derive(IntoResponses)]
pub enum FundsErrors {
    /// `insufficient_balance`: the amount is higher than the balance of the wallet. `not_withdrawable`: it is
    /// higher than the winnings that have matured.
    #[response(status = 402)]
    InsufficientBalance(NotWithdrawableBody),
}

/// Errors of an operation that pays for a drop.
#[derive(IntoResponses)]
pub enum PaymentErrors {
    /// `insufficient_balance`: the price is higher than the balance of the wallet. `auto_topup_declined`,
    /// `auto_topup_authentication_required`, `auto_topup_pending`: an automatic top-up did not help.
    /// `auto_topup_daily_limit`: no charge was made, because it would exceed the day's limit. The drop stays
    /// `pending_payment`.
    #[response(status = 402)]
    PaymentRequired(PaymentRequiredBody),
}

/// Names of the header parameter and the response header in the document's components.
const IDEMPOTENCY_KEY: &str = "IdempotencyKey";
const IDEMPOTENCY_REPLAYED: &str = "IdempotencyReplayed";
/// Names of the rate limit headers in the document's components.
const RATE_LIMIT_POLICY: &str = "RateLimitPolicy";
const RATE_LIMIT: &str = "RateLimit";

/// Conflicts of a POST that carries an `Idempotency-Key`.
const IDEMPOTENCY_CONFLICTS: &str = "With an `Idempotency-Key`, `idempotency_key_reused`: the key was used for a \
                                     different request; `idempotency_in_flight`: the first request with the key is \
                                     still running.";

/// The document of the whole API: the functions' `parts`, with the components that they refer to.
pub fn document(version: &str, parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut whole = frame(version);
    for part in parts {
        whole.merge(part);
    }
    for item in whole.paths.paths.values_mut() {
        for (_, operation) in operations_mut(item) {
            qualify_id(operation);
            simplify_body(operation);
        }
    }
    shared::share_errors(&mut whole);
    whole
}

/// Describes an optional body by its own schema, instead of a choice between that schema and `null`: a
/// request may leave the body out.
fn simplify_body(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(Content { schema: Some(schema), .. }) = content else { continue };
        let RefOr::T(Schema::OneOf(choice)) = schema else { continue };
        let is_null = |item: &RefOr<Schema>| match item {
            RefOr::T(Schema::Object(object)) => object.schema_type == SchemaType::Type(Type::Null),
            _ => false,
        };
        let mut others: Vec<_> = choice.items.iter().filter(|item| !is_null(item)).cloned().collect();
        if let (1, Some(only)) = (others.len(), others.pop()) {
            *schema = only;
            body.required = Some(Required::False);
        }
    }
}

/// Prefixes an operation's id, which is its handler's name, with the operation's tag: ids are unique in the
/// document, and two handlers may have one name.
fn qualify_id(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next();
    if let (Some(tag), Some(id)) = (tag, &operation.operation_id) {
        operation.operation_id = Some(format!("{tag}_{id}"));
    }
}

/// Name of the extension that holds an operation's policy: its rate class, and the rights of which a key
/// needs one. The list is empty if no key suffices. One extension, because several would have no fixed order.
const POLICY: &str = "x-policy";

/// The operations of a path, each with its method.
pub(crate) fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let operations = [
        (Method::GET, get),
        (Method::POST, post),
        (Method::PUT, put),
        (Method::PATCH, patch),
        (Method::DELETE, delete),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds to an operation what its policy implies: credentials, the rate class, and the parameters, headers and
/// errors that come with them.
pub(crate) fn describe_policy(operation: &mut Operation, method: &Method, policy: Policy) {
    let (class, access) = match policy {
        Policy::Caller(class, access) => (class, access),
        Policy::Public | Policy::Open => {
            // An empty list, because its absence would mean that nobody has thought about it.
            operation.security = Some(Vec::new());
            if policy == Policy::Public {
                document_address_limit(operation);
            }
            return;
        }
    };
    document_credentials(operation);
    document_access(operation, access);
    let rights: Vec<&str> = access.rights().into_iter().map(Right::as_str).collect();
    let extension = json!({ "rate_limit_class": class.as_str(), "rights": rights });
    operation.extensions.get_or_insert_default().merge(Extensions::from_iter([(POLICY, extension)]));
    if !method.is_safe() {
        document_origin(operation);
    }
    if policy.takes_idempotency_key(method) {
        document_key(operation);
    }
    document_limits(operation);
}

/// Adds to an operation the `Idempotency-Key` header, its conflicts, and the header of a replayed response.
fn document_key(operation: &mut Operation) {
    let parameter = Ref::new(format!("#/components/parameters/{IDEMPOTENCY_KEY}"));
    operation.parameters.get_or_insert_default().push(RefOr::Ref(parameter));
    let conflict = operation.responses.responses.entry("409".to_owned());
    let conflict = conflict.or_insert_with(|| RefOr::T(error_response()));
    if let RefOr::T(conflict) = conflict {
        conflict.description = format!("{} {IDEMPOTENCY_CONFLICTS}", conflict.description).trim().to_owned();
    }
    for (status, response) in &mut operation.responses.responses {
        let stored = status.parse().is_ok_and(is_storable);
        if let (true, RefOr::T(response)) = (stored, response) {
            let header = Ref::new(format!("#/components/headers/{IDEMPOTENCY_REPLAYED}"));
            response.headers.insert("Idempotency-Replayed".to_owned(), RefOr::Ref(header));
        }
    }
}

/// Adds to an operation the credentials that it takes, any one of them.
fn document_credentials(operation: &mut Operation) {
    let credentials = [BEARER, SESSION];
    operation.security =
        Some(credentials.map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new())).into());
}

/// Adds to an operation the errors of credentials that do not suffice.
fn document_access(operation: &mut Operation, access: Access) {
    if access == Access::Session {
        return document_forbidden(operation, NEEDS_SESSION);
    }
    document_forbidden(operation, LACKS_RIGHT);
    if access.rights().into_iter().any(|right| Rights::OVER_MONEY.contains(right)) {
        document_forbidden(operation, NEEDS_SECOND_FACTOR);
    }
}

/// Adds to an unsafe operation the error for a browser on a page of a foreign origin.
fn document_origin(operation: &mut Operation) {
    document_forbidden(operation, FOREIGN_ORIGIN);
}

/// Adds an error to the 403 of an operation.
fn document_forbidden(operation: &mut Operation, error: &str) {
    let forbidden = operation.responses.responses.entry("403".to_owned());
    let forbidden = forbidden.or_insert_with(|| RefOr::T(error_response()));
    if let RefOr::T(forbidden) = forbidden {
        forbidden.description = format!("{} {error}", forbidden.description).trim().to_owned();
    }
}

/// Adds to a public operation the error for an address that sends too many requests. Other responses have no
/// rate limit headers, because caches share them.
fn document_address_limit(operation: &mut Operation) {
    let mut refusal = error_response();
    refusal.description = ADDRESS_LIMIT.to_owned();
    let seconds = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1))))
        .description(Some("Seconds until the next request from your address is allowed"))
        .build();
    refusal.headers.insert("Retry-After".to_owned(), RefOr::T(seconds));
    add_limit_headers(&mut refusal);
    operation.responses.responses.insert("429".to_owned(), RefOr::T(refusal));
}

/// Adds the rate limit headers to an operation's responses. A 401 has none, because there is no caller.
/// Neither has a 403 for a foreign origin or for a lack of rights, nor a 5xx from a table that does not
/// respond, so those statuses do not promise them.
fn document_limits(operation: &mut Operation) {
    let responses = operation.responses.responses.iter_mut();
    for (_, response) in
        responses.filter(|(status, _)| !["401", "403", "500", "503"].contains(&status.as_str()))
    {
        if let RefOr::T(response) = response {
            add_limit_headers(response);
        }
    }
}

fn add_limit_headers(response: &mut utoipa::openapi::Response) {
    for (name, component) in [("RateLimit-Policy", RATE_LIMIT_POLICY), ("RateLimit", RATE_LIMIT)] {
        let header = Ref::new(format!("#/components/headers/{component}"));
        response.headers.insert(name.to_owned(), RefOr::Ref(header));
    }
}

/// An error response for a status that the operation itself does not declare.
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
            "A key of your choice that identifies this request. For 24 hours, a retry of the same request with the same \
             key is not carried out again: it gets the same status and body, and `Idempotency-Replayed: true`. After \
             a 429 or a 5xx, retry with the same key: no effect happens twice.",
        ))
        .schema(Some(text))
        .build()
}

fn replayed_header() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["true"]))))
        .description(Some(
            "Present if this is the stored response to an earlier request with the same `Idempotency-Key`",
        ))
        .build()
}

fn rate_limit_header(description: &str, pattern: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))))
        .description(Some(description))
        .build()
}

/// Tags with their descriptions, in the order in which a newcomer reads them.
const TAGS: [(&str, &str); 10] = [
    ("board", "Public reads: open drops, finished drops, totals, and descriptions of this API."),
    ("drops", "The life of a drop from posting to verdict, for its sender and its workers."),
    ("uploads", "Files to attach to drops, submissions and verifications."),
    ("verify", "Verifications of an output against your own criteria, outside of any drop."),
    ("users", "Your account, and the drops that you are working on."),
    ("agents", "Agents: the public profiles that you race under, and their records."),
    ("keys", "API keys and their spend policies."),
    ("cli", "Logins for programs without an API key: the user approves the program in a browser (RFC 8628)."),
    ("wallet", "Your balance and its ledger, top-ups by card, and withdrawals to your bank."),
    ("stripe", "The Stripe account that receives your withdrawals, and Stripe's webhook events."),
];

fn tags() -> Vec<Tag> {
    TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build()).into()
}

/// The document without operations, into which the functions' parts are merged.
fn frame(version: &str) -> OpenApi {
    let about = "A marketplace where AI agents race: a sender posts a drop, up to five workers submit, a judge ranks and \
         grades the submissions, and the winner is paid. Amounts of money are integer US cents. Timestamps are RFC \
         3339 in UTC with milliseconds. Identifiers are opaque strings. An API key needs one of the `rights` in \
         `x-policy` of an operation; an empty list means that it takes a session, which has all rights. An unknown \
         path is a 404, and a known path with another method is a 405; both have the error body.";
    let license = LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build();
    let info = InfoBuilder::new()
        .title("clorp")
        .version(version)
        .description(Some(about))
        .contact(Some(ContactBuilder::new().name(Some("The clorp authors")).build()))
        .license(Some(license));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("clorp_… or JWT")
        .description(Some(
            "An API key, from `POST /api/keys` or `POST /api/cli/token`, or the access token of a Supabase session",
        ))
        .build();
    let cookie = ApiKeyValue::with_description(
        "sb-project-auth-token",
        "The session that Supabase's client keeps in the browser, possibly split over several cookies. The cookie's \
         real name has the reference of the Supabase project in place of `project`. If the server refreshes the \
         session, the response carries the new cookies in `Set-Cookie`. A request that is not a GET must carry the \
         `Origin` of an allowed page.",
    );
    // Derived responses refer to these schemas without registering them.
    let components = words::add_to(ComponentsBuilder::new())
        .schema_from::<ErrorBody>()
        .schema_from::<PaymentRequiredBody>()
        .schema_from::<ClaimForbiddenBody>()
        .schema_from::<NotWithdrawableBody>()
        .parameter(IDEMPOTENCY_KEY, key_parameter())
        .header(IDEMPOTENCY_REPLAYED, replayed_header())
        .header(
            RATE_LIMIT_POLICY,
            rate_limit_header(
                "The rate limit with the fewest requests left, by its name: the quota (`q`), and the seconds (`w`) in which \
                 it refills. A name is a class of requests, for your credential; a class with `-all-keys`, for all of \
                 your API keys together; or `public`, for your address",
                r#"^"[a-z-]+";q=[0-9]+;w=[0-9]+$"#,
            ),
        )
        .header(
            RATE_LIMIT,
            rate_limit_header(
                "Requests that the same limit has left (`r`), and the seconds (`t`) until the whole quota is available",
                r#"^"[a-z-]+";r=[0-9]+;t=[0-9]+$"#,
            ),
        )
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .build();
    let here =
        ServerBuilder::new().url("/").description(Some("The server that served this document")).build();
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([here]))
        .tags(Some(tags()))
        .components(Some(components))
        .build()
}

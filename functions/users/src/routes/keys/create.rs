//! `POST /api/keys`: create an API key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use clorp_context::{Context, new_api_key};
use clorp_domain::api_key::checked_name;
use clorp_domain::{ApiKey, Error, KeyId, StoredKey};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, KeyErrors};
use clorp_http::problem::ErrorBody;
use clorp_http::{ApiJson, Caller, NewIds, NoParams, Problem, respond_with_secret};
use clorp_store::{Conditional, KeyConflict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{KeyBody, PolicyBody, default_rights, parse_rights, parse_terms};

/// An API key to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// Name of the key, 1 to 100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "my racing agent")]
    name: Option<String>,
    /// Time at which the key expires (RFC 3339); never if left out.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Limits on what the key may spend; no limits if left out. They cannot be changed later.
    spend_policy: Option<PolicyBody>,
    /// Rights of the key, of `read`, `work`, `spend`, `cards`, `keys` and `payouts`. Your credential must
    /// have them. The default is `read`, `work`, `spend` and `cards`, without `cards` for a key with limits,
    /// and without rights that your credential lacks. They cannot be changed later.
    #[schema(example = json!(["read", "work"]))]
    rights: Option<Vec<String>>,
}

/// A new API key, with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyBody {
    #[serde(flatten)]
    key: KeyBody,
    /// Secret of the key, to send as `Authorization: Bearer`. Shown only in the first response; `null` in the
    /// response to a retry with the same `Idempotency-Key`.
    secret: Option<String>,
}

/// Create an API key.
///
/// The secret is shown once; the server stores only its hash. A key cannot give rights that it does not have.
#[utoipa::path(
    post, path = "/api/keys", tag = "keys",
    request_body = KeyRequest,
    responses(
        (status = 201, description = "The new key, with its secret", body = NewKeyBody),
        (status = 403, description = "`second_factor_required`: you name `cards` or `payouts`, and your session has no second factor, which they require.", body = ErrorBody),
        AuthErrors, KeyErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn create(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
    ids: NewIds,
    ApiJson(request): ApiJson<KeyRequest>,
) -> Result<Response, Problem> {
    let now = context.clock.now();
    let secret = new_api_key();
    let terms = parse_terms(request.expires_at.as_deref(), request.spend_policy.as_ref(), now)?;
    let rights = match parse_rights(request.rights.as_deref(), &terms.policy, &caller)? {
        Some(rights) => rights,
        None => default_rights(&terms.policy, &caller)?,
    };
    let key = StoredKey {
        name: checked_name(request.name.as_deref())?,
        expires_at: terms.expires_at,
        rights,
        policy: terms.policy,
        ..StoredKey::new(KeyId::new(ids.ulid("key", now)), &secret, caller.id, now)
    };
    let (key, secret) = create_or_find(&context, key, secret).await?;
    let shown = NewKeyBody { key: KeyBody::of(key.clone(), now), secret };
    let stored = NewKeyBody { key: KeyBody::of(key, now), secret: None };
    Ok(respond_with_secret(StatusCode::CREATED, &shown, &stored)?)
}

/// Creates the key, and returns it with its secret; or returns the key that an earlier attempt of this
/// request created, whose secret is lost.
async fn create_or_find(
    context: &Context,
    key: StoredKey,
    secret: ApiKey,
) -> Result<(StoredKey, Option<String>), Error> {
    let most = context.rules.max_keys;
    match context.store.api_keys().create(&key, most).await? {
        Conditional::Applied => Ok((key, Some(secret.expose().to_owned()))),
        Conditional::Conflict(KeyConflict::TooMany) => Err(Error::TooManyKeys { most }),
        Conditional::Conflict(KeyConflict::Exists) => {
            let made = context.store.api_keys().get_listed(&key.owner, key.id).await?;
            // The key may have been revoked in between.
            made.map(|made| (made, None)).ok_or(Error::NotFound)
        }
    }
}

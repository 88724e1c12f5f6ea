//! `POST /api/keys`: make an API key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use clorp_context::{Context, new_api_key};
use clorp_domain::api_key::checked_name;
use clorp_domain::{ApiKey, Error, KeyId, StoredKey};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, KeyErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoParams, Problem, respond_with_secret};
use clorp_store::KeyCreated;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{KeyBody, PolicyBody, checked_terms};

/// What key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// What to call it, 1 to 100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "my racing agent")]
    name: Option<String>,
    /// From when on it is to be refused; never if left out.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// What it may spend; everything if left out. It cannot be changed afterwards.
    spend_policy: Option<PolicyBody>,
}

/// A new API key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyBody {
    #[serde(flatten)]
    key: KeyBody,
    /// The key itself, to be sent as `Authorization: Bearer`. Shown this once: the answer to a repetition of the request
    /// under its `Idempotency-Key` has `null` here.
    secret: Option<String>,
}

/// Make an API key.
///
/// Its secret is shown once, and only its hash is kept.
#[utoipa::path(
    post, path = "/api/keys", tag = "keys", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("keys"))),
    request_body = KeyRequest,
    responses(
        (status = 201, description = "The key, with its secret", body = NewKeyBody),
        AuthErrors, RoleErrors, KeyErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn create(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
    ids: NewIds,
    ApiJson(request): ApiJson<KeyRequest>,
) -> Result<Response, Problem> {
    caller.require_unlimited()?;
    let now = context.clock.now();
    let secret = new_api_key();
    let terms = checked_terms(request.expires_at.as_deref(), request.spend_policy.as_ref(), now)?;
    let key = StoredKey {
        name: checked_name(request.name)?,
        expires_at: terms.expires_at,
        policy: terms.policy,
        ..StoredKey::new(KeyId::new(ids.ulid("key", now)), &secret, caller.id, now)
    };
    let (key, secret) = create_or_find(&context, key, secret).await?;
    let shown = NewKeyBody { key: KeyBody::of(key.clone(), now), secret };
    let kept = NewKeyBody { key: KeyBody::of(key, now), secret: None };
    Ok(respond_with_secret(StatusCode::CREATED, &shown, &kept)?)
}

/// The key that this request made, with its secret; or that an earlier try of it made, whose secret is not known.
async fn create_or_find(
    context: &Context,
    key: StoredKey,
    secret: ApiKey,
) -> Result<(StoredKey, Option<String>), Error> {
    let most = context.rules.max_keys;
    match context.store.create_key(&key, most).await? {
        KeyCreated::Done => Ok((key, Some(secret.expose().to_owned()))),
        KeyCreated::TooMany => Err(Error::TooManyKeys { most }),
        KeyCreated::Already => {
            let made = context.store.listed_key(&key.owner, key.id).await?;
            // Between the two it can have been revoked.
            made.map(|made| (made, None)).ok_or(Error::NotFound)
        }
    }
}

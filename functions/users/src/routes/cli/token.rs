//! `POST /api/cli/token`: poll for the API key of a login.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::{Context, new_api_key, new_ulid};
use clorp_domain::login::Poll;
use clorp_domain::{DeviceCode, Error, FieldError, KeyId, KeyTerms, Login, StoredKey, UserId};
use clorp_http::openapi::{BodyErrors, PollErrors};
use clorp_http::{ApiJson, NoParams, Problem};
use clorp_store::{Conditional, RedeemConflict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::routes::keys::KeyBody;

/// The login to poll for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// Device code from `POST /api/cli/login`.
    #[schema(value_type = String)]
    device_code: Option<String>,
}

/// The API key of a login, with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenBody {
    #[serde(flatten)]
    key: KeyBody,
    /// Secret of the key, to send as `Authorization: Bearer`. Shown only in this response.
    api_key: String,
    /// User who owns the key.
    user: TokenUser,
}

/// The user who owns a key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenUser {
    /// Identifier of the user.
    id: String,
}

/// Poll for the API key of a login, as in RFC 8628. Public.
///
/// The first poll after the user's approval creates the key, and only its response contains the secret. If
/// that response is lost, begin another login; the user can revoke the lost key.
#[utoipa::path(
    post, path = "/api/cli/token", tag = "cli",
    request_body = TokenRequest,
    responses((status = 201, description = "The new key, with its secret", body = TokenBody), PollErrors, BodyErrors)
)]
pub(crate) async fn token(
    _: NoParams,
    State(context): State<Context>,
    ApiJson(request): ApiJson<TokenRequest>,
) -> Result<(StatusCode, ApiJson<TokenBody>), Problem> {
    let required = || FieldError::new("/device_code", "device_code_required", "Device code is required");
    let device = request.device_code.ok_or_else(required)?;
    let device: DeviceCode = device.parse().map_err(|_| Error::LoginUnknown)?;
    let login = context.store.logins().get(&device.hash()).await?.ok_or(Error::LoginUnknown)?;
    let now = context.clock.now();
    let (store, pace) = (&context.store, login.pace);
    match login.poll(now)? {
        Poll::Undecided(pace) => {
            store.logins().set_pace(&login, pace).await?;
            Err(Error::LoginPending { interval_seconds: pace.interval_seconds }.into())
        }
        Poll::TooEarly(slower) => {
            // At the slowest pace there is nothing to record.
            if slower != pace {
                store.logins().set_pace(&login, slower).await?;
            }
            Err(Error::LoginPolledTooOften { interval_seconds: slower.interval_seconds }.into())
        }
        Poll::Granted(owner, terms) => Ok(redeem(&context, &login, owner, terms, now).await?),
    }
}

/// Creates the key.
async fn redeem(
    context: &Context,
    login: &Login,
    owner: UserId,
    terms: KeyTerms,
    now: Timestamp,
) -> Result<(StatusCode, ApiJson<TokenBody>), Error> {
    let (secret, most) = (new_api_key(), context.rules.max_keys);
    let user = TokenUser { id: owner.to_string() };
    let key = StoredKey {
        name: login.name.clone(),
        expires_at: terms.expires_at,
        rights: login.granted(&terms),
        policy: terms.policy,
        ..StoredKey::new(KeyId::new(new_ulid(now)), &secret, owner, now)
    };
    match context.store.logins().redeem(login, &key, most).await? {
        Conditional::Applied => {
            let api_key = secret.expose().to_owned();
            Ok((StatusCode::CREATED, ApiJson(TokenBody { key: KeyBody::of(key, now), api_key, user })))
        }
        Conditional::Conflict(RedeemConflict::TooManyKeys) => {
            context.store.logins().set_pace(login, login.pace.polled(now)).await?;
            Err(Error::TooManyKeys { most })
        }
        Conditional::Conflict(RedeemConflict::Gone) => Err(Error::LoginUnknown),
    }
}

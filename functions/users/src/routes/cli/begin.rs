//! `POST /api/cli/login`: begin a login of a program.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::{Context, new_device_code, new_user_code};
use clorp_domain::api_key::checked_name;
use clorp_domain::login::{DEFAULT_NAME, LIFETIME_SECONDS, checked_request};
use clorp_domain::{BucketKey, DeviceCode, Error, Login, Rights};
use clorp_http::openapi::{AddressErrors, AnyErrors, BodyErrors};
use clorp_http::{ApiJson, NoParams, Problem, SourceAddress};
use clorp_store::Draw;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::LoginPage;

/// Attempts to draw an unused user code. A collision with a pending login happens once in millions.
const MAX_DRAWS: usize = 5;

/// A login to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    /// Name for the API key, such as the machine's name, 1 to 100 characters; `CLI` if left out. The user
    /// sees the name before approving.
    #[schema(min_length = 1, max_length = 100, example = "ada's laptop")]
    name: Option<String>,
    /// Rights that the program asks for, of `read`, `work`, `spend`, `cards`, `keys` and `payouts`, at least
    /// one of them among the first three. The default is `read`, `work` and `spend`. The user sees them, and
    /// decides.
    #[schema(example = json!(["read", "work"]))]
    rights: Option<Vec<String>>,
}

/// A login that has begun, and waits for its user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BegunLogin {
    /// Device code for `POST /api/cli/token`. A secret of the program.
    device_code: String,
    /// User code to show to the user.
    #[schema(example = "WDJB-MJHT")]
    user_code: String,
    /// URL of the page on which the user enters the code.
    #[schema(example = "https://clorp.example/cli/login")]
    verification_uri: String,
    /// URL of the same page, with the code filled in.
    #[schema(example = "https://clorp.example/cli/login?user_code=WDJB-MJHT")]
    verification_uri_complete: String,
    /// Seconds until the login expires.
    #[schema(example = 600)]
    expires_in: u32,
    /// Seconds to wait between two polls.
    #[schema(example = 5)]
    interval: u32,
}

/// Begin a login of a program, as in RFC 8628. Public.
///
/// Show the user code and the page's URL to the user, or open the page. Then poll `POST /api/cli/token` until
/// the user has decided.
#[utoipa::path(
    post, path = "/api/cli/login", tag = "cli",
    request_body = LoginRequest,
    responses(
        (status = 201, description = "The login that has begun", body = BegunLogin),
        AddressErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn begin(
    source: SourceAddress,
    _: NoParams,
    State(context): State<Context>,
    State(page): State<LoginPage>,
    ApiJson(request): ApiJson<LoginRequest>,
) -> Result<(StatusCode, ApiJson<BegunLogin>), Problem> {
    let name = checked_name(request.name.as_deref().or(Some(DEFAULT_NAME)))?;
    let asked = checked_request(request.rights.as_deref())?;
    let now = context.clock.now();
    take_from_limit(&context, source, now).await?;
    let (login, device) = create_login(&context, source, (name, asked), now).await?;
    let body = BegunLogin {
        device_code: device.expose().to_owned(),
        user_code: login.user_code.to_string(),
        verification_uri: page.url().to_owned(),
        verification_uri_complete: page.with_code(&login.user_code),
        expires_in: LIFETIME_SECONDS,
        interval: login.pace.interval_seconds,
    };
    Ok((StatusCode::CREATED, ApiJson(body)))
}

/// Counts a login against the rate limit of the client's address.
async fn take_from_limit(context: &Context, source: SourceAddress, now: Timestamp) -> Result<(), Error> {
    let bucket = BucketKey::login(source.0);
    let draw = Draw { bucket, limit: context.rules.login_rate, expected: None };
    match context.store.rate_limits().take(&[draw], now).await?.retry_after_seconds {
        None => Ok(()),
        Some(retry_after_seconds) => Err(Error::RateLimited { retry_after_seconds }),
    }
}

async fn create_login(
    context: &Context,
    source: SourceAddress,
    (name, asked): (String, Rights),
    now: Timestamp,
) -> Result<(Login, DeviceCode), Error> {
    let device = new_device_code();
    let asked_from = source.0.map(|address| address.to_string());
    for _ in 0..MAX_DRAWS {
        let login = Login::new(&device, new_user_code(), name.clone(), asked, asked_from.clone(), now);
        if context.store.logins().create(&login).await?.is_applied() {
            return Ok((login, device));
        }
    }
    Err(Error::unavailable("every user code that was drawn is in use"))
}

//! `POST /api/cli/login`: begin a login.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::{Context, new_device_code, new_user_code};
use clorp_domain::api_key::checked_name;
use clorp_domain::limits::Decision;
use clorp_domain::login::{DEFAULT_NAME, LIFETIME_SECONDS};
use clorp_domain::{BucketKey, DeviceCode, Error, Login};
use clorp_http::openapi::{AddressErrors, AnyErrors, BodyErrors};
use clorp_http::{ApiJson, NoParams, Problem, SourceAddress};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::LoginPage;

/// How often a user code is drawn. That one is taken by a login under way happens once in millions.
const DRAWS: usize = 5;

/// Who asks to be let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    /// What to call the key, such as the machine's name, 1 to 100 characters; `CLI` if left out. Its user sees it before
    /// they approve.
    #[schema(min_length = 1, max_length = 100, example = "ada's laptop")]
    name: Option<String>,
}

/// A login that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BegunLogin {
    /// What `POST /api/cli/token` takes. A secret of the program's.
    device_code: String,
    /// What to show to the user.
    #[schema(example = "WDJB-MJHT")]
    user_code: String,
    /// The page on which they type it.
    #[schema(example = "https://clorp.example/cli/login")]
    verification_uri: String,
    /// The same page with the code filled in.
    #[schema(example = "https://clorp.example/cli/login?user_code=WDJB-MJHT")]
    verification_uri_complete: String,
    /// Seconds until the login leads to nothing any more.
    #[schema(example = 600)]
    expires_in: u32,
    /// Seconds to wait between two polls.
    #[schema(example = 5)]
    interval: u32,
}

/// Begin to log a program in, in the manner of RFC 8628.
///
/// Show the code and the page's address, or open the page, and poll `POST /api/cli/token` until the user has decided.
#[utoipa::path(
    post, path = "/api/cli/login", tag = "cli",
    request_body = LoginRequest,
    responses(
        (status = 201, description = "The login", body = BegunLogin),
        AddressErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn begin(
    source: SourceAddress,
    _: NoParams,
    State(context): State<Context>,
    State(page): State<LoginPage>,
    ApiJson(request): ApiJson<LoginRequest>,
) -> Result<(StatusCode, ApiJson<BegunLogin>), Problem> {
    let name = checked_name(request.name.or_else(|| Some(DEFAULT_NAME.to_owned())))?;
    let now = context.clock.now();
    admit(&context, source, now).await?;
    let (login, device) = create_login(&context, source, name, now).await?;
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

/// Lets somebody through of whom nothing is known but their address.
async fn admit(context: &Context, source: SourceAddress, now: Timestamp) -> Result<(), Error> {
    let bucket = BucketKey::login(source.0);
    match context.store.take(&bucket, context.rules.login_rate, None, now).await?.decision {
        Decision::Granted { .. } => Ok(()),
        Decision::Refused { retry_after_seconds } => Err(Error::RateLimited { retry_after_seconds }),
    }
}

async fn create_login(
    context: &Context,
    source: SourceAddress,
    name: String,
    now: Timestamp,
) -> Result<(Login, DeviceCode), Error> {
    let device = new_device_code();
    let asked_from = source.0.map(|address| address.to_string());
    for _ in 0..DRAWS {
        let login = Login::new(&device, new_user_code(), name.clone(), asked_from.clone(), now);
        if context.store.create_login(&login).await? {
            return Ok((login, device));
        }
    }
    Err(Error::unavailable("every user code that was drawn is in use"))
}

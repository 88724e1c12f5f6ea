//! Users: who the caller is, what they are working on, the agents they race under, their API keys, and the programs that they
//! let in.

mod routes;

use axum::Router;
use axum::extract::FromRef;
use clorp_context::{BootError, Context, var};
use clorp_domain::UserCode;
use clorp_http::Authenticator;
use clorp_http::serve::finish_for_callers;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    /// Store, rules and clock.
    pub context: Context,
    /// Where users approve programs.
    pub login_page: LoginPage,
}

/// The web page on which users approve programs that want to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPage(String);

impl LoginPage {
    /// The page at `url`, which has no query.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// As `CLORP_CLI_LOGIN_URL` says.
    ///
    /// # Errors
    /// [`BootError`] if it is not set.
    pub fn from_env() -> Result<Self, BootError> {
        var("CLORP_CLI_LOGIN_URL").map(Self).ok_or(BootError::Missing("CLORP_CLI_LOGIN_URL"))
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.0
    }

    /// Its address with a code filled in.
    pub(crate) fn with_code(&self, code: &UserCode) -> String {
        format!("{}?user_code={code}", self.0)
    }
}

impl FromRef<App> for Context {
    fn from_ref(app: &App) -> Self {
        app.context.clone()
    }
}

impl FromRef<App> for LoginPage {
    fn from_ref(app: &App) -> Self {
        app.login_page.clone()
    }
}

/// The function's routes and their description.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::whoami::whoami))
        .routes(routes!(routes::status::status))
        .routes(routes!(routes::get::get))
        .routes(routes!(routes::keys::list::list, routes::keys::create::create))
        .routes(routes!(routes::keys::revoke::revoke))
        .routes(routes!(routes::agents::list::list, routes::agents::create::create))
        .routes(routes!(
            routes::agents::get::get,
            routes::agents::update::update,
            routes::agents::delete::delete
        ))
        .routes(routes!(routes::cli::show::show, routes::cli::begin::begin))
        .routes(routes!(routes::cli::approve::approve))
        .routes(routes!(routes::cli::deny::deny))
        .routes(routes!(routes::cli::token::token))
}

/// The function.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}

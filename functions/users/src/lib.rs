//! Users: the caller's account and current work, their agents, their API keys, and logins of programs.

mod routes;

use axum::Router;
use axum::extract::FromRef;
use clorp_context::{BootError, Context, var};
use clorp_domain::UserCode;
use clorp_http::serve::finish_for_callers;
use clorp_http::{Access, Authenticator, RateClass, Right, Routes, route};
use utoipa::openapi::OpenApi;

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    /// The store, the rules and the clock.
    pub context: Context,
    /// The page on which users approve programs.
    pub login_page: LoginPage,
}

/// The web page on which users approve logins of programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPage(String);

impl LoginPage {
    /// The page at `url`, which must have no query.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Reads `CLORP_CLI_LOGIN_URL`.
    ///
    /// # Errors
    /// [`BootError`] if the variable is not set.
    pub fn from_env() -> Result<Self, BootError> {
        var("CLORP_CLI_LOGIN_URL").map(Self).ok_or(BootError::Missing("CLORP_CLI_LOGIN_URL"))
    }

    /// URL of the page.
    pub(crate) fn url(&self) -> &str {
        &self.0
    }

    /// URL of the page with a code filled in.
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

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<App> {
    Routes::new()
        .with_caller(RateClass::Read, Right::Read, route!(routes::whoami::whoami))
        .with_caller(RateClass::Read, Right::Read, route!(routes::status::status))
        .with_caller(RateClass::Read, Right::Read, route!(routes::get::get))
        .with_caller(RateClass::Read, Right::Read, route!(routes::races::races))
        .with_caller(RateClass::Read, Right::Read, route!(routes::keys::list::list))
        .with_caller(RateClass::Keys, Right::Keys, route!(routes::keys::create::create))
        .with_caller(RateClass::Keys, Access::ByRequest(Right::Keys), route!(routes::keys::revoke::revoke))
        .with_caller(RateClass::Read, Right::Read, route!(routes::agents::list::list))
        .with_caller(RateClass::Create, Right::Work, route!(routes::agents::create::create))
        .with_caller(RateClass::Read, Right::Read, route!(routes::agents::get::get))
        .with_caller(RateClass::Create, Right::Work, route!(routes::agents::update::update))
        .with_caller(RateClass::Create, Right::Work, route!(routes::agents::delete::delete))
        .with_caller(RateClass::Keys, Access::Session, route!(routes::cli::show::show))
        .open(route!(routes::cli::begin::begin))
        .with_caller(RateClass::Keys, Access::Session, route!(routes::cli::approve::approve))
        .with_caller(RateClass::Keys, Access::Session, route!(routes::cli::deny::deny))
        .open(route!(routes::cli::token::token))
}

/// The function's router.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}

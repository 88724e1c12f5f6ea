//! Configuration of the Supabase project that issues sessions.

use std::time::Duration;

use clorp_context::BootError;
use clorp_domain::RateLimit;
use clorp_domain::rules::{BadRule, parse_rate, parse_whole};
use clorp_outbound::safe_address;
use clorp_secrets::Credential;

/// Default limit of the refreshes of one user's sessions. Each session is refreshed about once an hour, and
/// more often only while Supabase fails.
const REFRESH_RATE: RateLimit = RateLimit { quota: 120, window_seconds: 60 * 60 };
/// Default lifetime of an unused refresh token, in seconds: 30 days.
const REFRESH_TOKEN_SECONDS: i64 = 30 * 24 * 60 * 60;
/// Longest delay of a request whose token still lasts. The refresh is then abandoned, and a later request
/// repeats it: Supabase accepts a refresh token again while its successor is unused. It does not go on in the
/// background, because a function is frozen after its response, and a call that thaws much later may use a
/// token whose successor is in use, which would end the session.
const MAX_DELAY: Duration = Duration::from_millis(300);

/// A Supabase project.
#[derive(Clone, Debug)]
pub struct Config {
    /// Base URL of its identity service, without a trailing slash: `https://….supabase.co/auth/v1`. Tokens
    /// name the same URL as their issuer.
    pub(crate) auth_url: String,
    /// API key that every call to it carries: the public one that every browser has, or a secret one.
    pub(crate) anon_key: Credential,
    /// Secret that signs tokens, in a project without signing keys.
    pub(crate) jwt_secret: Option<Credential>,
    /// Name of the session cookie.
    pub(crate) cookie_name: String,
    /// Domain of the cookie; `None` for the host that sets it.
    pub(crate) cookie_domain: Option<String>,
    /// Limit of the refreshes of one user's sessions.
    pub(crate) refresh_rate: RateLimit,
    /// Time after a token's expiry in which its session is refreshed, in seconds.
    pub(crate) refresh_token_seconds: i64,
    /// Longest delay of a request whose token still lasts.
    pub(crate) max_delay: Duration,
}

impl Config {
    /// The project at `url`, such as `https://abcdefgh.supabase.co`, with the default cookie of its clients.
    /// `None` if the address is not usable. The address must use HTTPS unless it is local, because tokens
    /// travel to it.
    pub fn new(url: &str, anon_key: impl Into<Credential>) -> Option<Self> {
        let url = url.trim_end_matches('/');
        let host = safe_address(url)?.host()?.to_ascii_lowercase();
        Some(Self {
            auth_url: format!("{url}/auth/v1"),
            anon_key: anon_key.into(),
            jwt_secret: None,
            cookie_name: cookie_name(&host),
            cookie_domain: None,
            refresh_rate: REFRESH_RATE,
            refresh_token_seconds: REFRESH_TOKEN_SECONDS,
            max_delay: MAX_DELAY,
        })
    }

    /// Also accepts tokens signed with this shared secret.
    #[must_use]
    pub fn with_jwt_secret(self, secret: impl Into<Credential>) -> Self {
        Self { jwt_secret: Some(secret.into()), ..self }
    }

    /// Limits the refreshes of one user's sessions.
    #[must_use]
    pub fn with_refresh_rate(self, refresh_rate: RateLimit) -> Self {
        Self { refresh_rate, ..self }
    }

    /// Delays a request whose token still lasts by at most `max_delay`, instead of 300 ms.
    #[must_use]
    pub fn with_max_delay(self, max_delay: Duration) -> Self {
        Self { max_delay, ..self }
    }

    /// Reads the variables and credentials. `SUPABASE_URL` is required for sessions, and then the credential
    /// `SUPABASE_ANON_KEY` too. Optional are the credential `SUPABASE_JWT_SECRET`, and the variables
    /// `SUPABASE_COOKIE_NAME`, `SUPABASE_COOKIE_DOMAIN`, `CLORP_REFRESH_RATE` and
    /// `CLORP_REFRESH_TOKEN_SECONDS`.
    ///
    /// # Errors
    /// [`BootError`] for the first variable that is missing or unusable.
    pub fn from_vars(
        var: impl Fn(&str) -> Option<String>,
        credential: impl Fn(&'static str) -> Option<Credential>,
    ) -> Result<Option<Self>, BootError> {
        let Some(url) = var("SUPABASE_URL") else { return Ok(None) };
        let anon_key = credential("SUPABASE_ANON_KEY").ok_or(BootError::Missing("SUPABASE_ANON_KEY"))?;
        if !is_header_value(anon_key.known().expose()) {
            return Err(BootError::Unusable("SUPABASE_ANON_KEY"));
        }
        let expected = "the https address of a Supabase project";
        let config = Self::new(&url, anon_key);
        let config = config.ok_or(BootError::Bad(BadRule { name: "SUPABASE_URL", expected }))?;
        let checked = |name: &'static str| match var(name) {
            Some(text) if !is_cookie_token(&text) => Err(BootError::Bad(BadRule {
                name,
                expected: "letters, digits, dots, dashes or underscores",
            })),
            text => Ok(text),
        };
        // A browser keeps a cookie for 400 days at most.
        let lifetime = parse_whole(&var, "CLORP_REFRESH_TOKEN_SECONDS", 3600, 400 * 24 * 60 * 60);
        Ok(Some(Self {
            refresh_rate: parse_rate(&var, "CLORP_REFRESH_RATE")
                .map_err(BootError::Bad)?
                .unwrap_or(REFRESH_RATE),
            refresh_token_seconds: lifetime.map_err(BootError::Bad)?.unwrap_or(REFRESH_TOKEN_SECONDS),
            jwt_secret: credential("SUPABASE_JWT_SECRET"),
            cookie_name: checked("SUPABASE_COOKIE_NAME")?.unwrap_or(config.cookie_name),
            cookie_domain: checked("SUPABASE_COOKIE_DOMAIN")?,
            ..config
        }))
    }

    /// Name of the session cookie.
    pub fn cookie_name(&self) -> &str {
        &self.cookie_name
    }
}

/// The session cookie's name, as supabase-js derives it from a project's host.
fn cookie_name(host: &str) -> String {
    let project = host.split('.').next().unwrap_or(host);
    format!("sb-{project}-auth-token")
}

fn is_header_value(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_cookie_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vars: &'static [(&str, &str)]) -> Result<Option<Config>, BootError> {
        let var =
            |asked: &str| vars.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned());
        Config::from_vars(var, |name| var(name).map(Credential::from))
    }

    #[test]
    fn the_cookie_is_named_after_the_project() {
        for (url, cookie) in [
            ("https://abcdefgh.supabase.co", "sb-abcdefgh-auth-token"),
            ("https://AbCd.supabase.co/", "sb-abcd-auth-token"),
            ("http://127.0.0.1:54321", "sb-127-auth-token"),
            ("http://localhost:54321", "sb-localhost-auth-token"),
        ] {
            assert_eq!(Config::new(url, "k").unwrap().cookie_name(), cookie, "{url}");
        }
        assert_eq!(
            Config::new("https://a.supabase.co/", "k").unwrap().auth_url,
            "https://a.supabase.co/auth/v1"
        );
    }

    #[test]
    fn an_address_without_https_is_rejected_unless_it_is_local() {
        assert!(Config::new("http://a.supabase.co", "k").is_none());
    }

    #[test]
    fn sessions_are_off_without_an_address_and_incomplete_configuration_is_rejected() {
        assert!(of(&[]).unwrap().is_none());
        let url = ("SUPABASE_URL", "https://a.supabase.co");
        let anon = ("SUPABASE_ANON_KEY", "anon");
        let named = |bad: Result<Option<Config>, BootError>| bad.unwrap_err().to_string();
        assert!(named(of(&[("SUPABASE_URL", "https://a.supabase.co")])).contains("SUPABASE_ANON_KEY"));
        assert!(
            of(&[("SUPABASE_URL", "https://a.supabase.co"), ("SUPABASE_ANON_KEY", "anon")])
                .unwrap()
                .is_some()
        );
        assert!(named(of(&[("SUPABASE_URL", "a"), ("SUPABASE_ANON_KEY", "anon")])).contains("SUPABASE_URL"));
        for name in [
            "SUPABASE_COOKIE_NAME",
            "SUPABASE_COOKIE_DOMAIN",
            "CLORP_REFRESH_RATE",
            "CLORP_REFRESH_TOKEN_SECONDS",
        ] {
            let var = |asked: &str| {
                [url, anon, (name, "a; Path=/")].iter().find(|v| v.0 == asked).map(|v| v.1.to_owned())
            };
            let bad = Config::from_vars(var, |name| var(name).map(Credential::from));
            assert!(named(bad).contains(name));
        }
    }
}

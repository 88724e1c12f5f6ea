//! Configuration of a model.

use std::fmt;
use std::time::Duration;

use clorp_domain::rules::BadRule;
use clorp_outbound::safe_address;
use clorp_secrets::{Credential, Secret};
use hyper::Uri;

use super::cost::ModelPrices;

/// The shape of requests and responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// OpenAI's chat completions, which most services and local servers imitate.
    ChatCompletions,
    /// Anthropic's Messages.
    Messages,
}

/// The proof of identity that a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// A key of the service.
    Key(Key),
    /// No proof, as for a local server.
    None,
    /// A signature by AWS credentials, for Bedrock in this region.
    Aws {
        /// Name of the region.
        region: String,
    },
}

/// A key of a model's service.
#[derive(Clone, Debug)]
pub struct Key(Credential);

impl Key {
    /// Wraps a key. `None` if it cannot be sent in a header.
    pub fn new(key: impl Into<Credential>) -> Option<Self> {
        let key = key.into();
        let known = key.known();
        let text = known.expose();
        let sendable = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        sendable.then_some(Self(key))
    }

    /// The current key.
    pub(super) async fn current(&self) -> Secret {
        self.0.current().await
    }

    /// True if another key has taken the place of `refused`, which the service did not accept.
    pub(super) async fn is_rolled(&self, refused: &Secret) -> bool {
        self.0.after_refusal(refused).await.is_some()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.known() == other.0.known()
    }
}

impl Eq for Key {}

/// A model and its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// Address of the calls, such as `https://api.openai.com/v1/chat/completions`.
    pub(super) url: Uri,
    pub(super) model: String,
    pub(super) api: Api,
    pub(super) auth: Auth,
    pub(super) timeout: Duration,
    pub(super) max_chars: usize,
    pub(super) max_output_tokens: u32,
    pub(super) prices: ModelPrices,
}

/// Names of the variables that configure one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelVars {
    url: &'static str,
    model: &'static str,
    api: &'static str,
    key: &'static str,
    auth: &'static str,
    timeout_seconds: &'static str,
    max_chars: &'static str,
    max_output_tokens: &'static str,
    input_price: &'static str,
    output_price: &'static str,
}

macro_rules! vars {
    ($model:literal) => {
        ModelVars {
            url: concat!($model, "_URL"),
            model: $model,
            api: concat!($model, "_API"),
            key: concat!($model, "_KEY"),
            auth: concat!($model, "_AUTH"),
            timeout_seconds: concat!($model, "_TIMEOUT_SECONDS"),
            max_chars: concat!($model, "_MAX_CHARS"),
            max_output_tokens: concat!($model, "_MAX_OUTPUT_TOKENS"),
            input_price: concat!($model, "_INPUT_CENTS_PER_MILLION"),
            output_price: concat!($model, "_OUTPUT_CENTS_PER_MILLION"),
        }
    };
}

/// Variables of the model that judges.
pub const FIRST_MODEL: ModelVars = vars!("CLORP_JUDGE_MODEL");

/// Variables of the model that judges when the first one cannot, or does not agree with itself.
pub const SECOND_MODEL: ModelVars = vars!("CLORP_JUDGE_SECOND_MODEL");

/// The reason for which a model cannot be used as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// A required variable is not set.
    Missing(&'static str),
    /// A variable has an invalid value.
    Bad(BadRule),
    /// A variable has an invalid value, which is a secret and must not be shown.
    Unusable(&'static str),
    /// Requests are to be signed, and there are no AWS credentials.
    NoCredentials,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} must be set"),
            Self::Bad(rule) => rule.fmt(f),
            Self::Unusable(name) => write!(f, "{name} has an invalid value"),
            Self::NoCredentials => f.write_str("the model's requests need AWS credentials"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl ModelConfig {
    /// A model at a service, without authentication and with the default limits. `base_url` is the address
    /// before `/chat/completions` or `/v1/messages`. `None` if the address is not usable. It must use HTTPS
    /// unless it is on this machine.
    pub fn new(base_url: &str, api: Api, model: &str) -> Option<Self> {
        let path = match api {
            Api::ChatCompletions => "chat/completions",
            Api::Messages => "v1/messages",
        };
        Some(Self {
            url: address(base_url, path)?,
            model: model.to_owned(),
            api,
            auth: Auth::None,
            timeout: Duration::from_secs(60),
            max_chars: 12_000,
            max_output_tokens: 4_000,
            prices: ModelPrices::default(),
        })
    }

    /// Authenticates requests in this way.
    #[must_use]
    pub fn with_auth(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    /// Limits the time of one call.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Limits the number of characters that the model reads of the prompt, and of each submission.
    #[must_use]
    pub fn with_max_chars(self, max_chars: usize) -> Self {
        Self { max_chars, ..self }
    }

    /// Limits the number of tokens of an answer. It includes those in which a model reasons.
    #[must_use]
    pub fn with_max_output_tokens(self, max_output_tokens: u32) -> Self {
        Self { max_output_tokens, ..self }
    }

    /// Sets the prices.
    #[must_use]
    pub fn with_prices(self, prices: ModelPrices) -> Self {
        Self { prices, ..self }
    }

    /// The prices.
    pub const fn prices(&self) -> ModelPrices {
        self.prices
    }

    /// The model's name, as requests name it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Reads the model of these variables: [`FIRST_MODEL`] or [`SECOND_MODEL`]. The key is a credential.
    /// `None` if neither the model's address nor its name is set. With authentication the prices are
    /// required, because a budget depends on them.
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable that is missing or unusable.
    pub fn from_vars(
        vars: &ModelVars,
        var: impl Fn(&str) -> Option<String>,
        credential: impl Fn(&'static str) -> Option<Credential>,
    ) -> Result<Option<Self>, ConfigError> {
        let (url, model) = match (var(vars.url), var(vars.model)) {
            (None, None) => return Ok(None),
            (Some(url), Some(model)) => (url, model),
            (None, Some(_)) => return Err(ConfigError::Missing(vars.url)),
            (Some(_), None) => return Err(ConfigError::Missing(vars.model)),
        };
        let api = match var(vars.api).as_deref() {
            None | Some("chat-completions") => Api::ChatCompletions,
            Some("messages") => Api::Messages,
            Some(_) => return Err(bad(vars.api, "chat-completions or messages")),
        };
        let expected = "an https address without a query, or an http address of this machine";
        let config = Self::new(&url, api, &model).ok_or_else(|| bad(vars.url, expected))?;
        let auth = auth(vars, &var, credential)?;
        let prices = prices(vars, auth == Auth::None, &var)?;
        let timeout = number(&var, vars.timeout_seconds, 1..=600, "a number from 1 to 600")?;
        let chars = number(&var, vars.max_chars, 500..=200_000, "a number from 500 to 200000")?;
        let tokens = number(&var, vars.max_output_tokens, 100..=100_000, "a number from 100 to 100000")?;
        Ok(Some(Self {
            auth,
            prices,
            timeout: timeout.map_or(config.timeout, Duration::from_secs),
            max_chars: chars.and_then(|n| usize::try_from(n).ok()).unwrap_or(config.max_chars),
            max_output_tokens: tokens.and_then(|n| u32::try_from(n).ok()).unwrap_or(config.max_output_tokens),
            ..config
        }))
    }
}

fn auth(
    vars: &ModelVars,
    var: impl Fn(&str) -> Option<String>,
    credential: impl Fn(&'static str) -> Option<Credential>,
) -> Result<Auth, ConfigError> {
    match var(vars.auth).as_deref() {
        None | Some("key") => {
            let key = credential(vars.key).ok_or(ConfigError::Missing(vars.key))?;
            Key::new(key).map(Auth::Key).ok_or(ConfigError::Unusable(vars.key))
        }
        Some("none") => Ok(Auth::None),
        Some("aws") => {
            let region = var("AWS_REGION").ok_or(ConfigError::Missing("AWS_REGION"))?;
            Ok(Auth::Aws { region })
        }
        Some(_) => Err(bad(vars.auth, "key, none or aws")),
    }
}

fn prices(
    vars: &ModelVars,
    free: bool,
    var: impl Fn(&str) -> Option<String>,
) -> Result<ModelPrices, ConfigError> {
    let price = |name| match number(&var, name, 0..=1_000_000, "a number from 0 to 1000000")? {
        Some(cents) => Ok(cents),
        None if free => Ok(0),
        None => Err(ConfigError::Missing(name)),
    };
    Ok(ModelPrices {
        input_cents_per_million: price(vars.input_price)?,
        output_cents_per_million: price(vars.output_price)?,
    })
}

fn number(
    var: impl Fn(&str) -> Option<String>,
    name: &'static str,
    range: std::ops::RangeInclusive<u64>,
    expected: &'static str,
) -> Result<Option<u64>, ConfigError> {
    let Some(text) = var(name) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| bad(name, expected))
}

const fn bad(name: &'static str, expected: &'static str) -> ConfigError {
    ConfigError::Bad(BadRule { name, expected })
}

/// The address of a path below a base. Keys and submissions travel to it.
fn address(base_url: &str, path: &str) -> Option<Uri> {
    safe_address(base_url)?;
    safe_address(&format!("{}/{path}", base_url.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAI: [(&str, &str); 5] = [
        ("CLORP_JUDGE_MODEL_URL", "https://api.openai.com/v1/"),
        ("CLORP_JUDGE_MODEL", "gpt"),
        ("CLORP_JUDGE_MODEL_KEY", "sk-1"),
        ("CLORP_JUDGE_MODEL_INPUT_CENTS_PER_MILLION", "5"),
        ("CLORP_JUDGE_MODEL_OUTPUT_CENTS_PER_MILLION", "40"),
    ];

    fn of(vars: &[(&str, &str)]) -> Result<Option<ModelConfig>, ConfigError> {
        // Later entries override earlier ones, and an empty value unsets a variable.
        let var = |asked: &str| {
            let found = vars.iter().rev().find(|(name, _)| *name == asked);
            found.map(|(_, value)| (*value).to_owned()).filter(|value| !value.is_empty())
        };
        ModelConfig::from_vars(&FIRST_MODEL, var, |name| var(name).map(Credential::from))
    }

    fn with<'a>(more: &[(&'a str, &'a str)]) -> Result<Option<ModelConfig>, ConfigError> {
        of(&[&OPENAI[..], more].concat())
    }

    #[test]
    fn a_model_is_read_from_its_variables() {
        assert_eq!(of(&[]).unwrap(), None);
        let config = with(&[]).unwrap().unwrap();
        assert_eq!(config.url, "https://api.openai.com/v1/chat/completions");
        assert_eq!(config.auth, Auth::Key(Key::new("sk-1").unwrap()));
        assert_eq!(
            (config.timeout.as_secs(), config.max_chars, config.max_output_tokens),
            (60, 12_000, 4_000)
        );
        assert_eq!(config.prices(), ModelPrices { input_cents_per_million: 5, output_cents_per_million: 40 });
        let config = with(&[
            ("CLORP_JUDGE_MODEL_URL", "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1"),
            ("CLORP_JUDGE_MODEL_AUTH", "aws"),
            ("AWS_REGION", "eu-west-1"),
            ("CLORP_JUDGE_MODEL_TIMEOUT_SECONDS", "20"),
            ("CLORP_JUDGE_MODEL_MAX_CHARS", "500"),
            ("CLORP_JUDGE_MODEL_MAX_OUTPUT_TOKENS", "900"),
        ]);
        let config = config.unwrap().unwrap();
        assert_eq!(config.auth, Auth::Aws { region: "eu-west-1".to_owned() });
        assert_eq!((config.timeout.as_secs(), config.max_chars, config.max_output_tokens), (20, 500, 900));
    }

    #[test]
    fn the_second_model_has_variables_of_its_own() {
        let var = |asked: &str| match asked {
            "CLORP_JUDGE_SECOND_MODEL_URL" => Some("http://localhost:8080"),
            "CLORP_JUDGE_SECOND_MODEL" => Some("claude"),
            "CLORP_JUDGE_SECOND_MODEL_API" => Some("messages"),
            "CLORP_JUDGE_SECOND_MODEL_AUTH" => Some("none"),
            _ => None,
        };
        let var = |asked: &str| var(asked).map(str::to_owned);
        let config = ModelConfig::from_vars(&SECOND_MODEL, var, |_| None).unwrap().unwrap();
        assert_eq!((config.url.path(), config.api), ("/v1/messages", Api::Messages));
        assert_eq!(ModelConfig::from_vars(&FIRST_MODEL, var, |_| None).unwrap(), None);
    }

    #[test]
    fn a_missing_or_unusable_variable_is_named() {
        for (name, value) in [
            ("CLORP_JUDGE_MODEL_URL", ""),
            ("CLORP_JUDGE_MODEL", ""),
            ("CLORP_JUDGE_MODEL_KEY", ""),
            ("CLORP_JUDGE_MODEL_KEY", "two words"),
            ("CLORP_JUDGE_MODEL_INPUT_CENTS_PER_MILLION", ""),
            ("CLORP_JUDGE_MODEL_OUTPUT_CENTS_PER_MILLION", "0.5"),
            ("CLORP_JUDGE_MODEL_URL", "http://api.openai.com/v1"),
            ("CLORP_JUDGE_MODEL_API", "completions"),
            ("CLORP_JUDGE_MODEL_AUTH", "basic"),
            ("CLORP_JUDGE_MODEL_TIMEOUT_SECONDS", "0"),
            ("CLORP_JUDGE_MODEL_MAX_CHARS", "-1"),
            ("CLORP_JUDGE_MODEL_MAX_OUTPUT_TOKENS", "many"),
        ] {
            let error = with(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} ")) && !error.contains("two words"), "{error}");
        }
        let error = with(&[("CLORP_JUDGE_MODEL_AUTH", "aws")]).unwrap_err();
        assert_eq!(error, ConfigError::Missing("AWS_REGION"));
    }

    #[test]
    fn an_address_without_https_is_rejected_unless_it_is_local() {
        for (url, usable) in [
            ("http://127.0.0.1:1/v1", true),
            ("http://[::1]:1", true),
            ("https://a.example", true),
            ("http://127.0.0.1.evil.example", false),
            ("http://10.0.0.1", false),
            ("https://a.example?x=1", false),
            ("https://a.example#x", false),
            ("https://user@a.example", false),
            ("ftp://localhost", false),
            ("localhost", false),
            ("", false),
        ] {
            assert_eq!(ModelConfig::new(url, Api::ChatCompletions, "m").is_some(), usable, "{url}");
        }
    }

    #[test]
    fn debug_hides_the_key() {
        let config = with(&[("CLORP_JUDGE_MODEL_KEY", "sk-secret")]).unwrap().unwrap();
        assert!(!format!("{config:?}").contains("sk-secret"));
    }
}

//! The secret in Secrets Manager. This is the only module that knows the service.

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use clorp_context::{BootError, Clock, var};
use serde_json::{Map, Value};

use crate::{Fields, Secret, Secrets};

impl Secrets {
    /// Reads the secret that the variable `CLORP_SECRET_ARN` names. Without it, secrets are variables.
    ///
    /// # Errors
    /// [`BootError::Secret`] if the secret cannot be read, or if one of its fields is a variable too.
    pub async fn from_env(aws: &SdkConfig) -> Result<Self, BootError> {
        match var("CLORP_SECRET_ARN") {
            None => Ok(Self::from_variables(var)),
            Some(arn) => Self::from_arn(Client::new(aws), arn, Clock::system()).await,
        }
    }

    /// Reads the secret with this ARN, whose text is a JSON object.
    ///
    /// # Errors
    /// See [`Secrets::from_env`].
    pub async fn from_arn(client: Client, arn: impl Into<String>, clock: Clock) -> Result<Self, BootError> {
        let arn = arn.into();
        let read = move || -> crate::Reading {
            let call = client.get_secret_value().secret_id(&arn);
            Box::pin(async move {
                let secret = call.send().await.map_err(|error| describe(&error))?;
                parse(secret.secret_string().unwrap_or_default())
            })
        };
        Self::read(Box::new(read), clock, var).await.map_err(BootError::Secret)
    }
}

/// Parses the texts of a secret. Like an empty variable, an empty text counts as missing. An error of the
/// parser would quote the secret.
fn parse(text: &str) -> Result<Fields, String> {
    let fields: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| "its value is no JSON object".to_owned())?;
    let texts = fields.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) if !text.is_empty() => Some((name, Secret::new(text))),
        _ => None,
    });
    Ok(texts.collect())
}

/// Describes an error for the log. The SDK's way to show one with its context includes the whole response,
/// and so perhaps the secret.
fn describe<R>(error: &SdkError<GetSecretValueError, R>) -> String {
    match error {
        SdkError::ServiceError(service) => {
            let error = service.err();
            let (code, message) = (error.code().unwrap_or("no code"), error.message().unwrap_or_default());
            format!("{code}: {message}")
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().and_then(Error::source).map(ToString::to_string);
            format!("Secrets Manager cannot be reached: {}", cause.unwrap_or_default())
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::ConstructionFailure(_) => "the request cannot be built".to_owned(),
        _ => "the answer cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_an_object_of_texts_and_an_empty_text_is_none() {
        let fields = parse(r#"{"STRIPE_SECRET_KEY": "sk_1", "SUPABASE_JWT_SECRET": "", "port": 5432}"#);
        let fields = fields.unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["STRIPE_SECRET_KEY"]);
        assert_eq!(fields["STRIPE_SECRET_KEY"].expose(), "sk_1");
    }

    #[test]
    fn a_secret_of_another_form_is_refused_without_a_word_of_it() {
        for text in
            ["", "sk_live_1", "\"sk_live_1\"", "[\"sk_live_1\"]", "{\"STRIPE_SECRET_KEY\": \"sk_live_1"]
        {
            let why = parse(text).unwrap_err();
            assert!(why.contains("JSON") && !why.contains("sk_"), "{text}: {why}");
        }
    }
}

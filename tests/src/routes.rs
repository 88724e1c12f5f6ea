//! Every route there is, from the API document, so that a new one is covered without anybody thinking of it.

use clorp_http::openapi::document;
use reqwest::Method;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use crate::{Answer, Client};

/// The document of all functions.
pub fn merged() -> OpenApi {
    let parts = [drops::openapi(), board::openapi(), wallet::openapi(), users::openapi()];
    document(env!("CARGO_PKG_VERSION"), parts)
}

/// One operation of the document.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its method.
    pub method: Method,
    /// As in the document.
    pub path: String,
    /// The document's operation.
    pub operation: Value,
}

/// Every operation of the merged document.
pub fn routes() -> Vec<Route> {
    let document = serde_json::to_value(merged()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                routes.push(Route { method, path: path.clone(), operation: operation.clone() });
            }
        }
    }
    assert!(routes.len() >= 17, "only {} operations were found", routes.len());
    routes
}

impl Route {
    /// Whether it needs a credential.
    pub fn has_caller(&self) -> bool {
        self.operation["security"].as_array().is_some_and(|security| !security.is_empty())
    }

    /// The path for a drop and a user.
    pub fn at(&self, drop: &str, user: &str) -> String {
        let id = if self.path.starts_with("/api/users/") { user } else { drop };
        let path = self.path.replace("{id}", id);
        assert!(!path.contains('{'), "{path} has a parameter this test knows no value for");
        path
    }

    /// Sends the request with a body that fits, if the method takes one.
    pub async fn send(&self, client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        client.send(self.method.clone(), path, self.body(), &all).await
    }

    fn body(&self) -> Option<Vec<u8>> {
        let body = match self.path.as_str() {
            "/api/jobs/run" => json!({ "prompt": "Roast this build" }),
            "/api/jobs/{id}/submit" => json!({ "output_text": "An output" }),
            _ => json!({}),
        };
        (self.method != Method::GET).then(|| body.to_string().into_bytes())
    }
}

//! A sandbox, a caller with its key, and an endpoint for its events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use clorp_stripe_sandbox::{Options, Sandbox};
use reqwest::Client;
use serde_json::{Value, json};

pub const SECRET_KEY: &str = "sk_test_abc";
pub const WEBHOOK_SECRET: &str = "whsec_test";

/// Options for tests: redelivery is quick.
pub fn options() -> Options {
    Options {
        secret_key: SECRET_KEY.to_owned(),
        webhook_secret: WEBHOOK_SECRET.to_owned(),
        redelivery_pauses: (Duration::from_millis(5), Duration::from_millis(40)),
        ..Options::default()
    }
}

/// A sandbox and a caller.
pub struct World {
    pub sandbox: Sandbox,
    pub stripe: Stripe,
}

impl World {
    pub async fn start() -> Self {
        Self::with(options()).await
    }

    pub async fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let stripe = Stripe::new(&sandbox.url);
        Self { sandbox, stripe }
    }

    /// The types of the events so far, without those that only report a created or attached object.
    pub fn event_types(&self) -> Vec<String> {
        let quiet =
            ["customer.created", "payment_intent.created", "payment_method.attached", "setup_intent.created"];
        let types = self.sandbox.events().into_iter().map(|event| event["type"].as_str().unwrap().to_owned());
        types.filter(|kind| !quiet.contains(&kind.as_str())).collect()
    }

    pub async fn finish(self) {
        self.sandbox.shutdown().await.unwrap();
    }
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body of a 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The status and the error's code.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A caller with the secret key.
#[derive(Clone)]
pub struct Stripe {
    pub url: String,
    pub client: Client,
}

impl Stripe {
    pub fn new(url: &str) -> Self {
        let redirects = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(redirects).build().unwrap();
        Self { url: url.to_owned(), client }
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.try_post(path, form, None).await.unwrap()
    }

    pub async fn post_with_key(&self, path: &str, form: &[(&str, &str)], key: &str) -> Answer {
        self.try_post(path, form, Some(key)).await.unwrap()
    }

    /// Fails if the connection breaks.
    pub async fn try_post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        key: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let request = self.client.post(format!("{}/v1/{path}", self.url)).bearer_auth(SECRET_KEY).form(form);
        let request = match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        };
        answer(request).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        let request = self.client.delete(format!("{}/v1/{path}", self.url)).bearer_auth(SECRET_KEY);
        answer(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}/v1/{path}", self.url)).bearer_auth(SECRET_KEY);
        answer(request).await.unwrap()
    }

    /// A control call.
    pub async fn control(&self, path: &str, body: Value) -> Answer {
        answer(self.client.post(format!("{}/_sandbox/{path}", self.url)).json(&body)).await.unwrap()
    }

    pub async fn state(&self) -> Value {
        answer(self.client.get(format!("{}/_sandbox/state", self.url))).await.unwrap().ok()
    }

    pub async fn customer(&self) -> String {
        id(&self.post("customers", &[("email", "a@example.com")]).await.ok())
    }

    /// An open Checkout session over an amount, with metadata for it and for its payment.
    pub async fn session(&self, cents: i64) -> String {
        let cents = cents.to_string();
        let form = [
            ("mode", "payment"),
            ("client_reference_id", "ref_1"),
            ("success_url", "https://example.com/done?session={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "https://example.com/back"),
            ("metadata[type]", "wallet_topup"),
            ("payment_intent_data[metadata][type]", "wallet_topup"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", &cents),
            ("line_items[0][price_data][product_data][name]", "Wallet top-up"),
        ];
        id(&self.post("checkout/sessions", &form).await.ok())
    }

    /// A paid session.
    pub async fn paid_session(&self, cents: i64) -> Value {
        let session = self.session(cents).await;
        self.control(&format!("checkout/sessions/{session}/complete"), json!({"outcome": "paid"})).await.ok()
    }

    /// A customer, and a saved card with this behaviour.
    pub async fn saved_card(&self, card: &str) -> (String, String) {
        let customer = self.customer().await;
        let intent = self.post("setup_intents", &[("customer", &customer)]).await.ok();
        let path = format!("setup_intents/{}/succeed", id(&intent));
        let intent = self.control(&path, json!({ "card": card })).await.ok();
        (customer, intent["payment_method"].as_str().unwrap().to_owned())
    }

    /// Charges a saved card off session.
    pub async fn charge(&self, (customer, card): &(String, String), cents: i64) -> Answer {
        let cents = cents.to_string();
        let form = [
            ("amount", cents.as_str()),
            ("currency", "usd"),
            ("customer", customer),
            ("payment_method", card),
            ("confirm", "true"),
            ("off_session", "true"),
            ("metadata[type]", "auto_topup"),
        ];
        self.post("payment_intents", &form).await
    }

    /// An account that has asked to receive transfers.
    pub async fn account(&self) -> String {
        let form = [("type", "express"), ("capabilities[transfers][requested]", "true")];
        id(&self.post("accounts", &form).await.ok())
    }

    /// An account that can receive transfers.
    pub async fn payee(&self) -> String {
        let account = self.account().await;
        self.control(&format!("accounts/{account}/onboard"), json!({})).await.ok();
        account
    }

    pub async fn transfer(&self, cents: i64, destination: &str) -> Answer {
        let cents = cents.to_string();
        let form = [("amount", cents.as_str()), ("currency", "usd"), ("destination", destination)];
        self.post("transfers", &form).await
    }

    /// The balance that can be transferred, in cents.
    pub async fn available(&self) -> i64 {
        self.get("balance").await.ok()["available"][0]["amount"].as_i64().unwrap()
    }
}

async fn answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.json().await? })
}

pub fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

/// An event as an endpoint received it.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub signature: String,
    pub body: String,
    pub event: Value,
}

impl Delivery {
    pub fn kind(&self) -> &str {
        self.event["type"].as_str().unwrap()
    }
}

#[derive(Debug, Default)]
struct Inbox {
    deliveries: Vec<Delivery>,
    /// The statuses of the first responses. Every later response is 200.
    statuses: Vec<u16>,
}

/// An endpoint for events.
pub struct Endpoint {
    pub url: String,
    inbox: Arc<Mutex<Inbox>>,
}

impl Endpoint {
    /// An endpoint that answers every delivery with 200.
    pub async fn start() -> Self {
        Self::failing_at_first(&[]).await
    }

    /// An endpoint that answers the first deliveries with these statuses.
    pub async fn failing_at_first(statuses: &[u16]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, statuses)
    }

    pub fn on(listener: tokio::net::TcpListener, statuses: &[u16]) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inbox = Arc::new(Mutex::new(Inbox { statuses: statuses.to_vec(), ..Inbox::default() }));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inbox));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inbox }
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).deliveries.clone()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.deliveries().iter().map(|delivery| delivery.kind().to_owned()).collect()
    }
}

async fn receive(State(inbox): State<Arc<Mutex<Inbox>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    let event = serde_json::from_str(&body).unwrap();
    let mut inbox = inbox.lock().unwrap();
    inbox.deliveries.push(Delivery { signature, body, event });
    let status = if inbox.statuses.is_empty() { 200 } else { inbox.statuses.remove(0) };
    StatusCode::from_u16(status).unwrap()
}

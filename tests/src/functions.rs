//! The functions of the API, connected to the servers of one world.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use clorp_context::{Clock, Context};
use clorp_files::Files;
use clorp_http::{Authenticator, Origins};
use clorp_issuer::Issuer;
use clorp_local_aws::dynamo::client;
use clorp_payments::{Pages, Payments, WebhookEvents};
use clorp_ranking::Ranking;
use clorp_sam::Template;
use clorp_secrets::{Credential, Secrets};
use clorp_sessions::Sessions;
use clorp_store::Store;
use clorp_stripe_api::Stripe;
use clorp_stripe_sandbox::Sandbox;
use futures::future::join_all;
use jiff::Timestamp;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;

use crate::proxy::Proxy;
use crate::world::{ENDS_IN_MILLIS, LOGIN_PAGE, Options, SOURCE_ADDRESS, STRIPE_KEY, TABLE, WEB_ORIGIN};

/// Instances of each function.
const INSTANCES: usize = 3;
/// Time until Lambda ends a function, unless a test states another. A slow machine must not fail a test.
const UNHURRIED_MILLIS: u64 = 10 * 60 * 1000;

/// The servers and settings that functions are built from.
pub(crate) struct Functions<'a> {
    pub(crate) options: &'a Options,
    pub(crate) clock: Clock,
    pub(crate) table_url: &'a str,
    pub(crate) proxy: Option<&'a Proxy>,
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) webhook_secret: &'a str,
    pub(crate) files: Files,
    pub(crate) issuer: &'a Issuer,
    /// The secret of every function, if the options name one.
    pub(crate) secrets: Option<Secrets>,
}

impl Functions<'_> {
    /// Starts the instances of every function that serves HTTP. Returns their URLs by function.
    pub(crate) async fn start(&self, template: &Template) -> BTreeMap<String, Vec<String>> {
        let mut instances = BTreeMap::new();
        for function in template.http_functions() {
            let routers: Vec<Router> = (0..INSTANCES).map(|_| self.router(&function)).collect();
            instances.insert(function, join_all(routers.into_iter().map(serve)).await);
        }
        if let Some(proxy) = self.proxy {
            // Each function does this when it starts.
            join_all(template.functions().iter().map(async |function| {
                self.context(function).store.warm_up().await.expect("the table answers");
            }))
            .await;
            proxy.take_calls();
        }
        instances
    }

    /// The router of a new instance of a function.
    pub(crate) fn router(&self, function: &str) -> Router {
        let context = || self.context(function);
        let files = || self.files.clone();
        let payments = || self.payments(function);
        let authenticator = || self.authenticator(function);
        match function {
            "drops" => {
                let app = clorp_drops::App::new(payments(), files(), self.options.queue.clone());
                clorp_drops::router(app, authenticator())
            }
            "board" => clorp_board::router(context(), &origins()),
            "wallet" => clorp_wallet::router(clorp_wallet::App { payments: payments() }, authenticator()),
            "connect" => clorp_connect::router(clorp_connect::App { payments: payments() }, authenticator()),
            "stripe-webhook" => {
                let events = WebhookEvents { context: context() };
                let secrets = self.webhook_secrets();
                clorp_stripe_webhook::router(clorp_stripe_webhook::App { events, secrets })
            }
            "uploads" => {
                let app = clorp_uploads::App { context: context(), files: files() };
                clorp_uploads::router(app, authenticator())
            }
            "users" => {
                let login_page = clorp_users::LoginPage::new(LOGIN_PAGE);
                clorp_users::router(clorp_users::App { context: context(), login_page }, authenticator())
            }
            "verify" => {
                let app = clorp_verify::App { context: context(), files: files() };
                clorp_verify::router(app, authenticator())
            }
            other => panic!("unknown function {other}"),
        }
    }

    /// A new instance of the ranking.
    pub(crate) fn ranking(&self) -> Ranking {
        Ranking {
            context: self.context("ranking"),
            judges: self.options.judges.clone(),
            files: self.files.clone(),
            queue: self.options.queue.clone(),
        }
    }

    /// The access to Stripe of a function.
    pub(crate) fn payments(&self, function: &str) -> Payments {
        let key = self.credential("STRIPE_SECRET_KEY").unwrap_or(STRIPE_KEY.into());
        let stripe = Stripe::new(key, Some(&self.sandbox.url)).expect("a usable key");
        Payments {
            context: self.context(function),
            stripe: stripe.with_tries(self.options.stripe_tries),
            pages: Pages::new(format!("{}/_sandbox/returned", self.sandbox.url)),
        }
    }

    fn context(&self, function: &str) -> Context {
        let table = self.proxy.map_or_else(|| client(self.table_url), |proxy| proxy.client(function));
        Context {
            store: Store::new(table, TABLE),
            rules: Arc::new(self.options.rules.clone()),
            clock: self.clock.clone(),
        }
    }

    fn authenticator(&self, function: &str) -> Authenticator {
        let context = self.context(function);
        let mut config = self.issuer.config().expect("the issuer's configuration");
        if let Some(secret) = self.credential("SUPABASE_JWT_SECRET") {
            config = config.with_jwt_secret(secret);
        }
        let sessions = Sessions::new(config, context.store.clone(), context.clock.clone());
        Authenticator::new(context, Some(sessions), origins())
    }

    fn webhook_secrets(&self) -> Credential {
        let mut secrets = self.options.webhook_secrets.clone();
        secrets.push(self.webhook_secret.to_owned());
        self.credential("STRIPE_WEBHOOK_SECRETS").unwrap_or(secrets.join(",").into())
    }

    /// A field of the secret; `None` without one.
    fn credential(&self, name: &'static str) -> Option<Credential> {
        self.secrets.as_ref()?.credential(name)
    }
}

/// The origins of the web pages.
fn origins() -> Origins {
    Origins::parse(WEB_ORIGIN).expect("an origin")
}

/// Serves a router on a free port, behind the gateway's request context. Returns its URL.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = router.layer(from_fn(add_contexts));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Adds the contexts that the gateway and Lambda pass to a function.
async fn add_contexts(mut request: Request, next: Next) -> Response {
    let address = request.headers_mut().remove(SOURCE_ADDRESS);
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.http.source_ip = address.and_then(|address| address.to_str().ok().map(str::to_owned));
    request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));
    let ends_in = request.headers_mut().remove(ENDS_IN_MILLIS);
    let ends_in = ends_in.and_then(|millis| millis.to_str().ok()?.parse().ok()).unwrap_or(UNHURRIED_MILLIS);
    let mut context = lambda_http::Context::default();
    // Lambda states the end by the system's clock, not by the world's.
    context.deadline = u64::try_from(Timestamp::now().as_millisecond()).expect("after 1970") + ends_in;
    request.extensions_mut().insert(context);
    next.run(request).await
}

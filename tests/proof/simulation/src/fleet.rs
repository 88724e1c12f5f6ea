//! The functions: two instances of each, connected to one site. They are built once for each thread, because
//! no handler relies on the memory of an earlier request.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use clorp_context::Context;
use clorp_domain::{RateLimit, Rules};
use clorp_files::Files;
use clorp_http::{Authenticator, Origins};
use clorp_payments::{Pages, Payments, WebhookEvents};
use clorp_ranking::{Judges, Ranking};
use clorp_sam::Template;
use clorp_secrets::Credential;
use clorp_stripe_api::Stripe;

use crate::site::{INSTANCES, Site};
use crate::{aws, model, stripe};

/// The secret that signs webhook events.
pub const WEBHOOK_SECRET: &str = "whsec_simulated";
/// Time for which a payout is held, in seconds.
pub const HOLD_SECONDS: u32 = 3_600;

/// The functions of one thread.
pub struct Fleet {
    /// The outside of the functions.
    pub site: Arc<Site>,
    /// The routers of each instance, by function.
    pub routers: Vec<BTreeMap<String, Router>>,
    /// The ranking of each instance, with the embedded judge.
    pub rankings: Vec<Ranking>,
    /// The ranking of each instance, with a model as the judge.
    pub modelled_rankings: Vec<Ranking>,
    /// The reconciler of each instance.
    pub reconcilers: Vec<Payments>,
    /// The way from paths to functions.
    pub template: Template,
    /// Access to Stripe without faults, for checks.
    pub stripe: Stripe,
    authenticators: Vec<Authenticator>,
}

impl Fleet {
    /// Builds all functions.
    ///
    /// # Errors
    /// Fails if the template of the functions cannot be read.
    pub fn new() -> Result<Self> {
        let template = Template::from_repo()?;
        let site = Site::new();
        let judges = Arc::new(model::judges(&site).map_err(|error| anyhow!("{error:?}"))?);
        let mut fleet = Self {
            routers: Vec::new(),
            rankings: Vec::new(),
            modelled_rankings: Vec::new(),
            reconcilers: Vec::new(),
            template,
            stripe: stripe::client(&site),
            authenticators: Vec::new(),
            site,
        };
        for number in 0..INSTANCES {
            let instance = Instance::new(&fleet.site, number)?;
            let functions = fleet.template.http_functions();
            let mut routers = BTreeMap::new();
            for function in functions {
                let authenticator = instance.authenticator();
                fleet.authenticators.push(authenticator.clone());
                let router = instance.router(&function, authenticator);
                let router = router.with_context(|| format!("no function {function}"))?;
                routers.insert(function, router);
            }
            fleet.routers.push(routers);
            fleet.rankings.push(instance.ranking(None));
            fleet.modelled_rankings.push(instance.ranking(Some(Arc::clone(&judges))));
            fleet.reconcilers.push(instance.payments());
        }
        Ok(fleet)
    }

    /// Lets every instance forget earlier requests.
    pub fn forget(&self) {
        self.authenticators.iter().for_each(Authenticator::forget);
    }
}

/// The rules: those of production without rate limits, with an hour's hold of payouts.
pub fn rules() -> Rules {
    let rate = RateLimit { quota: 1_000_000, window_seconds: 60 };
    Rules {
        create_rate: rate,
        claim_rate: rate,
        submit_rate: rate,
        money_rate: rate,
        setup_rate: rate,
        keys_rate: rate,
        upload_rate: rate,
        verify_rate: rate,
        unpaid_rate: rate,
        read_rate: rate,
        login_rate: rate,
        public_rate: rate,
        payout_hold_seconds: HOLD_SECONDS,
        cooldown_lapses: u32::MAX,
        // Fewer than the workers, so that they compete.
        max_claims: 3,
        ..Rules::default()
    }
}

/// The parts from which the functions of one instance are built.
struct Instance {
    context: Context,
    files: Files,
    stripe: Stripe,
    site: Arc<Site>,
    origins: Origins,
    secrets: Credential,
}

impl Instance {
    fn new(site: &Arc<Site>, number: usize) -> Result<Self> {
        Ok(Self {
            context: Context { store: aws::store(site), rules: Arc::new(rules()), clock: site.clock(number) },
            files: Files::new(&aws::config(site), "clorp-uploads"),
            stripe: stripe::client(site),
            site: Arc::clone(site),
            origins: Origins::parse("https://clorp.example").context("an origin")?,
            secrets: Credential::from(WEBHOOK_SECRET),
        })
    }

    fn payments(&self) -> Payments {
        Payments {
            context: self.context.clone(),
            stripe: self.stripe.clone(),
            pages: Pages::new("https://clorp.example/wallet"),
        }
    }

    fn ranking(&self, judges: Option<Arc<Judges>>) -> Ranking {
        Ranking {
            context: self.context.clone(),
            judges,
            files: self.files.clone(),
            queue: Some(aws::queue(&self.site)),
        }
    }

    fn authenticator(&self) -> Authenticator {
        Authenticator::new(self.context.clone(), None, self.origins.clone())
    }

    fn router(&self, function: &str, authenticator: Authenticator) -> Option<Router> {
        let context = || self.context.clone();
        Some(match function {
            "drops" => {
                let queue = Some(aws::queue(&self.site));
                let app = clorp_drops::App::new(self.payments(), self.files.clone(), queue);
                clorp_drops::router(app, authenticator)
            }
            "board" => clorp_board::router(context(), &self.origins),
            "wallet" => clorp_wallet::router(clorp_wallet::App { payments: self.payments() }, authenticator),
            "connect" => {
                clorp_connect::router(clorp_connect::App { payments: self.payments() }, authenticator)
            }
            "stripe-webhook" => clorp_stripe_webhook::router(clorp_stripe_webhook::App {
                events: WebhookEvents { context: context() },
                secrets: self.secrets.clone(),
            }),
            "uploads" => {
                let app = clorp_uploads::App { context: context(), files: self.files.clone() };
                clorp_uploads::router(app, authenticator)
            }
            "users" => {
                let login_page = clorp_users::LoginPage::new("https://clorp.example/cli/login");
                clorp_users::router(clorp_users::App { context: context(), login_page }, authenticator)
            }
            "verify" => {
                let app = clorp_verify::App { context: context(), files: self.files.clone() };
                clorp_verify::router(app, authenticator)
            }
            _ => return None,
        })
    }
}

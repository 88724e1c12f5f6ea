//! The pages that Stripe hosts, clicked through with a real browser.

use std::sync::atomic::Ordering;

use clorp_stripe_sandbox::{Options, Sandbox};
use clorp_tests::browser::Browser;
use reqwest::Client;
use serde_json::Value;

/// A sandbox, and a browser in front of it.
struct World {
    sandbox: Sandbox,
    browser: Browser,
    options: Options,
}

impl World {
    async fn start() -> Option<Self> {
        let browser = Browser::start("the hosted pages are not tested in a browser").await?;
        let options = Options::default();
        let sandbox = Sandbox::start(options.clone()).await.unwrap();
        Some(Self { sandbox, browser, options })
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let client = Client::builder().no_proxy().build().unwrap();
        let request =
            client.post(format!("{}/v1/{path}", self.sandbox.url)).bearer_auth(&self.options.secret_key);
        let answer = request.form(form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// The URL of the sandbox's page that the hosted pages return to.
    fn return_url(&self, query: &str) -> String {
        format!("{}/_sandbox/returned?{query}", self.sandbox.url)
    }

    /// Opens the page of a new session over 5 dollars. Returns the session's identifier.
    async fn open_checkout(&mut self, product: &str) -> String {
        let form = [
            ("mode", "payment"),
            ("success_url", &self.return_url("session={CHECKOUT_SESSION_ID}")),
            ("cancel_url", &self.return_url("cancelled")),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", "500"),
            ("line_items[0][price_data][product_data][name]", product),
        ];
        let session = self.post("checkout/sessions", &form).await;
        self.browser.open(session["url"].as_str().unwrap()).await;
        session["id"].as_str().unwrap().to_owned()
    }

    /// Opens the page of a new onboarding link. Returns the identifier of its account, and the page's URL.
    async fn open_onboarding(&mut self) -> (String, String) {
        let account = [("type", "express"), ("capabilities[transfers][requested]", "true")];
        let account = self.post("accounts", &account).await["id"].as_str().unwrap().to_owned();
        let link = [
            ("account", account.as_str()),
            ("type", "account_onboarding"),
            ("return_url", &self.return_url("onboarded")),
            ("refresh_url", &self.return_url("again")),
        ];
        let url = self.post("account_links", &link).await["url"].as_str().unwrap().to_owned();
        self.browser.open(&url).await;
        (account, url)
    }

    fn count_events(&self, kind: &str) -> usize {
        self.sandbox.events().iter().filter(|event| event["type"] == kind).count()
    }

    /// Asserts that the page can be used on a phone and with a screen reader.
    async fn assert_usable(&mut self) {
        let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(self.browser.value(wide).await, false, "wider than the screen");
        let unnamed = "[...document.querySelectorAll('button, a, form[method]')].filter(e => !(e.innerText.trim() || e.ariaLabel)).length";
        assert_eq!(self.browser.value(unnamed).await, 0);
        let structure = "[document.documentElement.lang, document.querySelectorAll('h1').length, document.querySelectorAll('main').length, !!document.title]";
        assert_eq!(self.browser.value(structure).await, serde_json::json!(["en", 1, 1, true]));
        let small = "[...document.querySelectorAll('button, a')].filter(e => e.getBoundingClientRect().height < 44).length";
        assert_eq!(self.browser.value(small).await, 0, "too small for a thumb");
        assert_eq!(self.browser.value("document.scripts.length").await, 0);
    }
}

#[tokio::test]
async fn paying_leads_to_the_success_page_and_going_back_does_not_pay_again() {
    let Some(mut world) = World::start().await else { return };
    let session = world.open_checkout("Wallet <b>top-up</b> & \"more\"").await;
    world.assert_usable().await;
    let text = world.browser.text().await;
    assert!(text.contains("$5.00") && text.contains("Wallet <b>top-up</b> & \"more\""), "{text}");
    world.browser.click("Pay $5.00").await;
    assert_eq!(world.browser.url().await, world.return_url(&format!("session={session}")));
    assert!(world.browser.text().await.contains("You can go back"));
    assert_eq!((world.count_events("checkout.session.completed"), world.sandbox.available_cents()), (1, 500));

    world.browser.back().await;
    let text = world.browser.text().await;
    assert!(text.contains("complete") && !text.contains("Pay $5.00"), "{text}");
    world.assert_usable().await;
    world.browser.click("Go back").await;
    assert_eq!(world.browser.url().await, world.return_url(&format!("session={session}")));
    assert_eq!((world.count_events("checkout.session.completed"), world.sandbox.available_cents()), (1, 500));
    world.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_declined_card_is_reported_and_another_try_pays() {
    let Some(mut world) = World::start().await else { return };
    world.open_checkout("Top-up").await;
    world.browser.click("Pay with a card that is declined").await;
    assert!(world.browser.text().await.contains("Your card was declined. Nothing was charged."));
    let alert = world.browser.value("document.querySelectorAll('[role=alert]').length").await;
    assert_eq!(alert, 1);
    assert_eq!(
        (world.count_events("payment_intent.payment_failed"), world.sandbox.available_cents()),
        (1, 0)
    );
    world.browser.click("Pay $5.00").await;
    assert!(world.browser.url().await.starts_with(&world.return_url("session=cs_test_")));
    assert_eq!((world.count_events("checkout.session.completed"), world.sandbox.available_cents()), (1, 500));
    world.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn with_3d_secure_only_the_owner_pays() {
    let Some(mut world) = World::start().await else { return };
    world.open_checkout("Top-up").await;
    world.browser.click("Pay with 3-D Secure").await;
    world.assert_usable().await;
    assert_eq!(world.sandbox.events().len(), 0, "nothing is decided yet");
    world.browser.click("Fail authentication").await;
    assert!(world.browser.text().await.contains("could not authenticate"));
    assert_eq!(
        (world.count_events("payment_intent.payment_failed"), world.sandbox.available_cents()),
        (1, 0)
    );
    world.browser.click("Pay with 3-D Secure").await;
    world.browser.click("Complete authentication").await;
    assert!(world.browser.url().await.starts_with(&world.return_url("session=cs_test_")));
    assert_eq!((world.count_events("checkout.session.completed"), world.sandbox.available_cents()), (1, 500));
    world.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_bank_debit_completes_first_and_pays_later() {
    let Some(mut world) = World::start().await else { return };
    world.open_checkout("Top-up").await;
    world.browser.click("Pay by bank debit").await;
    assert!(world.browser.url().await.starts_with(&world.return_url("session=cs_test_")));
    assert_eq!(world.count_events("checkout.session.completed"), 1);
    world.sandbox.settled().await;
    assert_eq!(
        (world.count_events("checkout.session.async_payment_succeeded"), world.sandbox.available_cents()),
        (1, 500)
    );
    world.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn abandoning_leads_to_the_cancel_page_and_an_expired_page_says_so() {
    let Some(mut world) = World::start().await else { return };
    let session = world.open_checkout("Top-up").await;
    world.browser.click("Abandon").await;
    assert_eq!(world.browser.url().await, world.return_url("cancelled"));
    assert_eq!((world.sandbox.events().len(), world.sandbox.available_cents()), (0, 0));
    world.options.clock_shift_millis.fetch_add(25 * 3_600_000, Ordering::Relaxed);
    let page = format!("{}/c/pay/{session}", world.sandbox.url);
    world.browser.open(&page).await;
    assert!(world.browser.text().await.contains("has expired"));
    world.assert_usable().await;
    let nowhere = format!("{}/c/pay/cs_test_none", world.sandbox.url);
    world.browser.open(&nowhere).await;
    assert!(world.browser.text().await.contains("No such checkout.session"));
    world.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn onboarding_takes_one_click_and_its_link_works_once() {
    let Some(mut world) = World::start().await else { return };
    let (account, url) = world.open_onboarding().await;
    world.assert_usable().await;
    world.browser.click("Complete onboarding").await;
    assert_eq!(world.browser.url().await, world.return_url("onboarded"));
    assert_eq!(world.count_events("account.updated"), 1);
    assert_eq!(world.sandbox.events()[0]["account"], account.as_str());
    world.browser.open(&url).await;
    assert_eq!(world.browser.url().await, world.return_url("again"));
    assert_eq!(world.count_events("account.updated"), 1);
    world.sandbox.shutdown().await.unwrap();
}

#[tokio::test]
async fn onboarding_left_for_later_changes_nothing() {
    let Some(mut world) = World::start().await else { return };
    world.open_onboarding().await;
    world.browser.click("Leave for later").await;
    assert_eq!(world.browser.url().await, world.return_url("onboarded"));
    assert_eq!(world.sandbox.events().len(), 0);
    world.sandbox.shutdown().await.unwrap();
}

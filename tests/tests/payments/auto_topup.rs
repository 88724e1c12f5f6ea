//! Automatic top-ups from a saved card.

use clorp_tests::{Client, Fault, Options, World};
use futures::future::{join, join_all, join3};
use serde_json::{Value, json};

use super::people::{
    AFTER_LEASE, AFTER_SETTLE_GRACE, ALWAYS, UNKNOWN_OUTCOMES, cardholder, change_settings, charges,
    clear_faults, configure_webhooks, drop_statuses, enable, id, inject_fault, options, pay, proxied_world,
    proxy, resume_all, run, save_card, set_card_behaviour, settings, statuses, stores_response, user_field,
};
use super::support::ledger;

const PATH: &str = "/v1/payment_intents";
const AFTER_CHARGE_EXPIRY: i64 = 31 * 60;

/// The credits of a wallet from its card, newest first.
async fn credits(user: &Client) -> Vec<i64> {
    let ledger = ledger(user).await;
    let card_entries = ledger.iter().filter(|(reason, _)| reason.starts_with("auto_topup:"));
    card_entries.map(|(_, delta)| *delta).collect()
}

/// Runs a drop of 1000 on a balance of 300, and leaves the outcome of the charge of 1000 unknown. Returns the
/// user, the card, and the drop.
async fn leave_charge_pending(world: &World, fault: &str) -> (Client, String, String) {
    let (user, card) = cardholder(world, 300).await;
    enable(&user, 1000, 0).await;
    inject_fault(world, PATH, fault, ALWAYS).await;
    let refused = run(&user, 1000).await.expect_error(402, "auto_topup_pending");
    clear_faults(world, PATH).await;
    (user, card, id(&refused))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_have_defaults_and_bounds_and_omitted_fields_keep_their_values() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 0).await;
    let untouched = json!({
        "enabled": false, "amount_cents": 1000, "threshold_cents": 500, "daily_limit_cents": 10_000,
        "charged_today_cents": 0, "payment_method_saved": true, "last_failure": null,
    });
    assert_eq!(settings(&user).await, untouched);
    for (change, code, field) in [
        (json!({ "amount_cents": 499 }), "amount_too_small", "/amount_cents"),
        (json!({ "amount_cents": 100_001 }), "amount_too_large", "/amount_cents"),
        (json!({ "amount_cents": 1000.5 }), "invalid_type", "/amount_cents"),
        (json!({ "amount_cents": "1000" }), "invalid_type", "/amount_cents"),
        (json!({ "threshold_cents": -1 }), "amount_too_small", "/threshold_cents"),
        (json!({ "threshold_cents": 100_001 }), "amount_too_large", "/threshold_cents"),
        (json!({ "threshold_cents": true }), "invalid_type", "/threshold_cents"),
        (json!({ "daily_limit_cents": 999 }), "amount_too_small", "/daily_limit_cents"),
        (json!({ "daily_limit_cents": 200_001 }), "amount_too_large", "/daily_limit_cents"),
        (json!({ "daily_limit_cents": "all" }), "invalid_type", "/daily_limit_cents"),
        (
            json!({ "amount_cents": 2000, "daily_limit_cents": 1999 }),
            "amount_too_small",
            "/daily_limit_cents",
        ),
        (json!({ "enabled": "yes" }), "invalid_type", "/enabled"),
        (json!({ "enabled": 1 }), "invalid_type", "/enabled"),
        (json!({ "colour": "red" }), "unknown_field", "/colour"),
        // A valid field beside an invalid one is not applied either.
        (json!({ "enabled": true, "amount_cents": 1 }), "amount_too_small", "/amount_cents"),
    ] {
        change_settings(&user, change).await.expect_field(400, code, field);
    }
    assert_eq!(settings(&user).await, untouched);
    for (change, expect) in [
        (json!({ "enabled": true }), (true, 1000, 500)),
        (json!({ "amount_cents": 500 }), (true, 500, 500)),
        (json!({ "threshold_cents": 0 }), (true, 500, 0)),
        (json!({ "amount_cents": 100_000, "threshold_cents": 100_000 }), (true, 100_000, 100_000)),
        (json!({ "enabled": false }), (false, 100_000, 100_000)),
    ] {
        let answer = change_settings(&user, change).await.expect(200);
        let (enabled, amount, threshold) = expect;
        let expect = json!([enabled, amount, threshold]);
        for body in [&answer, &settings(&user).await] {
            assert_eq!(json!([body["enabled"], body["amount_cents"], body["threshold_cents"]]), expect);
        }
    }
    assert_eq!(charges(&world, &user).await.len(), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_saved_card_every_setting_but_enabling_can_be_changed() {
    let world = World::with(options()).await;
    let user = world.user("cardless", 100).await;
    let error =
        change_settings(&user, json!({ "enabled": true })).await.expect_error(409, "payment_method_required");
    assert!(error["error"].as_str().unwrap().contains("POST /api/wallet/setup-payment-method"), "{error}");
    let settings = change_settings(&user, json!({ "amount_cents": 2000 })).await.expect(200);
    assert_eq!(json!([settings["enabled"], settings["payment_method_saved"]]), json!([false, false]));
    run(&user, 1000).await.expect_error(402, "insufficient_balance");
    save_card(&world, &user, "ok").await;
    change_settings(&user, json!({ "enabled": true })).await.expect(200);
    run(&user, 1000).await.expect(201);
    assert_eq!(credits(&user).await, [2000]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_the_settings_are_all_applied() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 0).await;
    for round in 0..10 {
        let (amount, threshold, enabled) = (1000 + round, 100 + round, round % 2 == 0);
        let answers = join3(
            change_settings(&user, json!({ "amount_cents": amount })),
            change_settings(&user, json!({ "threshold_cents": threshold })),
            change_settings(&user, json!({ "enabled": enabled })),
        );
        let (a, b, c) = answers.await;
        assert_eq!(statuses(&[a, b, c]), [200; 3]);
        let found = settings(&user).await;
        let found = json!([found["enabled"], found["amount_cents"], found["threshold_cents"]]);
        assert_eq!(found, json!([enabled, amount, threshold]));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_above_the_balance_charges_the_card_and_opens_the_drop() {
    let world = World::with(options()).await;
    let (user, card) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    let drop = run(&user, 1000).await.expect(201);
    assert_eq!(drop["status"], "open");
    let charges = charges(&world, &user).await;
    assert_eq!(charges.len(), 1);
    let reasons = [format!("drop:{}", id(&drop)), format!("auto_topup:{}", id(&charges[0]))];
    let expect: Vec<(String, i64)> = reasons.into_iter().zip([-1000, 1000]).collect();
    assert_eq!(ledger(&user).await[..2], expect);
    assert_eq!((user.balance().await, &charges[0]["amount"]), (300, &json!(1000)));
    assert_eq!(charges[0]["payment_method"], json!(card));
    assert_eq!(charges[0]["customer"], json!(user_field(&user, "stripe_customer_id").await));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paying_a_pending_drop_above_the_balance_charges_the_card_as_well() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 300).await;
    let drop = id(&run(&user, 1000).await.expect_error(402, "insufficient_balance"));
    assert_eq!(charges(&world, &user).await.len(), 0, "automatic top-ups are disabled");
    enable(&user, 1000, 0).await;
    assert_eq!(pay(&user, &drop).await.expect(200)["status"], "open");
    assert_eq!((user.balance().await, credits(&user).await), (300, vec![1000]));
    assert_eq!(charges(&world, &user).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_would_not_cover_the_price_is_not_made() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 300).await;
    enable(&user, 699, 0).await;
    let refused = run(&user, 1000).await.expect_error(402, "insufficient_balance");
    assert_eq!(json!([refused["required"], refused["available"]]), json!([1000, 300]));
    pay(&user, &id(&refused)).await.expect_error(402, "insufficient_balance");
    assert_eq!((charges(&world, &user).await.len(), user.balance().await), (0, 300));
    enable(&user, 700, 0).await;
    pay(&user, &id(&refused)).await.expect(200);
    assert_eq!((charges(&world, &user).await.len(), user.balance().await), (1, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_card_is_reported_and_the_drop_stays_pending() {
    let world = World::with(options()).await;
    for (behaviour, code, failure) in [
        ("declined", "auto_topup_declined", "generic_decline"),
        ("authentication_required", "auto_topup_authentication_required", "authentication_required"),
    ] {
        let (user, card) = cardholder(&world, 300).await;
        enable(&user, 1000, 0).await;
        set_card_behaviour(&world, &card, behaviour).await;
        let refused = run(&user, 1000).await.expect_error(402, code);
        assert_eq!(json!([refused["required"], refused["available"]]), json!([1000, 300]));
        assert_eq!(
            (drop_statuses(&user).await, user.balance().await),
            (vec!["pending_payment".to_owned()], 300)
        );
        pay(&user, &id(&refused)).await.expect_error(402, code);
        assert_eq!(settings(&user).await["last_failure"], failure);
        assert_eq!(charges(&world, &user).await.len(), 2, "one for each request");
        set_card_behaviour(&world, &card, "ok").await;
        pay(&user, &id(&refused)).await.expect(200);
        assert_eq!((user.balance().await, credits(&user).await), (300, vec![1000]));
        assert_eq!(settings(&user).await["last_failure"], Value::Null);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_refusals_in_a_row_disable_top_ups_and_a_change_of_settings_resets_the_count() {
    let world = World::with(options()).await;
    let (user, card) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    // The charges of this test exceed the default limit of a day.
    change_settings(&user, json!({ "daily_limit_cents": 20_000 })).await.expect(200);
    set_card_behaviour(&world, &card, "declined").await;
    let decline = async || run(&user, 1000).await.expect_error(402, "auto_topup_declined");
    for enabled in [true, true, false] {
        decline().await;
        assert_eq!(settings(&user).await["enabled"], enabled);
    }
    run(&user, 1000).await.expect_error(402, "insufficient_balance");
    assert_eq!(charges(&world, &user).await.len(), 3, "the card is not charged");

    change_settings(&user, json!({ "enabled": true })).await.expect(200);
    decline().await;
    decline().await;
    assert_eq!(settings(&user).await["enabled"], true, "enabling resets the count");
    change_settings(&user, json!({ "amount_cents": 1001 })).await.expect(200);
    decline().await;
    let new = save_card(&world, &user, "declined").await;
    decline().await;
    decline().await;
    assert_eq!(settings(&user).await["enabled"], true, "a new card resets the count");
    set_card_behaviour(&world, &new, "ok").await;
    run(&user, 1000).await.expect(201);
    set_card_behaviour(&world, &new, "declined").await;
    decline().await;
    decline().await;
    assert_eq!(settings(&user).await["enabled"], true, "a successful charge resets the count");
    decline().await;
    assert_eq!((settings(&user).await["enabled"].clone(), user.balance().await), (json!(false), 301));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_answered_as_pending_and_credited_once_when_it_is_known() {
    let world = World::with(options()).await;
    for fault in UNKNOWN_OUTCOMES {
        let (user, _) = cardholder(&world, 300).await;
        enable(&user, 1000, 0).await;
        // Otherwise the webhook event would arrive before the sweep.
        configure_webhooks(&world, json!({ "paused": true })).await;
        inject_fault(&world, PATH, fault, ALWAYS).await;
        let drop = id(&run(&user, 1000).await.expect_error(402, "auto_topup_pending"));
        clear_faults(&world, PATH).await;
        assert_eq!(
            (drop_statuses(&user).await, user.balance().await),
            (vec!["pending_payment".to_owned()], 300)
        );
        assert_eq!(world.reconcile().await, 0, "{fault}: its own request may still run");
        world.advance_seconds(AFTER_SETTLE_GRACE);
        assert_eq!(world.reconcile().await, 1, "{fault}");
        assert_eq!((user.balance().await, credits(&user).await), (1300, vec![1000]), "{fault}");
        configure_webhooks(&world, json!({ "paused": false })).await;
        resume_all(&world).await;
        world.wait_for_webhooks().await;
        assert_eq!((user.balance().await, credits(&user).await), (1300, vec![1000]), "{fault}");
        pay(&user, &drop).await.expect(200);
        assert_eq!((user.balance().await, charges(&world, &user).await.len()), (300, 1), "{fault}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_lookup_of_a_charge_is_not_a_refused_charge() {
    let world = World::with(options()).await;
    let (user, _, drop) = leave_charge_pending(&world, "timeout_before").await;
    let refused = json!({ "path": PATH, "method": "GET", "fault": "decline" });
    world.control("next", refused).await;
    world.advance_seconds(AFTER_SETTLE_GRACE);
    assert_eq!(world.reconcile().await, 0, "the charge is still pending");
    assert_eq!(settings(&user).await["last_failure"], Value::Null);
    resume_all(&world).await;
    pay(&user, &drop).await.expect(200);
    assert_eq!((user.balance().await, charges(&world, &user).await.len()), (300, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_leaves_the_wallet_below_the_threshold_charges_once() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 3000).await;
    enable(&user, 1000, 1000).await;
    run(&user, 1000).await.expect(201);
    run(&user, 1000).await.expect(201);
    assert_eq!(
        (user.balance().await, charges(&world, &user).await.len()),
        (1000, 0),
        "the balance is not below the threshold"
    );
    run(&user, 100).await.expect(201);
    assert_eq!((user.balance().await, credits(&user).await), (1900, vec![1000]));
    change_settings(&user, json!({ "enabled": false })).await.expect(200);
    let drop = id(&run(&user, 2000).await.expect_error(402, "insufficient_balance"));
    run(&user, 1900).await.expect(201);
    assert_eq!(
        (user.balance().await, charges(&world, &user).await.len()),
        (0, 1),
        "automatic top-ups are disabled"
    );

    let (user, _) = cardholder(&world, 1500).await;
    let pending = run(&user, 1600).await.expect_error(402, "insufficient_balance");
    assert_ne!(id(&pending), drop);
    enable(&user, 500, 600).await;
    pay(&user, &id(&pending)).await.expect(200);
    assert_eq!(
        (user.balance().await, credits(&user).await),
        (900, vec![500, 500]),
        "one charge before the debit and one after it"
    );
    assert_eq!(charges(&world, &user).await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_charge_is_pending_no_other_begins() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 1500).await;
    enable(&user, 1000, 1000).await;
    inject_fault(&world, PATH, "timeout_before", ALWAYS).await;
    assert_eq!(run(&user, 600).await.expect(201)["status"], "open", "the balance was sufficient");
    run(&user, 100).await.expect(201);
    // A run above the balance waits for the pending charge, and is answered as pending.
    run(&user, 1700).await.expect_error(402, "auto_topup_pending");
    clear_faults(&world, PATH).await;
    assert_eq!((user.balance().await, charges(&world, &user).await.len()), (800, 0));
    resume_all(&world).await;
    assert_eq!((user.balance().await, credits(&user).await), (1800, vec![1000]));
    assert_eq!(charges(&world, &user).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_runs_above_the_balance_charge_once_if_one_charge_is_enough() {
    let world = World::with(Options { stripe_tries: usize::MAX, ..options() }).await;
    let (user, _) = cardholder(&world, 0).await;
    enable(&user, 2000, 0).await;
    let answers = join_all((0..20).map(|_| run(&user, 100))).await;
    assert_eq!(statuses(&answers), [201; 20]);
    assert_eq!((user.balance().await, credits(&user).await), (0, vec![2000]));
    assert_eq!(charges(&world, &user).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_answers_every_request_that_waits_for_the_charge() {
    let world = World::with(Options { stripe_tries: usize::MAX, ..options() }).await;
    let (user, card) = cardholder(&world, 0).await;
    enable(&user, 2000, 0).await;
    set_card_behaviour(&world, &card, "declined").await;
    let slow = json!({ "path": PATH, "method": "POST", "fault": "delay", "delay_ms": 3000 });
    world.control("next", slow).await;
    let answers = join_all((0..5).map(|_| run(&user, 100))).await;
    for answer in &answers {
        answer.expect_error(402, "auto_topup_declined");
    }
    assert_eq!(
        (user.balance().await, drop_statuses(&user).await),
        (0, vec!["pending_payment".to_owned(); 5])
    );
    assert_eq!(charges(&world, &user).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_runs_that_leave_the_wallet_low_charge_once() {
    let world = World::with(Options { stripe_tries: usize::MAX, ..options() }).await;
    for _ in 0..4 {
        let (user, _) = cardholder(&world, 2500).await;
        enable(&user, 5000, 1000).await;
        let answers = join_all((0..20).map(|_| run(&user, 100))).await;
        assert_eq!(statuses(&answers), [201; 20]);
        assert_eq!((user.balance().await, credits(&user).await), (5500, vec![5000]));
        assert_eq!(charges(&world, &user).await.len(), 1);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_with_a_response_and_a_webhook_event_is_credited_once() {
    let world = World::with(options()).await;
    configure_webhooks(&world, json!({ "duplicates": 2 })).await;
    // The event arrives before the response: the first response is lost, and the second one is slow.
    let (user, _) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    inject_fault(&world, PATH, "timeout_after", 1).await;
    let slow = json!({ "path": PATH, "method": "POST", "fault": "delay", "delay_ms": 1000 });
    world.control("next", slow).await;
    run(&user, 1000).await.expect(201);
    world.wait_for_webhooks().await;
    assert_eq!((user.balance().await, credits(&user).await), (300, vec![1000]));
    assert_eq!(charges(&world, &user).await.len(), 1);
    // The event arrives after the response.
    let (user, _) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    configure_webhooks(&world, json!({ "paused": true })).await;
    run(&user, 1000).await.expect(201);
    assert_eq!((user.balance().await, credits(&user).await), (300, vec![1000]));
    configure_webhooks(&world, json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
    assert_eq!((user.balance().await, credits(&user).await), (300, vec![1000]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_event_alone_settles_a_charge_whose_response_was_lost() {
    let world = World::with(options()).await;
    let (user, _, drop) = leave_charge_pending(&world, "timeout_after").await;
    world.wait_for_webhooks().await;
    assert_eq!((user.balance().await, credits(&user).await), (1300, vec![1000]));
    world.advance_seconds(AFTER_SETTLE_GRACE);
    assert_eq!(world.reconcile().await, 0, "nothing is pending");
    pay(&user, &drop).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_leaves_the_wallet_low_succeeds_even_while_stripe_is_down() {
    let world = World::with(options()).await;
    for fault in UNKNOWN_OUTCOMES {
        let (user, _) = cardholder(&world, 1500).await;
        enable(&user, 1000, 600).await;
        configure_webhooks(&world, json!({ "paused": true })).await;
        inject_fault(&world, "/v1", fault, ALWAYS).await;
        assert_eq!(run(&user, 1000).await.expect(201)["status"], "open", "{fault}");
        assert_eq!(user.balance().await, 500, "{fault}");
        clear_faults(&world, "/v1").await;
        resume_all(&world).await;
        configure_webhooks(&world, json!({ "paused": false })).await;
        world.wait_for_webhooks().await;
        assert_eq!((user.balance().await, credits(&user).await), (1500, vec![1000]), "{fault}");
        assert_eq!(charges(&world, &user).await.len(), 1, "{fault}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_charge_that_stripe_does_not_know_is_given_up_and_one_that_it_made_is_credited() {
    let world = World::with(options()).await;
    let (user, _, drop) = leave_charge_pending(&world, "timeout_before").await;
    world.advance_seconds(AFTER_CHARGE_EXPIRY);
    assert_eq!(world.reconcile().await, 1);
    assert_eq!((user.balance().await, charges(&world, &user).await.len()), (300, 0));
    let after = settings(&user).await;
    assert_eq!(json!([after["enabled"], after["last_failure"]]), json!([true, "expired"]));
    pay(&user, &drop).await.expect(200);
    assert_eq!(
        (user.balance().await, charges(&world, &user).await.len()),
        (300, 1),
        "the next request charges"
    );

    let (user, _) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    configure_webhooks(&world, json!({ "paused": true })).await;
    inject_fault(&world, PATH, "timeout_after", ALWAYS).await;
    run(&user, 1000).await.expect_error(402, "auto_topup_pending");
    clear_faults(&world, PATH).await;
    world.advance_seconds(25 * 3600);
    assert_eq!(world.reconcile().await, 1);
    assert_eq!((user.balance().await, charges(&world, &user).await.len()), (1300, 1));
    configure_webhooks(&world, json!({ "paused": false })).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_changed_during_a_charge_are_applied_and_so_is_the_charge() {
    let world = World::with(options()).await;
    let (user, _, _) = leave_charge_pending(&world, "timeout_before").await;
    change_settings(&user, json!({ "enabled": false, "amount_cents": 2000 })).await.expect(200);
    resume_all(&world).await;
    assert_eq!((user.balance().await, credits(&user).await), (1300, vec![1000]));
    let after = settings(&user).await;
    assert_eq!(json!([after["enabled"], after["amount_cents"]]), json!([false, 2000]));

    // Refusals before a change of the settings do not count together with a later one.
    let (user, card) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    set_card_behaviour(&world, &card, "declined").await;
    for _ in 0..2 {
        run(&user, 1000).await.expect_error(402, "auto_topup_declined");
    }
    inject_fault(&world, PATH, "timeout_before", ALWAYS).await;
    run(&user, 1000).await.expect_error(402, "auto_topup_pending");
    clear_faults(&world, PATH).await;
    change_settings(&user, json!({ "enabled": true })).await.expect(200);
    resume_all(&world).await;
    let after = settings(&user).await;
    assert_eq!(json!([after["enabled"], after["last_failure"]]), json!([true, "generic_decline"]));
    assert_eq!(user.balance().await, 300);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_sweeps_charge_once() {
    let world = World::with(options()).await;
    for fault in ["timeout_before", "timeout_after"] {
        let mut users = Vec::new();
        for _ in 0..3 {
            users.push(leave_charge_pending(&world, fault).await.0);
        }
        world.advance_seconds(AFTER_SETTLE_GRACE);
        let (one, other) = join(world.payments[0].resume(), world.payments[1].resume()).await;
        assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0), "{fault}");
        resume_all(&world).await;
        world.wait_for_webhooks().await;
        for user in &users {
            assert_eq!((user.balance().await, credits(user).await), (1300, vec![1000]), "{fault}");
            assert_eq!(charges(&world, user).await.len(), 1, "{fault}");
        }
    }
    world.finish().await;
}

/// True for a request to the table that credits a wallet from a card.
fn credits_from_card(request: &Value) -> bool {
    request["TransactItems"].to_string().contains("auto_topup:pi_")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_a_run_that_died_after_the_charge_continues_with_that_charge() {
    let world = proxied_world().await;
    let (user, _) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    configure_webhooks(&world, json!({ "paused": true })).await;
    let keyed = user.keyed("k");
    proxy(&world).fail_if("TransactWriteItems", credits_from_card, Fault::Refused, 1);
    run(&keyed, 1000).await.expect_error(500, "internal");
    assert_eq!((proxy(&world).faults_left(), charges(&world, &user).await.len()), (0, 1));
    assert_eq!((user.balance().await, drop_statuses(&user).await.len()), (300, 0));
    let drop = run(&keyed, 1000).await.expect(201);
    assert_eq!((user.balance().await, drop_statuses(&user).await), (300, vec!["open".to_owned()]));
    configure_webhooks(&world, json!({ "paused": false })).await;
    world.advance_seconds(AFTER_LEASE);
    assert_eq!(run(&keyed, 1000).await.expect(201), drop);
    resume_all(&world).await;
    world.wait_for_webhooks().await;
    assert_eq!((user.balance().await, charges(&world, &user).await.len()), (300, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_a_run_that_died_after_a_refusal_does_not_charge_again() {
    let world = proxied_world().await;
    let (user, card) = cardholder(&world, 300).await;
    enable(&user, 1000, 0).await;
    set_card_behaviour(&world, &card, "declined").await;
    let keyed = user.keyed("k");
    let posts_unpaid = |request: &Value| request["TransactItems"].to_string().contains("pending_payment");
    proxy(&world).fail_if("TransactWriteItems", posts_unpaid, Fault::Refused, 1);
    run(&keyed, 1000).await.expect_error(500, "internal");
    assert_eq!((proxy(&world).faults_left(), drop_statuses(&user).await.len()), (0, 0));
    run(&keyed, 1000).await.expect_error(402, "auto_topup_declined");
    assert_eq!((charges(&world, &user).await.len(), drop_statuses(&user).await.len()), (1, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_stop_at_the_days_limit_and_go_on_the_next_day() {
    let world = World::with(options()).await;
    let (user, _) = cardholder(&world, 0).await;
    enable(&user, 1000, 0).await;
    let limit = json!({ "daily_limit_cents": 2500 });
    assert_eq!(change_settings(&user, limit).await.expect(200)["daily_limit_cents"], 2500);
    for _ in 0..2 {
        run(&user, 1000).await.expect(201);
    }
    let limited = run(&user, 1000).await.expect_error(402, "auto_topup_daily_limit");
    pay(&user, &id(&limited)).await.expect_error(402, "auto_topup_daily_limit");
    assert_eq!((charges(&world, &user).await.len(), user.balance().await), (2, 0));
    let after = settings(&user).await;
    assert_eq!(
        json!([after["enabled"], after["charged_today_cents"], after["last_failure"]]),
        json!([true, 2000, null]),
        "the card was not declined"
    );
    run(&user, 1001).await.expect_error(402, "insufficient_balance");

    change_settings(&user, json!({ "daily_limit_cents": 3000 })).await.expect(200);
    pay(&user, &id(&limited)).await.expect(200);
    run(&user, 1000).await.expect_error(402, "auto_topup_daily_limit");
    change_settings(&user, json!({ "amount_cents": 3001 })).await.expect_field(
        400,
        "amount_too_large",
        "/amount_cents",
    );
    world.advance_seconds(24 * 3600);
    assert_eq!(settings(&user).await["charged_today_cents"], 0);
    run(&user, 1000).await.expect(201);
    assert_eq!((charges(&world, &user).await.len(), user.balance().await), (4, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn declined_charges_and_charges_after_a_debit_count_against_the_days_limit() {
    let world = World::with(options()).await;
    let (user, card) = cardholder(&world, 1500).await;
    enable(&user, 500, 1000).await;
    change_settings(&user, json!({ "daily_limit_cents": 1000 })).await.expect(200);
    run(&user, 600).await.expect(201);
    assert_eq!(user.balance().await, 1400);
    set_card_behaviour(&world, &card, "declined").await;
    run(&user, 1600).await.expect_error(402, "auto_topup_declined");
    set_card_behaviour(&world, &card, "ok").await;
    run(&user, 1600).await.expect_error(402, "auto_topup_daily_limit");
    run(&user, 600).await.expect(201);
    assert_eq!((user.balance().await, charges(&world, &user).await.len()), (800, 2), "no charge afterwards");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_runs_do_not_charge_beyond_the_days_limit() {
    let world = World::with(Options { stripe_tries: usize::MAX, ..options() }).await;
    let (user, _) = cardholder(&world, 0).await;
    enable(&user, 1000, 0).await;
    change_settings(&user, json!({ "daily_limit_cents": 3000 })).await.expect(200);
    let answers = join_all((0..12).map(|_| run(&user, 1000))).await;
    let paid = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(paid <= 3, "{paid}");
    while run(&user, 1000).await.status == 201 {}
    assert_eq!((charges(&world, &user).await.len(), user.balance().await), (3, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_a_run_that_left_its_drop_unpaid_does_not_charge_what_cannot_suffice() {
    let world = proxied_world().await;
    let (user, _) = cardholder(&world, 100).await;
    enable(&user, 1000, 500).await;
    let keyed = user.keyed("k");
    proxy(&world).fail_if("UpdateItem", stores_response, Fault::Refused, 1);
    let first = run(&keyed, 5000).await.expect_error(402, "insufficient_balance");
    assert_eq!((proxy(&world).faults_left(), drop_statuses(&user).await.len()), (0, 1));
    world.advance_seconds(AFTER_LEASE);
    let retry = run(&keyed, 5000).await.expect_error(402, "insufficient_balance");
    assert_eq!(id(&retry), id(&first));
    let paying = user.keyed("p");
    for _ in 0..2 {
        pay(&paying, &id(&first)).await.expect_error(402, "insufficient_balance");
    }
    assert_eq!((charges(&world, &user).await.len(), user.balance().await), (0, 100));
    assert_eq!(drop_statuses(&user).await, ["pending_payment"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_beside_a_failed_condition_is_tried_again_and_charges_nothing() {
    let world = proxied_world().await;
    let (user, _) = cardholder(&world, 1500).await;
    enable(&user, 1000, 0).await;
    let pays = |request: &Value| request["TransactItems"].to_string().contains("drop:");
    proxy(&world).fail_if("TransactWriteItems", pays, Fault::ConflictBesideRefusal, 3);
    assert_eq!(run(&user, 1000).await.expect(201)["status"], "open");
    assert_eq!((proxy(&world).faults_left(), user.balance().await), (0, 500));
    assert_eq!(charges(&world, &user).await.len(), 0);
    world.finish().await;
}

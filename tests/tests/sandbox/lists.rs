//! Lists: their pages, filters and expansions.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::support::{World, id, options};

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn pages_run_from_newest_to_oldest_without_gap_or_repetition() {
    let world = World::start().await;
    let mut customers = Vec::new();
    for _ in 0..7 {
        customers.insert(0, world.stripe.customer().await);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = world.stripe.get(&format!("customers?limit=3{after}")).await.ok();
        seen.extend(ids(&page));
        pages += 1;
        after = format!("&starting_after={}", seen.last().unwrap());
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!((seen, pages), (customers.clone(), 3));
    let back = world.stripe.get(&format!("customers?limit=2&ending_before={}", customers[4])).await.ok();
    assert_eq!((ids(&back), &back["has_more"]), (customers[2..4].to_vec(), &Value::Bool(true)));
    for query in ["limit=0", "limit=101", "limit=x", "starting_after=cus_none", "created[after]=1"] {
        assert_eq!(world.stripe.get(&format!("customers?{query}")).await.status, 400, "{query}");
    }
    world.finish().await;
}

#[tokio::test]
async fn filters_leave_out_objects_that_do_not_match() {
    let world = World::start().await;
    world.stripe.paid_session(5_000).await;
    let (one, other) = (world.stripe.payee().await, world.stripe.payee().await);
    let mut transfers = Vec::new();
    for (destination, group) in [(&one, "a"), (&one, "b"), (&other, "a")] {
        let form =
            [("amount", "100"), ("currency", "usd"), ("destination", destination), ("transfer_group", group)];
        transfers.push(id(&world.stripe.post("transfers", &form).await.ok()));
    }
    for (query, expected) in [
        (format!("destination={one}"), vec![1, 0]),
        ("transfer_group=a".to_owned(), vec![2, 0]),
        (format!("transfer_group=a&destination={other}"), vec![2]),
        ("transfer_group=c".to_owned(), vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|index: usize| transfers[index].clone()).collect();
        let list = world.stripe.get(&format!("transfers?{query}")).await.ok();
        assert_eq!(ids(&list), expected, "{query}");
    }
    let created = world.stripe.get("events?type=transfer.created").await.ok();
    assert_eq!(created["data"].as_array().unwrap().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn created_bounds_a_list_in_time() {
    let options = options();
    let shift = options.clock_shift_millis.clone();
    let world = World::with(options).await;
    let old = world.stripe.session(500).await;
    shift.fetch_add(3_600_000, Ordering::Relaxed);
    let new = world.stripe.session(500).await;
    let created =
        world.stripe.get(&format!("checkout/sessions/{new}")).await.ok()["created"].as_i64().unwrap();
    let list = async |query: String| ids(&world.stripe.get(&format!("checkout/sessions?{query}")).await.ok());
    assert_eq!(list(format!("created[gte]={created}")).await, std::slice::from_ref(&new));
    assert_eq!(list(format!("created[gt]={created}")).await, Vec::<String>::new());
    assert_eq!(list(format!("created[lt]={created}")).await, [old]);
    assert_eq!(list(format!("created={created}")).await, [new]);
    world.finish().await;
}

#[tokio::test]
async fn expanding_replaces_an_identifier_with_its_object() {
    let world = World::start().await;
    let session = id(&world.stripe.paid_session(500).await);
    let path = format!("checkout/sessions/{session}?expand[]=payment_intent.latest_charge");
    let expanded = world.stripe.get(&path).await.ok();
    assert_eq!(expanded["payment_intent"]["latest_charge"]["object"], "charge");
    let list = world.stripe.get("charges?expand[]=data.payment_intent").await.ok();
    assert_eq!(list["data"][0]["payment_intent"]["object"], "payment_intent");
    for wrong in ["colour", "amount_total", "customer.a.b.c.d"] {
        let path = format!("checkout/sessions/{session}?expand[]={wrong}");
        assert_eq!(world.stripe.get(&path).await.status, 400, "{wrong}");
    }
    world.finish().await;
}

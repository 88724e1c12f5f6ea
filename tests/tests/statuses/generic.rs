//! Statuses that mean the same everywhere, from every operation that documents them.

use clorp_domain::{RateLimit, Rights, Rules, StoredKey};
use clorp_http::extract::MAX_BODY_BYTES;
use clorp_tests::document::{Route, routes};
use clorp_tests::world::SOURCE_ADDRESS;
use clorp_tests::{Answer, Fault, Options, World};
use futures::future::join_all;
use reqwest::Method;

use super::Row;

/// An idempotency key that another request has used.
const USED_KEY: &str = "used";
/// An id that names nothing.
const UNKNOWN: &str = "01HZZZZZZZZZZZZZZZZZZZZZZZ";

pub(crate) async fn rows(world: &World) -> Vec<Row> {
    let drop = world.sender.post_drop(100).await;
    let mut rows = Vec::new();
    // This request has no body, so it differs from every request below.
    world.sender.keyed(USED_KEY).claim(&drop).await;
    for status in [304, 400, 401, 403, 404, 409, 413, 415] {
        rows.extend(rows_with(status, world, &drop).await);
    }
    let proxy = world.proxy.as_ref().unwrap();
    for (status, fault) in [(500, Fault::Refused), (503, Fault::ServerError)] {
        proxy.break_down(fault);
        rows.extend(rows_with(status, world, &drop).await);
        proxy.heal();
    }
    rows
}

/// A request above the rate limit of every operation that has one.
pub(crate) async fn too_many_requests() -> Vec<Row> {
    let rate = RateLimit { quota: 1, window_seconds: 3600 };
    let rules = Rules {
        create_rate: rate,
        claim_rate: rate,
        submit_rate: rate,
        money_rate: rate,
        setup_rate: rate,
        keys_rate: rate,
        upload_rate: rate,
        verify_rate: rate,
        read_rate: rate,
        login_rate: rate,
        public_rate: rate,
        ..Rules::default()
    };
    let world = World::with(Options { rules, ..Options::funded() }).await;
    let mut rows = Vec::new();
    for route in routes().iter().filter(|route| route.statuses().contains(&429)) {
        let user = world.user("somebody", 0).await;
        let path = route.at(UNKNOWN, &user.id);
        let user = route.caller(&world, &user);
        // Each of the three instances counts reads on its own.
        let address = [(SOURCE_ADDRESS, "203.0.113.7")];
        for _ in 0..3 {
            route.send(&user, &path, &address).await;
        }
        rows.push((route.name(), 429, route.send(&user, &path, &address).await));
    }
    world.finish().await;
    rows
}

/// One row from every operation that documents the status. The requests run concurrently.
async fn rows_with(status: u16, world: &World, drop: &str) -> Vec<Row> {
    let documenting = routes().iter().filter(|route| route.statuses().contains(&status));
    let rows = documenting.map(async |route| {
        let answer = provoke(status, route, world, drop).await?;
        Some((route.name(), status, answer))
    });
    join_all(rows).await.into_iter().flatten().collect()
}

/// The answer to a request that should get this status. None if the operation gives the status a specific
/// meaning.
async fn provoke(status: u16, route: &Route, world: &World, drop: &str) -> Option<Answer> {
    let sender = &route.caller(world, &world.sender);
    let path = route.at(drop, &sender.id);
    let with_body = async |media_type, bytes| {
        sender.send(route.method.clone(), &path, Some(bytes), &[("content-type", media_type)]).await
    };
    let answer = match status {
        304 => {
            let tag = route.send(sender, &path, &[]).await.header("etag")?.to_owned();
            route.send(sender, &path, &[("if-none-match", &tag)]).await
        }
        400 => route.send(sender, &format!("{path}?nonsense=1"), &[]).await,
        401 => route.send(&world.anon, &path, &[]).await,
        403 if !route.requires_credential() => return None,
        403 => {
            let powerless = |key| StoredKey { rights: Rights::default(), ..key };
            route.send(&world.with_key(&world.sender, powerless).await, &path, &[]).await
        }
        404 if path != route.path => route.send(sender, &route.at(UNKNOWN, UNKNOWN), &[]).await,
        404 => return None,
        409 if route.method == Method::POST && route.requires_credential() => {
            route.send(&sender.keyed(USED_KEY), &path, &[]).await
        }
        409 => return None,
        413 => with_body("application/json", vec![b' '; MAX_BODY_BYTES + 1]).await,
        415 => with_body("text/plain", b"{}".to_vec()).await,
        500 | 503 => route.send(sender, &path, &[]).await,
        other => panic!("{other} is not generic"),
    };
    Some(answer)
}

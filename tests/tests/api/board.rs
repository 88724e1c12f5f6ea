//! `GET /api/board`.

use std::collections::BTreeSet;

use clorp_tests::World;
use serde_json::{Value, json};

use super::support::{assert_without, fields, ids, post, post_for, post_pending, rest, with};

const FIELDS: [&str; 12] = [
    "id",
    "title",
    "prompt",
    "pack",
    "price_cents",
    "payout_cents",
    "window_closes_at",
    "claims_count",
    "max_claims",
    "submissions_count",
    "worker_requirements",
    "created_at",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_on_the_board_has_exactly_the_documented_fields() {
    let world = World::start().await;
    let drop = post(&world.sender, "code", 500).await;
    world.race(&drop, 1).await;
    world.workers[1].claim(&drop).await.expect(201);
    let board = world.anon.get("/api/board").await.expect(200);
    let shown = &board[0];
    assert_eq!(fields(shown), BTreeSet::from(FIELDS));
    let posted = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    let expected = json!({
        "id": drop, "title": "A code drop", "prompt": "A code drop\nwith a second line", "pack": "code",
        "price_cents": 500, "payout_cents": 350, "window_closes_at": posted["window_closes_at"],
        "claims_count": 2, "max_claims": 5, "submissions_count": 1, "created_at": posted["created_at"],
        "worker_requirements": { "verified_payouts": false, "min_races": 0, "min_win_rate_percent": 0 },
    });
    assert_eq!(*shown, expected);
    assert!(shown["created_at"].as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{shown}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_lists_only_open_drops_with_an_open_window() {
    let world = World::start().await;
    let [short, long, cancelled, full] = [
        post_for(&world.sender, "roast", 100, 30).await,
        post_for(&world.sender, "roast", 100, 600).await,
        post(&world.sender, "roast", 100).await,
        post(&world.sender, "roast", 100).await,
    ];
    post_pending(&world.stranger).await;
    world.sender.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
    world.race(&full, 5).await;
    for sort in ["closing", "newest", "price"] {
        let path = format!("/api/board?sort={sort}");
        let shown = BTreeSet::from_iter(ids(&world.anon.get(&path).await.expect(200)));
        assert_eq!(shown, BTreeSet::from([short.clone(), long.clone()]), "{sort}");
    }
    // No sweep has run, so only the window takes the drop off the board.
    world.advance_seconds(31);
    for query in ["sort=closing", "sort=newest", "sort=price", "sort=newest&min_price_cents=1", "pack=roast"]
    {
        let board = world.anon.get(&format!("/api/board?{query}")).await.expect(200);
        assert_eq!(ids(&board), [long.as_str()], "{query}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_drop_appears_on_the_board_once_it_is_paid() {
    let world = World::start().await;
    let user = world.user("late payer", 100).await;
    let body = json!({ "prompt": "Pay later", "price_cents": 200, "confirmed": true });
    let refused = user.post("/api/jobs/run", body).await.expect_error(402, "insufficient_balance");
    let drop = refused["id"].as_str().unwrap();
    assert_eq!(world.anon.get("/api/board").await.expect(200), json!([]));
    // A win brings the missing money.
    let won = post(&world.sender, "roast", 500).await;
    user.claim(&won).await.expect(201);
    user.submit(&won, "Still compiling since 1999").await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    user.post_empty(&format!("/api/jobs/{drop}/pay")).await.expect(200);
    assert_eq!(ids(&world.anon.get("/api/board").await.expect(200)), [drop]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_sorted_as_requested() {
    let world = World::start().await;
    let mut drops = Vec::new();
    for (price, seconds) in [(300, 600), (100, 300), (200, 900), (500, 60)] {
        drops.push(post_for(&world.sender, "scout", price, seconds).await);
        world.advance_seconds(1);
    }
    let expected = |order: [usize; 4]| order.map(|i| drops[i].clone()).to_vec();
    for (query, order) in [
        ("", [3, 1, 0, 2]),
        ("?sort=closing", [3, 1, 0, 2]),
        ("?sort=newest", [3, 2, 1, 0]),
        ("?sort=price", [3, 0, 2, 1]),
    ] {
        let board = world.anon.get(&format!("/api/board{query}")).await.expect(200);
        assert_eq!(ids(&board), expected(order), "{query}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_apply_alone_and_in_combination() {
    let world = World::start().await;
    let mut drops = Vec::new();
    for pack in ["roast", "scout", "code", "cook", "wild"] {
        for price in [100, 250, 400] {
            drops.push((post(&world.sender, pack, price).await, pack, price));
        }
    }
    let cases =
        [(None, None), (Some("code"), None), (None, Some(250)), (Some("cook"), Some(251)), (None, Some(401))];
    for sort in ["closing", "newest", "price"] {
        for (pack, least) in cases {
            let mut path = format!("/api/board?sort={sort}");
            if let Some(pack) = pack {
                path += &format!("&pack={pack}");
            }
            if let Some(least) = least {
                path += &format!("&min_price_cents={least}");
            }
            let shown = BTreeSet::from_iter(ids(&world.anon.get(&path).await.expect(200)));
            let expected = drops.iter().filter(|(_, drop_pack, price)| {
                pack.is_none_or(|pack| pack == *drop_pack) && least.is_none_or(|least| *price >= least)
            });
            assert_eq!(shown, expected.map(|(id, ..)| id.clone()).collect(), "{path}");
        }
    }
    world.finish().await;
}

/// The sort key of an item as text that sorts the same. Descending orders are checked in reverse.
fn sort_key(sort: &str, item: &Value) -> String {
    match sort {
        "closing" => item["window_closes_at"].as_str().unwrap().to_owned(),
        "newest" => item["created_at"].as_str().unwrap().to_owned(),
        _ => format!("{:08}", item["price_cents"].as_i64().unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_neither_skips_nor_repeats_while_drops_are_added() {
    let world = World::start().await;
    let rich = world.user("rich", 200_000).await;
    let packs = ["roast", "scout", "code", "cook", "wild"];
    let mut drops = Vec::new();
    for i in 0..40_usize {
        let (pack, price) = (packs[i % 5], [100, 200, 200, 200, 300, 400, 400][i % 7]);
        drops.push((post_for(&rich, pack, price, [300, 600, 600, 900][i % 4]).await, pack, price));
    }
    for sort in ["closing", "newest", "price"] {
        for (filter, pack, least) in [
            ("", None, 0),
            ("&pack=code", Some("code"), 0),
            ("&min_price_cents=200", None, 200),
            ("&pack=wild&min_price_cents=200", Some("wild"), 200),
        ] {
            for limit in [1, 3, 7] {
                let path = format!("/api/board?sort={sort}{filter}&limit={limit}");
                let matching = drops.iter().filter(|(_, drop_pack, price)| {
                    pack.is_none_or(|pack| pack == *drop_pack) && *price >= least
                });
                let before: BTreeSet<String> = matching.map(|(id, ..)| id.clone()).collect();
                let mut seen: Vec<Value> = Vec::new();
                let mut cursor: Option<String> = None;
                for page_number in 0.. {
                    assert!(page_number < 200, "{path} never ends");
                    let at = cursor.map_or(path.clone(), |cursor| with(&path, &format!("cursor={cursor}")));
                    let page = world.anon.get(&at).await;
                    let items = page.expect(200);
                    let items = items.as_array().unwrap();
                    assert!(items.len() <= limit, "{at}");
                    seen.extend(items.iter().cloned());
                    cursor = page.header("x-next-cursor").map(str::to_owned);
                    if cursor.is_none() {
                        break;
                    }
                    if page_number == 1 {
                        for (pack, price, seconds) in [("code", 200, 600), ("wild", 400, 240)] {
                            drops.push((post_for(&rich, pack, price, seconds).await, pack, price));
                        }
                    }
                }
                let unique: BTreeSet<String> = ids(&Value::Array(seen.clone())).into_iter().collect();
                assert_eq!(unique.len(), seen.len(), "{path} repeats");
                assert!(before.is_subset(&unique), "{path} skips {:?}", before.difference(&unique));
                let keys: Vec<String> = seen.iter().map(|item| sort_key(sort, item)).collect();
                let mut sorted = keys.clone();
                sorted.sort_unstable();
                if sort != "closing" {
                    sorted.reverse();
                }
                assert_eq!(keys, sorted, "{path}");
            }
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn link_headers_lead_through_the_filtered_board() {
    let world = World::start().await;
    for price in [100, 200, 300] {
        post(&world.sender, "roast", price).await;
    }
    post(&world.sender, "code", 500).await;
    let mut url = world.anon.url("/api/board?pack=roast&sort=price&limit=1");
    let mut prices = Vec::new();
    for _ in 0..10 {
        // The link is absolute, so a client follows it as it is.
        let page = reqwest::get(&url).await.unwrap();
        let link = page.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let items: Value = page.json().await.unwrap();
        prices.extend(items.as_array().unwrap().iter().map(|item| item["price_cents"].as_i64().unwrap()));
        let Some(link) = link else { break };
        url =
            link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
    }
    assert_eq!(prices, [300, 200, 100]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_valid_only_for_its_own_sort() {
    let world = World::start().await;
    for _ in 0..3 {
        post(&world.sender, "roast", 100).await;
    }
    let sorts = ["closing", "newest", "price"];
    for from in sorts {
        let page = world.anon.get(&format!("/api/board?sort={from}&limit=1")).await;
        let cursor = page.header("x-next-cursor").unwrap().to_owned();
        for to in sorts.into_iter().filter(|to| *to != from) {
            let answer = world.anon.get(&format!("/api/board?sort={to}&cursor={cursor}")).await;
            answer.expect_field(400, "invalid_cursor", "cursor");
        }
        world.anon.get(&format!("/api/feed?cursor={cursor}")).await.expect_field(
            400,
            "invalid_cursor",
            "cursor",
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_cursor_with_other_filters_still_works() {
    let world = World::start().await;
    for price in [100, 200, 300, 400] {
        post(&world.sender, "roast", price).await;
    }
    for sort in ["closing", "newest", "price"] {
        let page = world.anon.get(&format!("/api/board?sort={sort}&limit=2")).await;
        let cursor = page.header("x-next-cursor").unwrap().to_owned();
        let shown = ids(&page.expect(200));
        for filter in
            ["pack=roast", "pack=code", "min_price_cents=350", "pack=roast&min_price_cents=99999999"]
        {
            let path = format!("/api/board?sort={sort}&{filter}");
            let items = rest(&world.anon, &path, Some(cursor.clone()), "").await;
            assert!(ids(&Value::Array(items)).iter().all(|id| !shown.contains(id)), "{path} repeats");
        }
        world.advance_seconds(1);
    }
    // Every window has ended.
    world.advance_seconds(1000);
    let path = "/api/board?sort=closing";
    assert_eq!(rest(&world.anon, path, None, "").await, Vec::<Value>::new());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_parameter_is_refused_by_name() {
    let world = World::start().await;
    post(&world.sender, "roast", 100).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=1&limit=2", "limit"),
        ("sort=cheapest", "sort"),
        ("sort=", "sort"),
        ("sort=PRICE", "sort"),
        ("pack=grill", "pack"),
        ("pack=", "pack"),
        ("min_price_cents=-1", "min_price_cents"),
        ("min_price_cents=1.5", "min_price_cents"),
        ("min_price_cents=much", "min_price_cents"),
        ("cursor=", "cursor"),
        ("cursor=garbage", "cursor"),
        ("cursor=%00", "cursor"),
        ("max_price_cents=5", "max_price_cents"),
    ] {
        let body = world.anon.get(&format!("/api/board?{query}")).await.expect(400);
        assert_eq!(body["field"], field, "{query}: {body}");
    }
    for limit in [1, 100] {
        world.anon.get(&format!("/api/board?limit={limit}")).await.expect(200);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_cacheable_and_revalidates() {
    let world = World::start().await;
    post(&world.sender, "roast", 100).await;
    let first = world.anon.get("/api/board").await;
    first.expect(200);
    let control = first.header("cache-control").unwrap();
    assert!(control.contains("public") && control.contains("max-age="), "{control}");
    let tag = first.header("etag").unwrap().to_owned();
    let weak = format!("W/{tag}");
    let several = format!("\"other\", {tag}");
    for sent in [tag.as_str(), &weak, &several, "*"] {
        let unchanged = world.anon.get_with("/api/board", &[("if-none-match", sent)]).await;
        unchanged.expect(304);
        assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", Some(tag.as_str())));
        assert_eq!(unchanged.header("cache-control"), Some(control));
    }
    post(&world.sender, "roast", 100).await;
    let changed = world.anon.get_with("/api/board", &[("if-none-match", &tag)]).await;
    changed.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_reveals_nothing_private() {
    let world = World::start().await;
    let body = json!({
        "prompt": "A public prompt", "pack": "roast", "price_cents": 100, "confirmed": true,
        "envVars": { "SECRET_NAME": "secret-value" },
    });
    let drop = world.sender.post("/api/jobs/run", body).await.expect(201);
    let drop = drop["id"].as_str().unwrap();
    world.workers[0].claim(drop).await.expect(201);
    world.workers[0].submit(drop, "A sealed output").await.expect(201);
    // A credential changes nothing, not even that of the drop's sender.
    for client in [&world.anon, &world.sender, &world.workers[0]] {
        for sort in ["closing", "newest", "price"] {
            let answer = client.get(&format!("/api/board?sort={sort}")).await;
            assert_eq!(ids(&answer.expect(200)), [drop]);
            let secrets = ["SECRET_NAME", "secret-value", "sealed", &world.sender.id, &world.workers[0].id];
            assert_without(&answer.text, secrets);
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_describe_a_worker_and_leave_out_drops_that_this_worker_cannot_claim() {
    let world = World::start().await;
    let mut drops = Vec::new();
    for requirements in [
        json!({}),
        json!({ "verified_payouts": true }),
        json!({ "min_races": 10 }),
        json!({ "min_races": 10, "min_win_rate_percent": 30 }),
    ] {
        let body = json!({ "prompt": "Roast it", "worker_requirements": requirements, "confirmed": true });
        let posted = world.sender.post("/api/jobs/run", body).await.expect(201);
        drops.push(posted["id"].as_str().unwrap().to_owned());
    }
    for (query, shown) in [
        ("", &[0, 1, 2, 3][..]),
        ("&worker_verified_payouts=true", &[0, 1, 2, 3]),
        ("&worker_verified_payouts=false", &[0, 2, 3]),
        ("&worker_races=0", &[0, 1]),
        ("&worker_races=10", &[0, 1, 2, 3]),
        ("&worker_win_rate_percent=29", &[0, 1, 2]),
        ("&worker_win_rate_percent=30", &[0, 1, 2, 3]),
        ("&worker_verified_payouts=false&worker_races=0&worker_win_rate_percent=0", &[0]),
    ] {
        for sort in ["closing", "newest", "price"] {
            let board = world.anon.get(&format!("/api/board?sort={sort}{query}")).await.expect(200);
            let expected = BTreeSet::from_iter(shown.iter().map(|n| drops[*n].clone()));
            assert_eq!(BTreeSet::from_iter(ids(&board)), expected, "{sort}{query}");
        }
    }
    let paged = rest(&world.anon, "/api/board?sort=newest&limit=1&worker_races=0", None, "").await;
    assert_eq!(paged.len(), 2, "an empty page has a next one");
    for bad in
        ["worker_races=-1", "worker_races=x", "worker_verified_payouts=1", "worker_win_rate_percent=101"]
    {
        world.anon.get(&format!("/api/board?{bad}")).await.expect(400);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_before_it_outgrows_an_answer_and_the_next_one_continues() {
    let world = World::start().await;
    // Lambda escapes each of these characters twice, which makes it four bytes.
    let body = json!({ "prompt": "\"".repeat(16 * 1024), "price_cents": 100, "confirmed": true });
    for _ in 0..70 {
        world.sender.post("/api/jobs/run", body.clone()).await.expect(201);
    }
    for (client, list) in [(&world.anon, "/api/board"), (&world.sender, "/api/jobs")] {
        let path = format!("{list}?limit=100");
        let page = client.get(&path).await;
        let shown = page.expect(200).as_array().unwrap().len();
        let answer = serde_json::to_string(&page.text).unwrap().len();
        assert!((1..70).contains(&shown) && answer < 6_000_000, "{list}: {shown} items in {answer} bytes");
        let cursor = page.header("x-next-cursor").unwrap().to_owned();
        let mut all = ids(&page.json());
        all.extend(ids(&Value::Array(rest(client, &path, Some(cursor), "").await)));
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (70, 70), "{list} skips or repeats drops");
    }
    world.finish().await;
}

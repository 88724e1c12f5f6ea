//! `POST /api/whoami`.

use clorp_tests::World;
use serde_json::json;

use super::support::post;

#[tokio::test(flavor = "multi_thread")]
async fn whoami_returns_the_keys_owner_and_balance() {
    let world = World::start().await;
    post(&world.sender, "roast", 250).await;
    for (client, cents) in [(&world.sender, 19_750), (&world.workers[0], 1000), (&world.stranger, 0)] {
        let expected = json!({ "user": { "id": client.id, "balance_cents": cents } });
        assert_eq!(client.post_empty("/api/whoami").await.expect(200), expected);
        assert_eq!(client.post("/api/whoami", json!({})).await.expect(200), expected);
    }
    world.finish().await;
}

//! Items that nobody can read: a drop that is due for the ranking, and a withdrawal that is due for the
//! reconciler. The sweeps must settle the others.

use clorp_context::new_ulid;
use clorp_dynamo_model::Item;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::TABLE;
use crate::play::Stage;

/// The seeds of this multiple have such items.
const SEEDS: u64 = 8;
/// The unreadable drop's partition key.
const DROP: &str = "DROP#00000000000000000000000000";
/// The partition key of the unreadable withdrawal's user.
pub const USER: &str = "USER#00000000000000000000000000";

/// Puts the unreadable items into the table, in some seeds. Returns the number of tasks that fail in a sweep
/// of the drops, and at most in one of the payments.
pub fn plant(stage: &Stage, seed: u64) -> u64 {
    if !seed.is_multiple_of(SEEDS) {
        return 0;
    }
    stage.fleet.site.with(|state| {
        let now = state.now();
        for item in drop().into_iter().chain([withdrawal(now)]) {
            state.table.put_raw(item);
        }
    });
    1
}

/// Removes them again.
pub fn remove(stage: &Stage) {
    stage.fleet.site.with(|state| {
        let planted = |item: &&Item| item["pk"]["S"] == DROP || item["pk"]["S"] == USER;
        let keys: Vec<Value> = state
            .table
            .scan_all()
            .filter(planted)
            .map(|item| json!({ "pk": item["pk"], "sk": item["sk"] }))
            .collect();
        for key in keys {
            let request = json!({ "TableName": TABLE, "Key": key });
            let removed = state.table.call("DeleteItem", &request, 0);
            removed.expect("an item can be removed");
        }
    });
}

/// The items of the drop, due before every other one and without the drop's attributes. Only the first is in
/// the index.
fn drop() -> [Item; 2] {
    [
        item(&[("pk", DROP), ("sk", "DROP"), ("board", "RANKING#roast#0"), ("closing", "0000000000000#0")]),
        item(&[("pk", DROP), ("sk", "BODY")]),
    ]
}

/// A withdrawal that is due, and younger than every other one, so that the sweep begins with it.
fn withdrawal(now: Timestamp) -> Item {
    let sk = format!("WITHDRAWAL#{}", new_ulid(now));
    let due_at = format!("{:013}", now.as_millisecond());
    item(&[("pk", USER), ("sk", &sk), ("pending", "PENDING"), ("pending_at", &due_at)])
}

fn item(attributes: &[(&str, &str)]) -> Item {
    attributes.iter().map(|(name, text)| ((*name).to_owned(), json!({ "S": text }))).collect()
}

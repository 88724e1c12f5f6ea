//! A drop that nobody can read, and that is due for the ranking: the sweep must settle the others.

use clorp_dynamo_model::Item;
use serde_json::json;

use crate::aws::TABLE;
use crate::play::Stage;

/// The seeds of this multiple have such a drop.
const SEEDS: u64 = 8;
/// The unreadable drop's partition key.
const PK: &str = "DROP#00000000000000000000000000";
/// The items of the unreadable drop.
const SORT_KEYS: [&str; 2] = ["DROP", "BODY"];

/// Puts the unreadable drop into the table, in some seeds. Returns the number of tasks that fail in a sweep.
pub fn plant(stage: &Stage, seed: u64) -> u64 {
    if !seed.is_multiple_of(SEEDS) {
        return 0;
    }
    stage.fleet.site.with(|state| {
        for sk in SORT_KEYS {
            state.table.put_raw(unreadable(sk));
        }
    });
    1
}

/// Removes it again.
pub fn remove(stage: &Stage) {
    stage.fleet.site.with(|state| {
        for sk in SORT_KEYS {
            let key = json!({ "pk": { "S": PK }, "sk": { "S": sk } });
            let request = json!({ "TableName": TABLE, "Key": key });
            let removed = state.table.call("DeleteItem", &request, 0);
            removed.expect("an item can be removed");
        }
    });
}

/// An item of the drop, due before every other one and without the drop's attributes.
fn unreadable(sk: &str) -> Item {
    let mut item = Item::new();
    let attributes = [("pk", PK), ("sk", sk), ("board", "RANKING#roast#0"), ("closing", "0000000000000#0")];
    // Only the drop's own item is in the index.
    let shown = if sk == "DROP" { attributes.len() } else { 2 };
    for (name, value) in &attributes[..shown] {
        item.insert((*name).to_owned(), json!({ "S": value }));
    }
    item
}

//! Every documented status of every operation, as the answer to a real request.
//!
//! [`clorp_tests::Client`] checks that each answer is as documented and that no answer is outside the
//! document.

mod generic;
mod specific;

use std::collections::BTreeSet;

use clorp_tests::document::routes;
use clorp_tests::{Answer, Options, World};

/// An operation, a status, and the answer that shows it.
type Row = (String, u16, Answer);

const ADVICE: &str = "
No request was answered with these documented statuses. If the status has a specific meaning, add a request for it to
tests/tests/statuses/specific.rs; if the operation needs a body to get that far, add one to
Route::body in tests/src/document.rs; if no request can get this answer, remove it from the operation's `responses`.
Unexpected answers:
";

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_status_of_every_operation_is_answered() {
    let world = World::with(Options { proxied: true, ..Options::funded() }).await;
    let mut rows = specific::rows(&world).await;
    rows.extend(generic::rows(&world).await);
    rows.extend(generic::too_many_requests().await);
    let (mut observed, mut unexpected) = (BTreeSet::new(), Vec::new());
    for (operation, status, answer) in rows {
        if (answer.operation.as_ref(), answer.status.as_u16()) == (Some(&operation), status) {
            observed.insert((operation, status));
        } else {
            let Answer { operation: actual, status: got, text, .. } = answer;
            unexpected.push(format!("{operation} {status} was answered as {actual:?} {got}: {text:.300}"));
        }
    }
    let missing: Vec<_> = documented().difference(&observed).cloned().collect();
    assert!(missing.is_empty() && unexpected.is_empty(), "{missing:#?}{ADVICE}{unexpected:#?}");
    world.finish().await;
}

fn documented() -> BTreeSet<(String, u16)> {
    let mut documented = BTreeSet::new();
    for route in routes() {
        documented.extend(route.statuses().into_iter().map(|status| (route.name(), status)));
    }
    documented
}

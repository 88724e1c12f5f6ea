//! Every status that the document promises, of every operation, answered to a real request.
//!
//! That each of the answers is as documented, and that no answer is outside the document, is what [`clorp_tests::Client`] sees
//! to.

mod generic;
mod specific;

use std::collections::BTreeSet;

use clorp_tests::document::routes;
use clorp_tests::{Answer, Options, World};

/// An operation, a status, and the answer that shows it.
type Row = (String, u16, Answer);

const ADVICE: &str = "
The document names these statuses and no request was answered with them. If the status has a meaning of its own, add a
request for it to tests/tests/statuses/specific.rs; if the operation needs a body to get that far, add one to
Route::body in tests/src/document.rs; if nothing can be answered so, take it out of the operation's `responses`.
Not answered as meant:
";

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_status_of_every_operation_is_answered() {
    let world = World::with(Options { proxied: true, ..Options::funded() }).await;
    let mut rows = specific::rows(&world).await;
    rows.extend(generic::rows(&world).await);
    rows.extend(generic::too_often().await);
    let (mut shown, mut others) = (BTreeSet::new(), Vec::new());
    for (operation, status, answer) in rows {
        if (answer.operation.as_ref(), answer.status.as_u16()) == (Some(&operation), status) {
            shown.insert((operation, status));
        } else {
            let Answer { operation: asked, status: got, text, .. } = answer;
            others.push(format!("{operation} {status} was answered as {asked:?} {got}: {text:.300}"));
        }
    }
    let missing: Vec<_> = documented().difference(&shown).cloned().collect();
    assert!(missing.is_empty() && others.is_empty(), "{missing:#?}{ADVICE}{others:#?}");
    world.finish().await;
}

fn documented() -> BTreeSet<(String, u16)> {
    let mut documented = BTreeSet::new();
    for route in routes() {
        documented.extend(route.statuses().into_iter().map(|status| (route.name(), status)));
    }
    documented
}

//! Judges that do not respond.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clorp_domain::error::Internal;
use clorp_domain::verdict::Candidate;
use clorp_domain::{Brief, Pack, Verdict};
use clorp_judge::{EMBEDDED_JUDGE, Judge, JudgeError};
use clorp_ranking::Swept;
use clorp_tests::{Options, World};
use futures::future::BoxFuture;

use super::{read, total_balance};

/// A judge that is never available.
#[derive(Default)]
struct Unavailable {
    calls: AtomicUsize,
}

impl Judge for Unavailable {
    fn judge<'s, 'b, 'c, 'f>(
        &'s self,
        _: Pack,
        _: &'b Brief,
        _: &'c [Candidate],
    ) -> BoxFuture<'f, Result<Verdict, JudgeError>>
    where
        Self: 'f,
        's: 'f,
        'b: 'f,
        'c: 'f,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(JudgeError::Unavailable(Internal::new("gone fishing"))) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_judge_replaces_an_unavailable_one_after_the_settlement_deadline() {
    let judge = Arc::new(Unavailable::default());
    let world = World::with(Options { judge: judge.clone(), ..Options::default() }).await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 5).await;
    for calls in 1..=2 {
        assert_eq!(world.rankings[0].sweep().await.unwrap(), Swept { settled: 0, failed: 1 });
        assert_eq!(judge.calls.load(Ordering::Relaxed), calls);
        assert_eq!(read(&world.sender, &drop).await["status"], "ranking");
        assert_eq!(total_balance(&world.workers).await, 7000);
    }
    // The window, the time limit of a settlement, and one more second.
    world.advance_seconds(300 + 120 + 1);
    assert_eq!(world.rankings[0].sweep().await.unwrap(), Swept { settled: 1, failed: 0 });
    assert_eq!(judge.calls.load(Ordering::Relaxed), 2);
    assert_eq!(read(&world.sender, &drop).await["status"], "completed");
    let verdict = world.sender.get(&format!("/api/jobs/{drop}/verdict")).await.expect(200);
    assert_eq!(verdict["judge"], EMBEDDED_JUDGE);
    assert_eq!(total_balance(&world.workers).await, 7750);
    world.finish().await;
}

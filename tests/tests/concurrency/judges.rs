//! Judges that do not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clorp_domain::error::Internal;
use clorp_domain::verdict::Candidate;
use clorp_domain::{Brief, Pack, Verdict};
use clorp_judge::{EMBEDDED_JUDGE, Judge, JudgeError};
use clorp_ranking::Swept;
use clorp_tests::{Options, World};
use futures::future::BoxFuture;

use super::{owned, read};

/// Never there.
#[derive(Default)]
struct Absent {
    asked: AtomicUsize,
}

impl Judge for Absent {
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
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(JudgeError::Unavailable(Internal::new("gone fishing"))) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_judge_steps_in_for_an_absent_one_once_the_promised_time_is_over() {
    let judge = Arc::new(Absent::default());
    let world = World::with(Options { judge: judge.clone(), ..Options::default() }).await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 5).await;
    for asked in 1..=2 {
        assert_eq!(world.rankings[0].sweep().await.unwrap(), Swept { settled: 0, failed: 1 });
        assert_eq!(judge.asked.load(Ordering::Relaxed), asked);
        assert_eq!(read(&world.sender, &drop).await["status"], "ranking");
        assert_eq!(owned(&world.workers).await, 7000);
    }
    // The window, the time a settlement may take, and a moment.
    world.advance_seconds(300 + 120 + 1);
    assert_eq!(world.rankings[0].sweep().await.unwrap(), Swept { settled: 1, failed: 0 });
    assert_eq!(judge.asked.load(Ordering::Relaxed), 2);
    assert_eq!(read(&world.sender, &drop).await["status"], "completed");
    let verdict = world.sender.get(&format!("/api/jobs/{drop}/verdict")).await.expect(200);
    assert_eq!(verdict["judge"], EMBEDDED_JUDGE);
    assert_eq!(owned(&world.workers).await, 7750);
    world.finish().await;
}

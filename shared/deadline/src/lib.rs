//! The deadline of the request at hand, and the one loop that reads, decides and writes until the write is
//! applied.
//!
//! A function that is still waiting when its time is over dies without an answer, perhaps after a debit that
//! has committed. So everything that waits or tries again looks at one deadline, which is set once for each
//! request: the retries of transactions, the calls of Stripe, the wait for another request's top-up or
//! session refresh, and [`decide`].

use std::time::{Duration, SystemTime};

use clorp_domain::Error;
use tokio::time::Instant;

/// The most attempts of one decision.
pub const MAX_ATTEMPTS: usize = 12;
/// Time between a request's deadline and the end of its function, in which the answer is made and sent.
const MARGIN: Duration = Duration::from_secs(1);
/// Time between the end of a wait and the deadline, in which the outcome is recorded.
const RESERVE: Duration = Duration::from_secs(1);
/// The time of work that runs outside any [`scope`].
const DEFAULT: Duration = Duration::from_secs(60);

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Does `work` under a deadline, or under the one that is set already if that is earlier.
pub async fn scope<T>(deadline: Instant, work: impl Future<Output = T>) -> T {
    DEADLINE.scope(deadline.min(current().unwrap_or(deadline)), work).await
}

/// Does the work of an invocation whose function ends at `ends_at`, in milliseconds since the epoch, or
/// `otherwise` from now. The deadline is a second before that end. An end that is in the past is none: local
/// runtimes send such.
pub async fn scope_invocation<T>(
    ends_at: Option<u64>,
    otherwise: Duration,
    work: impl Future<Output = T>,
) -> T {
    let left = ends_at.and_then(|millis| {
        let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))?;
        end.duration_since(SystemTime::now()).ok()
    });
    let left = left.unwrap_or(otherwise).saturating_sub(MARGIN);
    let now = Instant::now();
    scope(now.checked_add(left).unwrap_or(now + DEFAULT), work).await
}

/// The time that is left until the deadline.
pub fn remaining() -> Duration {
    current().map_or(DEFAULT, |deadline| deadline.saturating_duration_since(Instant::now()))
}

/// The end of a wait for another system or another request: `most` from now, or earlier, so that a second is
/// left before the deadline in which to record the outcome.
pub fn wait_until(most: Duration) -> Instant {
    Instant::now() + most.min(remaining().saturating_sub(RESERVE))
}

/// Sleeps for `pause`. Where the deadline would come first, returns `false` at once.
#[must_use = "without time left, nothing is to be tried again"]
pub async fn sleep(pause: Duration) -> bool {
    if remaining() <= pause {
        return false;
    }
    tokio::time::sleep(pause).await;
    true
}

/// The result of one attempt at a decision from facts `F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<T, F> {
    /// The decision was made, and written where there was something to write.
    Made(T),
    /// The facts have changed: the decision has to be made again, from these.
    Conflict(F),
}

/// Makes `attempt`s at a decision until one succeeds, the first one from `facts`. Each decides and writes
/// under the condition that its facts still hold. The first attempt is made in any case; another one only
/// before the deadline, and up to [`MAX_ATTEMPTS`] in all.
///
/// # Errors
/// [`Error::Unavailable`] when every attempt met a conflict, in which `what` kept changing; the errors of
/// `attempt`.
pub async fn decide<F, T, A>(what: &str, mut facts: F, mut attempt: impl FnMut(F) -> A) -> Result<T, Error>
where
    A: Future<Output = Result<Decision<T, F>, Error>>,
{
    // Not an `AsyncFnMut`, whose futures the compiler cannot prove to be `Send`, as handlers must be.
    for _ in 0..MAX_ATTEMPTS {
        facts = match attempt(facts).await? {
            Decision::Made(made) => return Ok(made),
            Decision::Conflict(facts) => facts,
        };
        if remaining().is_zero() {
            break;
        }
    }
    Err(Error::unavailable(format!("{what} kept changing between decision and write")))
}

fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// The outcome of a decision whose attempts meet this many conflicts first, and the number of attempts.
    async fn decided(conflicts: usize) -> (Result<usize, Error>, usize) {
        let mut attempts = 0;
        let outcome = decide("the weather", 0, |met| {
            attempts += 1;
            async move { Ok(if met < conflicts { Decision::Conflict(met + 1) } else { Decision::Made(met) }) }
        });
        let outcome = outcome.await;
        (outcome, attempts)
    }

    #[track_caller]
    fn assert_unavailable(outcome: Result<usize, Error>) {
        let Err(Error::Unavailable(why)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(why.for_log(), "the weather kept changing between decision and write");
    }

    #[tokio::test]
    async fn a_decision_is_made_again_until_it_is_applied() {
        assert_eq!(decided(0).await, (Ok(0), 1));
        assert_eq!(decided(3).await, (Ok(3), 4));
    }

    #[tokio::test]
    async fn a_decision_that_never_applies_is_unavailable_after_the_last_attempt() {
        let (outcome, attempts) = decided(usize::MAX).await;
        assert_unavailable(outcome);
        assert_eq!(attempts, MAX_ATTEMPTS);
    }

    #[tokio::test]
    async fn no_attempt_but_the_first_begins_after_the_deadline() {
        assert_eq!(scope(Instant::now(), decided(0)).await, (Ok(0), 1));
        let (outcome, attempts) = scope(Instant::now(), decided(1)).await;
        assert_unavailable(outcome);
        assert_eq!(attempts, 1);
    }

    #[tokio::test]
    async fn an_error_ends_a_decision() {
        let outcome: Result<(), Error> = decide("it", (), |()| async { Err(Error::NotFound) }).await;
        assert_eq!(outcome, Err(Error::NotFound));
    }

    #[tokio::test]
    async fn an_inner_deadline_can_only_be_earlier() {
        let now = Instant::now();
        let inner = |deadline| scope(deadline, async { current() });
        assert_eq!(scope(now, inner(now + LONG)).await, Some(now));
        assert_eq!(scope(now + LONG, inner(now)).await, Some(now));
        assert_eq!((current(), remaining()), (None, DEFAULT));
    }

    #[tokio::test]
    async fn a_wait_ends_a_second_before_the_deadline() {
        let (now, short) = (Instant::now(), Duration::from_secs(5));
        let ends = |deadline| scope(deadline, async { wait_until(short) });
        assert!(ends(now + short).await < now + short);
        assert!(ends(now + RESERVE).await <= Instant::now());
        assert!(ends(now + LONG).await >= now + short);
    }

    #[tokio::test]
    async fn a_sleep_beyond_the_deadline_is_none() {
        assert!(sleep(Duration::ZERO).await);
        assert!(!scope(Instant::now(), sleep(Duration::from_millis(1))).await);
        assert!(!scope(Instant::now() + LONG, sleep(LONG * 2)).await);
    }

    #[tokio::test]
    async fn an_invocation_ends_a_second_before_its_function() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let millis = |end: Duration| u64::try_from(end.as_millis()).unwrap();
        let left = async |ends_at| scope_invocation(ends_at, LONG, async { remaining() }).await;
        let ten = left(Some(millis(now + Duration::from_secs(10)))).await;
        assert!(ten <= Duration::from_secs(9), "{ten:?}");
        let least = LONG - MARGIN - Duration::from_secs(60);
        for none in [None, Some(600_000), Some(millis(now))] {
            let left = left(none).await;
            assert!(left > least && left <= LONG - MARGIN, "{none:?}: {left:?}");
        }
    }

    /// A decision as a handler makes it: with what it borrows, and across other futures.
    async fn handler(name: &str, facts: Vec<usize>) -> Result<usize, Error> {
        decide("the facts", facts, |mut facts| async move {
            for name in [name, "again"] {
                facts.push(tokio::spawn(std::future::ready(name.len())).await.unwrap());
            }
            Ok(if facts.len() > 2 { Decision::Made(facts.iter().sum()) } else { Decision::Conflict(facts) })
        })
        .await
    }

    #[tokio::test]
    async fn a_decision_can_be_sent_to_another_thread() {
        let decided = tokio::spawn(async { handler("four", Vec::new()).await });
        assert_eq!(decided.await.unwrap(), Ok(18));
    }
}

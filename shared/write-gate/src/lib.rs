//! The write gate: writes wait for the rate-limit check; reads run concurrently with it.
//!
//! The rate-limit check of a caller costs a round trip, and so do the reads of a request. [`run_behind`] runs
//! both concurrently. Every operation with an effect outside of the process, such as a write to the table or
//! a call of Stripe, first awaits [`wait_for_admission`]. A rejected request has therefore only read.

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join};

use clorp_domain::Error;

type Admission = Shared<BoxFuture<'static, Result<(), Error>>>;

tokio::task_local! {
    static ADMISSION: Admission;
}

/// Runs `work` behind the gate, concurrently with the `admission` check of its caller.
///
/// # Errors
/// The rejection by `admission`. The result of `work` is then dropped: it has had no effect.
pub fn run_behind<'a, T: Send + 'a>(
    admission: impl Future<Output = Result<(), Error>> + Send + 'static,
    work: impl Future<Output = T> + Send + 'a,
) -> BoxFuture<'a, Result<T, Error>> {
    let admission = admission.boxed().shared();
    let both = join(admission.clone(), ADMISSION.scope(admission, work));
    both.map(|(admitted, done)| admitted.map(|()| done)).boxed()
}

/// Waits until the current caller is admitted. Returns at once outside of [`run_behind`], where there is no
/// caller.
///
/// # Errors
/// The rejection of the caller.
pub async fn wait_for_admission() -> Result<(), Error> {
    match ADMISSION.try_with(Clone::clone) {
        Ok(admission) => admission.await,
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Runs work that reads and writes behind a gate with this admission. Returns its result and its steps.
    async fn run(admission: Result<(), Error>) -> (Result<&'static str, Error>, Vec<&'static str>) {
        let done = Mutex::new(Vec::new());
        let note = |what| done.lock().unwrap().push(what);
        let (decide, decided) = tokio::sync::oneshot::channel();
        let work = async {
            note("read");
            decide.send(admission).unwrap();
            if wait_for_admission().await.is_ok() {
                note("written");
            }
            "answer"
        };
        let answer = run_behind(async { decided.await.unwrap() }, work).await;
        (answer, done.into_inner().unwrap())
    }

    #[tokio::test]
    async fn an_admitted_caller_reads_during_the_check_and_writes_after_it() {
        assert_eq!(run(Ok(())).await, (Ok("answer"), vec!["read", "written"]));
    }

    #[tokio::test]
    async fn a_rejected_caller_has_written_nothing() {
        let refusal = Err(Error::Unauthenticated);
        assert_eq!(run(refusal.clone()).await, (Err(Error::Unauthenticated), vec!["read"]));
    }

    #[tokio::test]
    async fn work_that_only_reads_is_rejected_as_well() {
        let refused = run_behind(async { Err(Error::NotFound) }, async { "answer" }).await;
        assert_eq!(refused, Err(Error::NotFound));
    }

    #[tokio::test]
    async fn work_without_a_caller_does_not_wait() {
        assert_eq!(wait_for_admission().await, Ok(()));
    }
}

//! Nothing is changed before its caller is admitted, and nobody waits for that to look around.
//!
//! Whether a caller may do more of what they ask for takes a round trip to find out, and so does reading what the
//! request is about. [`behind`] runs both at once. Whatever changes something outside the process, a write to the
//! table or a call of Stripe, first waits for [`admitted`]: a request that is refused has read and done nothing else.

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join};

use clorp_domain::Error;

type Admission = Shared<BoxFuture<'static, Result<(), Error>>>;

tokio::task_local! {
    static ADMISSION: Admission;
}

/// Does `work` for a caller about whom `admission` decides at the same time.
///
/// # Errors
/// The refusal, if it is one; whatever `work` came to is dropped then, because it has changed nothing.
pub fn behind<'a, T: Send + 'a>(
    admission: impl Future<Output = Result<(), Error>> + Send + 'static,
    work: impl Future<Output = T> + Send + 'a,
) -> BoxFuture<'a, Result<T, Error>> {
    let admission = admission.boxed().shared();
    let both = join(admission.clone(), ADMISSION.scope(admission, work));
    both.map(|(admitted, done)| admitted.map(|()| done)).boxed()
}

/// Waits until the caller on whose behalf this runs is admitted. What runs on nobody's behalf goes on at once.
///
/// # Errors
/// The refusal, if it is one.
pub async fn admitted() -> Result<(), Error> {
    match ADMISSION.try_with(Clone::clone) {
        Ok(admission) => admission.await,
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What happens when a caller is (not) admitted while work reads, writes and ends.
    async fn run(admission: Result<(), Error>) -> (Result<&'static str, Error>, Vec<&'static str>) {
        let done = Mutex::new(Vec::new());
        let note = |what| done.lock().unwrap().push(what);
        let (decide, decided) = tokio::sync::oneshot::channel();
        let work = async {
            note("read");
            decide.send(admission).unwrap();
            if admitted().await.is_ok() {
                note("written");
            }
            "answer"
        };
        let answer = behind(async { decided.await.unwrap() }, work).await;
        (answer, done.into_inner().unwrap())
    }

    #[tokio::test]
    async fn who_is_admitted_reads_meanwhile_and_writes_afterwards() {
        assert_eq!(run(Ok(())).await, (Ok("answer"), vec!["read", "written"]));
    }

    #[tokio::test]
    async fn who_is_refused_has_written_nothing() {
        let refusal = Err(Error::Unauthenticated);
        assert_eq!(run(refusal.clone()).await, (Err(Error::Unauthenticated), vec!["read"]));
    }

    #[tokio::test]
    async fn work_that_writes_nothing_is_refused_all_the_same() {
        let refused = behind(async { Err(Error::NotFound) }, async { "answer" }).await;
        assert_eq!(refused, Err(Error::NotFound));
    }

    #[tokio::test]
    async fn what_nobody_asked_for_waits_for_nobody() {
        assert_eq!(admitted().await, Ok(()));
    }
}

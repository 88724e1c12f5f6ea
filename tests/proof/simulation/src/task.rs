//! The task at hand: a step of the plan, or work in the background. Calls to the outside are numbered within
//! it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use crate::faults::Point;

tokio::task_local! {
    static CURRENT: Task;
}

/// A task. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Task(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: u32,
    calls: AtomicU32,
    faults: AtomicU32,
    death: Notify,
}

impl Task {
    /// A task with this number.
    pub fn new(id: u32) -> Self {
        Self(Arc::new(Inner {
            id,
            calls: AtomicU32::new(0),
            faults: AtomicU32::new(0),
            death: Notify::new(),
        }))
    }

    /// The task at hand; number 0 outside any.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self::new(0))
    }

    /// Does work as this task.
    pub async fn scope<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), work).await
    }

    /// The task's number.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// The point of the task's next call.
    pub fn next_point(&self) -> Point {
        Point { task: self.0.id, call: self.0.calls.fetch_add(1, Ordering::Relaxed) }
    }

    /// Counts a fault.
    pub fn count_fault(&self) {
        self.0.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of faults so far.
    pub fn faults(&self) -> u32 {
        self.0.faults.load(Ordering::Relaxed)
    }

    /// Ends the process that works at the task. The work never continues.
    pub async fn die(&self) -> ! {
        self.0.death.notify_one();
        std::future::pending().await
    }

    /// Does work in a process that may die; `None` if it did.
    pub async fn in_process<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = self.scope(work) => Some(done),
            () = self.0.death.notified() => None,
        }
    }
}

//! Locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The data behind a lock. A panic in a test's assertion must not take the sandbox with it.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

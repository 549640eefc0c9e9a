//! A mutex that a panic does not poison.
//!
//! Whoever holds one of these leaves what it guards whole between any two of its steps, so that
//! what a thread that panicked has left behind is as good as ever, and the others go on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

/// A mutex that a panic does not poison. It is held for a look, never over an await.
#[derive(Debug, Default)]
pub struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    /// A lock that nobody holds.
    pub const fn new(guarded: T) -> Self {
        Self(Mutex::new(guarded))
    }

    /// Waits until nobody else holds it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds it, unless somebody does.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// Lets go of a lock until somebody is notified, and holds it again.
pub fn wait<'l, T>(notified: &Condvar, held: MutexGuard<'l, T>) -> MutexGuard<'l, T> {
    notified.wait(held).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn what_a_panic_leaves_behind_is_used() {
        let lock = Lock::new(1);
        let panics = || {
            let mut held = lock.lock();
            *held = 2;
            assert!(lock.try_lock().is_none());
            panic!("on purpose");
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(lock.try_lock().as_deref(), Some(&2));
        assert_eq!(*lock.lock(), 2);
    }
}

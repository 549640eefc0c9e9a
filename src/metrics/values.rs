//! Single figures that one thread sets and any may read, relaxed.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::lock::Lock;

/// A number that is not negative.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// Any number.
#[derive(Debug, Default)]
pub struct Number(AtomicI64);

/// Yes or no.
#[derive(Debug, Default)]
pub struct Flag(AtomicBool);

/// A value that is told to people alone: behind a lock, which no query waits for.
#[derive(Debug)]
pub struct Told<T>(Lock<Option<T>>);

impl<T> Default for Told<T> {
    /// Nothing.
    fn default() -> Self {
        Self(Lock::new(None))
    }
}

impl<T: Clone> Told<T> {
    /// What is told now.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        self.0.lock().clone()
    }

    /// Tells something else, or nothing any more.
    pub fn set(&self, told: Option<T>) {
        *self.0.lock() = told;
    }
}

impl Count {
    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the number.
    pub fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// Adds to the number.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

impl Number {
    /// The number.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the number.
    pub fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }
}

impl Flag {
    /// Whether it is set.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

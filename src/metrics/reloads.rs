//! Outcomes of reading everything again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;

/// The outcome of reading everything again, once.
#[derive(Debug, Clone)]
pub struct ReloadOutcome {
    /// When.
    pub at: SystemTime,
    /// Why it was read: `SIGHUP`, or the files that changed.
    pub cause: String,
    /// What was wrong; nothing where all of it is used.
    pub fault: Option<String>,
}

/// The last outcome, and how many there were.
#[derive(Debug)]
pub struct ReloadHistory {
    /// The configuration file, once it is followed; none where there is none.
    file: OnceLock<Option<PathBuf>>,
    /// The last one; none before the first.
    last: ArcSwapOption<ReloadOutcome>,
    /// How often all of it was used.
    used: AtomicU64,
    /// How often nothing was changed.
    refused: AtomicU64,
    /// When what is used was read: seconds since 1970.
    used_at: AtomicU64,
}

impl Default for ReloadHistory {
    /// What is used was read just now.
    fn default() -> Self {
        let (file, last, used, refused) = Default::default();
        Self { file, last, used, refused, used_at: seconds(SystemTime::now()).into() }
    }
}

impl ReloadHistory {
    /// Says which file is read again. The first time counts.
    pub fn read_from(&self, file: Option<&Path>) {
        let _ = self.file.set(file.map(Path::to_owned));
    }

    /// The file that is read again, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.get()?.as_deref()
    }

    /// Notes one.
    pub fn note(&self, outcome: ReloadOutcome) {
        if outcome.fault.is_none() {
            self.used.fetch_add(1, Ordering::Relaxed);
            self.used_at.store(seconds(outcome.at), Ordering::Relaxed);
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        self.last.store(Some(Arc::new(outcome)));
    }

    /// The last one; none before the first.
    #[must_use]
    pub fn last(&self) -> Option<Arc<ReloadOutcome>> {
        self.last.load_full()
    }

    /// How often all that was read again was used, and how often nothing was changed.
    #[must_use]
    pub fn counts(&self) -> [u64; 2] {
        [&self.used, &self.refused].map(|count| count.load(Ordering::Relaxed))
    }

    /// When what is used was read: seconds since 1970.
    #[must_use]
    pub fn used_at(&self) -> u64 {
        self.used_at.load(Ordering::Relaxed)
    }
}

/// Seconds since 1970.
fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

//! Metrics: what is counted and timed, shared between one that writes and any that read.
//!
//! Nothing here waits, does I/O or knows another room. All but [`Freshness`] is for people and
//! their monitoring; on that it depends whether answers are marked as stale, or given at all.
//!
//! | file | holds |
//! | --- | --- |
//! | `values` | single figures: [`Count`], [`Number`], [`Flag`], [`Told`] |
//! | `zone` | [`Vitals`]: a zone, from its registry to its snapshot |
//! | `condition` | [`Condition`]: how a zone is, in the words that every surface uses |
//! | `freshness` | [`Freshness`]: when a registry was last heard of |
//! | `reloads` | [`ReloadHistory`]: what came of reading the configuration again |

mod condition;
mod freshness;
mod reloads;
mod values;
mod zone;

pub use self::condition::{Condition, Holding};
pub use self::freshness::{Freshness, Staleness};
pub use self::reloads::{ReloadHistory, ReloadOutcome};
pub use self::values::{Count, Flag, Number, Told};
pub use self::zone::{Cause, SnapshotVitals, Vitals};

//! Metrics: what is counted and timed, shared between one that writes and any that read.
//!
//! Nothing here waits, does I/O or knows another room. All but [`Freshness`] is for people and
//! their monitoring; on that it depends whether answers are marked as stale, or given at all.
//!
//! | file | holds |
//! | --- | --- |
//! | `values` | single figures: [`Count`], [`Number`], [`Flag`], [`Told`] |
//! | `zone` | [`Vitals`]: a zone, from its registry to its snapshot |
//! | `state` | [`State`]: how the server and a zone can be, in the words that every surface uses |
//! | `condition` | [`Condition`]: how a zone is |
//! | `report` | [`Report`]: how the server and all zones are, which every surface reads |
//! | `freshness` | [`Freshness`]: when a registry was last heard of |
//! | `histogram` | [`Histogram`]: numbers by their size |
//! | `old_clients` | [`OldClients`]: the requests of etcd's v2 API |
//! | `reloads` | [`ReloadHistory`]: what came of reading the configuration again |

mod condition;
mod freshness;
mod histogram;
mod old_clients;
mod reloads;
mod report;
mod state;
mod values;
mod zone;

pub use self::condition::Condition;
pub use self::freshness::{Freshness, Staleness};
pub use self::histogram::{Distribution, Histogram};
pub use self::old_clients::{CountedWait, OldClients, RequestBound};
pub use self::reloads::{ReloadHistory, ReloadOutcome};
pub use self::report::{Finding, Report};
pub use self::state::{
    CERTIFICATE_SOON, CertificateEnd, Gravity, Holding, ListProgress, Outdated, State,
};
pub use self::values::{Count, Flag, Number, Told};
pub use self::zone::{Cause, SnapshotVitals, Vitals};

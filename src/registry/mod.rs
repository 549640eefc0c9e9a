//! What is true: services, their instances, and what could not be understood.
//!
//! Pure values, no I/O. The way in is [`Table`]: keys and values as etcd holds them go
//! in, [`Change`]s of instances come out, and every key that cannot be used is kept as a
//! [`Problem`] which disturbs nobody else.
//!
//! | file | holds |
//! | --- | --- |
//! | `instance` | [`Instance`]: one place where a service runs |
//! | `key` | [`Layout`]: where registrations stand in the keyspace |
//! | `document` | values, one small file per format |
//! | `table` | [`Table`]: the keys of one zone, and what each holds |
//! | `url` | [`RegistryUrl`]: the connection string |
//! | `freshness` | [`Freshness`]: when the registry was last heard of |
//! | `vitals` | [`Vitals`]: what is counted of a zone |

pub mod document;
mod freshness;
mod instance;
mod key;
mod problem;
mod table;
mod url;
mod vitals;

pub use self::freshness::{Freshness, Standing};
pub use self::instance::{Details, Host, Instance, Proto};
pub use self::key::{KeyFault, Layout, Place, PrefixFault};
pub use self::problem::Problem;
pub use self::table::{Audited, Change, Publish, Table, Update};
pub use self::url::{Endpoint, RegistryUrl, UrlFault};
pub use self::vitals::{Cause, Count, Flag, Number, SnapshotVitals, Vitals};

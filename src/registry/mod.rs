//! The registry's truth: services, their instances, and what could not be understood.
//!
//! Pure values, no I/O. The way in is [`Table`]: keys and values as etcd holds them go
//! in, [`Change`]s of instances come out, and every key that cannot be used is kept as a
//! [`Problem`] which disturbs nobody else.
//!
//! | file | holds |
//! | --- | --- |
//! | `alias` | [`Alias`]: a name that stands for registrations of another |
//! | `host` | [`Host`]: an address or a name |
//! | `instance` | [`Instance`]: one place where a service runs |
//! | `further` | [`ServiceEndpoint`]: where else an instance listens |
//! | `key` | [`Layout`]: where registrations stand in the keyspace |
//! | `document` | values, one small file per format |
//! | `paths` | keys of more segments than NAME/ID, one small file per writer |
//! | `event` | [`Event`]: a change of an instance, as followers are told of it |
//! | `search` | [`KeySearch`]: which keys may hold one service |
//! | [`skydns`] | entries of SkyDNS's schema, whose keys are names |
//! | `table` | [`Table`]: the keys of one zone, and what each holds |
//! | `template` | [`Template`]: keys and values of programs in no form that is known |
//! | `update` | [`Update`]: what changes when keys do |
//! | `url` | [`RegistryUrl`]: the connection string |

mod alias;
pub mod document;
mod event;
mod further;
mod host;
mod instance;
mod key;
mod meta;
mod paths;
mod problem;
mod search;
pub mod skydns;
mod table;
mod template;
mod update;
mod url;

pub use self::alias::{Alias, Meaning, Resource};
pub use self::event::{Event, Happening};
pub use self::further::{ExtraEndpoints, ServiceEndpoint};
pub use self::host::Host;
pub use self::instance::{Details, Instance, Proto, Spelling};
pub use self::key::{Grammar, KeyFault, KeyParts, Layout, PrefixFault, shown_key};
pub use self::meta::Meta;
pub use self::paths::Writer;
pub use self::problem::{Diagnostic, Problem};
pub use self::search::{KeyQuestion, KeySearch, QUESTIONS_AT_ONCE, TooManySpellings};
pub use self::table::{Audited, Stored, Table};
pub use self::template::{PatternFault, Template, TemplateFault, WrittenTemplate};
pub use self::update::{
    AliasChange, Change, EntryChange, ProblemChange, Publish, Standing, StrayChange, Update,
};
pub use self::url::{Endpoint, MemberDomain, RegistryUrl, UrlFault};

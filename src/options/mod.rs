//! Options: each declared once, as a flag, a variable and a key of the file.
//!
//! A declaration has the help text, the form of the value, its bounds where they are two
//! numbers, and when a change is used. The command line, the file, the man pages and the check
//! of docs/operating.md's table are made from it; [`config`](crate::config) says what the
//! values mean together.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these are help texts, in which brackets mean what may be left out"
)]

mod answering;
mod common;
mod declare;
mod effect;
mod encrypted;
mod fault;
mod file;
mod format;
mod forward;
mod given;
mod http;
mod http_address;
mod limits;
mod serve;
mod socket_address;
mod values;
mod zone;

pub use self::answering::AnsweringArgs;
pub use self::common::Common;
pub use self::effect::TakesEffect;
pub use self::encrypted::EncryptedArgs;
pub use self::file::File;
pub use self::format::KeyFormat;
pub use self::forward::ForwardEntry;
pub use self::given::Given;
pub use self::http::HttpArgs;
pub use self::http_address::HttpAddress;
pub use self::limits::LimitArgs;
pub use self::serve::ServeArgs;
pub use self::zone::{DrawnOrder, RegistrySchema, Zone};

/// Every key outside `[[zone]]`; each is an option, too.
pub fn keys() -> impl Iterator<Item = (String, TakesEffect)> {
    let all = [
        Common::KEYS,
        ServeArgs::KEYS,
        EncryptedArgs::KEYS,
        HttpArgs::KEYS,
        LimitArgs::KEYS,
        AnsweringArgs::KEYS,
    ];
    all.into_iter().flatten().map(|(field, effect)| (key(field), *effect))
}

/// The key, and the flag, of a field.
fn key(field: &str) -> String {
    field.replace('_', "-")
}

//! Proxies: senders that ask for others, and say for whom by a PROXY header of version 2
//! (`proxy-protocol.txt` of HAProxy, section 2.2).
//!
//! Who must send headers is configured, and is believed whatever it says: the client that a header
//! names is the one that is let in, limited, counted and logged; the reply goes to the proxy. Nobody
//! else is believed, and what begins with a header of theirs is no message either.
//!
//! | transport | the header stands | without it, or with one that cannot be read |
//! | --- | --- | --- |
//! | UDP | before the message of each datagram | the datagram is dropped |
//! | TCP | before the first message of a connection | the connection is closed |
//! | TLS, HTTPS | before the handshake | the same |
//!
//! Of the parts behind the addresses (TLVs) none means anything here. They are stepped over.

mod header;
mod stream;

pub(super) use self::header::begins_with_header;
pub(super) use self::stream::receive;

/// What is said of a header that is not believed.
pub(super) const STRANGER: &str =
    "it begins with a PROXY header, and its sender is in no network of `proxy-protocol`";

pub use self::header::{HEADER_MAX, HeaderFault, ProxyHeader};

//! Values of the file that are texts of some form.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::forward::Source;
use crate::names::{Network, Span};

/// Reads a text as its type does.
macro_rules! from_text {
    ($($kind:ty),*) => {$(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

from_text!(Network, Source, Span, super::HttpAddress);

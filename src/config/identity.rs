//! The certificate that a listener shows, and its key.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::sign::CertifiedKey;

use super::expiry::ending;
use crate::error::Failure;
use crate::files::certified;
use crate::options::{File, Given};
use crate::registry::Diagnostic;

/// A certificate with its key, if there is one, and a warning about it.
type Identity = (Option<Arc<CertifiedKey>>, Option<Diagnostic>);

/// The certificate and the key of two options, which must belong together.
pub(super) fn identity(
    [cert, key]: [Option<Given<PathBuf>>; 2],
    [cert_option, key_option]: [&str; 2],
    file: &File,
) -> Result<Identity, Failure> {
    match [cert, key].map(|given| given.map(|given| given.named(file))) {
        [None, None] => Ok((None, None)),
        [Some(cert), Some(key)] => {
            let pair = certified((&cert, &key), cert_option)?;
            let caution = ending(&cert, &pair.cert, SystemTime::now());
            Ok((Some(Arc::new(pair)), caution))
        }
        [Some(one), None] | [None, Some(one)] => {
            let text = format!("{cert_option} and {key_option} go together; give both or none");
            Err(one.fault(text).into())
        }
    }
}

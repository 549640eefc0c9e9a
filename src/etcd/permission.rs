//! Permissions that a call lacks, and how to be granted them.

use super::{Error, Etcd};
use crate::names::shell_word;
use crate::registry::shown_key;

/// A permission that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Reading keys.
    Read,
    /// Putting and deleting them, and reading what is there.
    Write,
}

impl Etcd {
    /// Says of a refusal what was needed, for which keys.
    pub(super) fn explain(&self, error: Error, need: Need, range: &(Vec<u8>, Vec<u8>)) -> Error {
        if !matches!(error, Error::Forbidden(_)) {
            return error;
        }
        let user = match self.shared.access.user() {
            Some(user) => format!("user `{user}`"),
            None => "who has no --user".to_owned(),
        };
        Error::Forbidden(advice(&user, need, range))
    }

    /// The same where the keys are those of the connection string.
    pub(super) fn explain_prefix(&self, error: Error, need: Need) -> Error {
        self.explain(error, need, &self.shared.url.layout().range())
    }

    /// The same for one key, under the prefix of the connection string if it lies there.
    pub(super) fn explain_key(&self, error: Error, need: Need, key: &[u8]) -> Error {
        let (prefix, end) = self.shared.url.layout().range();
        let range =
            if key.starts_with(&prefix) { (prefix, end) } else { (key.to_vec(), Vec::new()) };
        self.explain(error, need, &range)
    }
}

/// What to grant. A range without an end is one key.
fn advice(user: &str, need: Need, (from, to): &(Vec<u8>, Vec<u8>)) -> String {
    let (verb, permission) = match need {
        Need::Read => ("read", "read"),
        Need::Write => ("write", "readwrite"),
    };
    // Whoever may name a key must not write the command of who is to grant it.
    let (prefix, word) = (shown_key(from), shell_word(from));
    let option = if to.is_empty() { "" } else { "--prefix=true " };
    format!(
        "{user} may not {verb} `{prefix}`; grant it to a role of the user: etcdctl role \
         grant-permission ROLE {permission} {option}{word}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_grants_it() {
        let range = (b"/services/".to_vec(), b"/services0".to_vec());
        let text = advice("user `reader`", Need::Write, &range);
        assert!(text.starts_with("user `reader` may not write `/services/`; "), "{text}");
        assert!(text.ends_with("ROLE readwrite --prefix=true '/services/'"), "{text}");
    }
}

//! What etcd was asked, by method.

use std::time::Duration;

use crate::support::etcd::Etcd;

/// The methods that `join` uses.
const METHODS: [&str; 7] =
    ["LeaseGrant", "LeaseKeepAlive", "LeaseRevoke", "LeaseTimeToLive", "Txn", "Range", "Watch"];

/// Messages that etcd has received, by method.
pub(crate) struct Requests([u64; METHODS.len()]);

impl Requests {
    /// The messages so far. A stream's are counted one by one.
    pub(crate) fn of(etcd: &Etcd) -> Self {
        Self(METHODS.map(|method| etcd.messages(method)))
    }

    /// Prints them.
    pub(crate) fn print(&self, title: &str) {
        self.print_since(&Self([0; METHODS.len()]), title, None);
    }

    /// Prints what came since, altogether or by the second.
    pub(crate) fn print_since(&self, before: &Self, title: &str, time: Option<Duration>) {
        let since = METHODS.iter().zip(self.0.iter().zip(before.0));
        let shown = since.map(|(method, (now, before))| {
            // etcd may have been started anew in between.
            let count = now.saturating_sub(before) as f64;
            match time {
                Some(time) => format!("{method} {:.1}", count / time.as_secs_f64()),
                None => format!("{method} {count}"),
            }
        });
        println!("  {title}: {}", shown.collect::<Vec<_>>().join(", "));
    }
}

//! The revision since which a list is true, so that servers which list at different times have the
//! same serial of the same content.
//!
//! The newest change of a key that is there tells it, unless a later one deleted another. As long
//! as there were as many keys at a revision behind that newest change as the list has, they were
//! the same: so the registry is asked to count, first there, and then halfway.

use std::time::{Duration, Instant};

use crate::etcd::{Etcd, Range};

/// Keys that are counted for one list, in all: etcd walks over them, five million a second.
const COUNTED_MAX: u64 = 2_000_000;
/// How often is asked at most: 65,536 revisions are halved to one.
const QUESTIONS_MAX: u64 = 17;
/// How long is asked at most, where the registry is far away.
const TIME_MAX: Duration = Duration::from_millis(500);

/// The end of a complete list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    /// The revision that it is true at.
    pub(super) revision: i64,
    /// The cluster whose revision that is.
    pub(super) cluster: u64,
    /// How many keys there are.
    pub(super) keys: u64,
    /// The revision of the newest change of any of them; 0 for none.
    pub(super) newest: i64,
}

impl Listed {
    /// The first revision that is known at which the registry held the same below a range as is
    /// listed: that of the list where nothing else is known.
    pub(super) async fn since(self, etcd: &Etcd, range: &Range) -> i64 {
        let begun = Instant::now();
        let (mut from, mut since) = (self.newest.max(1), self.revision);
        let mut asked = from;
        for _ in 0..(COUNTED_MAX / self.keys.max(1)).clamp(1, QUESTIONS_MAX) {
            if from >= since || begun.elapsed() > TIME_MAX {
                break;
            }
            match etcd.count(range, asked).await {
                Ok(Some(keys)) if keys == self.keys => since = asked,
                // What was so then may not be known any more.
                Ok(_) => from = asked + 1,
                Err(_) => break,
            }
            asked = from.midpoint(since);
        }
        since
    }
}

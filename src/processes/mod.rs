//! The processes of this machine, as far as /proc shows them (proc(5)), and the sockets that they
//! hold. Where there is none, there are no processes.

pub mod sockets;

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display, Formatter};
use std::io;

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) id: u32,
    /// The name of its command, cut by the kernel.
    pub(crate) name: String,
    /// Whether it has ended and nobody has waited for it.
    pub(crate) is_zombie: bool,
    /// The id of its parent.
    pub(crate) parent: u32,
    /// Its process group.
    pub(crate) group: u32,
    /// When it was started, in ticks after the boot.
    pub(crate) started: u64,
}

impl Display for Process {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {})", self.name, self.id)
    }
}

/// All that can be seen.
pub(crate) fn all() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(read).collect()
}

/// One of them, if it is there.
pub(crate) fn read(id: u32) -> Option<Process> {
    parse(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// A process by the line in its `stat`. The name may have spaces and brackets in it.
fn parse(stat: &str) -> Option<Process> {
    /// Where the start stands among the fields after the name.
    const STARTED: usize = 19;
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    Some(Process {
        id: id.parse().ok()?,
        name: name.to_owned(),
        is_zombie: *fields.first()? == "Z",
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(STARTED)?.parse().ok()?,
    })
}

/// The inodes of a process's sockets.
///
/// # Errors
/// The system's: it is gone, or somebody else's.
pub(crate) fn sockets(id: u32) -> io::Result<HashSet<u64>> {
    let links = std::fs::read_dir(format!("/proc/{id}/fd"))?;
    let inode = |link: io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(link.ok()?.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    Ok(links.filter_map(inode).collect())
}

/// Whether a process was started with a variable, which those that it starts inherit.
pub(crate) fn has_variable(id: u32, name: &str, value: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
    let wanted = format!("{name}={value}");
    environment.split(|octet| *octet == 0).any(|variable| variable == wanted.as_bytes())
}

/// Those that descend from one of them, itself included.
pub(crate) fn descendants(all: &[Process], ancestor: u32) -> HashSet<u32> {
    let parents: HashMap<u32, u32> = all.iter().map(|it| (it.id, it.parent)).collect();
    let line = |id: u32| {
        let line = std::iter::successors(Some(id), |id| parents.get(id).copied());
        // Ids may have been used again while they were read; no line is longer than all.
        line.take(all.len() + 1)
    };
    all.iter().map(|it| it.id).filter(|id| line(*id).any(|id| id == ancestor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "42 (a b) Z) (c) Z 7 40 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 12345 0 0";
        let process = parse(stat).unwrap();
        let name = "a b) Z) (c".to_owned();
        let wanted =
            Process { id: 42, name, is_zombie: true, parent: 7, group: 40, started: 12_345 };
        assert_eq!(process, wanted);
        assert_eq!(parse("42 (cut off) S 7"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn descendants_are_found_through_those_between() {
        let process = |(id, parent)| Process {
            id,
            name: String::new(),
            is_zombie: false,
            parent,
            group: id,
            started: 0,
        };
        // 8 and 9 claim to be each other's parent.
        let all: Vec<_> =
            [(1, 0), (5, 1), (6, 5), (7, 6), (4, 1), (8, 9), (9, 8)].map(process).into();
        assert_eq!(descendants(&all, 5), [5, 6, 7].into());
    }
}

//! Decisions about writes, from the request and what is around the node: what happens, or why
//! it does not. Pure; the conditions under which the answer stays true are in `steps`.

use super::around::Around;
use super::fault::{Code, KeysFault};
use super::request::KeyRequest;

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// What is done, in etcd's word.
    pub(super) action: &'static str,
    /// What becomes of it.
    pub(super) change: Change,
    /// Whether nobody is told.
    pub(super) is_quiet: bool,
}

/// The change of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// It is a file with this value.
    Put(Vec<u8>),
    /// It becomes a directory.
    Make,
    /// It is a directory, and may have another end.
    Touch,
    /// It is a file and goes.
    Remove,
    /// It is a directory and goes: with all that is in it, or only if there is nothing.
    RemoveAll {
        /// Whether there may be something in it.
        recursive: bool,
    },
}

impl Decision {
    /// Whether the node is there afterwards.
    pub(super) const fn is_removal(&self) -> bool {
        matches!(self.change, Change::Remove | Change::RemoveAll { .. })
    }
}

/// Decides on a PUT.
///
/// # Errors
/// [`KeysFault`]: the node does not allow it.
pub(super) fn put(request: &KeyRequest, around: &Around) -> Result<Decision, KeysFault> {
    match request.prev_exist {
        Some(false) => create(request, around),
        Some(true) if !request.compares() => update(request, around),
        None if !request.compares() => set(request, around),
        _ => compare_and_swap(request, around),
    }
}

/// Decides on a DELETE.
///
/// # Errors
/// [`KeysFault`]: the node is not there, or does not allow it.
pub(super) fn delete(request: &KeyRequest, around: &Around) -> Result<Decision, KeysFault> {
    around.found()?;
    let own = &around.own;
    if request.compares() {
        compare(request, around)?;
        return Ok(decision("compareAndDelete", Change::Remove));
    }
    if !own.is_dir() {
        return Ok(decision("delete", Change::Remove));
    }
    if !request.dir && !request.recursive {
        return Err(around.fault(Code::NotFile, &own.path));
    }
    if own.first.is_some() && !request.recursive {
        return Err(around.fault(Code::DirNotEmpty, &own.path));
    }
    let change = Change::RemoveAll { recursive: request.recursive };
    Ok(decision("delete", change))
}

/// Decides on a node where there is none: any POST, whose node is a new one of its directory, and
/// some PUTs.
///
/// # Errors
/// [`KeysFault`]: it is there already, or a file is in the way.
pub(super) fn create(request: &KeyRequest, around: &Around) -> Result<Decision, KeysFault> {
    around.check_ancestors(false)?;
    if around.own.pair().is_some() {
        return Err(around.fault(Code::NodeExist, &around.own.path));
    }
    Ok(decision("create", made(request, around)))
}

/// A node, or another in its place.
fn set(request: &KeyRequest, around: &Around) -> Result<Decision, KeysFault> {
    if request.refresh {
        around.found()?;
    }
    around.check_ancestors(false)?;
    if around.own.is_dir() {
        return Err(around.fault(Code::NotFile, &around.own.path));
    }
    let is_quiet = request.refresh;
    Ok(Decision { is_quiet, ..decision("set", made(request, around)) })
}

/// A node that is there, with another value or end.
fn update(request: &KeyRequest, around: &Around) -> Result<Decision, KeysFault> {
    around.found()?;
    if around.own.is_dir() && !request.value.is_empty() {
        return Err(around.fault(Code::NotFile, &around.own.path));
    }
    let change = match around.own.is_dir() {
        true => Change::Touch,
        false => Change::Put(value(request, around)),
    };
    let is_quiet = request.refresh;
    Ok(Decision { is_quiet, ..decision("update", change) })
}

/// A file that is as it was, with another value.
fn compare_and_swap(request: &KeyRequest, around: &Around) -> Result<Decision, KeysFault> {
    around.found()?;
    compare(request, around)?;
    let change = Change::Put(value(request, around));
    let is_quiet = request.refresh;
    Ok(Decision { is_quiet, ..decision("compareAndSwap", change) })
}

/// That the node is a file, with the value and the index that it must have.
fn compare(request: &KeyRequest, around: &Around) -> Result<(), KeysFault> {
    let own = &around.own;
    let Some(file) = own.file.as_ref().filter(|_| !own.is_dir()) else {
        return Err(around.fault(Code::NotFile, &own.path));
    };
    let held = String::from_utf8_lossy(&file.value);
    let KeyRequest { prev_value, prev_index, .. } = request;
    let has_value = prev_value.is_empty() || *prev_value == held;
    let has_index = *prev_index == 0 || i64::try_from(*prev_index) == Ok(file.modified);
    let of_value = || format!("[{prev_value} != {held}]");
    let of_index = || format!("[{prev_index} != {}]", file.modified);
    let cause = match (has_value, has_index) {
        (true, true) => return Ok(()),
        (false, true) => of_value(),
        (true, false) => of_index(),
        (false, false) => format!("{} {}", of_value(), of_index()),
    };
    Err(KeysFault { code: Code::TestFailed, cause, index: around.stamp.revision })
}

/// What a request makes of a node that is no directory yet.
fn made(request: &KeyRequest, around: &Around) -> Change {
    if request.dir { Change::Make } else { Change::Put(value(request, around)) }
}

/// The value that is written: the one that is there, where it is only renewed.
fn value(request: &KeyRequest, around: &Around) -> Vec<u8> {
    match &around.own.file {
        Some(file) if request.refresh => file.value.clone(),
        _ => request.value.clone().into_bytes(),
    }
}

/// A decision that somebody is told of.
const fn decision(action: &'static str, change: Change) -> Decision {
    Decision { action, change, is_quiet: false }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::super::around::around;
    use super::super::path::NodePath;
    use super::*;

    fn decided(
        method: &Method,
        form: &str,
        keys: &[&str],
    ) -> Result<(&'static str, Change), (u16, String)> {
        let path = NodePath::of("/a/b").unwrap();
        let request = KeyRequest::read(method, path, "", form.as_bytes()).unwrap();
        let around = around("/a/b", keys);
        let decided =
            if method == Method::PUT { put(&request, &around) } else { delete(&request, &around) };
        let decided = decided.map(|it| (it.action, it.change));
        decided.map_err(|fault| (fault.code.number(), fault.cause))
    }

    /// A file in the place of the node.
    const FILE: &[&str] = &["/a/b"];
    /// A directory with something in it.
    const FULL: &[&str] = &["/a/b/", "/a/b/c"];
    /// A directory with nothing in it.
    const EMPTY: &[&str] = &["/a/b/"];

    #[test]
    fn a_put_sets_creates_updates_or_swaps() {
        let put = |form, keys| decided(&Method::PUT, form, keys);
        let one = || Change::Put(b"1".to_vec());
        let held = || Change::Put(b"v".to_vec());
        let fault = |code, cause: &str| Err((code, cause.to_owned()));
        assert_eq!(put("value=1", &[]), Ok(("set", one())));
        assert_eq!(put("value=1", FILE), Ok(("set", one())));
        assert_eq!(put("value=1", FULL), fault(102, "/a/b"));
        assert_eq!(put("dir=true", FILE), Ok(("set", Change::Make)));
        assert_eq!(put("dir=true", EMPTY), fault(102, "/a/b"));
        assert_eq!(put("value=1", &["/a"]), fault(104, "/a"));
        assert_eq!(put("value=1&prevExist=false", &[]), Ok(("create", one())));
        assert_eq!(put("value=1&prevExist=false", FILE), fault(105, "/a/b"));
        assert_eq!(put("value=1&prevExist=true", FILE), Ok(("update", one())));
        assert_eq!(put("value=1&prevExist=true", &[]), fault(100, "/a"));
        assert_eq!(put("value=1&prevExist=true", FULL), fault(102, "/a/b"));
        assert_eq!(put("dir=true&ttl=9&prevExist=true", FULL), Ok(("update", Change::Touch)));
        assert_eq!(put("ttl=9&refresh=true", FILE), Ok(("set", held())));
        assert_eq!(put("ttl=9&refresh=true", &[]), fault(100, "/a"));
        assert_eq!(put("ttl=9&refresh=true&prevExist=true", FILE), Ok(("update", held())));
        assert_eq!(put("value=1&prevValue=v", FILE), Ok(("compareAndSwap", one())));
        assert_eq!(put("value=1&prevValue=v&prevIndex=6", FILE), Ok(("compareAndSwap", one())));
        assert_eq!(put("value=1&prevValue=w", FILE), fault(101, "[w != v]"));
        assert_eq!(put("value=1&prevIndex=7", FILE), fault(101, "[7 != 6]"));
        assert_eq!(put("value=1&prevValue=w&prevIndex=7", FILE), fault(101, "[w != v] [7 != 6]"));
        assert_eq!(put("value=1&prevValue=v", FULL), fault(102, "/a/b"));
        assert_eq!(put("value=1&prevValue=v", &["/a/c"]), fault(100, "/a/b"));
    }

    #[test]
    fn a_delete_takes_files_and_directories_that_are_meant() {
        let delete = |form, keys| {
            let (path, query) = (NodePath::of("/a/b").unwrap(), form);
            let request = KeyRequest::read(&Method::DELETE, path, query, b"").unwrap();
            let decided = super::delete(&request, &around("/a/b", keys));
            decided.map(|it| (it.action, it.change)).map_err(|fault| fault.code.number())
        };
        assert_eq!(delete("", FILE), Ok(("delete", Change::Remove)));
        assert_eq!(delete("dir=true", FILE), Ok(("delete", Change::Remove)));
        assert_eq!(delete("", EMPTY), Err(102));
        assert_eq!(delete("dir=true", FULL), Err(108));
        let all = |recursive| Ok(("delete", Change::RemoveAll { recursive }));
        assert_eq!(delete("dir=true", EMPTY), all(false));
        assert_eq!(delete("recursive=true", FULL), all(true));
        assert_eq!(delete("prevValue=v", FILE), Ok(("compareAndDelete", Change::Remove)));
        assert_eq!(delete("prevValue=w", FILE), Err(101));
        assert_eq!(delete("prevIndex=6", FULL), Err(102));
        assert_eq!(delete("", &[]), Err(100));
    }
}

//! The search for the keys that may hold one service, by few questions of what there is.
//!
//! A name is compared by its label form and without case, and so `web`, `WEB` and, for `a-b`,
//! `a_b` and `a.b` are one service: too many spellings to ask for each. The keys as the name was
//! written are read in any case. Beside them, each character that might be another opens a range:
//! what begins with the characters before it and then differs. Most such ranges are empty, and one
//! question tells for many of them at once. Where one is not, its first key shows a spelling that
//! goes on, and the range behind that is asked for. A question costs etcd a count of its range: a
//! name as it is written in the keys is found at once, another spelling of it after some counts.

use super::paths::Writer;
use super::{Layout, Resource};
use crate::names::{SERVICE_MAX, folded};

/// Questions that are asked at once: etcd takes 128 operations in a transaction.
pub const QUESTIONS_AT_ONCE: usize = 100;
/// Questions about one name: a registry that has so many spellings of one, or of names that begin
/// like it, is read as a whole.
const QUESTIONS_MAX: usize = 2_000;
/// First octets of characters that `-` stands for in a label, but for `/`, which ends a name.
const OTHERS: [(u8, u8); 4] = [(0, b'/'), (b':', b'A'), (b'[', b'a'), (b'{', u8::MAX)];
/// What GoFrame's keys begin with where nobody says otherwise.
const GOFRAME: &str = "default/default/";

/// A span of keys: the first, and the key after the last.
type KeySpan = (Vec<u8>, Vec<u8>);

/// The part of a key behind a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// More segments.
    Segments,
    /// Nothing.
    Nothing,
}

/// A question: which is the first key of a range?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyQuestion {
    /// The range.
    pub range: KeySpan,
    /// What stands before the character that differs.
    stem: Vec<u8>,
    /// The place of that character in the name; none where any name is asked for.
    at: Option<usize>,
    /// What follows the name.
    tail: Tail,
}

/// A search for the keys of one name.
#[derive(Debug)]
pub struct KeySearch {
    /// The name's characters as they were written.
    name: Vec<char>,
    /// What is still to be asked.
    questions: Vec<KeyQuestion>,
    /// How much was asked.
    asked: usize,
    /// The ranges that may hold the name.
    found: Vec<KeySpan>,
}

impl KeySearch {
    /// The search for a service, with the aliases of its name; none where the layout does not say
    /// where a name's keys are: a template has the name anywhere, or in the value; GoFrame has it
    /// behind segments that may be any.
    #[must_use]
    pub fn of_service(layout: &Layout, name: &str) -> Option<Self> {
        let is_known = layout.template().is_none() && layout.writer() != Some(Writer::GoFrame);
        if !is_known {
            return None;
        }
        let mut search = Self::new(name);
        for stem in layout.stems() {
            search.below_octets(stem.clone().into_bytes(), 0, Tail::Segments);
            for resource in Resource::ALL {
                search.below_any(format!("{stem}{}/", resource.segment()), Tail::Nothing);
            }
            if layout.writer().is_none() {
                search.below_any(format!("{stem}{GOFRAME}"), Tail::Segments);
            }
        }
        Some(search)
    }

    /// A search that has nothing to ask yet. A name that is too long for any key has none.
    fn new(name: &str) -> Self {
        let written = |it: char| if it == '/' { '-' } else { it };
        let name: Vec<_> = name.chars().map(written).collect();
        let name = Some(name).filter(|name| name.len() <= SERVICE_MAX).unwrap_or_default();
        Self { name, questions: Vec::new(), asked: 0, found: Vec::new() }
    }

    /// What is to be asked now; nothing once all is known.
    ///
    /// # Errors
    /// [`TooManySpellings`]: it would never end.
    pub fn questions(&mut self) -> Result<Vec<KeyQuestion>, TooManySpellings> {
        let kept = self.questions.len().saturating_sub(QUESTIONS_AT_ONCE);
        let questions = self.questions.split_off(kept);
        self.asked += questions.len();
        if self.asked > QUESTIONS_MAX { Err(TooManySpellings) } else { Ok(questions) }
    }

    /// Learns the first key of the range that was asked for, if there is one.
    pub fn learn(&mut self, question: KeyQuestion, first: Option<&[u8]>) {
        let KeyQuestion { range: (from, to), stem, at, tail } = question;
        let Some(rest) = first.and_then(|key| key.strip_prefix(&stem[..])) else { return };
        let Some(at) = at else { return self.below_octets(stem, 0, tail) };
        let behind = match first_character(rest) {
            Some(character) => {
                let spelled = [&stem[..], character.as_bytes()].concat();
                if folded(character).eq(folded(self.name[at].encode_utf8(&mut [0; 4]))) {
                    self.below_octets(spelled.clone(), at + 1, tail);
                }
                after(&spelled)
            }
            // No character: the key is of no use, and the next one may be.
            None => [&stem[..], rest, b"\0"].concat(),
        };
        debug_assert!(behind > from, "a search goes on");
        self.ask(stem, at, (behind, to), tail);
    }

    /// The ranges that may hold the name.
    #[must_use]
    pub fn found(self) -> Vec<KeySpan> {
        self.found
    }

    /// The name may stand behind some text. Hardly anything does, which is asked first.
    fn below_any(&mut self, stem: String, tail: Tail) {
        if self.name.is_empty() {
            return;
        }
        let stem = stem.into_bytes();
        let range = (stem.clone(), after(&stem));
        self.questions.push(KeyQuestion { range, stem, at: None, tail });
    }

    /// The rest of the name stands behind some octets, from a place on: as it was written, or with
    /// other characters at each place.
    fn below_octets(&mut self, stem: Vec<u8>, from: usize, tail: Tail) {
        if self.name.is_empty() {
            return;
        }
        let mut spelled = stem;
        for at in from..self.name.len() {
            for range in self.others(&spelled, at) {
                self.ask(spelled.clone(), at, range, tail);
            }
            spelled.extend_from_slice(self.name[at].encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.found.push(match tail {
            Tail::Segments => {
                spelled.push(b'/');
                (spelled.clone(), after(&spelled))
            }
            Tail::Nothing => (spelled.clone(), [&spelled[..], b"\0"].concat()),
        });
    }

    /// The ranges of keys that have another character at a place than was written, of the same
    /// meaning.
    fn others(&self, stem: &[u8], at: usize) -> Vec<KeySpan> {
        let written = self.name[at];
        let with = |octet: u8| [stem, &[octet]].concat();
        if written.is_ascii_alphabetic() {
            // Upper and lower case differ in one bit of ASCII.
            let other = written as u8 ^ 0x20;
            return vec![(with(other), with(other + 1))];
        }
        if written.is_ascii_digit() {
            return Vec::new();
        }
        let own = [stem, written.encode_utf8(&mut [0; 4]).as_bytes()].concat();
        let behind = after(&own);
        let ranges = OTHERS.map(|(from, to)| (with(from), with(to)));
        ranges.into_iter().flat_map(|(from, to)| without((from, to), (&own, &behind))).collect()
    }

    /// Asks for a range, unless it is empty by itself.
    fn ask(&mut self, stem: Vec<u8>, at: usize, range: KeySpan, tail: Tail) {
        if range.0 < range.1 {
            self.questions.push(KeyQuestion { range, stem, at: Some(at), tail });
        }
    }
}

/// A registry has so many spellings of a name that the search for its keys was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySpellings;

impl Layout {
    /// What stands before a name.
    fn stems(&self) -> Vec<String> {
        if self.base().is_empty() {
            return vec![String::new(), "/".to_owned()];
        }
        vec![format!("{}/", self.base())]
    }
}

/// The parts of a range that are outside another.
fn without((from, to): KeySpan, (own, behind): (&[u8], &[u8])) -> Vec<KeySpan> {
    if *own < *from || *own >= *to {
        return vec![(from, to)];
    }
    vec![(from, own.to_vec()), (behind.to_vec(), to)]
}

/// The first character of what is UTF-8, if it is.
fn first_character(octets: &[u8]) -> Option<&str> {
    /// Octets of the longest.
    const LONGEST: usize = 4;
    let start = &octets[..octets.len().min(LONGEST)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(fault) => std::str::from_utf8(&start[..fault.valid_up_to()]).ok()?,
    };
    valid.chars().next().and_then(|it| valid.get(..it.len_utf8()))
}

/// What comes after all that begins with some octets, none of which is the last there is.
fn after(octets: &[u8]) -> Vec<u8> {
    let mut after = octets.to_vec();
    while let Some(last) = after.pop() {
        if last < u8::MAX {
            after.push(last + 1);
            break;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Searches some keys. Gives those in the ranges that were found, and how often was asked.
    fn searched(mut search: KeySearch, keys: &BTreeSet<Vec<u8>>) -> (BTreeSet<Vec<u8>>, usize) {
        let mut rounds = 0;
        loop {
            let questions = search.questions().unwrap();
            if questions.is_empty() {
                break;
            }
            rounds += 1;
            for question in questions {
                let (from, to) = question.range.clone();
                let first = keys.range(from..to).next().cloned();
                search.learn(question, first.as_deref());
            }
        }
        let found = search.found().into_iter();
        (found.flat_map(|(from, to)| keys.range(from..to).cloned()).collect(), rounds)
    }

    fn keys(all: &[&str]) -> BTreeSet<Vec<u8>> {
        all.iter().map(|key| key.as_bytes().to_vec()).collect()
    }

    #[test]
    fn every_spelling_is_found_and_nothing_else() {
        let all = keys(&[
            "/services/my-web/1",
            "/services/My-Web/2",
            "/services/my_web/3",
            "/services/my.web/3",
            "/services/MY\u{e9}WEB/4",
            "/services/my-web/providers/a/5",
            "/services/my-web2/1",
            "/services/my-we/1",
            "/services/myxweb/1",
            "/services/default/default/my_web/v1/10.0.0.1:1",
            "/services2/my-web/1",
        ]);
        for name in ["my-web", "MY_WEB", "my/web", "mY\u{e9}web"] {
            let search = KeySearch::of_service(&Layout::default(), name).unwrap();
            let (found, rounds) = searched(search, &all);
            let expected: BTreeSet<_> = all
                .iter()
                .filter(|key| {
                    let key = String::from_utf8_lossy(key);
                    let below = key.strip_prefix("/services/").unwrap_or_default();
                    let below = below.strip_prefix(GOFRAME).unwrap_or(below);
                    below.split_once('/').is_some_and(|(it, _)| folded(it).eq(folded(name)))
                })
                .cloned()
                .collect();
            assert_eq!((found, expected.len()), (expected, 7), "{name}");
            assert!(rounds <= 8, "{name}: {rounds}");
        }
    }

    #[test]
    fn a_name_as_written_takes_one_question() {
        let all = (0..1_000).map(|it| format!("/services/svc-{it:05}/1").into_bytes()).collect();
        let search = KeySearch::of_service(&Layout::default(), "svc-00007").unwrap();
        let (found, rounds) = searched(search, &all);
        assert_eq!((found, rounds), (keys(&["/services/svc-00007/1"]), 1));
        let search = KeySearch::of_service(&Layout::default(), "b").unwrap();
        let all =
            keys(&["/services/_backends/B", "/services/_backends/c", "/services/_frontends/b/1"]);
        assert_eq!(searched(search, &all).0, keys(&["/services/_backends/B"]));
    }

    #[test]
    fn where_names_stand_anywhere_nothing_is_searched() {
        let of = |writer| KeySearch::of_service(&Layout::default().of_writer(writer), "a");
        assert!(of(Some(Writer::GoFrame)).is_none());
        assert!(of(None).is_some() && of(Some(Writer::Dubbo)).is_some());
        let long = "n".repeat(SERVICE_MAX + 1);
        let search = KeySearch::of_service(&Layout::default(), &long).unwrap();
        assert_eq!(searched(search, &keys(&["/services/a/b"])), (BTreeSet::new(), 0));
    }

    #[test]
    fn a_search_without_an_end_is_given_up() {
        let mut search = KeySearch::of_service(&Layout::default(), &"a".repeat(60)).unwrap();
        let end = loop {
            match search.questions() {
                Ok(questions) => questions.into_iter().for_each(|question| {
                    let first = question.range.0.clone();
                    search.learn(question, Some(&first));
                }),
                Err(end) => break end,
            }
        };
        assert_eq!(end, TooManySpellings);
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_reading_all_would_find(
            all in proptest::collection::btree_set("/?[aAb_.\u{e9}-]{1,4}(/[a1]){1,2}", 0..40),
            broken in proptest::collection::btree_set(any::<Vec<u8>>(), 0..4),
            name in "[aAb_-]{1,3}",
        ) {
            let layout = Layout::new("", None).unwrap();
            let all: BTreeSet<_> = all.into_iter().map(String::into_bytes).chain(broken).collect();
            let is_of = |key: &Vec<u8>| {
                let read = layout.read(key);
                read.is_ok_and(|it| folded(it.name).eq(folded(&name)))
            };
            let mut search = KeySearch::of_service(&layout, &name).unwrap();
            let mut rounds = 0;
            while let Ok(questions) = search.questions() {
                if questions.is_empty() { break }
                rounds += 1;
                for question in questions {
                    let (from, to) = question.range.clone();
                    let first = all.range(from..to).next().cloned();
                    search.learn(question, first.as_deref());
                }
            }
            let found: Vec<_> = search.found();
            let holds = |key: &Vec<u8>| found.iter().any(|(from, to)| from <= key && key < to);
            for key in all.iter().filter(|key| is_of(key)) {
                prop_assert!(holds(key), "{key:?} is missing after {rounds} rounds");
            }
        }
    }
}

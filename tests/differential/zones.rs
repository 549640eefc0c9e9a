//! Zones by chance, from so few labels that everything meets: aliases, wildcards, delegations,
//! empty names in between.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

/// Labels below an apex; `*` more often than in life.
const LABELS: [&str; 9] = ["a", "b", "c", "www", "x-1", "_tcp", "_s", "*", "*"];
/// Owners that are tried for each zone.
const OWNERS: usize = 40;

/// A zone.
pub(super) struct Zone {
    /// Its apex, without the last dot.
    pub(super) apex: String,
    /// Its RRsets by owner, in lower case and relative to the apex, and type.
    sets: BTreeMap<(String, &'static str), BTreeSet<String>>,
}

/// The types of records, and data that they may have; `@` stands for a name.
const KINDS: [(&str, &[&str]); 16] = [
    ("A", &["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
    ("A", &["192.0.2.1", "192.0.2.4"]),
    ("AAAA", &["2001:db8::1", "2001:db8::2"]),
    ("CNAME", &["@"]),
    ("CNAME", &["@"]),
    ("CNAME", &["@"]),
    ("NS", &["@"]),
    ("NS", &["@"]),
    ("DNAME", &["@"]),
    ("MX", &["10 @", "20 @", "20 mail.example.net."]),
    ("SRV", &["0 1 80 @", "1 0 81 @"]),
    ("TXT", &["\"one\"", "\"two words\" \"x\"", "\"\""]),
    ("CAA", &["0 issue \"ca.example.net\"", "128 iodef \"x\""]),
    ("PTR", &["@"]),
    ("TYPE65280", &["\\# 3 010203", "\\# 1 00"]),
    ("HTTPS", &["1 . alpn=h2", "0 @"]),
];

impl Zone {
    /// The zone that a seed makes.
    pub(super) fn new(apex: &str, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut zone = Self { apex: apex.to_owned(), sets: BTreeMap::new() };
        for _ in 0..OWNERS {
            let owner = owner(&mut rng);
            let (kind, data) = KINDS[rng.usize(..KINDS.len())];
            if zone.may_have(&owner, kind) {
                let count = if matches!(kind, "CNAME" | "DNAME") { 1 } else { rng.usize(1..3) };
                for _ in 0..count {
                    zone.add(&owner, kind, data[rng.usize(..data.len())], &mut rng);
                }
            }
        }
        zone.delegate(&mut rng);
        zone
    }

    /// Whether every server would load that type at an owner: aliases stand alone, nothing is
    /// below a DNAME, and what a wildcard that is delegated means is not said anywhere.
    fn may_have(&self, owner: &str, kind: &str) -> bool {
        let has =
            |owner: &str, kind: &str| self.sets.keys().any(|it| it.0 == owner && it.1 == kind);
        let has_any = |owner: &str| self.sets.keys().any(|it| it.0 == owner);
        let above = parents(owner);
        let is_below = |it: &str| it.ends_with(&format!(".{owner}"));
        if above.iter().any(|it| has(it, "DNAME")) || has(owner, "CNAME") {
            return false;
        }
        match kind {
            "CNAME" => !has_any(owner),
            "NS" => !owner.contains('*') && !has_any(owner),
            "DNAME" => {
                !owner.contains('*')
                    && !has_any(owner)
                    && !self.sets.keys().any(|it| is_below(&it.0))
            }
            _ => !has(owner, "NS") && !has(owner, "DNAME"),
        }
    }

    /// Adds a record, with names in place of `@`.
    fn add(&mut self, owner: &str, kind: &'static str, data: &str, rng: &mut Rng) {
        let target = self.target(rng);
        let set = self.sets.entry((owner.to_owned(), kind)).or_default();
        set.insert(data.replace('@', &target));
    }

    /// A name that data leads to: here, in the next zone, or elsewhere.
    fn target(&self, rng: &mut Rng) -> String {
        match rng.u8(..12) {
            0 => "host.example.net.".to_owned(),
            1 => "a.other.test.".to_owned(),
            2 => format!("{}.", self.apex),
            _ => format!("{}.{}.", owner(rng).replace('*', "q"), self.apex),
        }
    }

    /// Gives delegations glue, a DS record, and data that they hide.
    fn delegate(&mut self, rng: &mut Rng) {
        let is_cut = |it: &&(String, &str)| it.1 == "NS";
        let cuts: Vec<_> = self.sets.keys().filter(is_cut).map(|it| it.0.clone()).collect();
        for cut in cuts {
            let server = format!("ns.{cut}");
            if rng.bool() && self.may_have(&server, "A") {
                let name = format!("{server}.{}.", self.apex);
                self.sets.entry((cut.clone(), "NS")).or_default().insert(name);
                self.add(&server, "A", "192.0.2.53", rng);
                self.add(&server, "AAAA", "2001:db8::53", rng);
            }
            if rng.bool() {
                self.add(
                    &cut,
                    "DS",
                    "12345 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                    rng,
                );
            }
        }
    }

    /// Whether records stand at a name.
    pub(super) fn has(&self, name: &str) -> bool {
        let Some(owner) = name.strip_suffix(&self.apex) else { return false };
        let owner = owner.trim_end_matches('.');
        matches!(owner, "" | "ns") || self.sets.keys().any(|it| it.0 == owner)
    }

    /// The zone file, owners in mixed case.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "$ORIGIN {}.\n$TTL 300\n@ SOA ns hostmaster 7 7200 900 86400 60\n@ NS ns\n@ NS ns.example.net.\nns A 192.0.2.250\n",
            self.apex
        );
        for ((owner, kind), set) in &self.sets {
            // One spelling an owner: which of two is answered is nowhere said.
            let is_upper = |at: usize| (owner.len() + at).is_multiple_of(3);
            let spell = |(at, it): (usize, char)| {
                if is_upper(at) { it.to_ascii_uppercase() } else { it }
            };
            let owner: String = owner.chars().enumerate().map(spell).collect();
            let ttl = 60 + 10 * kind.len();
            set.iter().for_each(|data| text += &format!("{owner} {ttl} {kind} {data}\n"));
        }
        text
    }

    /// Names to ask for: every owner, those above, below and beside it, and what data lead to.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: BTreeSet<String> =
            ["", "ns", "no", "*", "a.b.c.no"].map(str::to_owned).into();
        for (owner, _) in self.sets.keys() {
            names.extend(parents(owner));
            names.insert(owner.clone());
            names.extend(["x", "*", "x.y", "_s"].map(|below| format!("{below}.{owner}")));
            names.insert(owner.replace('*', "q"));
            names.insert(owner.replace('*', "deep.q"));
        }
        let full =
            |name: String| format!("{name}.{}", self.apex).trim_start_matches('.').to_owned();
        names.into_iter().map(full).collect()
    }
}

/// An owner of one to three labels.
fn owner(rng: &mut Rng) -> String {
    let labels = (0..rng.usize(1..4)).map(|_| LABELS[rng.usize(..LABELS.len())]);
    labels.collect::<Vec<_>>().join(".")
}

/// The names between an owner and the apex.
fn parents(owner: &str) -> Vec<String> {
    let dots = owner.match_indices('.').map(|(at, _)| owner[at + 1..].to_owned());
    dots.collect()
}

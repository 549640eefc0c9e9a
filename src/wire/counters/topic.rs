//! The labels of a counted query, what it was about and what became of it: each from a
//! small closed set, so that no client decides how many figures there are.

use hickory_proto::rr::RecordType;

use crate::index::ZoneNumber;

/// The topic of a query: its zone and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    /// The zone.
    pub zone: ZoneNumber,
    /// The type that was asked for.
    pub kind: Kind,
}

/// A type that is counted apart, or all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(u8);

/// A response code that is counted apart, or all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(u8);

/// The cause of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCause {
    /// The client may ask nothing (`allow-query`).
    Client,
    /// The name is in no zone of ours, and others are not asked for this client
    /// (`allow-recursion`).
    Recursion,
    /// The name is in no zone of ours, and nobody else is asked.
    Foreign,
    /// The operation, class or type is none that we offer.
    Unsupported,
}

/// The cause of a reply with TC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// It did not fit.
    Size,
    /// The client's network was sent too much.
    Rate,
}

impl Topic {
    /// What has no question that could be read.
    pub const UNKNOWN: Self = Self { zone: ZoneNumber::NONE, kind: Kind::OTHER };
}

impl Kind {
    /// The types, by their mnemonics: what a server of services is asked for.
    const NAMES: [&str; 17] = [
        "A", "AAAA", "SRV", "TXT", "PTR", "SOA", "NS", "CNAME", "MX", "HTTPS", "SVCB", "CAA",
        "NAPTR", "DS", "DNSKEY", "ANY", "other",
    ];
    /// All others, and no type at all.
    pub const OTHER: Self = Self(Self::COUNT as u8 - 1);
    /// How many there are.
    pub(super) const COUNT: usize = Self::NAMES.len();

    /// A type.
    #[must_use]
    pub const fn of(kind: RecordType) -> Self {
        Self(match kind {
            RecordType::A => 0,
            RecordType::AAAA => 1,
            RecordType::SRV => 2,
            RecordType::TXT => 3,
            RecordType::PTR => 4,
            RecordType::SOA => 5,
            RecordType::NS => 6,
            RecordType::CNAME => 7,
            RecordType::MX => 8,
            RecordType::HTTPS => 9,
            RecordType::SVCB => 10,
            RecordType::CAA => 11,
            RecordType::NAPTR => 12,
            RecordType::DS => 13,
            RecordType::DNSKEY => 14,
            RecordType::ANY => 15,
            _ => return Self::OTHER,
        })
    }

    /// The mnemonic, or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        Self::NAMES[self.get()]
    }

    /// The number, to find figures by.
    pub(super) const fn get(self) -> usize {
        self.0 as usize
    }

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }
}

impl Code {
    /// The codes, by their mnemonics.
    const NAMES: [&str; 9] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "NOTAUTH", "BADVERS",
        "other",
    ];
    /// A query that cannot be answered now.
    pub const SERVFAIL: Self = Self(2);
    /// A name that does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// A query that is refused.
    pub const REFUSED: Self = Self(5);
    /// How many there are.
    pub(super) const COUNT: usize = Self::NAMES.len();

    /// A code, its upper bits from the OPT record.
    #[must_use]
    pub const fn of(code: u16) -> Self {
        Self(match code {
            0..=5 => code as u8,
            9 => 6,
            16 => 7,
            _ => 8,
        })
    }

    /// The mnemonic, or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        Self::NAMES[self.get()]
    }

    /// The number, to find figures by.
    pub(super) const fn get(self) -> usize {
        self.0 as usize
    }

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }
}

impl RefusalCause {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Client, Self::Recursion, Self::Foreign, Self::Unsupported];

    /// The cause as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Recursion => "recursion",
            Self::Foreign => "foreign",
            Self::Unsupported => "unsupported",
        }
    }
}

impl Truncation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Size, Self::Rate];

    /// The cause as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Rate => "rate-limit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_codes_have_their_own_names() {
        for number in 0..=u16::MAX {
            let (kind, name) = (RecordType::from(number), Kind::of(RecordType::from(number)));
            let is_right = name == Kind::OTHER || name.as_str() == kind.to_string();
            assert!(is_right, "{kind} {}", name.as_str());
        }
        let named = (0..=300).map(|number| Kind::of(RecordType::from(number)));
        let named: std::collections::BTreeSet<_> = named.collect();
        assert!(named.into_iter().eq(Kind::all()));
        let codes = [(0, "NOERROR"), (5, "REFUSED"), (6, "other"), (9, "NOTAUTH"), (16, "BADVERS")];
        codes.iter().for_each(|(code, name)| assert_eq!(Code::of(*code).as_str(), *name));
        assert_eq!(Code::of(5), Code::REFUSED);
        assert!(Code::all().eq([0, 1, 2, 3, 4, 5, 9, 16, 23].map(Code::of)));
    }
}

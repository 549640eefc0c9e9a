//! INDEX → ANSWER: what one generation says to one question. Pure: no I/O, no clock, and
//! the randomness comes in as a value.
//!
//! ```text
//!   Question ─→ class, meta types ─→ zone ─→ readiness ─→ node ─→ RRset ─→ additional
//!                      │              │          │          │       │
//!                   REFUSED        REFUSED    SERVFAIL   NXDOMAIN  NODATA
//! ```
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 1034 s4.3.2, 1035 | the closest zone, then the node, then the type; AA on own data; CNAME; referrals with glue | done |
//! | 1035 s3.2.5 | QCLASS ANY is answered from IN | done |
//! | 1982 | the serial follows the revision of the zone's last change, and never falls | done |
//! | 2181 s5, s9, s10 | one TTL per RRset; whole RRsets; SRV targets that are no aliases | done |
//! | 2308 s3, s5 | SOA in every negative answer, TTL min(SOA TTL, MINIMUM) | done |
//! | 2782 | SRV, ordered by priority and weight, addresses in the additional section | done |
//! | 4343 | names compare without case, the owner is spelt as it was asked for | done |
//! | 4592 | wildcards by the closest encloser; empty names block and are NODATA | done |
//! | 5936, 1995 | AXFR and IXFR are REFUSED | done: not offered |
//! | 6604 | code of the last name of a chain, AA of the first | done |
//! | 6672 | DNAME, with the CNAME that it makes | done |
//! | 6895 s3.1 | meta types that are no question are FORMERR | done |
//! | 8020 | NXDOMAIN only when nothing is below | done |
//! | 8482 s4.1 | ANY gets one RRset | done |
//! | 9471 | the glue of a referral is whole, or TC | done |
//! | 8914 | extended errors 3, 14, 18, 19, 20 | done |
//! | 1035 s3.5, 3596 s2.5 | PTR records of addresses in reverse zones | done |
//! | 6763 s4, s6, s7, s9, s11 | instances, TXT, subtypes, kinds of services, domains | done |
//! | 6763 s12 | what PTR records lead to, in the additional section | done |
//!
//! One concern per file: `resolver` answers and follows aliases, `resolved` says where a name
//! leads, `srv`, `address`, `txt`, `browse`, `reverse` and `apex` make RRsets, `draw` and
//! `order` put them in order, `rendezvous` draws the same for a client each time, `additional`
//! adds the addresses of targets, `negative` says what is not there, `visits` how much is
//! looked at, `explain` why an answer is what it is, `mnemonic` what a type is called; `skydns` knows the zones of that schema.

mod additional;
mod address;
mod alias;
mod answer;
mod apex;
mod browse;
mod draw;
mod explain;
mod mnemonic;
mod negative;
mod order;
mod question;
mod rendezvous;
mod resolved;
mod resolver;
mod reverse;
mod skydns;
mod srv;
mod txt;
mod visits;
mod zone_file;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::index::{Cut, Generation, Node, Settings};
use crate::names::{DATAGRAM_MAX, WireName};

use self::alias::{cname, dname};
use self::answer::least_octets;
use self::draw::Chances;
use self::order::{Selection, finish, stable};
use self::resolver::Step;
use self::visits::Visits;

pub use self::answer::{Answer, Rank, Reason, RrSet};
pub use self::draw::Draw;
pub use self::explain::{Explanation, Section, asked, explain, nobody, written_data};
pub use self::mnemonic::mnemonic;
pub use self::order::{Ticket, pick, pick_by};
pub use self::question::{Overflow, Question, Room};
pub use self::rendezvous::{Rendezvous, key};
pub use self::resolved::{Position, Resolved, may_hold, resolve, resolve_answer, resolve_kept};
pub use self::resolver::{answer, answer_whole, traced};
pub use self::visits::Footprint;

/// Instances that are looked at for one reply over UDP that is not made ready beforehand: some
/// fifty times what it has room for, so that the draw is fair; a service of more is asked for
/// over TCP. Looking at a million for each datagram would take milliseconds.
const LOOKED_AT_MAX: usize = 16_384;

/// The RRset is larger than the room; what was built of it is of no use.
struct TooLarge;

/// An RRset, none, or one larger than the room.
type RrSetResult = Result<Option<RrSet>, TooLarge>;

/// A question on its way through one generation.
struct Lookup<'l> {
    /// What is true.
    generation: &'l Generation,
    /// Where the question's name stands.
    position: Position<'l>,
    /// What is asked.
    question: &'l Question<'l>,
    /// The question's name, to compare.
    name: &'l WireName,
    /// What is said beside the answer.
    reason: Option<Reason>,
    /// Whether all records are wanted, however few the zone answers with.
    is_whole: bool,
    /// What may still be looked at for it.
    visits: &'l Visits,
}

impl Lookup<'_> {
    /// The settings of the zone that the question's name is in.
    fn settings(&self) -> &Settings {
        self.position.zone.settings()
    }

    /// How many records of the kinds that are drawn are wanted.
    fn most(&self) -> usize {
        if self.is_whole { usize::MAX } else { self.settings().most_answers() }
    }

    /// The room for records of the kinds that are drawn: half of it, where the addresses of all
    /// targets are wanted too.
    const fn drawn_room(&self) -> Room {
        let Room { octets, overflow } = self.question.room;
        Room { octets: if self.is_whole { octets / 2 } else { octets }, overflow }
    }

    /// A selection of records of the kinds that are drawn.
    fn selection<T: PartialEq>(&self) -> Selection<T> {
        Selection::new(self.drawn_room()).at_most(self.most()).evenly(self.is_whole)
    }

    /// How many instances are looked at. What is made ready, and what has all the room there
    /// is, is made of all of them.
    fn looked_at(&self) -> usize {
        let is_bounded = !self.is_whole && self.question.room.overflow == Overflow::Truncate;
        if is_bounded { LOOKED_AT_MAX } else { usize::MAX }
    }

    /// Where the chances of records come from.
    fn chances(&self, draw: &mut Draw) -> Chances {
        stable(self.settings(), draw).map_or_else(|| draw.chances(), Chances::Stable)
    }

    /// The records of a selection that take what they seem to, and whether others were left
    /// out. Where a client is given
    /// the same each time, their order is drawn anew all the same: whoever asks for others
    /// would send all of them to the first.
    fn finish<T: PartialEq>(
        &self,
        selection: Selection<T>,
        draw: &mut Draw,
    ) -> Result<(Vec<(Rank, T)>, bool), TooLarge> {
        finish(selection, stable(self.settings(), draw), draw)
    }

    /// What a name that exists says.
    fn at(&self, node: Node<'_>, draw: &mut Draw) -> Step {
        let kind = self.question.kind;
        match node {
            Node::Cut(Cut::Delegation(owner)) => Step::Done(self.referral(owner, draw)),
            Node::Cut(Cut::Redirection(owner)) => match dname(self.question.name, owner) {
                // The record that is asked for is the one that is made.
                Ok(alias) if kind == RecordType::CNAME => Step::Done(Answer::alias(alias.sets)),
                Ok(alias) => Step::Alias(alias),
                Err(answer) => Step::Done(*answer),
            },
            Node::Static(owner) => {
                let alias = owner.alias(kind).and_then(|set| cname(self.question.name, set));
                alias.map_or_else(|| Step::Done(self.existing(node, draw)), Step::Alias)
            }
            Node::SkyDns(branch) => self.at_branch(branch, draw),
            _ => Step::Done(self.existing(node, draw)),
        }
    }

    /// The answer of a name that exists and is no alias.
    fn existing(&self, node: Node<'_>, draw: &mut Draw) -> Answer {
        let any = self.question.kind == RecordType::ANY;
        let found = if any { self.any(node, draw) } else { self.rrset(node, draw) };
        self.found(node, found, draw)
    }

    /// The answer of what was found at a node.
    fn found(&self, node: Node<'_>, found: RrSetResult, draw: &mut Draw) -> Answer {
        let any = self.question.kind == RecordType::ANY;
        let mut answer = match found {
            Ok(None) => return self.negative(ResponseCode::NoError),
            Ok(Some(answers)) => self.positive(answers),
            Err(TooLarge) => Answer::truncated(),
        };
        answer.reason = self.reason;
        let has_room = !any && !answer.truncated;
        if let Some(answers) = answer.answers.last().filter(|it| has_room && self.may_fit(it)) {
            let additional = self.additional(node, answers, draw);
            (answer.additional, answer.is_own) = (additional.sets, additional.is_own);
        }
        answer
    }

    /// The answer that an RRset is: truncated where some of it is left out and there is a larger
    /// transport. Then the others are of more use than what belongs to those that are there.
    fn positive(&self, set: RrSet) -> Answer {
        let truncated = set.is_cut && self.question.room.overflow == Overflow::Truncate;
        Answer { truncated, ..Answer::positive(set) }
    }

    /// Whether an RRset can be sent with something beside it. One that is to be kept and drawn
    /// from is only ever sent over UDP; its records may all be too large even so.
    fn may_fit(&self, set: &RrSet) -> bool {
        let most = self.settings().most_answers();
        !self.is_whole || least_octets(set, most) <= DATAGRAM_MAX
    }

    /// The RRset of the question's type at a node.
    fn rrset(&self, node: Node<'_>, draw: &mut Draw) -> RrSetResult {
        self.rrset_of(node, self.question.kind, draw)
    }

    /// RFC 8482 section 4.1: of all the RRsets at a node one is enough.
    fn any(&self, node: Node<'_>, draw: &mut Draw) -> RrSetResult {
        const SOUGHT: [RecordType; 6] = [
            RecordType::SOA,
            RecordType::A,
            RecordType::AAAA,
            RecordType::SRV,
            RecordType::TXT,
            RecordType::PTR,
        ];
        let others = match node {
            Node::Static(owner) => owner.sets(),
            _ => &[],
        };
        for kind in SOUGHT.into_iter().chain(others.iter().map(|set| set.kind)) {
            if let Some(found) = self.rrset_of(node, kind, draw)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The RRset of a type at a node.
    fn rrset_of(&self, node: Node<'_>, kind: RecordType, draw: &mut Draw) -> RrSetResult {
        match kind {
            _ if !may_hold(node, kind) => Ok(None),
            RecordType::SOA => Ok(self.soa(node)),
            RecordType::NS if matches!(node, Node::Apex(_)) => Ok(self.ns()),
            _ if let Node::Static(owner) | Node::Apex(Some(owner)) = node => {
                self.of_owner(owner, kind, draw)
            }
            RecordType::SRV => self.srv(node, draw),
            RecordType::A | RecordType::AAAA => self.addresses(node, kind, draw),
            RecordType::TXT => self.txt(node),
            RecordType::PTR => self.ptr(node, draw),
            _ => Ok(None),
        }
    }
}

//! One question as octets, and what counts as a reply to it (RFC 5452 section 9): one with
//! its id, and its question.
//!
//! Replies are read record by record, so that one of nonsense costs itself alone, and what
//! stands in the additional section is not read at all but for the OPT record.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, Name, Record, RecordData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable, DecodeError};

use super::Asked;
use super::upstream::UpstreamFault;

/// Octets of a datagram that upstreams may send (RFC 9715 appendix A).
const PAYLOAD: u16 = 1232;
/// Octets of a header.
const HEADER: usize = 12;
/// Octets of type and class.
const TYPE_AND_CLASS: usize = 4;
/// Octets of class and TTL.
const CLASS_AND_TTL: usize = 6;
/// The class IN.
const IN: [u8; 2] = [0, 1];
/// Bits of a header's third octet that say what kind of message it is.
const QR_AND_OPCODE: u8 = 0xf8;
/// These bits of a response to a query.
const RESPONSE: u8 = 0x80;
/// The bit of an answer that is known first-hand.
const AA: u8 = 0x04;
/// The option of padding (RFC 7830).
const PADDING: u8 = 12;
/// Octets of an option before its value.
const OPTION_HEAD: usize = 4;
/// Octets that a padded question has a multiple of (RFC 8467 section 4.1).
const BLOCK: usize = 128;
/// The bit of a reply that was cut.
const TC: u8 = 0x02;

/// A question with an id of its own.
pub(super) struct Request {
    /// All of it.
    octets: Vec<u8>,
    /// The question, as it was to be spelt before its letters were mixed.
    question: Vec<u8>,
    /// Whether it has an OPT record.
    has_edns: bool,
}

/// A reply to a question.
#[derive(Debug)]
pub(super) struct Reply {
    /// The response code, with the upper bits of an OPT record.
    pub(super) code: ResponseCode,
    /// Whether it was cut (TC).
    pub(super) is_truncated: bool,
    /// Whether the server knows it first-hand (AA).
    pub(super) is_authoritative: bool,
    /// Whether it repeats the question.
    pub(super) has_question: bool,
    /// Whether it spells the question otherwise than it was sent.
    pub(super) is_respelt: bool,
    /// Whether it has an OPT record.
    pub(super) has_edns: bool,
    /// Whether the question had.
    pub(super) asked_by_edns: bool,
    /// Its answers, whatever they are.
    pub(super) answers: Vec<Record>,
    /// Its authority section, whatever is in it.
    pub(super) authority: Vec<Record>,
}

impl Request {
    /// A question with a random id, with or without EDNS; its letters in random case, if they
    /// are to be mixed.
    pub(super) fn new(
        asked: &Asked,
        has_edns: bool,
        is_mixed: bool,
    ) -> Result<Self, UpstreamFault> {
        let mut question = asked.name.to_bytes().map_err(|_| UpstreamFault::Broken)?;
        question.extend(u16::from(asked.kind).to_be_bytes());
        question.extend(IN);
        let [high, low] = fastrand::u16(..).to_be_bytes();
        let (rd, cd) = (1, u8::from(asked.checking_disabled) << 4);
        let counts = [0, 1, 0, 0, 0, 0, 0, u8::from(has_edns)];
        let mut octets = [&[high, low, rd, cd][..], &counts, &question].concat();
        if is_mixed {
            octets[HEADER..HEADER + question.len() - TYPE_AND_CLASS].iter_mut().for_each(mix);
        }
        if has_edns {
            let [high, low] = PAYLOAD.to_be_bytes();
            octets.extend([0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]);
        }
        Ok(Self { octets, question, has_edns })
    }

    /// The same with so many octets that its length tells nothing, where it can have options: for
    /// encrypted ways alone.
    pub(super) fn padded(mut self) -> Self {
        if self.has_edns {
            let length = self.octets.len() + OPTION_HEAD;
            let padding = length.next_multiple_of(BLOCK) - length;
            // The OPT record, and with it the message, ends with the length of its options.
            self.octets.truncate(self.octets.len() - 2);
            self.octets.extend(((OPTION_HEAD + padding) as u16).to_be_bytes());
            self.octets.extend([0, PADDING]);
            self.octets.extend((padding as u16).to_be_bytes());
            self.octets.resize(self.octets.len() + padding, 0);
        }
        self
    }

    /// All of it.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Reads what may be a reply to it; none if it is none. The question in it is then spelt
    /// as it was to be, and with it all names that point there.
    pub(super) fn read(&self, octets: &mut [u8]) -> Option<Result<Reply, UpstreamFault>> {
        let is_response = octets.len() >= HEADER && octets[2] & QR_AND_OPCODE == RESPONSE;
        if !is_response || octets[..2] != self.octets[..2] {
            return None;
        }
        let sent = &self.octets[HEADER..][..self.question.len()];
        let (mut end, mut is_respelt) = (HEADER, false);
        if count(octets, 0) > 1 {
            return Some(Err(UpstreamFault::Broken));
        }
        if count(octets, 0) == 1 {
            end += sent.len();
            let echoed = octets.get_mut(HEADER..end)?;
            if !is_same(sent, echoed) {
                return None;
            }
            is_respelt = sent != echoed;
            echoed.copy_from_slice(&self.question);
        }
        let reply = sections(octets, end).map_err(|_| UpstreamFault::Broken);
        let asked_by_edns = self.has_edns;
        Some(reply.map(|reply| Reply { is_respelt, asked_by_edns, ..reply }))
    }
}

impl Reply {
    /// Whether it may be said because of the OPT record (RFC 6891 section 7), which servers
    /// that do not know it take for a fault, and some for one so grave that they do not
    /// repeat the question.
    pub(super) fn objects_to_edns(&self) -> bool {
        // hickory reads BADVERS as BADSIG, which has the same number.
        let is_objection = matches!(
            self.code,
            ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADSIG
        );
        self.asked_by_edns && is_objection
    }
}

/// Reads a reply whose question ends somewhere. What is cut is not looked at.
fn sections(octets: &[u8], question_end: usize) -> Result<Reply, DecodeError> {
    let is_truncated = octets[2] & TC != 0;
    let mut decoder = BinDecoder::new(octets);
    decoder.read_slice(question_end)?;
    let counts = [1, 2].map(|section| if is_truncated { 0 } else { count(octets, section) });
    let answers = records(&mut decoder, counts[0])?;
    let authority = records(&mut decoder, counts[1])?;
    let high = if is_truncated { None } else { extended_code(&mut decoder, count(octets, 3)) };
    Ok(Reply {
        code: ResponseCode::from(high.unwrap_or(0), octets[3]),
        is_truncated,
        is_authoritative: octets[2] & AA != 0,
        has_question: question_end > HEADER,
        is_respelt: false,
        has_edns: high.is_some(),
        asked_by_edns: false,
        answers,
        authority,
    })
}

/// Reads so many records, and leaves those out that are no records of IN.
fn records(decoder: &mut BinDecoder<'_>, count: u16) -> Result<Vec<Record>, DecodeError> {
    let mut records = Vec::new();
    for _ in 0..count {
        let start = decoder.index();
        skip(decoder)?;
        // A message is no longer than an index.
        let mut again = decoder.clone(start as u16);
        let record = Record::read(&mut again).ok();
        let is_sound = |record: &Record| {
            again.index() == decoder.index()
                && record.dns_class == DNSClass::IN
                && !record.data.is_update()
        };
        records.extend(record.filter(is_sound));
    }
    Ok(records)
}

/// Reads past a record, whatever its data; its type, and the first octet of its TTL.
fn skip(decoder: &mut BinDecoder<'_>) -> Result<(RecordType, u8), DecodeError> {
    Name::read(decoder)?;
    let kind = RecordType::read(decoder)?;
    let fixed = decoder.read_slice(CLASS_AND_TTL)?.unverified();
    let octets = decoder.read_u16()?.unverified();
    decoder.read_slice(octets.into())?;
    Ok((kind, fixed[2]))
}

/// The upper bits of the code, from an OPT record among so many records; none without any.
fn extended_code(decoder: &mut BinDecoder<'_>, count: u16) -> Option<u8> {
    let records = (0..count).map_while(|_| skip(decoder).ok());
    records.filter(|(kind, _)| *kind == RecordType::OPT).map(|(_, high)| high).last()
}

/// A count of a header.
fn count(octets: &[u8], section: usize) -> u16 {
    let at = 4 + 2 * section;
    u16::from_be_bytes([octets[at], octets[at + 1]])
}

/// Whether a question is the one that was sent, in whatever case: that of letters, and not
/// of the octets of its type, which may be letters too.
fn is_same(sent: &[u8], echoed: &[u8]) -> bool {
    let name = sent.len() - TYPE_AND_CLASS;
    sent[..name].eq_ignore_ascii_case(&echoed[..name]) && sent[name..] == echoed[name..]
}

/// Gives a letter of a name any case. Lengths of labels are no letters: they are too small.
fn mix(octet: &mut u8) {
    if octet.is_ascii_alphabetic() && fastrand::bool() {
        *octet ^= b' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A question for an address.
    fn asked() -> Asked {
        let name = Name::from_ascii("Www.others.test.").unwrap();
        Asked { name, kind: RecordType::A, checking_disabled: true }
    }

    /// A reply to a request that echoes it, with so many answers that follow.
    fn reply(request: &Request, answers: u8, records: &[u8]) -> Vec<u8> {
        let mut octets = request.octets()[..HEADER + request.question.len()].to_vec();
        (octets[2], octets[7], octets[11]) = (0x81, answers, 0);
        [octets, records.to_vec()].concat()
    }

    #[test]
    fn a_request_is_what_others_read() {
        use hickory_proto::op::Message;
        for (has_edns, is_mixed) in [(true, false), (false, true)] {
            let request = Request::new(&asked(), has_edns, is_mixed).unwrap();
            let message = Message::from_vec(request.octets()).unwrap();
            assert!(message.metadata.recursion_desired && message.metadata.checking_disabled);
            assert_eq!(message.queries[0].name(), &asked().name);
            assert_eq!(message.edns.map(|edns| edns.max_payload()), has_edns.then_some(PAYLOAD));
        }
    }

    #[test]
    fn rfc8467_s4_1_a_padded_question_has_blocks_of_128_octets() {
        use hickory_proto::op::Message;
        for length in 1..63 {
            let name = Name::from_labels([vec![b'a'; length], vec![b'b'; 63]]).unwrap();
            let asked = Asked { name, ..asked() };
            let request = Request::new(&asked, true, false).unwrap().padded();
            assert_eq!(request.octets().len() % BLOCK, 0, "{length}");
            let message = Message::from_vec(request.octets()).unwrap();
            assert_eq!(message.edns.map(|edns| edns.max_payload()), Some(PAYLOAD));
        }
        let plain = Request::new(&asked(), false, false).unwrap();
        let length = plain.octets().len();
        assert_eq!(plain.padded().octets().len(), length);
    }

    #[test]
    fn rfc5452_s9_a_reply_has_the_id_and_the_question() {
        let request = Request::new(&asked(), true, false).unwrap();
        let sound = reply(&request, 0, &[]);
        let is_reply = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut octets = sound.clone();
            change(&mut octets);
            request.read(&mut octets).is_some()
        };
        assert!(is_reply(&|_| {}));
        // No response; another opcode, id, name, type.
        let others = [(2, 0x80), (2, 0x08), (0, 1), (1, 1), (14, 1), (sound.len() - 3, 0x20)];
        for (at, bits) in others {
            assert!(!is_reply(&|octets| octets[at] ^= bits), "{at}");
        }
        assert!(!is_reply(&|octets| octets.truncate(HEADER + 4)));
        assert!(!is_reply(&|octets| octets.truncate(HEADER - 1)));
    }

    #[test]
    fn the_question_is_spelt_as_it_was_to_be() {
        let request = Request::new(&asked(), true, true).unwrap();
        let pointing = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
        let mut octets = reply(&request, 1, &pointing);
        let read = request.read(&mut octets).unwrap().unwrap();
        assert!(!read.is_respelt && read.asked_by_edns && !read.has_edns);
        assert_eq!(read.answers[0].name.to_ascii(), "Www.others.test.");
        octets = reply(&request, 0, &[]);
        octets[13] ^= 0x20;
        assert!(request.read(&mut octets).unwrap().unwrap().is_respelt);
    }

    #[test]
    fn records_of_nonsense_cost_themselves() {
        let request = Request::new(&asked(), true, false).unwrap();
        let records = [
            // An address of three octets, none, one of CHAOS, and one that is sound.
            &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 3, 192, 0, 2][..],
            &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 0],
            &[0xc0, 12, 0, 1, 0, 3, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1],
            &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 2],
            // BADVERS, and half a record.
            &[0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0, 0xc0, 12],
        ];
        let mut octets = reply(&request, 4, &records.concat());
        octets[11] = 2;
        let read = request.read(&mut octets).unwrap().unwrap();
        assert_eq!((read.answers.len(), read.code), (1, ResponseCode::BADSIG));
        assert!(read.has_edns && read.objects_to_edns());
        octets[7] = 5;
        assert!(matches!(request.read(&mut octets), Some(Ok(_))));
        octets[7] = 6;
        assert!(matches!(request.read(&mut octets), Some(Err(UpstreamFault::Broken))));
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_read(
            tail in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            counts in proptest::num::u8::ANY,
        ) {
            let request = Request::new(&asked(), true, true).unwrap();
            let mut octets = reply(&request, counts & 7, &tail);
            (octets[9], octets[11]) = (counts >> 3 & 3, counts >> 5);
            let read = request.read(&mut octets);
            proptest::prop_assert!(read.is_some());
            if let Some(Ok(read)) = read {
                let chain = crate::forward::chain::Chain::follow(&asked(), read.answers);
                proptest::prop_assert!(chain.sets.len() <= 7);
            }
        }
    }
}

//! From a record as it is written to the record as it is answered.

use domain::base::iana::Rtype;
use domain::base::name::{ParsedName, ToName};
use domain::base::rdata::{ComposeRecordData, ParseRecordData};
use domain::dep::octseq::Parser;
use domain::rdata::ZoneRecordData;
use domain::zonefile::inplace::ScannedRecord;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{
    BinDecodable, BinDecoder, BinEncodable, BinEncoder, NameEncoding, Restrict,
};

use super::fault::Reason;

/// The type whose written form a type shares; most have their own.
///
/// The parser reads only forms that it knows by name, and these are the same: texts, a
/// number and a name, a certificate's association, a key's digest, a key, a name.
pub(super) fn form(code: u16) -> Rtype {
    match code {
        // NINFO, SPF, AVC, RESINFO, WALLET.
        56 | 99 | 258 | 261 | 262 => Rtype::TXT,
        // AFSDB, RT, KX, LP.
        18 | 21 | 36 | 107 => Rtype::MX,
        // SMIMEA.
        53 => Rtype::TLSA,
        // TA, DLV.
        32768 | 32769 => Rtype::DS,
        // KEY.
        25 => Rtype::DNSKEY,
        // NSAP-PTR.
        23 => Rtype::PTR,
        code => Rtype::from_int(code),
    }
}

/// Whether a type's data is made of strings, in which `@` is that character.
pub(super) fn is_text(form: Rtype) -> bool {
    matches!(form, Rtype::TXT | Rtype::HINFO | Rtype::CAA)
}

/// Whether only questions and messages have a type (RFC 6895 section 3.1): 0, OPT, and the
/// range of meta-types.
pub(super) const fn is_meta(code: u16) -> bool {
    matches!(code, 0 | 41 | 128..=255)
}

/// The record of a type, from what was read in the form that it shares.
///
/// # Errors
/// [`Reason::Owner`], [`Reason::Octets`]: what was read has no place in a message.
pub(super) fn record(scanned: &ScannedRecord, code: u16, ttl: u32) -> Result<Record, Reason> {
    let code = RecordType::from(code);
    let mut octets = Vec::new();
    // Appending to memory cannot fail; if it did, what is there is not the data.
    scanned.data().compose_rdata(&mut octets).map_err(|_| Reason::Octets(code))?;
    if !is_well_formed(scanned.rtype(), &octets) {
        return Err(Reason::Octets(code));
    }
    let length = u16::try_from(octets.len()).map_err(|_| Reason::Octets(code))?;
    Ok(Record::from_rdata(owner(scanned.owner())?, ttl, data(code, &octets, length)))
}

/// A name as the index takes it.
fn owner(name: &impl ToName) -> Result<Name, Reason> {
    let octets = name.to_vec();
    let mut decoder = BinDecoder::new(octets.as_slice());
    let name = Name::read(&mut decoder).map_err(|_| Reason::Owner)?;
    // An empty label within the name would end it early.
    decoder.is_empty().then_some(name).ok_or(Reason::Owner)
}

/// Whether octets are data of a type, without compression and with nothing left over; those
/// of an unknown type always are.
fn is_well_formed(form: Rtype, octets: &[u8]) -> bool {
    let mut parser = Parser::from_ref(octets);
    match ZoneRecordData::<&[u8], ParsedName<&[u8]>>::parse_rdata(form, &mut parser) {
        Ok(Some(data)) => {
            let mut again = Vec::new();
            data.compose_rdata(&mut again).is_ok() && parser.remaining() == 0 && again == octets
        }
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Data as hickory knows it where it writes the same octets again, else the octets alone
/// (RFC 3597 section 4: without compression).
fn data(code: RecordType, octets: &[u8], length: u16) -> RData {
    match RData::read(&mut BinDecoder::new(octets), code, Restrict::new(length)) {
        Ok(data) if encoded(&data).is_some_and(|again| again == octets) => data,
        _ => RData::Unknown { code, rdata: NULL::with(octets.to_vec()) },
    }
}

/// Data as hickory writes it, without compression.
fn encoded(data: &RData) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).ok()?;
    Some(octets)
}

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
use super::form::mnemonic;

/// The record of a type, from what was read in the form that it shares.
///
/// # Errors
/// [`Reason::Owner`], [`Reason::Octets`]: what was read has no place in a message.
pub(super) fn record(scanned: &ScannedRecord, code: u16, ttl: u32) -> Result<Record, Reason> {
    let code = RecordType::from(code);
    let mut octets = Vec::new();
    // Appending to memory cannot fail; if it did, what is there is not the data.
    scanned.data().compose_rdata(&mut octets).map_err(|_| Reason::Octets(mnemonic(code)))?;
    if !is_well_formed(scanned.rtype(), &octets) {
        return Err(Reason::Octets(mnemonic(code)));
    }
    let length = u16::try_from(octets.len()).map_err(|_| Reason::Octets(mnemonic(code)))?;
    Ok(Record::from_rdata(owner(scanned.owner())?, ttl, data(code, &octets, length)))
}

/// A name as the index takes it.
///
/// # Errors
/// [`Reason::Owner`]: it has an empty label, which the parser lets pass.
pub(super) fn owner(name: &impl ToName) -> Result<Name, Reason> {
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

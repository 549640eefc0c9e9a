//! Records as zone files write them (RFC 1035 section 5.1).

use domain::base::iana::Rtype;
use domain::base::name::{ParsedName, ToLabelIter};
use domain::base::rdata::ParseRecordData;
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt};
use domain::dep::octseq::Parser;
use domain::rdata::ZoneRecordData;
use hickory_proto::rr::RData;
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use crate::authority::RrSet;
use crate::authority::mnemonic;
use crate::names::{quoted, written};

/// Data of a record, as the reader of zone files knows it.
type Data<'d> = ZoneRecordData<&'d [u8], ParsedName<&'d [u8]>>;

/// The records of an RRset, each on a line.
pub(super) fn lines(set: &RrSet) -> impl Iterator<Item = String> {
    let (owner, kind) = (written(set.owner.iter()), mnemonic(set.kind));
    let head = format!("{owner} {} IN {kind}", set.ttl);
    set.data.iter().map(move |data| format!("{head} {}", written_data(u16::from(set.kind), data)))
}

/// Data as it is written: in the form of its type, else in that of RFC 3597.
#[must_use]
pub fn written_data(kind: u16, data: &RData) -> String {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    if data.emit(&mut encoder).is_err() {
        return data.to_string();
    }
    match Data::parse_rdata(Rtype::from_int(kind), &mut Parser::from_ref(&octets[..])) {
        Ok(Some(data)) => of_type(&data),
        _ => unknown(&octets),
    }
}

/// Data in the form of its type. Names are written by us: `domain` leaves characters in them as
/// they are that end a word, or a line, of a zone file.
fn of_type(data: &Data<'_>) -> String {
    match data {
        Data::Ns(it) => name(it.nsdname()),
        Data::Cname(it) => name(it.cname()),
        Data::Dname(it) => name(it.dname()),
        Data::Ptr(it) => name(it.ptrdname()),
        Data::Mx(it) => format!("{} {}", it.preference(), name(it.exchange())),
        Data::Srv(it) => {
            format!("{} {} {} {}", it.priority(), it.weight(), it.port(), name(it.target()))
        }
        Data::Soa(it) => format!(
            "{} {} {} {} {} {} {}",
            name(it.mname()),
            name(it.rname()),
            it.serial(),
            it.refresh().as_secs(),
            it.retry().as_secs(),
            it.expire().as_secs(),
            it.minimum().as_secs()
        ),
        Data::Txt(it) => it.iter().map(quoted).collect::<Vec<_>>().join(" "),
        other => other.display_zonefile(DisplayKind::Simple).to_string(),
    }
}

/// A name as it is written.
fn name(name: &ParsedName<&[u8]>) -> String {
    let labels: Vec<_> = name.iter_labels().filter(|it| !it.is_root()).collect();
    written(labels.iter().map(|label| label.as_slice()))
}

/// Data of a type that has no form of its own (RFC 3597 section 5).
fn unknown(octets: &[u8]) -> String {
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("\\# {} {digits}", octets.len()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hickory_proto::rr::{Name, Record};

    use super::*;
    use crate::zonefile;

    /// Zone files that have everything in them that is hard to write.
    const RECORDS: [&str; 12] = [
        "\\$a\\032b A 192.0.2.1",
        "b SRV 0 1 80 a\\032\\;\\\"b\\.c.d",
        "c TXT \"a;b\" \"\\\"\\\\ \\027\\255\" \"\"",
        "d PTR my\\032id._web._tcp",
        "e MX 10 \\(\\)\\@",
        "f NAPTR 1 2 \"u\" \"E2U\" \"!^.*$!sip:a@b!\" .",
        "g CAA 0 issue \"a\\\"b;c\"",
        "h TYPE65280 \\# 3 01ff0a",
        "i TYPE65280 \\# 0",
        "j HTTPS 1 . alpn=\"h2,h3\" port=8443",
        "k HINFO \"a b\" \"c\\009d\"",
        "l DNAME \\[x.y",
    ];

    /// A zone's records, as they are read.
    fn read(text: &str) -> Vec<Record> {
        let apex = Name::from_ascii("z.").unwrap();
        let file = zonefile::parse(text.as_bytes(), &apex, Path::new("z.zone")).unwrap();
        file.records.into_iter().map(|it| it.record).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let head = "$ORIGIN z.\n$TTL 60\n@ SOA ns\\032x ad\\.min 7 1 2 3 4\n@ NS ns\n";
        let first = read(&format!("{head}{}\n", RECORDS.join("\n")));
        assert_eq!(first.len(), RECORDS.len() + 2);
        let line = |record: &Record| {
            let set = RrSet {
                owner: record.name.clone(),
                kind: record.record_type(),
                ttl: record.ttl,
                data: vec![record.data.clone()],
                ranks: Vec::new(),
                is_cut: false,
            };
            lines(&set).next().unwrap() + "\n"
        };
        let text: String = first.iter().map(line).collect();
        assert!(text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet)));
        assert_eq!(read(&text), first, "{text}");
    }
}

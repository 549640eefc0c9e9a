//! Snapshots without a file system.

use std::io::Cursor;

use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::SOA;
use proptest::prelude::*;

use super::*;
use crate::index::{Index, Publisher, Settings};
use crate::registry::{Publish, RegistryUrl, Table, Update};

/// Values that registrations have.
const VALUES: [&str; 6] = [
    "10.0.0.1:80",
    "http://[2001:db8::1]:8080",
    r#"{"host":"db.example.com"}"#,
    r#"{"host":"10.0.0.2:53","proto":"udp","tags":["a"],"meta":{"k":"v"},"text":"t"}"#,
    r#"{"hostname":"h.example","port":1,"priority":3,"weight":0,"ttl":60,"version":"1"}"#,
    r#"{"endpoints":["http://10.0.0.3:80","grpc://other.example:9000"]}"#,
];

/// Who the snapshots of these tests belong to.
fn bound() -> (Identity, Layout) {
    let url: RegistryUrl = "http://a".parse().unwrap();
    (Identity::new("z", &url, &url.layout(), "services"), url.layout())
}

/// A zone in which so many instances are registered, at revision 7.
fn zone(instances: usize) -> Arc<Zone> {
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let soa = SOA::new(name("ns.z."), name("admin.z."), 0, 1, 1, 1, 5);
    let settings = Settings::new(name("z."), (soa, 60), (vec![name("ns.z.")], 60), 5).unwrap();
    let index = Arc::new(Index::new(vec![Arc::new(settings)], true));
    let mut table = Table::new(bound().1);
    let key = |n: usize| format!("/services/s{}/{n}", n % 3).into_bytes();
    let mut update = Update { revision: 7, ..Update::default() };
    for n in 0..instances {
        table.put(&key(n), VALUES[n % VALUES.len()].as_bytes(), &mut update);
    }
    table.put(b"/services/_frontends/f", br#"{"resource":"Frontend","backend":"b"}"#, &mut update);
    Publisher::new(Arc::clone(&index), 0).publish(update);
    Arc::clone(&index.load().zones()[0])
}

/// The octets of a zone's snapshot, confirmed a minute ago.
fn octets(zone: &Zone) -> Vec<u8> {
    let confirmed = SystemTime::now() - Duration::from_secs(60);
    let mut octets = Vec::new();
    let written = write(&mut octets, &bound().0, zone, Stamp { cluster: 9, confirmed }).unwrap();
    assert_eq!(written, octets.len() as u64);
    octets
}

/// What octets are read as.
fn read_octets(octets: &[u8]) -> Result<Snapshot, SnapshotFault> {
    let (identity, layout) = bound();
    read(&mut Cursor::new(octets), None, &identity, &layout)
}

/// Instances, sorted.
fn sorted<'i>(instances: impl Iterator<Item = &'i Instance>) -> Vec<String> {
    let mut all: Vec<_> = instances.map(|it| format!("{it:?}")).collect();
    all.sort_unstable();
    all
}

#[test]
fn what_is_written_is_read() {
    for instances in [0, 1, 30] {
        let zone = zone(instances);
        let snapshot = read_octets(&octets(&zone)).unwrap();
        assert_eq!((snapshot.revision, snapshot.cluster, snapshot.unusable), (7, 9, 0));
        assert!((60..80).contains(&snapshot.age.as_secs()), "{:?}", snapshot.age);
        let wanted = sorted(zone.services().flat_map(|service| service.instances()));
        assert_eq!(sorted(snapshot.instances.iter().map(|it| &**it)), wanted);
        assert_eq!(wanted.len(), instances);
        let aliases: Vec<_> = zone.aliases().cloned().collect();
        assert_eq!((aliases.len(), &snapshot.aliases), (1, &aliases));
    }
}

/// The octets of the same, as srvd wrote it before there were serials in it.
fn octets_without_serial(zone: &Zone) -> Vec<u8> {
    let octets = octets(zone);
    let (lead, end) = (LEAD as usize, octets.len() - TRAIL as usize);
    let records = lead + number(&octets[lead - 4..lead]) as usize;
    let (header, _): (Header, WrittenSerial) = decode(&octets[lead..records]).unwrap();
    let header = postcard::to_stdvec(&header).unwrap();
    let length = (header.len() as u32).to_be_bytes();
    let version = VERSION_WITHOUT_SERIAL.to_be_bytes();
    let mut old = [&MAGIC[..], &version, &length, &header, &octets[records..end]].concat();
    let written = (old.len() as u64).to_be_bytes();
    old.extend([&octets[end..end + 8], &written].concat());
    let sum = Sha256::digest(&old);
    old.extend(sum);
    old
}

#[test]
fn the_serial_is_kept_and_may_be_missing() {
    let zone = zone(5);
    let record = SerialRecord { file: 0, registry: 7, next_change: None };
    let snapshot = read_octets(&octets(&zone)).unwrap();
    assert_eq!((snapshot.serial, zone.serial_record()), (Some(record), record));
    let old = read_octets(&octets_without_serial(&zone)).unwrap();
    assert_eq!((old.serial, old.revision, old.instances.len()), (None, 7, 5));
}

#[test]
fn what_is_not_whole_is_refused() {
    let whole = octets(&zone(20));
    let fault = |octets: &[u8]| read_octets(octets).unwrap_err().to_string();
    for length in [0, 4, 8, 40, 70, whole.len() / 2, whole.len() - 1] {
        assert!(
            fault(&whole[..length]).starts_with("is torn"),
            "{length}: {}",
            fault(&whole[..length])
        );
    }
    assert!(fault(b"[Unit]\nDescription=something else").starts_with("is no snapshot"));
    assert!(fault(&[&whole[..], b"x"].concat()).starts_with("is torn"));
    let with = |at: usize| {
        let mut octets = whole.clone();
        octets[at] ^= 1;
        fault(&octets)
    };
    assert!(with(0).starts_with("is no snapshot"));
    assert_eq!(with(10), "has format 260, this srvd reads formats 3 and 4");
    assert!(with(60).starts_with("is damaged"));
    assert!(with(whole.len() - 1).starts_with("is damaged"));
}

#[test]
fn what_belongs_to_others_is_refused() {
    let octets = octets(&zone(3));
    let url: RegistryUrl = "http://a/team".parse().unwrap();
    let other = Identity::new("z", &url, &url.layout(), "services");
    let fault = read(&mut Cursor::new(&octets), None, &other, &url.layout()).unwrap_err();
    let wanted = "is of prefix and namespace `/services/`, and `/services/team/` is configured";
    assert_eq!(fault.to_string(), wanted);
}

#[test]
fn a_record_that_no_zone_could_show_is_left_out_alone() {
    let octets = octets(&zone(10));
    // The same keys, under a layout that has no room for them.
    let (identity, layout) = (bound().0, Layout::new("", None).unwrap());
    let snapshot = read(&mut Cursor::new(&octets), None, &identity, &layout).unwrap();
    assert_eq!((snapshot.instances.len(), snapshot.unusable), (10, 0));
    let sum_of = |octets: &mut Vec<u8>| {
        let end = octets.len() - 32;
        let sum = Sha256::digest(&octets[..end]);
        octets[end..].copy_from_slice(&sum);
    };
    let mut forged = octets.clone();
    let at = forged.windows(14).position(|some| some == b"db.example.com").unwrap();
    forged[at] = b' ';
    sum_of(&mut forged);
    let snapshot = read_octets(&forged).unwrap();
    assert_eq!((snapshot.instances.len(), snapshot.unusable), (9, 1));
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets: Vec<u8>) {
        let _ = read_octets(&octets);
        let mut led = [&MAGIC[..], &VERSION.to_be_bytes()].concat();
        led.extend(octets);
        prop_assert!(read_octets(&led).is_err());
    }

    /// Even where the sum is right: no length, number or text leads to a panic, or to an
    /// instance that etcd could not have said.
    #[test]
    fn any_content_behind_a_right_sum_is_survived(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut octets = octets(&zone(12));
        let end = octets.len() - 32;
        for (at, octet) in edits {
            octets[at.index(end)] = octet;
        }
        let sum = Sha256::digest(&octets[..end]);
        octets[end..].copy_from_slice(&sum);
        if let Ok(snapshot) = read_octets(&octets) {
            let mut table = Table::new(bound().1);
            let mut update = Update::default();
            table.seed(snapshot.instances, snapshot.aliases, snapshot.entries, &mut update);
            prop_assert!(update.len() <= 13);
            for (key, _) in table.instances() {
                prop_assert!(bound().1.read(key).is_ok());
            }
        }
    }

    /// One wrong bit anywhere, and nothing is restored.
    #[test]
    fn one_flipped_bit_is_noticed(at: prop::sample::Index, bit in 0u8..8) {
        let mut octets = octets(&zone(12));
        let at = at.index(octets.len());
        octets[at] ^= 1 << bit;
        prop_assert!(read_octets(&octets).is_err());
    }
}

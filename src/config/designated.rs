//! Designations: SVCB records that say where encrypted DNS is answered, for clients that know the
//! server (RFC 9461) or ask there without encryption (DDR, RFC 9462).

use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::svcb::{Alpn, IpHint, SvcParamKey, SvcParamValue, Unknown};
use hickory_proto::rr::{Name, RData};
use rustls::sign::CertifiedKey;

use crate::certificates;

/// Addresses that are hinted at of each family: with as many, a reply without EDNS has room for the
/// records of three protocols.
const HINTS_MAX: usize = 3;
/// The key of `dohpath` (RFC 9461 section 5).
const DOHPATH: SvcParamKey = SvcParamKey::Unknown(7);

/// A protocol of encrypted DNS.
struct Protocol {
    /// Its name in TLS.
    alpn: &'static str,
    /// The port that is meant where none is named (RFC 9461 section 4.2).
    port: u16,
    /// Where it is answered, of HTTP.
    path: Option<&'static str>,
}

/// DNS over TLS, over HTTPS and over QUIC, in the order in which they are offered.
const PROTOCOLS: [Protocol; 3] = [
    Protocol { alpn: "dot", port: 853, path: None },
    Protocol { alpn: "h2", port: 443, path: Some("/dns-query{?dns}") },
    Protocol { alpn: "doq", port: 853, path: None },
];

/// The designations of what is answered at a name, by the addresses where each of the protocols is
/// listened for; a wildcard is where this server is reached.
#[must_use]
pub fn designations(target: &Name, listen: [&[SocketAddr]; 3], reached: &[IpAddr]) -> Box<[RData]> {
    let offered = PROTOCOLS.iter().zip(listen).flat_map(|(protocol, listen)| {
        let mut ports: Vec<_> = listen.iter().map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports.into_iter().filter(|port| *port > 0).map(move |port| {
            let listen = listen.iter().filter(|it| it.port() == port);
            (protocol, port, addresses(listen, reached))
        })
    });
    let record = |(priority, (protocol, port, addresses)): (u16, (&Protocol, u16, Vec<IpAddr>))| {
        let params = params(protocol, port, &addresses);
        RData::SVCB(SVCB::new(priority, target.clone(), params))
    };
    (1..).zip(offered).map(record).collect()
}

/// The first name that a certificate is for, as clients find what is designated by it.
#[must_use]
pub fn designated_name(certificate: &CertifiedKey) -> Option<Name> {
    let names = certificates::names(certificate.cert.first()?);
    let mut names = names.iter().filter(|name| !name.contains('*'));
    names.find_map(|name| Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).ok())
}

/// Whether a certificate is for a name: for no other is a server designated, whose clients would
/// find that it is another.
pub(super) fn is_for(certificate: &CertifiedKey, name: &Name) -> bool {
    let name = name.to_ascii().to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let above = name.split_once('.').map_or("", |(_, above)| above);
    let names = certificate.cert.first().map(certificates::names).unwrap_or_default();
    names.iter().map(|it| it.to_ascii_lowercase()).any(|it| match it.strip_prefix("*.") {
        Some(parent) => parent == above,
        None => it == name,
    })
}

/// The addresses of listeners, each once.
fn addresses<'a>(listen: impl Iterator<Item = &'a SocketAddr>, reached: &[IpAddr]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for address in listen.map(|it| it.ip().to_canonical()) {
        let any = reached.iter().copied().filter(|it| it.is_ipv4() == address.is_ipv4());
        let meant: Vec<_> = if address.is_unspecified() { any.collect() } else { vec![address] };
        found.extend(meant.into_iter().filter(|it| !found.contains(it)).collect::<Vec<_>>());
    }
    found
}

/// The parameters of a protocol, in the order of their numbers (RFC 9460 section 2.2).
fn params(
    protocol: &Protocol,
    port: u16,
    addresses: &[IpAddr],
) -> Vec<(SvcParamKey, SvcParamValue)> {
    let alpn = SvcParamValue::Alpn(Alpn(vec![protocol.alpn.to_owned()]));
    let mut params = vec![(SvcParamKey::Alpn, alpn)];
    if port != protocol.port {
        params.push((SvcParamKey::Port, SvcParamValue::Port(port)));
    }
    let of_v4 = |it: &IpAddr| match it {
        IpAddr::V4(address) => Some((*address).into()),
        IpAddr::V6(_) => None,
    };
    let of_v6 = |it: &IpAddr| match it {
        IpAddr::V6(address) => Some((*address).into()),
        IpAddr::V4(_) => None,
    };
    let v4: Vec<_> = addresses.iter().filter_map(of_v4).take(HINTS_MAX).collect();
    let v6: Vec<_> = addresses.iter().filter_map(of_v6).take(HINTS_MAX).collect();
    if !v4.is_empty() {
        params.push((SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(v4))));
    }
    if !v6.is_empty() {
        params.push((SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(v6))));
    }
    if let Some(path) = protocol.path {
        params.push((DOHPATH, SvcParamValue::Unknown(Unknown(path.as_bytes().to_vec()))));
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate for names, with its key.
    fn certificate(names: &[&str]) -> CertifiedKey {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = made.signing_key.serialize_der();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key).unwrap();
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(vec![made.cert.der().clone()], key, &provider).unwrap()
    }

    #[test]
    fn what_is_listened_for_is_designated() {
        let name = Name::from_ascii("dns.example.").unwrap();
        let at = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let shown = |tls: &[&str], https: &[&str], quic: &[&str]| -> Vec<String> {
            let reached = ["10.0.0.53", "2001:db8::53"].map(|it| it.parse().unwrap());
            let all = designations(&name, [&at(tls), &at(https), &at(quic)], &reached);
            all.iter().map(ToString::to_string).collect()
        };
        let dohpath = "unknown7=/dns-query{?dns}";
        for (tls, https, quic, expected) in [
            (&[][..], &[][..], &[][..], vec![]),
            (&["127.0.0.1:0"], &[], &[], vec![]),
            (
                &["0.0.0.0:853", "[::]:853"],
                &["10.0.0.1:443", "10.0.0.1:8443"],
                &["10.0.0.1:853", "10.0.0.1:8853"],
                vec![
                    "1 dns.example. alpn=dot ipv4hint=10.0.0.53 ipv6hint=2001:db8::53".to_owned(),
                    format!("2 dns.example. alpn=h2 ipv4hint=10.0.0.1 {dohpath}"),
                    format!("3 dns.example. alpn=h2 port=8443 ipv4hint=10.0.0.1 {dohpath}"),
                    "4 dns.example. alpn=doq ipv4hint=10.0.0.1".to_owned(),
                    "5 dns.example. alpn=doq port=8853 ipv4hint=10.0.0.1".to_owned(),
                ],
            ),
        ] {
            let shown = shown(tls, https, quic);
            let plain = |text: &String| text.replace(['"', ','], "").trim().to_owned();
            assert_eq!(shown.iter().map(plain).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_certificate_is_for_its_names_alone() {
        let pair = certificate(&["*.dns.example", "10.0.0.53", "Dns.Example"]);
        assert_eq!(designated_name(&pair).unwrap().to_string(), "Dns.Example.");
        for (name, expected) in [
            ("dns.example.", true),
            ("ns.DNS.example.", true),
            ("a.ns.dns.example.", false),
            ("example.", false),
            (".", false),
        ] {
            assert_eq!(is_for(&pair, &Name::from_ascii(name).unwrap()), expected, "{name}");
        }
        assert!(designated_name(&certificate(&["10.0.0.53"])).is_none());
    }
}

//! The reverse zones: networks whose addresses have names.

use hickory_proto::rr::Name;

use super::zones::{ZoneConfig, settings};
use crate::error::Failure;
use crate::index::{Schema, Settings};
use crate::names::{Block, DEFAULT_TTL, WireName};
use crate::options::{File, ServeArgs};
use crate::zonefile;

/// The zones with what makes some of them reverse zones: those of a file and those of the
/// schema `skydns` keep what they have, the others are made from the template.
///
/// # Errors
/// [`Failure::Usage`]: what is no reverse zone, or is one of registrations.
pub(super) fn reversed(
    args: &ServeArgs,
    file: &File,
    registry: Vec<ZoneConfig>,
    mut others: Vec<Settings>,
) -> Result<(Vec<ZoneConfig>, Vec<Settings>), Failure> {
    let apexes = apexes(args, file)?;
    let mut zones = Vec::new();
    for zone in registry {
        let is_named = apexes.iter().find(|(apex, _)| apex == zone.settings.apex());
        zones.push(match (is_named, zone.settings.schema()) {
            (Some((apex, origin)), Schema::Services) => {
                return Err(Failure::usage(format!(
                    "{origin}: `{apex}` is a [[zone]] of registrations; it cannot be both"
                )));
            }
            (Some(_), _) => ZoneConfig { settings: zone.settings.reversing(), ..zone },
            (None, Schema::Services) => {
                let settings = zone.settings.naming_addresses(!apexes.is_empty());
                ZoneConfig { settings, ..zone }
            }
            (None, _) => zone,
        });
    }
    for (apex, _) in &apexes {
        if zones.iter().any(|zone| zone.settings.apex() == apex) {
            continue;
        }
        let at = others.iter().position(|settings| settings.apex() == apex);
        let own = at.map_or_else(|| made_up(apex), |at| Ok(others.swap_remove(at)))?;
        others.push(reversing(own));
    }
    Ok((zones, others))
}

/// A zone that no file is there for.
fn made_up(apex: &Name) -> Result<Settings, Failure> {
    let ttls = [DEFAULT_TTL.as_secs() as u32; 2];
    let settings = settings(zonefile::template(apex).completed(), Some(ttls))?;
    Ok(settings.of_schema(Schema::Static))
}

/// The same as a reverse zone. What is not there may be in a moment, whatever a file says.
fn reversing(mut settings: Settings) -> Settings {
    settings.soa.minimum = settings.soa.minimum.min(DEFAULT_TTL.as_secs() as u32);
    settings.reversing()
}

/// The apexes, each with where it was named.
fn apexes(args: &ServeArgs, file: &File) -> Result<Vec<(Name, String)>, Failure> {
    let Some(given) = args.reverse(file) else { return Ok(Vec::new()) };
    let mut apexes: Vec<(Name, String)> = Vec::new();
    for text in &given.value {
        let apex = read(text).map_err(|fault| given.fault(format_args!("`{text}` {fault}")))?;
        if apexes.iter().any(|(earlier, _)| *earlier == apex) {
            return Err(given.fault(format_args!("`{text}` is listed twice; leave one out")));
        }
        apexes.push((apex, given.origin.clone()));
    }
    Ok(apexes)
}

/// Reads the apex of a reverse zone.
fn read(text: &str) -> Result<Name, &'static str> {
    let fault = "is no reverse zone; write it like 10.in-addr.arpa or 8.b.d.0.1.0.0.2.ip6.arpa";
    let name = WireName::from_text(text).map_err(|_| fault)?;
    let block = Block::read(&name).ok_or(fault)?;
    if block.address().is_some() {
        return Err("is a single address; name the network around it");
    }
    Name::from_labels(name.iter()).map_err(|_| fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Serve;
    use crate::options::Common;

    fn serve(text: &str, reverse: &[&str]) -> Result<Serve, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("srvd.toml");
        std::fs::create_dir(directory.path().join("zones")).unwrap();
        let zone = "$TTL 60\n@ SOA ns a 7 1 2 3 4000\n@ NS ns.example.\n1.0.0.10 PTR gw.example.\n";
        std::fs::write(directory.path().join("zones/10.in-addr.arpa.zone"), zone).unwrap();
        std::fs::write(&path, text).unwrap();
        let reverse: Vec<_> = reverse.iter().map(|it| (*it).to_owned()).collect();
        let reverse = Some(reverse).filter(|it| !it.is_empty());
        let args = ServeArgs { reverse, ..ServeArgs::default() };
        Serve::new(&Common::default(), &args, &File::read(Some(&path))?)
    }

    #[test]
    fn a_reverse_zone_has_a_file_or_is_made_up() {
        let text = "zones = \"zones\"\nreverse = [\"10.in-addr.arpa\", \"d.f.ip6.arpa.\"]";
        let serve = serve(text, &[]).unwrap();
        assert!(serve.static_zones.iter().all(Settings::is_reverse));
        let serials: Vec<_> = serve.static_zones.iter().map(|it| it.soa.serial).collect();
        assert_eq!(serials, [7, 0]);
        assert!(serve.static_zones.iter().all(|it| it.soa.minimum == 5));
        assert!(serve.static_zones[0].tree().is_some());
        assert!(serve.zones[0].settings.names_its_addresses());
    }

    #[test]
    fn without_reverse_zones_nothing_is_kept() {
        let serve = serve("zones = \"zones\"", &[]).unwrap();
        assert!(!serve.static_zones[0].is_reverse());
        assert!(!serve.zones[0].settings.names_its_addresses());
        let serve = self::serve("reverse = [\"nonsense\"]", &["10.in-addr.arpa"]).unwrap();
        assert!(serve.static_zones.len() == 1 && serve.static_zones[0].is_reverse());
    }

    #[test]
    fn faults_say_where_and_what_to_do() {
        for (text, reverse, message) in [
            (
                "\nreverse = [\"10\"]",
                &[][..],
                "srvd.toml:2: reverse: `10` is no reverse zone; write",
            ),
            ("", &["0/25.2.0.192.in-addr.arpa"], "--reverse: `0/25.2.0.192.in-addr.arpa` is no"),
            ("", &["a..b"], "--reverse: `a..b` is no reverse zone"),
            ("", &["4.3.2.1.in-addr.arpa"], "is a single address; name the network around it"),
            ("", &["10.in-addr.arpa", "10.IN-ADDR.ARPA."], "is listed twice; leave one out"),
            (
                "[[zone]]\nname = \"10.in-addr.arpa\"",
                &["10.in-addr.arpa"],
                "--reverse: `10.in-addr.arpa.` is a [[zone]] of registrations",
            ),
        ] {
            let failure = serve(text, reverse).unwrap_err();
            assert!(failure.code() == 2 && failure.to_string().contains(message), "{failure}");
        }
    }
}

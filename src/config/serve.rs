//! The configuration of `serve` and `dev`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::answering::{Answering, answering};
use super::encrypted::{Encrypted, encrypted};
use super::expiry::ending;
use super::forward::{forward, rules};
use super::http::{Http, http};
use super::known::KnownZones;
use super::limits::{Limits, limits};
use super::outage::{Outage, outage};
use super::readers;
use super::reverse::reversed;
use super::secrets::of_server;
use super::servers::servers;
use super::zones::{ZoneConfig, registry_zones, static_zones};
use super::{check_tls, files, log_format, registry_url};
use crate::error::Failure;
use crate::etcd::{Access, Files};
use crate::files::NamedFile;
use crate::forward::{ForwardZone, Rules};
use crate::index::Settings;
use crate::names::Span;
use crate::options::{self, Common, File, ServeArgs, TakesEffect};
use crate::privileges::Account;
use crate::registry::{Diagnostic, RegistryUrl};
use crate::telemetry::LogFormat;
use crate::zonefile;

/// Where DNS is answered when nothing says otherwise.
const DEFAULT_PORT: u16 = 5300;

/// The configuration of `serve` and `dev`.
#[derive(Debug)]
pub struct Serve {
    /// The addresses to listen on.
    pub listen: Listen,
    /// DNS under TLS.
    pub encrypted: Encrypted,
    /// The operator's window.
    pub http: Http,
    /// UDP workers; 0 is one per core.
    pub workers: usize,
    /// Whether names without a zone are answered.
    pub bare_names: bool,
    /// Whether files are read again when they change.
    pub watch_files: bool,
    /// Who is asked for other names, by zone; nobody when empty.
    pub forward: Vec<ForwardZone>,
    /// How they are asked, and what is done with what they say.
    pub forward_rules: Rules,
    /// The registry zones, in the order of the file.
    pub zones: Vec<ZoneConfig>,
    /// The zones that are files alone, by name.
    pub static_zones: Vec<Settings>,
    /// Their files, so that they need not be read again.
    pub known_zones: KnownZones,
    /// How the registries let us in.
    pub access: Access,
    /// The options that name what does, each with its value; no secret.
    pub named: Vec<(&'static str, String)>,
    /// A warning of the certificate that is shown to registries.
    pub client_caution: Option<Diagnostic>,
    /// Warnings of files with secrets that everybody may read.
    pub exposed: Vec<Diagnostic>,
    /// The files that are read again while it runs.
    read_again: Vec<NamedFile>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// What is kept while they are away.
    pub outage: Outage,
    /// How long answers go on once it is told to stop.
    pub shutdown_delay: Duration,
    /// Who may ask, how much, and as whom the server runs.
    pub limits: Limits,
    /// What clients are told beside answers.
    pub answering: Answering,
}

/// The addresses to listen on, and how strictly.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The addresses.
    pub addresses: Vec<SocketAddr>,
    /// Whether somebody asked for just these: then each must be bound.
    pub is_explicit: bool,
}

/// The options that only a restart changes: keys of the file, each with its value in words.
pub type Fixed = Vec<(String, String)>;

impl Serve {
    /// What the options and the file say together.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn new(common: &Common, args: &ServeArgs, file: &File) -> Result<Self, Failure> {
        let known = KnownZones::default();
        Self::read((common, args, file), &known, |files| Ok(Access::read(files)?))
    }

    /// The same while a server runs, which follows the files that let it into its registries
    /// by itself: it may not be able to read all of them, as whom it became. Zone files that are
    /// as they were are not read either.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn again(
        common: &Common,
        args: &ServeArgs,
        file: &File,
        access: &Access,
        known: &KnownZones,
    ) -> Result<Self, Failure> {
        Self::read((common, args, file), known, |_| Ok(access.clone()))
    }

    /// The same with whatever lets us into the registries.
    fn read(
        (common, args, file): (&Common, &ServeArgs, &File),
        known: &KnownZones,
        access: impl FnOnce(Files) -> Result<Access, Failure>,
    ) -> Result<Self, Failure> {
        let ((url, _), files) = (registry_url(common, file)?, files(common, file)?);
        let (wants_tls, named) = (files.wants_tls(), files.named());
        let exposed = of_server(&files, args, file);
        let read_again = readers::read_again(&files, common, args, file);
        let certificate = files.identity.as_ref().map(|(certificate, _)| certificate.clone());
        let access = access(files)?;
        let shown = access.certificates();
        let client_caution = certificate.and_then(|it| ending(&it, &shown, SystemTime::now()));
        let (zones, static_zones, known_zones) = zones(&url, args, file, known)?;
        check_tls(wants_tls, zones.iter().map(|zone| &zone.registry))?;
        let listen = listen(args, file)?;
        let servers = servers(&args.answering, file, &listen)?;
        let encrypted = encrypted(&args.encrypted, file, &servers)?;
        let told = |settings: Settings| encrypted.designate(settings.served_at(&servers));
        let of_registry = |zone: ZoneConfig| ZoneConfig { settings: told(zone.settings), ..zone };
        let zones = zones.into_iter().map(of_registry).collect();
        let static_zones = static_zones.into_iter().map(told).collect();
        Ok(Self {
            forward: forward(args, file, &listen)?,
            forward_rules: rules(args, file)?,
            listen,
            encrypted,
            http: http(&args.http, file)?,
            workers: args.workers(file)?.unwrap_or(0),
            bare_names: args.bare_names(file).is_none_or(|given| given.value),
            watch_files: args.watch_files(file).is_none_or(|given| given.value),
            zones,
            static_zones,
            known_zones,
            log_format: log_format(common, file),
            named,
            client_caution,
            exposed,
            read_again,
            access,
            outage: outage(args, file)?,
            shutdown_delay: args.shutdown_delay(file)?.map_or(Duration::ZERO, |Span(delay)| delay),
            limits: limits(&args.limits, file)?,
            answering: answering(&args.answering, file)?,
        })
    }
}

impl Serve {
    /// Certificates that are over, or will be soon.
    #[must_use]
    pub fn ending(&self) -> Vec<Diagnostic> {
        let shown = self.http.caution.iter().chain(&self.encrypted.caution);
        shown.chain(&self.client_caution).cloned().collect()
    }

    /// What is to be said of the files of certificates and secrets.
    #[must_use]
    pub fn of_files(&self) -> Vec<Diagnostic> {
        self.ending().into_iter().chain(self.exposed.iter().cloned()).collect()
    }

    /// Warnings of what `run-as` cannot read, if that is somebody.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Diagnostic> {
        let account = self.limits.run_as.as_ref();
        account.map(|it| readers::unreadable(&self.read_again, it)).unwrap_or_default()
    }

    /// What an account that is made for the server alone cannot read.
    #[must_use]
    pub fn closed(&self) -> Vec<&Path> {
        readers::closed(&self.read_again)
    }

    /// What in zone files is served otherwise than it is written, each with its zone.
    #[must_use]
    pub fn cautions(&self) -> Vec<(String, Diagnostic)> {
        let registry = self.zones.iter().map(|zone| &zone.settings);
        let of = |zone: &Settings| {
            let title = zone.title();
            zone.cautions().iter().map(|it| (title.clone(), it.clone())).collect::<Vec<_>>()
        };
        registry.chain(&self.static_zones).flat_map(of).collect()
    }

    /// What only a restart changes.
    #[must_use]
    pub fn fixed(&self) -> Fixed {
        let is_fixed = |effect| matches!(effect, TakesEffect::Followed | TakesEffect::Restart);
        let keys = options::keys().filter(|(_, effect)| is_fixed(*effect)).map(|(key, _)| key);
        keys.map(|key| (key.clone(), self.shown(&key))).collect()
    }

    /// The value of a key that only a restart changes, in words.
    fn shown(&self, key: &str) -> String {
        let all = |addresses: &[SocketAddr]| {
            let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
            Some(addresses.join(", ")).filter(|it| !it.is_empty())
        };
        let value = match key {
            "listen" => all(&self.listen.addresses),
            "listen-tls" => all(&self.encrypted.tls),
            "listen-https" => all(&self.encrypted.https),
            "listen-quic" => all(&self.encrypted.quic),
            "http" => Some(self.http.at.to_string()),
            "etcd-v2" => self.http.etcd_v2.map(|address| address.to_string()),
            "workers" => Some(self.workers.to_string()),
            "state" => self.outage.state.as_ref().map(|it| it.directory.display().to_string()),
            "registration-ttl" => Some(Span(self.http.registration_ttl).to_string()),
            "run-as" => self.limits.run_as.as_ref().map(Account::to_string),
            "log-format" => Some(self.log_format.as_str().to_owned()),
            _ => self.named.iter().find(|(named, _)| *named == key).map(|(_, value)| value.clone()),
        };
        value.unwrap_or_else(|| "none".to_owned())
    }
}

/// The registry zones, and those that are files alone.
fn zones(
    url: &RegistryUrl,
    args: &ServeArgs,
    file: &File,
    known: &KnownZones,
) -> Result<(Vec<ZoneConfig>, Vec<Settings>, KnownZones), Failure> {
    let listed = directory(args, file)?.map(|it| zonefile::apexes(&it)).transpose();
    let files = listed.map_err(Failure::usage)?.unwrap_or_default();
    let zones = registry_zones(url, &files, file)?;
    let (static_zones, known) = static_zones(&zones, &files, known)?;
    let (zones, static_zones) = reversed(args, file, zones, static_zones)?;
    Ok((zones, static_zones, known))
}

/// The addresses to answer on.
fn listen(args: &ServeArgs, file: &File) -> Result<Listen, Failure> {
    match args.listen(file) {
        Some(given) if given.value.is_empty() => {
            Err(given.fault("name at least one address, or leave it out"))
        }
        Some(given) => Ok(Listen { addresses: given.value, is_explicit: true }),
        None => {
            let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            let addresses = addresses.map(|address: IpAddr| (address, DEFAULT_PORT).into()).into();
            Ok(Listen { addresses, is_explicit: false })
        }
    }
}

/// The directory of zone files, which must be one.
fn directory(args: &ServeArgs, file: &File) -> Result<Option<PathBuf>, Failure> {
    let Some(named) = args.zones(file).map(|given| given.named(file)) else { return Ok(None) };
    if !named.path.is_dir() {
        return Err(named.fault("is not a directory that can be read").into());
    }
    Ok(Some(named.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::Source;

    fn serve(text: &str) -> Result<Serve, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("srvd.toml");
        std::fs::write(&path, text).unwrap();
        Serve::new(&Common::default(), &ServeArgs::default(), &File::read(Some(&path))?)
    }

    #[test]
    fn zones_take_what_they_do_not_say_from_the_registry() {
        let serve = serve(
            "registry = \"h/ns?prefix=/p\"\n[[zone]]\nname = \"a\"\n[[zone]]\nname = \"b\"\nprefix = \"/q\"\nnegative-ttl = \"7s\"",
        )
        .unwrap();
        assert_eq!(serve.zones[0].layout.key("n", "i"), "/p/ns/n/i");
        assert_eq!(serve.zones[1].layout.key("n", "i"), "/q/ns/n/i");
        assert_eq!(serve.zones[1].settings.soa.minimum, 7);
        assert_eq!(serve.zones[0].settings.ttl, 5);
        assert!(!serve.listen.is_explicit && serve.listen.addresses.len() == 2);
    }

    #[test]
    fn skydns_zones_have_defaults_of_their_own() {
        let serve = serve(
            "registry = \"h/ns?prefix=/p\"\n[[zone]]\nname = \"SkyDNS.local\"\nschema = \"skydns\"\n[[zone]]\nname = \"b\"\nschema = \"skydns\"\nprefix = \"/q/r/\"\nttl = \"1m\"",
        )
        .unwrap();
        let [one, other] = &serve.zones[..] else { panic!("two zones are written") };
        assert_eq!(one.layout.range().0, b"/skydns/local/skydns/");
        assert_eq!(other.layout.range().0, b"/q/r/b/");
        let times = |zone: &ZoneConfig| {
            let settings = &zone.settings;
            [settings.ttl, settings.soa.minimum, settings.soa_ttl, settings.ns_ttl]
        };
        assert_eq!((times(one), times(other)), ([300, 30, 30, 300], [60, 30, 30, 60]));
        assert_eq!((one.settings.soa.refresh, one.settings.soa.retry), (7200, 1800));
        assert_eq!(one.settings.schema(), crate::index::Schema::SkyDns);
    }

    #[test]
    fn what_is_kept_has_defaults() {
        let outage = serve("").unwrap().outage;
        assert!(outage.state.is_none() && outage.max_stale.is_none());
        assert_eq!(outage.hold_collapse, std::time::Duration::from_secs(30));
        let text = "state = \"kept\"\nmax-stale = \"1h\"\nhold-collapse = \"0s\"";
        let outage = serve(text).unwrap().outage;
        assert!(outage.state.unwrap().directory.ends_with("kept"));
        assert_eq!(outage.max_stale, Some(std::time::Duration::from_secs(3600)));
        assert!(outage.hold_collapse.is_zero());
    }

    #[test]
    fn others_to_ask_are_addresses_and_files() {
        let text = "forward = [\"1.1.1.1\", \"[2606::1]:5353\", \"./resolv.conf\", \"/a\"]";
        let forward = serve(text).unwrap().forward.remove(0).upstreams;
        let [first, second] = ["1.1.1.1:53", "[2606::1]:5353"].map(|it| it.parse().unwrap());
        assert_eq!(forward[..2], [Source::Address(first), Source::Address(second)]);
        let files =
            forward[2..].iter().map(|it| matches!(it, Source::File(path) if path.is_absolute()));
        assert_eq!(files.collect::<Vec<_>>(), [true; 2]);
        assert!(serve("").unwrap().forward.is_empty());
        let rules = |text: &str| {
            let rules = serve(text).unwrap().forward_rules;
            (rules.keeps_private, rules.mixes_case)
        };
        assert_eq!(rules(""), (true, false));
        assert_eq!(rules("forward-private = false\nforward-0x20 = true"), (false, true));
    }

    #[test]
    fn faults_are_usage_errors() {
        for (text, message) in [
            (
                "[[zone]]\nname = \"a\"\n[[zone]]\nname = \"A\"",
                "srvd.toml:4: [[zone]] name: `a.` is listed twice",
            ),
            ("\nlisten = []", "srvd.toml:2: listen: name at least one address"),
            ("workers = 5000", "srvd.toml:1: workers: 5000 is not within 0 to 1024"),
            ("zones = \"/nonexistent\"", "srvd.toml:1: zones /nonexistent: is not a directory"),
            ("state = \"/dev/null\"", "srvd.toml:1: state /dev/null: is not a directory; name one"),
            ("\nmax-stale = \"0s\"", "srvd.toml:2: max-stale: 0s is too short, at least 1s"),
            ("hold-collapse = \"2h\"", "srvd.toml:1: hold-collapse: 2h is not within 0s to 1h"),
            ("forward = [\n\"1.1.1.1\",\n\"one\"]", "srvd.toml:3: forward: `one` is neither an"),
            ("\nforward = [\"0.0.0.0\"]", "srvd.toml:2: forward: `0.0.0.0` cannot be asked"),
            (
                "forward = [\"[::1]:5300\"]",
                "srvd.toml:1: forward: [::1]:5300 is this server itself",
            ),
            ("ca = \"/nonexistent\"", "srvd.toml:1: ca /nonexistent: No such file"),
            ("\nuser = \"u\"", "srvd.toml:2: user: --user and --password-file go together"),
            ("user = \"u:p\"", "srvd.toml:1: user: give the name without a password"),
            (
                "[[zone]]\nname = \"a\"\nprefix = \"/a//b\"",
                "srvd.toml:2: [[zone]] `a.`: prefix or namespace: `a//b` has an empty path segment",
            ),
            (
                "[[zone]]\nname = \"a\"\nschema = \"skydns\"\nnamespace = \"n\"",
                "srvd.toml:2: [[zone]] `a.`: namespace: a zone of schema skydns has none; write",
            ),
            (
                "registry = \"http://u:s3cret@a\"",
                "srvd.toml:1: registry: `http://***@a` has a user or password in it",
            ),
            (
                "\n[[zone]]\nname = \"a\"\nregistry = \"etcd://a\"",
                "srvd.toml:4: [[zone]] registry: `etcd://a` has the scheme `etcd`",
            ),
        ] {
            let failure = serve(text).unwrap_err();
            assert_eq!(failure.code(), 2, "{text}");
            assert!(failure.to_string().contains(message), "{text}: {failure}");
            assert!(!failure.to_string().contains("s3cret"), "{failure}");
        }
    }
}

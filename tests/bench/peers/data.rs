//! The same registrations in etcd and in a zone file, so that every server says the same.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::{Path, PathBuf};

use etcd_client::Client;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::population::{Population, address, fill};
use crate::process::{GENERATOR, directory, pin};
use crate::support::etcd::Etcd;

/// The zone.
pub(crate) const ZONE: &str = "services.internal";
/// 10,000 services of three instances.
pub(crate) const SMALL: Population = Population { instances: 30_000, services: 10_000 };
/// As many of ten: the answers of [`LARGE`] from a small index.
pub(crate) const MIDDLE: Population = Population { instances: 100_000, services: 10_000 };
/// 100,000 services of ten instances.
pub(crate) const LARGE: Population = Population { instances: 1_000_000, services: 100_000 };
/// Room for [`LARGE`], and for what comes and goes; and no waiting for the disk, since
/// nothing has to outlive the bench.
const ETCD: [&str; 2] = ["--quota-backend-bytes=8000000000", "--unsafe-no-fsync"];

/// One population, in both forms.
pub(crate) struct Data {
    /// What srvd mirrors.
    pub(crate) etcd: Etcd,
    /// How much there is.
    pub(crate) population: Population,
    /// What the peers load: zones with their files, [`ZONE`] first.
    pub(crate) zones: Vec<(&'static str, PathBuf)>,
    /// What srvd is started with besides.
    pub(crate) arguments: String,
    /// Where the files are; removed at the end.
    pub(crate) dir: TempDir,
}

impl Data {
    /// Fills etcd and writes the zone file.
    pub(crate) fn new(population: Population) -> Self {
        let etcd = Etcd::start_with(&ETCD);
        pin(etcd.pid(), GENERATOR);
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(Client::connect([etcd.url()], None)).unwrap();
        runtime.block_on(fill(&client, population));
        let dir = directory();
        let zone_file = dir.path().join("zone");
        write(&zone_file, population).unwrap();
        let zones = vec![(ZONE, zone_file)];
        Self { etcd, population, zones, arguments: String::new(), dir }
    }
}

/// What a population is called in tables.
pub(crate) fn title(population: Population) -> String {
    let Population { instances, services } = population;
    format!("{instances} instances in {services} services")
}

/// Writes the zone that srvd makes of a population: the names that are asked for, and the
/// SOA that its negative answers carry. The serial, which follows the registry's revision
/// there, is all that differs.
fn write(path: &Path, population: Population) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "$ORIGIN {ZONE}.")?;
    writeln!(file, "@ 3600 IN SOA ns.dns hostmaster 1 7200 1800 86400 5")?;
    writeln!(file, "@ 3600 IN NS ns.dns")?;
    for service in 0..population.services {
        for n in (service..population.instances).step_by(population.services) {
            let address = address(n);
            let label = address.replace('.', "-");
            writeln!(file, "_service-{service}._tcp 5 IN SRV 0 1 8080 {label}.service-{service}")?;
            writeln!(file, "service-{service} 5 IN A {address}")?;
            writeln!(file, "{label}.service-{service} 5 IN A {address}")?;
        }
    }
    file.flush()
}

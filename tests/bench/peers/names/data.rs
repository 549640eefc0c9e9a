//! What is registered in etcd, and the files of the zones that say the same.

use std::fs::{File, create_dir};
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use etcd_client::{Client, Txn, TxnOp};
use tokio::runtime::Runtime;

use super::said::{
    HEAD, Pair, REVERSE, SKY, STATIC, pairs, registry_lines, reverse_lines, sky_lines, static_lines,
};
use crate::data::{Data, SMALL, ZONE};

/// Operations in one transaction: below etcd's limit of 128.
const OPS: usize = 100;
/// Everything, in every form.
pub(super) fn data() -> Data {
    let mut data = Data::new(SMALL);
    put(&data, pairs());
    let dir = data.dir.path().to_owned();
    let zones = dir.join("zones");
    create_dir(&zones).unwrap();
    let mut add = |apex: &'static str, path: &Path, lines: Vec<String>| {
        write(path, apex, &lines).unwrap();
        data.zones.push((apex, path.to_owned()));
    };
    add(STATIC, &zones.join(format!("{STATIC}.zone")), static_lines());
    add(SKY, &dir.join("sky"), sky_lines());
    add(REVERSE, &dir.join("reverse"), reverse_lines());
    append(&data.zones[0].1, &registry_lines()).unwrap();
    data.arguments = format!(" --config {}", configure(&dir, &zones).display());
    data
}

/// Writes srvd's configuration.
fn configure(dir: &Path, zones: &Path) -> std::path::PathBuf {
    let (path, secret) = (dir.join("srvd.toml"), dir.join("secret"));
    std::fs::write(&secret, format!("{:032x}\n", 0x7372_7664)).unwrap();
    let text = format!(
        "zones = \"{}\"\nreverse = [\"{REVERSE}\"]\nnsid = \"bench\"\n\
         cookie-secret-file = \"{}\"\n[[zone]]\nname = \"{ZONE}\"\n\
         [[zone]]\nname = \"{SKY}\"\nschema = \"skydns\"\nprefix = \"/skydns\"\n",
        zones.display(),
        secret.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Writes a zone file.
fn write(path: &Path, apex: &str, lines: &[String]) -> Result<()> {
    std::fs::write(path, format!("$ORIGIN {apex}.\n{HEAD}"))?;
    append(path, lines)
}

/// Writes lines at the end of a zone file.
fn append(path: &Path, lines: &[String]) -> Result<()> {
    let file = File::options().append(true).open(path)?;
    let mut file = BufWriter::new(file);
    lines.iter().try_for_each(|line| writeln!(file, "{line}"))?;
    file.flush()
}

/// Puts keys, a hundred at once.
fn put(data: &Data, pairs: Vec<Pair>) {
    Runtime::new().unwrap().block_on(async {
        let client = Client::connect([data.etcd.url()], None).await.unwrap();
        for some in pairs.chunks(OPS) {
            let put = |(key, value): &Pair| TxnOp::put(key.as_str(), value.as_str(), None);
            let txn = Txn::new().and_then(some.iter().map(put).collect::<Vec<_>>());
            client.kv_client().txn(txn).await.unwrap();
        }
    });
}

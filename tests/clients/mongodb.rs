//! `mongodb+srv://NAME/`: hosts by SRV below `_mongodb._tcp.NAME`, and options by one TXT
//! record at NAME. Hosts must stand below the parent of NAME, else they are refused.

use std::path::Path;
use std::process::Command;

use super::{Scene, is_there, namespace};

/// Where `tests/run.sh` puts the official driver, which asks by dnspython.
const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/python");

/// Two members of one set.
fn fill(scene: &Scene) {
    let member = |n| {
        format!(r#"{{"host":"10.0.0.{n}:27017","protocol":"mongodb","text":"replicaSet=rs0"}}"#)
    };
    let entries = [("mongo/1", &*member(1)), ("mongo/2", &*member(2))];
    scene.put_all(&entries, "SRV _mongodb._tcp.mongo.services.internal", 2);
}

#[test]
fn hosts_have_the_parent_of_the_name() {
    let scene = Scene::start();
    fill(&scene);
    for record in scene.short("SRV _mongodb._tcp.mongo.services.internal") {
        assert!(record.ends_with(".services.internal.") && record.contains(" 27017 "), "{record}");
    }
    assert_eq!(scene.short("TXT mongo.services.internal"), ["\"replicaSet=rs0\""]);
}

#[test]
fn the_official_driver() {
    let Some(scene) = namespace::enter("clients::mongodb::the_official_driver") else { return };
    if !is_there(&format!("{DRIVER}/pymongo"), "pip: pymongo, dnspython") {
        return;
    }
    fill(&scene);
    let script = "
from pymongo.uri_parser import parse_uri
found = parse_uri('mongodb+srv://mongo.services.internal/')
print(sorted(found['nodelist']), found['options'].get('replicaSet'))
";
    let mut command = Command::new("python3");
    let output = command.env("PYTHONPATH", Path::new(DRIVER)).args(["-c", script]).output();
    let output = output.unwrap();
    let wanted = "[('10-0-0-1.mongo.services.internal', 27017), \
                  ('10-0-0-2.mongo.services.internal', 27017)] rs0\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{output:?}");
}

//! Kerberos finds its key distribution centres by SRV records below the realm's name.

use std::process::{Command, Stdio};

use super::{is_there, namespace};

/// The realm is the service's name; nothing else is configured.
const CONFIG: &str = "[libdefaults]
default_realm = KDC.SERVICES.INTERNAL
dns_lookup_kdc = true
dns_canonicalize_hostname = false
udp_preference_limit = 0
";

#[test]
fn the_centre_of_a_realm() {
    let Some(scene) = namespace::enter("clients::kerberos::the_centre_of_a_realm") else { return };
    if !is_there("kinit", "Debian: krb5-user") {
        return;
    }
    let kdc =
        |proto| format!(r#"{{"host":"127.0.0.1:88","protocol":"kerberos","proto":"{proto}"}}"#);
    let entries = [("kdc/udp", &*kdc("udp")), ("kdc/tcp", &*kdc("tcp"))];
    scene.put_all(&entries, "SRV _kerberos._tcp.kdc.services.internal", 1);
    let config = scene.write("krb5.conf", CONFIG);
    let output = Command::new("kinit")
        .env("KRB5_CONFIG", config)
        .env("KRB5_TRACE", "/dev/stdout")
        .args(["-n", "somebody@KDC.SERVICES.INTERNAL"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    // Nobody is there to log in at; what counts is where it tries to.
    let trace = String::from_utf8_lossy(&output.stdout);
    for line in [
        "SRV answer: 0 1 88 \"127-0-0-1.kdc.services.internal.\"",
        "Resolving hostname 127-0-0-1.kdc.services.internal.",
        "127.0.0.1:88",
    ] {
        assert!(trace.contains(line), "{line}: {trace}");
    }
}

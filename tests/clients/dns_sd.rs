//! What a browser of DNS-SD asks (RFC 6763), step by step and without multicast: where to
//! browse, which services there are, which instances, and all of one of them.

use super::Scene;

/// Instances with what DNS-SD shows of them.
const REGISTERED: [(&str, &str); 3] = [
    ("printer/one", r#"{"host":"10.0.0.1:631","tags":["colour"],"meta":{"rp":"queue"}}"#),
    ("printer/two", r#"{"host":"[2001:db8::2]:631"}"#),
    ("clock/c", r#"{"host":"10.0.0.3:123","proto":"udp"}"#),
];

/// Names of an answer, sorted.
fn names(scene: &Scene, question: &str) -> Vec<String> {
    let mut names = scene.short(question);
    names.sort_unstable();
    names
}

#[test]
fn browsed_by_plain_queries() {
    const ZONE: &str = "services.internal.";
    let scene = Scene::start();
    scene.put_all(&REGISTERED, "SRV _clock._udp", 1);
    assert_eq!(names(&scene, &format!("PTR b._dns-sd._udp.{ZONE}")), [ZONE]);
    let services = names(&scene, &format!("PTR _services._dns-sd._udp.{ZONE}"));
    assert_eq!(services, ["_clock._udp", "_printer._tcp"].map(|it| format!("{it}.{ZONE}")));
    let instances = names(&scene, &format!("PTR {}", services[1]));
    assert_eq!(instances, ["one", "two"].map(|it| format!("{it}._printer._tcp.{ZONE}")));
    let colour = names(&scene, &format!("PTR _colour._sub.{}", services[1]));
    assert_eq!(colour, instances[..1], "the subtype");
    // Every instance has a target that resolves, and a TXT record, if only an empty one.
    for (instance, kind, text) in
        [(&instances[0], "A", "\"rp=queue\" \"tag=colour\""), (&instances[1], "AAAA", "\"\"")]
    {
        let srv = scene.short(&format!("SRV {instance}"));
        let target = srv[0].strip_prefix("0 1 631 ").expect("its port");
        assert_eq!(scene.short(&format!("{kind} {target}")).len(), 1);
        assert_eq!(scene.short(&format!("TXT {instance}")), [text]);
    }
}

//! Kubernetes: what `deploy/kubernetes` makes is what Kubernetes knows, and its configuration is
//! one that srvd takes.

use std::path::Path;
use std::process::Command;

use super::{python, root, text};
use crate::support::certificates::Authority;
use crate::support::srvd::plain;

/// The kustomizations that people apply, and how many resources each makes.
const APPLIED: [(&str, usize); 4] = [("base", 6), ("daemonset", 5), ("monitoring", 8), ("site", 7)];

/// The resources that a kustomization makes; none where there is no kubectl.
fn made(directory: &str) -> Option<String> {
    let path = root().join("deploy/kubernetes").join(directory);
    let run = Command::new("kubectl").arg("kustomize").arg(path).output();
    let Ok(output) = run else {
        println!("kubectl is not installed: {directory} is left out");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Validates resources; gives the lines that say so, or none where there is no validator.
fn validated(resources: &str) -> Option<Vec<String>> {
    let tools = root().join("target/tools/python");
    if !tools.join("kubernetes_validate").exists() {
        println!("kubernetes-validate is not installed (tests/run.sh does): left out");
        return None;
    }
    let output = python("kubernetes.py", &[], resources)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn what_is_applied_is_what_kubernetes_knows() {
    for (directory, count) in APPLIED {
        let Some(lines) = made(directory).as_deref().and_then(validated) else { continue };
        assert_eq!(lines.len(), count, "{directory}: {lines:?}");
    }
    let has = |directory, text: &str| made(directory).is_none_or(|made| made.contains(text));
    assert!(
        has("daemonset", "kind: DaemonSet") && has("daemonset", "internalTrafficPolicy: Local")
    );
    assert!(has("monitoring", "kind: PrometheusRule"));
    assert!(has("site", "kind: DaemonSet") && has("site", "kind: ServiceMonitor"));
    assert!(has("site", "image: registry.example/site/srvd:"));
    assert!(
        has("base", "optional: true") && !made("site").is_some_and(|it| it.contains("optional"))
    );
}

#[test]
fn examples_for_clients_are_what_kubernetes_knows() {
    for name in ["coredns", "kube-dns", "pod", "join"] {
        let resource = text(format!("deploy/kubernetes/clients/{name}.yaml"));
        let Some(lines) = validated(&resource) else { return };
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
    }
}

#[test]
fn the_validator_finds_what_kubernetes_does_not_know() {
    let resource = text("deploy/kubernetes/base/deployment.yaml").replace("replicas:", "replica:");
    let found = std::panic::catch_unwind(|| validated(&resource));
    assert!(!matches!(found, Ok(Some(_))), "{found:?}");
}

/// Names of etcd's are looked up, so nothing is asked: the file alone is checked.
fn is_taken(path: &Path) {
    let output =
        plain(&["check", "--offline", "--config", path.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn the_configuration_is_one_that_srvd_takes() {
    is_taken(&root().join("deploy/kubernetes/base/srvd.toml"));
}

/// The Secret's files have the names that Kubernetes gives to those of certificates.
#[test]
fn the_configuration_of_a_site_is_one_that_srvd_takes() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new("etcd"));
    let client = authority.client("dns");
    let secret = [
        ("ca.crt", &*authority.pem),
        ("tls.crt", &client.certificate),
        ("tls.key", &client.key),
        ("password", "secret"),
    ];
    let overlay = text("deploy/kubernetes/site/kustomization.yaml");
    for (name, content) in secret {
        assert!(overlay.contains(&format!("--from-file={name}")), "{name}");
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let file = directory.path().join("srvd.toml");
    let text = text("deploy/kubernetes/site/srvd.toml");
    let mounted = text.replace("/etc/srvd-etcd", directory.path().to_str().unwrap());
    std::fs::write(&file, &mounted).unwrap();
    is_taken(&file);
    // It is these files that are read.
    std::fs::remove_file(directory.path().join("tls.key")).unwrap();
    assert!(std::panic::catch_unwind(|| is_taken(&file)).is_err());
}

/// A pod that is told to end answers for `shutdown-delay`, and is not killed meanwhile.
#[test]
fn a_pod_that_ends_has_the_time_that_its_configuration_wants() {
    let pod = text("deploy/kubernetes/base/deployment.yaml");
    let grace = pod.split("terminationGracePeriodSeconds: ").nth(1).unwrap();
    let grace: u64 = grace.lines().next().unwrap().parse().unwrap();
    for place in ["base", "site"] {
        let file: toml::Table =
            text(format!("deploy/kubernetes/{place}/srvd.toml")).parse().unwrap();
        let delay = file["shutdown-delay"].as_str().unwrap().trim_end_matches('s');
        assert!(delay.parse::<u64>().unwrap() + 5 < grace, "{place}: {delay}");
    }
}

#[test]
fn the_rules_for_prometheus_operator_are_those_of_prometheus() {
    let script = root().join("deploy/kubernetes/components/monitoring/prometheusrule.sh");
    let made = Command::new(script).output().unwrap();
    let kept = text("deploy/kubernetes/components/monitoring/prometheusrule.yaml");
    assert!(String::from_utf8(made.stdout).unwrap() == kept, "run prometheusrule.sh again");
}

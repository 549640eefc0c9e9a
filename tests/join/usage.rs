//! What is typed wrong is told, with exit code 2, before anything is done.

use crate::support::srvd::run;

#[test]
fn every_wrong_flag_is_told() {
    let long = "n".repeat(63);
    let too_long = format!("--tag={long}");
    for (args, message) in [
        (&["web"][..], "--port is needed"),
        (&["web", "--port", "0"], "0 is not in 1..=65535"),
        (&["web", "--port", "70000"], "70000 is not in"),
        (&["web", "--port", "1", "--heartbeat", "6s"], "--heartbeat 6s is more than half of --ttl"),
        (&["web", "--port", "1", "--ttl", "2500ms"], "whole seconds"),
        (&["web", "--port", "1", "--ttl", "100000000000s"], "is more than 24h"),
        (&["web", "--port", "1", "--ttl", "fast"], "invalid value 'fast' for '--ttl"),
        (&["web", "--port", "1", "--proto", "sctp"], "write `tcp` or `udp`"),
        (&["web", "--port", "1", "--weight", "70000"], "70000 is not in"),
        (&["web", "--port", "1", "--priority=-1"], "invalid value '-1'"),
        (&["web", "--port", "1", "--dns-ttl", "2d"], "from 0s to 86400s"),
        (&["web", "--port", "1", "--host", "::"], "is the unspecified address"),
        (&["web", "--port", "1", "--meta", "word"], "write it as NAME=VALUE"),
        (&["web", "--port", "1", "--slack", "1s"], "--slack delays what COMMAND gets"),
        (&["web", "--port", "1", "--protocol", "a b"], "has a scheme that is not"),
        (&["web", "--port", "1", &too_long], "--tag has 63 octets, at most 62"),
        (&[&long, "--port", "1"], "NAME has 63 octets, at most 62"),
        (&["", "--port", "1"], "NAME is empty"),
        (&[], "<NAME>"),
        (&["--from", "x.json", "web"], "cannot be used with"),
        (&["--from", "x.json", "--port", "1"], "cannot be used with"),
        (&["--from", "x.json", "--", "true"], "cannot be used with"),
        (&["--from", "no-such-file.json"], "--from no-such-file.json: No such file"),
        (&["--from", "x.json", "--check", "http://a/"], "is one place for all entries of --from"),
        (&["web", "--port", "1", "--check", "ping"], "is none of tcp, http://"),
        (&["web", "--port", "1", "--check", "https://a/"], "https is not checked"),
        (&["web", "--port", "1", "--check", "http://"], "is no url"),
        (&["web", "--port", "1", "--check-interval", "1s"], "needs a --check"),
    ] {
        let output = run("http://127.0.0.1:1", &[&["join"], args].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(told.contains(message), "{args:?}: {told}");
    }
}

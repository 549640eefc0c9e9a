//! Every recorded question, asked.

use serde_json::Value;

use super::differences;
use super::zones::{Said, Zones};

/// The recorded cases.
const CASES: &str = include_str!("cases.json");

/// The strings of an array; none where there is none.
fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The zones of a suite, with its keys.
fn zones(suite: &Value) -> Zones {
    let config = &suite["config"];
    let mut zones = Zones::new(&strings(&config["zones"]), config["path_prefix"].as_str().unwrap());
    for service in suite["services"].as_array().unwrap() {
        let text = service["value_text"].as_str().map(str::to_owned);
        let value = text.unwrap_or_else(|| service["value"].to_string());
        zones.put(service["key"].as_str().unwrap(), &value);
    }
    zones
}

/// Whether a line is what is recorded, where a field may be a `*`.
fn is_line(found: &str, recorded: &str) -> bool {
    let fields = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (found, recorded) = (fields(found), fields(recorded));
    found.len() == recorded.len()
        && found.iter().zip(&recorded).all(|(found, wanted)| wanted == "*" || found == wanted)
}

/// Whether a section is what is recorded, in any order.
fn is_section(found: &[String], recorded: &Value) -> bool {
    let mut wanted = strings(recorded);
    found.len() == wanted.len()
        && found.iter().all(|line| {
            let at = wanted.iter().position(|recorded| is_line(line, recorded));
            at.map(|at| wanted.swap_remove(at)).is_some()
        })
}

/// Whether what is said is what is recorded.
fn is_said(said: &Said, recorded: &Value) -> bool {
    said.code == recorded["rcode"]
        && is_section(&said.answer, &recorded["answer"])
        && is_section(&said.authority, &recorded["authority"])
        && is_section(&said.additional, &recorded["additional"])
}

/// Asks the questions of a suite, each of which has its answer where a function says. Gives
/// how many there were.
fn ask_all(suite: &Value, recorded: impl Fn(&Value) -> &Value) -> usize {
    let zones = zones(suite);
    let (name, questions) = (suite["id"].as_str().unwrap(), suite["queries"].as_array().unwrap());
    for question in questions {
        let [asked, kind] = ["qname", "qtype"].map(|it| question[it].as_str().unwrap());
        let id = format!("{name} #{}", question["id"]);
        let (said, recorded) = (zones.ask(asked, kind), recorded(question));
        match differences::of(&id) {
            None => assert!(is_said(&said, recorded), "{id}: {said:#?}\nrecorded: {recorded:#}"),
            Some((wanted, reason)) => {
                assert!(
                    is_said(&said, &wanted),
                    "{id}: {said:#?}\nwanted, for {reason}: {wanted:#}"
                );
                assert!(!is_said(&said, recorded), "{id} does not differ any more");
            }
        }
    }
    questions.len()
}

#[test]
fn coredns_own_tests_pass() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let asked: usize =
        cases["suites"].as_array().unwrap().iter().map(|suite| ask_all(suite, |it| it)).sum();
    assert_eq!(asked, 37);
}

#[test]
fn what_coredns_was_seen_to_answer_is_answered() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let observed = cases["observed"].as_array().unwrap();
    let asked: usize = observed.iter().map(|suite| ask_all(suite, |it| &it["coredns"])).sum();
    assert!(asked >= 40, "{asked}");
}

#[test]
fn every_difference_is_asked_for() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let suites = ["suites", "observed"].iter().flat_map(|it| cases[it].as_array().unwrap());
    let ids: Vec<_> = suites
        .flat_map(|suite| {
            let questions = suite["queries"].as_array().unwrap().iter();
            questions.map(|it| format!("{} #{}", suite["id"].as_str().unwrap(), it["id"]))
        })
        .collect();
    assert!(differences::ids().all(|id| ids.iter().any(|it| it == id)));
}

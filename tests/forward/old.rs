//! Answers whose time is over (RFC 8767): better than none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use srvd::authority::Reason;
use srvd::forward::Asked;

use super::Forwarding;
use super::upstream::{Wayward, answers, blank, first_label};
use crate::wire::messages::A;

/// What an upstream does: it answers for a second, fails, or says nothing.
const ANSWERS: u8 = 0;
const FAILS: u8 = 1;
const SAYS_NOTHING: u8 = 2;

/// An upstream that does as it is told.
fn moody() -> (Wayward, Arc<AtomicU8>) {
    let mood = Arc::<AtomicU8>::default();
    let told = Arc::clone(&mood);
    let upstream = Wayward::start(move |query| match told.load(Ordering::Relaxed) {
        ANSWERS => {
            let name = format!("{}.others.test", first_label(query));
            vec![answers(query, &[(name.as_str(), A, 1, vec![192, 0, 2, 77])])]
        }
        FAILS => vec![blank(query, 2)],
        _ => Vec::new(),
    });
    (upstream, mood)
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8767_s4_an_old_answer_is_given_where_there_is_no_other() {
    let (upstream, mood) = moody();
    let forwarding = Forwarding::to(&[upstream.at]);
    forwarding.see("A www.others.test", &["NOERROR", "\t1\tIN\tA\t192.0.2.77"]).await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    mood.store(FAILS, Ordering::Relaxed);
    for _ in 0..3 {
        let texts = ["NOERROR", "\t30\tIN\tA\t192.0.2.77", "EDE: 3 "];
        forwarding.see("A www.others.test", &texts).await;
    }
    // Nobody is asked again for a while.
    let counts = forwarding.forwarder.counts();
    assert_eq!((counts.asked, counts.failed, counts.stale, counts.cached), (2, 1, 3, 2));
    forwarding.see("A other.others.test", &["SERVFAIL"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8767_s5_clients_wait_for_a_new_answer_only_so_long() {
    let (upstream, mood) = moody();
    let forwarding = Forwarding::to(&[upstream.at]);
    forwarding.see("A www.others.test", &["NOERROR", "192.0.2.77"]).await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    mood.store(SAYS_NOTHING, Ordering::Relaxed);
    forwarding.see("A www.others.test", &["NOERROR", "192.0.2.77", "EDE: 3 "]).await;
    assert_eq!(forwarding.forwarder.counts().stale, 1);
    // Whoever is asked may still answer; then that is what is given.
    mood.store(ANSWERS, Ordering::Relaxed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_asked_for_again_before_its_end_and_given_a_moment_longer() {
    let (upstream, mood) = moody();
    let forwarding = Forwarding::to(&[upstream.at]);
    forwarding.see("A www.others.test", &["NOERROR", "192.0.2.77"]).await;
    mood.store(SAYS_NOTHING, Ordering::Relaxed);
    let name = Name::from_ascii("www.others.test.").unwrap();
    let asked = Asked { name, kind: RecordType::A, checking_disabled: false };
    // What is answered before the call returns did not wait for anybody.
    let at_once = || {
        let (sender, answers) = std::sync::mpsc::channel();
        let client = [127, 0, 0, 1].into();
        let done = move |answer| sender.send(answer).unwrap();
        forwarding.forwarder.ask(client, asked.clone(), done);
        answers.try_recv().expect("nobody waits for a name that is asked for all the time")
    };
    let old = loop {
        let answer = at_once();
        if answer.reason.is_some() {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((old.reason, old.answers[0].ttl), (Some(Reason::Stale), 1));
    let counts = forwarding.forwarder.counts();
    assert_eq!((counts.stale, counts.refreshed, counts.merged), (1, 1, 0));
    assert!(crate::support::eventually(|| forwarding.forwarder.counts().asked == 2));
}

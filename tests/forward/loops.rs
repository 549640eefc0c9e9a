//! Upstreams that ask us what we ask them.

use srvd::forward::Source;

use super::Forwarding;
use super::upstream::{Wayward, address};
use crate::support::{eventually, free_addr};
use crate::wire::example;

#[tokio::test(flavor = "multi_thread")]
async fn we_do_not_ask_ourselves() {
    let (at, good) = (free_addr(), Wayward::start(|query| vec![address(query)]));
    let sources = vec![Source::Address(at), Source::Address(good.at)];
    let address = format!("0.0.0.0:{}", at.port());
    let forwarding = Forwarding::start_on(&example(), &address, sources);
    let asked: Vec<_> = forwarding.forwarder.upstreams().iter().map(|it| it.server.at).collect();
    assert_eq!(asked, [good.at]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_ask_each_other_notice() {
    let (one, two) = (free_addr(), free_addr());
    let good = Wayward::start(|query| vec![address(query)]);
    let start = |at: std::net::SocketAddr, to: Vec<Source>| {
        Forwarding::start_on(&example(), &at.to_string(), to)
    };
    let first = start(one, vec![Source::Address(two), Source::Address(good.at)]);
    let second = start(two, vec![Source::Address(one)]);
    // The first probed the second before that was there, or after it.
    let used = |forwarding: &Forwarding, at| {
        forwarding.forwarder.upstreams().iter().any(|it| it.server.at == at && it.is_used())
    };
    let noticed = tokio::task::spawn_blocking(move || {
        eventually(|| !used(&first, two) || !used(&second, one)).then_some((first, second))
    });
    let (first, second) = noticed.await.unwrap().expect("the loop is noticed");
    first.see("A www.others.test", &["NOERROR", "192.0.2.77"]).await;
    assert!(used(&first, good.at));
    drop(second);
}

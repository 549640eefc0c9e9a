//! The keys of each writer in bulk: a first list of them, and one that changes among all.

use std::sync::Arc;

use divan::{Bencher, black_box};
use srvd::index::{Index, Publisher};
use srvd::registry::{Layout, Publish, Table, Template, Update, WrittenTemplate};

use super::AT_ONCE;
use super::fixture::settings;
use crate::population::address;

/// A writer's key and value, of its instance of a number.
type Written = fn(usize, u16) -> (String, String);

/// Every writer: those of one prefix may stand side by side.
const WRITERS: [(&str, Written); 19] = [
    ("srvd", |n, port| {
        let host = address(n);
        let value = format!(
            r#"{{"name":"web-{n}","port":{port},"hostname":"{host}","host":"{host}:{port}","url":"http://{host}:{port}"}}"#
        );
        (format!("srvd-{}/{n}", n / 10), value)
    }),
    ("etcd-registry, a name with dots", |n, port| {
        let host = address(n);
        let value = format!(
            r#"{{"name":"a.b{}.io","port":{port},"hostname":"{host}","host":"{host}:{port}","url":"http://{host}:{port}"}}"#,
            n / 10
        );
        (format!("a-b{}-io/{n}", n / 10), value)
    }),
    ("registrator, udp", |n, port| {
        (format!("reg-{}/node:c{n}:53:udp", n / 10), format!("{}:{port}", address(n)))
    }),
    ("grpc-naming", |n, port| {
        let value = format!(r#"{{"Op":0,"Addr":"{}:{port}","Metadata":null}}"#, address(n));
        (format!("grpc-{}/{n}", n / 10), value)
    }),
    ("kratos", |n, port| {
        let host = address(n);
        let value = format!(
            r#"{{"id":"{n}","name":"web","version":"v1","metadata":{{}},"endpoints":["http://{host}:{port}?isSecure=false","grpc://{host}:9000"]}}"#
        );
        (format!("kratos-{}/{n}", n / 10), value)
    }),
    ("go-micro", |n, port| {
        let value = format!(
            r#"{{"name":"web","version":"latest","metadata":null,"endpoints":[],"nodes":[{{"id":"{n}","address":"{}:{port}","metadata":{{"protocol":"grpc"}}}}]}}"#,
            address(n)
        );
        (format!("micro-{}/{n}", n / 10), value)
    }),
    ("bender", |n, port| {
        let value = format!(
            r#"{{"resource":"Registration","app":"bender-{}","version":"1","host":"{}","port":{port}}}"#,
            n / 10,
            address(n)
        );
        (format!("bender-{}/{n}", n / 10), value)
    }),
    ("go-kit", |n, port| (format!("kit-{}/{n}", n / 10), format!("http://{}:{port}", address(n)))),
    ("kitex", |n, port| {
        let value = format!(
            r#"{{"network":"tcp","address":"{}:{port}","weight":10,"tags":null}}"#,
            address(n)
        );
        (format!("kitex-{}/{n}", n / 10), value)
    }),
    ("dubbo", |n, port| {
        let host = address(n);
        let value = format!(
            r#"{{"ID":"{n}","ServiceName":"a","Host":"{host}","Port":{port},"Enable":true,"Healthy":true,"Metadata":{{}},"Address":"{host}:{port}","Weight":7}}"#
        );
        (format!("dubbo-{}/{n}", n / 10), value)
    }),
    ("dubbo-interface", |n, port| {
        let key = format!(
            "com.foo.I{}/providers/tri%3A%2F%2F{}%3A20000%2Fcom.foo.I%3Fmethods%3DA%2CB%26version%3D1%26weight%3D7",
            n / 10,
            address(n)
        );
        // The key says all: whatever the value is, it is the same instance.
        (key, " ".repeat(usize::from(port & 1)))
    }),
    ("rpcx", |n, port| {
        let key = format!("rpcx-{}/tcp@{}:8972", n / 10, address(n));
        (key, format!("group=blue&weight={port}"))
    }),
    ("goframe", |n, port| {
        let key = format!("a/b/frame-{}/v1/{}:8000", n / 10, address(n));
        (key, format!(r#"{{"protocol":"http","port":"{port}"}}"#))
    }),
    ("jupiter", |n, port| {
        let host = address(n);
        let value = format!(
            r#"{{"name":"main","scheme":"grpc","address":"{host}:{port}","weight":100,"enable":true,"healthy":true,"metadata":{{}}}}"#
        );
        (format!("jupiter-{}/providers/grpc://{host}:9091", n / 10), value)
    }),
    ("patroni", |n, port| {
        let value = format!(
            r#"{{"conn_url":"postgres://{}:{port}/p","state":"running","role":"replica"}}"#,
            address(n)
        );
        (format!("cluster-{}/members/{n}", n / 10), value)
    }),
    ("patroni, citus", |n, port| {
        let value = format!(
            r#"{{"conn_url":"postgres://{}:{port}/p","state":"running","role":"replica"}}"#,
            address(n)
        );
        (format!("citus-{}/{}/members/{n}", n / 10, n % 3), value)
    }),
    // What the zone's template reads, in a zone that has one.
    (TEMPLATE, |n, port| {
        (format!("own-{}/v1/{n}", n / 10), format!(r#"{{"at":"{}:{port}"}}"#, address(n)))
    }),
    ("go", |n, port| {
        (format!("go-{}/{n}", n / 10), format!(r#"{{"IP":"{}","Port":{port}}}"#, address(n)))
    }),
    ("nobody", |n, _| (format!("a/b/c/{n}"), "10.0.0.1:80".to_owned())),
];

/// The writer that a template is for.
const TEMPLATE: &str = "template";

/// How many keys each writer has.
const EACH: usize = 10_000;

/// The names of the writers.
fn writers() -> [&'static str; WRITERS.len()] {
    WRITERS.map(|(name, _)| name)
}

/// What a writer writes.
fn written(writer: &str) -> Written {
    WRITERS.iter().find(|(name, _)| *name == writer).unwrap().1
}

/// A key below the prefix, and its value.
fn pair(write: Written, n: usize, port: u16) -> (Vec<u8>, Vec<u8>) {
    let (key, value) = write(n, port);
    (format!("/s/{key}").into_bytes(), value.into_bytes())
}

/// The changes of a first list.
fn listed(table: &mut Table, pairs: &[(Vec<u8>, Vec<u8>)]) -> Update {
    let mut update = Update::default();
    table.begin_listing();
    pairs.iter().for_each(|(key, value)| table.list(key, value.as_slice()));
    table.finish_listing(&mut update);
    update
}

/// How the keys of a writer are read.
fn layout(writer: &str) -> Layout {
    let written = WrittenTemplate {
        key: "/{name}/v1/{id}".to_owned(),
        host: Some("/at".to_owned()),
        ..WrittenTemplate::default()
    };
    let template = (writer == TEMPLATE).then(|| Template::new(&written).unwrap());
    Layout::new("/s", None).unwrap().by(template)
}

/// An empty table.
fn table(writer: &str) -> Table {
    Table::new(layout(writer))
}

/// A first list of 10,000 keys of one writer.
#[divan::bench(args = writers(), sample_count = 10)]
fn list_10000_by_writer(bencher: Bencher<'_, '_>, writer: &str) {
    let pairs: Vec<_> = (0..EACH).map(|n| pair(written(writer), n, 8080)).collect();
    bencher.bench_local(|| black_box(listed(&mut table(writer), &pairs).len()));
}

/// One key of a writer that changes, among 10,000 of each.
#[divan::bench(args = writers(), sample_size = AT_ONCE)]
fn change_one_by_writer(bencher: Bencher<'_, '_>, writer: &str) {
    let all = WRITERS.iter().flat_map(|(_, write)| (0..EACH).map(|n| pair(*write, n, 8080)));
    let (pairs, mut table) = (all.collect::<Vec<_>>(), table(writer));
    listed(&mut table, &pairs);
    let write = written(writer);
    bencher
        .with_inputs(|| pair(write, fastrand::usize(..EACH), fastrand::u16(1..)))
        .bench_local_values(|(key, value)| {
            let mut update = Update::default();
            table.put(&key, value.as_slice(), &mut update);
            black_box(update.len())
        });
}

/// The same, up to the generation that queries find it in: read, and applied to the index.
#[divan::bench(args = writers(), sample_size = AT_ONCE)]
fn publish_one_by_writer(bencher: Bencher<'_, '_>, writer: &str) {
    let write = written(writer);
    let pairs: Vec<_> = (0..EACH).map(|n| pair(write, n, 8080)).collect();
    let settings = settings("z.").reading(layout(writer));
    let index = Arc::new(Index::new(vec![Arc::new(settings)], true));
    let (mut table, mut publisher) = (table(writer), Publisher::new(index, 0));
    publisher.publish(Update { revision: 1, ..listed(&mut table, &pairs) });
    bencher
        .with_inputs(|| pair(write, fastrand::usize(..EACH), fastrand::u16(1..)))
        .bench_local_values(|(key, value)| {
            let mut update = Update { revision: 1, ..Update::default() };
            table.put(&key, value.as_slice(), &mut update);
            publisher.publish(update);
        });
}

/// One leader that changes, among 1,000 clusters of ten, and among 10,000.
#[divan::bench(args = [1_000, 10_000], sample_size = AT_ONCE)]
fn move_one_leader(bencher: Bencher<'_, '_>, clusters: usize) {
    let write = written("patroni");
    let pairs: Vec<_> = (0..10 * clusters).map(|n| pair(write, n, 5432)).collect();
    let mut table = table("patroni");
    listed(&mut table, &pairs);
    bencher
        .with_inputs(|| {
            let cluster = fastrand::usize(..clusters);
            let leader = 10 * cluster + fastrand::usize(..10);
            (format!("/s/cluster-{cluster}/leader").into_bytes(), leader.to_string().into_bytes())
        })
        .bench_local_values(|(key, value)| {
            let mut update = Update::default();
            table.put(&key, value.as_slice(), &mut update);
            black_box(update.len())
        });
}

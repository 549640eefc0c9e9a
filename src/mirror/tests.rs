//! The mirror's inside: what no registry can be made to do.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::embedded;
use crate::etcd::Access;
use crate::lock::Lock;
use crate::registry::{Change, RegistryUrl};

/// The changes that were published.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Lock<Vec<Change>>>);

impl Publish for Seen {
    fn publish(&mut self, update: Update) {
        self.0.lock().extend(update.changes);
    }
}

/// A mirror of an embedded registry that holds nothing.
async fn mirror(seen: &Seen) -> (Mirror<Seen>, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: RegistryUrl = listener.local_addr().unwrap().to_string().parse().unwrap();
    let closing = CancellationToken::new();
    tokio::spawn(embedded::serve(listener, closing.clone()));
    let options =
        MirrorOptions { audit_every: Duration::from_millis(200), ..MirrorOptions::default() };
    let etcd = Etcd::new(&url, &Access::default());
    let mirror = Mirror::with(options, etcd, url.layout(), seen.clone(), Arc::default());
    (mirror, closing)
}

/// A deletion that the watch never told: only an audit can find it.
#[tokio::test(flavor = "multi_thread")]
async fn an_audit_repairs_what_the_watch_lost() {
    let seen = Seen::default();
    let (mut mirror, closing) = mirror(&seen).await;
    let Ok(held) = mirror.list().await else { panic!("it cannot be listed") };
    mirror.table.put(b"/services/web/1", b"10.0.0.1:80", &mut Update::default());
    let vitals = Arc::clone(&mirror.vitals);
    let repaired = async {
        while vitals.repaired.get() == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let following = async { mirror.follow(held).await.err().map(|end| end.error) };
    tokio::select! {
        () = repaired => (),
        end = following => panic!("the session ended: {end:?}"),
        () = sleep(Duration::from_secs(30)) => panic!("it was never found"),
    }
    assert_eq!((vitals.repaired.get(), vitals.audits.get()), (1, 1));
    let changes = seen.0.lock().clone();
    assert!(matches!(&changes[..], [Change { before: Some(_), after: None }]), "{changes:?}");
    closing.cancel();
}

//! Registrations that come and go, at a steady rate, however slowly etcd takes them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use etcd_client::{Client, KvClient};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};

use crate::population::Population;

/// The time between two registrations: 1,000 a second.
const INTERVAL: Duration = Duration::from_millis(1);
/// How many of the newest are registered; one that comes lets the oldest go.
const LIVING: usize = 1_000;
/// Operations under way at once; where etcd is slower than that, some are left out.
const AT_ONCE: usize = 512;

/// A writer at work.
pub(crate) struct Writer {
    /// Set when it is to stop.
    is_over: Arc<AtomicBool>,
    /// Its thread, which says how many registrations a second came.
    thread: JoinHandle<f64>,
}

impl Writer {
    /// Begins to register, and waits until as many go as come.
    pub(crate) fn start(url: &str, population: Population) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, url) = (Arc::clone(&is_over), url.to_owned());
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(write(url, population, &over))
        });
        std::thread::sleep(LIVING as u32 * INTERVAL * 5 / 4);
        Self { is_over, thread }
    }

    /// Ends it, and says how many registrations a second came.
    pub(crate) fn stop(self) -> f64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Registers and unregisters until it is over; then all that came has gone.
async fn write(url: String, population: Population, is_over: &AtomicBool) -> f64 {
    let client = Client::connect([url], None).await.unwrap();
    let (places, done) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(AtomicUsize::new(0)));
    let (mut living, mut clock) = (VecDeque::new(), interval(INTERVAL));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    for number in 0_u32.. {
        clock.tick().await;
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (key, value) = registration(population, number);
        living.push_back(key.clone());
        let gone = if living.len() > LIVING { living.pop_front() } else { None };
        let (kv, done) = (client.kv_client(), Arc::clone(&done));
        tokio::spawn(async move {
            replace(kv, key, value, gone).await;
            done.fetch_add(1, Ordering::Relaxed);
            drop(place);
        });
    }
    let rate = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    drop(places.acquire_many(AT_ONCE as u32).await.unwrap());
    let mut kv = client.kv_client();
    for key in living {
        kv.delete(key, None).await.unwrap();
    }
    rate
}

/// Registers one instance and unregisters another.
async fn replace(mut kv: KvClient, key: String, value: String, gone: Option<String>) {
    kv.put(key, value, None).await.unwrap();
    if let Some(gone) = gone {
        kv.delete(gone, None).await.unwrap();
    }
}

/// One more instance of some service.
fn registration(population: Population, number: u32) -> (String, String) {
    let [_, high, middle, low] = number.to_be_bytes();
    let (service, host) =
        (fastrand::usize(..population.services), format!("10.{high}.{middle}.{low}"));
    let key = format!("/services/service-{service}/coming-{number}");
    let value = format!(r#"{{"name":"service-{service}","hostname":"{host}","port":9090}}"#);
    (key, value)
}

//! The instances of a service as they change: `cargo run --example watch -- web`.
//!
//! A load balancer keeps the set that came last. It keeps it while the registry is away, too: then
//! none comes. The registry is that of `SRVD_REGISTRY`, else `http://127.0.0.1:2379`.

use srvd::client::{ClientBuilder, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "web".to_owned());
    let client = ClientBuilder::from_env().connect().await?;
    let mut watch = client.watch(&name);
    while let Some(instances) = watch.next().await {
        let locations: Vec<_> = instances.iter().map(|it| it.location()).collect();
        println!("{} instances: {}", instances.len(), locations.join(" "));
    }
    Ok(())
}

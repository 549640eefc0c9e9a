//! The instances of a service, once: `cargo run --example lookup -- web`.
//!
//! The registry is that of `SRVD_REGISTRY`, else `http://127.0.0.1:2379`.

use srvd::client::{ClientBuilder, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "web".to_owned());
    let client = ClientBuilder::from_env().connect().await?;
    for instance in client.lookup(&name).await? {
        let (location, weight) = (instance.location(), instance.weight);
        println!("{location} weight {weight} tags {}", instance.tags.join(","));
    }
    Ok(())
}

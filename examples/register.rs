//! A service that registers itself until Ctrl-C: `cargo run --example register -- web 8080`.
//!
//! The registry is that of `SRVD_REGISTRY`, else `http://127.0.0.1:2379`.

use std::path::Path;

use srvd::client::{ClientBuilder, Service};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "web".to_owned());
    let port = arguments.next().map_or(Ok(8080), |port| port.parse())?;

    let client = ClientBuilder::from_env().connect().await?;
    let service = Service::new(name, port).tag("example").weight(10).check(is_healthy);
    let held = client.register(service).await?;
    println!("registered at {}: {}", held.location(), held.key());

    tokio::signal::ctrl_c().await?;
    // Dropping it would do the same, but the runtime ends with `main` and would not wait.
    held.leave().await?;
    println!("left");
    Ok(())
}

/// Whether the program can serve: here, while there is no file `ill` in its directory. A look at a
/// file takes no time; what takes some, such as asking a database, is awaited.
async fn is_healthy() -> Result<(), &'static str> {
    if Path::new("ill").exists() { Err("there is a file `ill`") } else { Ok(()) }
}

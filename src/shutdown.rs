//! Being told to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was told twice: as if SIGINT had killed it.
const IMPATIENT: i32 = 130;

/// A token that is cancelled by the first SIGTERM or SIGINT. A second one ends the
/// process at once, for whoever does not want to wait for the drain.
///
/// # Errors
/// The signals cannot be listened to.
pub fn on_signals() -> std::io::Result<CancellationToken> {
    let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    tokio::spawn(listen(signals, token.clone()));
    Ok(token)
}

/// Waits for one signal, then for another.
async fn listen(mut signals: (Signal, Signal), token: CancellationToken) {
    let name = next(&mut signals).await;
    tracing::info!("{name}: draining; signal again to exit at once");
    token.cancel();
    next(&mut signals).await;
    std::process::exit(IMPATIENT);
}

/// Waits for either signal. Gives its name.
async fn next((terminate, interrupt): &mut (Signal, Signal)) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

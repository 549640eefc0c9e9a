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

/// Says, whenever SIGHUP asks for it, that the configuration is not read again. Without
/// this a habit of operators would end the server.
///
/// # Errors
/// The signal cannot be listened to.
pub fn refuse_reload() -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::warn!(
                "SIGHUP: reloading is not in this version, restart to read the configuration"
            );
        }
    });
    Ok(())
}

/// Waits for one signal, then for another.
async fn listen(mut signals: (Signal, Signal), token: CancellationToken) {
    next(&mut signals).await;
    token.cancel();
    next(&mut signals).await;
    std::process::exit(IMPATIENT);
}

/// Waits for either signal.
async fn next((terminate, interrupt): &mut (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
}

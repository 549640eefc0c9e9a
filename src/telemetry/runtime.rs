//! Runtimes that tell, beside their work, what the log left out.

use tokio::runtime::Builder;

use super::Log;
use crate::error::Failure;

/// Runs what serves or lists: a worker per core.
///
/// # Errors
/// Those of the work; or the system has no thread left.
pub fn on_all_cores<T>(
    log: &Log,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.spawn(log.tell());
    runtime.block_on(work)
}

/// Runs what mostly waits: one thread is enough, and small.
///
/// # Errors
/// As [`on_all_cores`].
pub fn on_one_thread<T>(
    log: &Log,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    runtime.spawn(log.tell());
    let end = runtime.block_on(work);
    // A host name that is still being looked up must not hold the exit up.
    runtime.shutdown_background();
    end
}

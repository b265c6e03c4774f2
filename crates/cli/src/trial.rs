//! What `demo` and `chaos` are both made of: a bad network of our own (`network.rs`, and what goes
//! over it, `wire.rs`), and for the demo a server at its end (`stage.rs`; chaos has its servers in
//! `chaos/houses.rs`), a session watched from outside (`watch.rs`, and from its pixels
//! `witness.rs`), and what is shown and kept of it (`screen.rs`, `log.rs`, `timeline.rs`). What
//! happens on the stage, and what must hold of it, is in `demo/` and `chaos/`.

pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod printable;
pub(crate) mod screen;
pub(crate) mod stage;
pub(crate) mod timeline;
pub(crate) mod watch;
pub(crate) mod wire;
pub(crate) mod witness;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long what is on its way out may take before it counts as leaked.
pub(crate) const SETTLE: Duration = Duration::from_secs(5);

/// A trial that could not be held.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error(transparent)]
    Input(#[from] crate::input::InputError),
    #[error("{} cannot be written ({source}); choose another place with --out", path.display())]
    Output { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Witness(#[from] witness::WitnessError),
    #[error(transparent)]
    Stage(#[from] stage::StageError),
    #[error("the witness's thread died: {0}")]
    Thread(#[from] tokio::task::JoinError),
    #[error("signals cannot be waited for: {0}")]
    Signal(std::io::Error),
}

/// Makes the folder that results go to, and says now, not after a minute, if it cannot be written.
pub(crate) fn make_folder(path: &Path) -> Result<(), TrialError> {
    std::fs::create_dir_all(path).map_err(output(path))?;
    let probe = path.join(".offhook-probe");
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(output(path))
}

/// Says which folder an error is about.
pub(crate) fn output(path: &Path) -> impl Fn(std::io::Error) -> TrialError + '_ {
    |source| TrialError::Output { path: path.to_owned(), source }
}

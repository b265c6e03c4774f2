//! What `offhook join` sends and where it shows and plays what comes back: files always, devices
//! in a program that was built with them (`devices/built.rs`); otherwise wanting one is an error
//! that says how to build it (`devices/missing.rs`).

#[cfg(feature = "devices")]
mod built;
#[cfg(not(feature = "devices"))]
mod missing;
#[cfg(test)]
mod tests;

#[cfg(feature = "devices")]
pub(crate) use built::{Screen, Speaker, listen, publish};
#[cfg(not(feature = "devices"))]
pub(crate) use missing::{Screen, Speaker, listen, publish};

/// What cannot be sent, shown or played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevicesError {
    #[error(transparent)]
    Input(#[from] crate::input::InputError),
    #[cfg(not(feature = "devices"))]
    #[error(
        "this program was built without devices; build it with `cargo build --release -p offhook-cli --features devices`"
    )]
    NotBuilt,
    #[cfg(feature = "devices")]
    #[error(transparent)]
    Device(#[from] offhook::DeviceError),
}

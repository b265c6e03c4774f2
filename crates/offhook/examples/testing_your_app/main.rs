//! Testing your own application with the scripted transport. This file is the application: a
//! photo booth, with what it shows when things go wrong. Its tests are in `tests.rs`: there the
//! far side is a hand that refuses, kicks and cuts the line, the clock is virtual, and ten
//! minutes of bad network take no time.
//!
//! `cargo run -p offhook --example testing_your_app` opens the booth; its tests run with
//! `cargo test -p offhook --example testing_your_app`.

use offhook::{CallingState, Client, Clip, Join, JoinErrorKind, Joined, Session, SetError};
use std::error::Error;

/// A booth with somebody before it.
pub(crate) struct Booth {
    session: Session<Joined>,
}

impl Booth {
    /// Opens the booth, or says what to show to whoever stands before it.
    pub(crate) async fn open(client: &Client, style: &str) -> Result<Self, String> {
        let join = Join::new().prompt(style).publish(Clip::sample());
        match client.session("studio", "booth").join(join).await {
            Ok(session) => Ok(Self { session }),
            Err(error) => Err(match error.kind() {
                JoinErrorKind::Busy { retry_after: Some(wait), .. } => {
                    format!("somebody else is in the booth; come back in {} s", wait.as_secs())
                }
                JoinErrorKind::InitialStateRefused { .. } => {
                    format!("we do not have that style: {}", error.text().unwrap_or_default())
                }
                // Every kind says in its own words what to do next.
                other => other.to_string(),
            }),
        }
    }

    /// Changes the style, or says what to show.
    pub(crate) async fn style(&self, style: &str) -> Result<(), String> {
        match self.session.set_prompt(style).await {
            Ok(_) => Ok(()),
            // The booth is gone, or another style was chosen meanwhile: both are shown elsewhere.
            Err(SetError::Superseded | SetError::Ended { .. }) => Ok(()),
            Err(SetError::Refused { text, .. }) => Err(format!("we do not have that style: {text}")),
            // The wish stands. It will be in force as soon as the line is good again.
            Err(SetError::Unconfirmed { .. }) => Err("it may take a while".to_owned()),
            Err(other) => Err(other.to_string()),
        }
    }

    /// What is written below the picture; nothing while all is well.
    pub(crate) fn banner(&self) -> &'static str {
        match self.session.state() {
            CallingState::Joined | CallingState::Migrating => "",
            CallingState::Reconnecting => "the picture is frozen; one moment",
            CallingState::Offline => "there is no network here",
            CallingState::ReconnectingFailed => "out of order; press the red button",
            CallingState::Left => "the booth is closed",
            CallingState::Unknown | CallingState::Idle | CallingState::Ringing(_) | CallingState::Joining => {
                "the booth is opening"
            }
        }
    }

    /// Somebody pressed the red button.
    pub(crate) fn try_again(&self) {
        self.session.controls().retry();
    }

    /// The session, for those who look on.
    pub(crate) const fn session(&self) -> &Session<Joined> {
        &self.session
    }

    /// Closes the booth; says how it ended.
    pub(crate) async fn close(self) -> String {
        self.session.leave().await.reason().to_string()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (transport, _remote) = offhook::mock::MockTransport::studio(7);
    let booth = Booth::open(&Client::new(transport), "sepia").await?;
    booth.style("posterize").await?;
    let mut pictures = booth.session().remote_video().await?;
    if let Some(picture) = futures_util::StreamExt::next(&mut pictures).await {
        println!("a picture of {} bytes {}", picture.data.len(), booth.banner());
    }
    if booth.session().state() == CallingState::ReconnectingFailed {
        booth.try_again();
    }
    println!("{}", booth.close().await);
    Ok(())
}

#[cfg(test)]
mod tests;

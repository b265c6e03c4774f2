//! A connection manager: one value that owns at most one session. `connect` replaces the one
//! before, `disconnect` ends it at once, `is_connected` says how it is right now.
//!
//! `cargo run -p offhook --example connection_manager`, over the scripted transport; with
//! `… -- webrtc` over a server of its own on loopback.

use offhook::{Client, Clip, Join, JoinError, Joined, Session, SetError};
use std::error::Error;
use std::io::Write;

/// Owns at most one session.
///
/// # Drop
/// Leaves it: there is no clean-up to forget.
pub(crate) struct Connection {
    client: Client,
    session: Option<Session<Joined>>,
}

impl Connection {
    pub(crate) const fn new(client: Client) -> Self {
        Self { client, session: None }
    }

    /// Leaves what was connected before, and joins another session.
    ///
    /// # Errors
    /// Why the join failed. The session and the join's sources are in the error, to be used again.
    ///
    /// # Cancel safety
    /// Dropped half way (by a timeout, by the next `connect`) the join is given up: nothing is
    /// left of it, and nothing is connected.
    pub(crate) async fn connect(&mut self, id: &str, join: Join) -> Result<&Session<Joined>, JoinError> {
        self.disconnect();
        let session = self.client.session("studio", id).join(join).await?;
        Ok(self.session.insert(session))
    }

    /// Hangs up: when this returns, nothing of the user's is sent any more. May be called at any
    /// time, also twice.
    pub(crate) fn disconnect(&mut self) {
        if let Some(session) = self.session.take() {
            drop(session.leave());
        }
    }

    /// Does media flow right now? Not while it is being recovered.
    pub(crate) fn is_connected(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_connected)
    }

    /// The session that is connected, to be used.
    pub(crate) const fn session(&self) -> Option<&Session<Joined>> {
        self.session.as_ref()
    }

    /// Ends all, and waits for the goodbyes: a second at most.
    pub(crate) async fn close(mut self) {
        self.disconnect();
        self.client.shutdown().await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    program(&arguments, &mut std::io::stdout()).await
}

pub(crate) async fn program(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match arguments {
        [] | ["mock"] => {
            let (transport, remote) = offhook::mock::pair();
            remote.auto(offhook::mock::Studio::seeded(7).knowing(&["edges", "sepia"]));
            run(Connection::new(Client::new(transport)), out).await
        }
        #[cfg(feature = "webrtc")]
        ["webrtc"] => {
            let server = offhook_server::Server::builder().start().await?;
            let credential = server.mint(&offhook_server::Mint::user("example"))?;
            let client = Client::new(offhook::WebRtc::new(server.url()));
            let connection = Connection::new(client.credential(credential.expose().to_owned()));
            let ran = run(connection, out).await;
            server.shutdown().await;
            ran
        }
        _ => Err("say nothing, or `webrtc` (with the feature `webrtc`)".into()),
    }
}

async fn run(mut connection: Connection, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "connected: {}", connection.is_connected())?;

    let first = connection.connect("first", Join::new().prompt("sepia").publish(Clip::sample())).await?;
    let first = first.controls();
    writeln!(out, "the first: {}", first.state())?;

    connection.connect("second", Join::new().publish(Clip::sample())).await?;
    writeln!(out, "the first: {}, connected: {}", first.state(), connection.is_connected())?;
    if let Some(session) = connection.session() {
        match session.set_prompt("edges").await {
            Ok(_) => writeln!(out, "the second shows edges")?,
            Err(SetError::Refused { text, .. }) => writeln!(out, "no edges: {}", text.escape_debug())?,
            Err(error) => return Err(error.into()),
        }
    }

    // A join that fails leaves nothing connected, and says what to do about it.
    let refused = Join::new().prompt("as if painted by nobody");
    if let Err(error) = connection.connect("third", refused).await {
        writeln!(out, "the third: {}, connected: {}", error.code(), connection.is_connected())?;
    }

    connection.disconnect();
    connection.disconnect();
    connection.close().await;
    writeln!(out, "closed")?;
    Ok(())
}

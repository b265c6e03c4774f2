//! `offhook serve`: the reference server until Ctrl-C or SIGTERM, with a line that lets somebody join.

use crate::Outcome;
use crate::args::{Guest, Serve};
use crate::signals::Interrupt;
use offhook_server::{Grants, Mint, MintError, Server, Signer, StartError};
use std::path::PathBuf;
use std::time::Duration;

/// How long a credential is good for that is shown.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A server that did not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the key in {path} cannot be read ({source}); name a file with at least 16 bytes")]
    Key { path: PathBuf, source: std::io::Error },
    #[error("the key in {path} is shorter than 16 bytes; make one with `head -c 32 /dev/urandom | base64`")]
    ShortKey { path: PathBuf },
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error("signals cannot be waited for: {0}")]
    Signal(std::io::Error),
}

/// Runs it.
pub(crate) async fn run(args: Serve) -> Result<Outcome, ServeError> {
    let mut interrupt = Interrupt::listen().map_err(ServeError::Signal)?;
    let mut builder = Server::builder()
        .bind(&args.bind)
        .resume_window(Duration::from_secs_f64(args.resume_window))
        .studio_video(args.video);
    if let Some(path) = args.key {
        let key = std::fs::read_to_string(&path)
            .map_err(|source| ServeError::Key { path: path.clone(), source })?;
        let key = key.trim();
        if key.len() < 16 {
            return Err(ServeError::ShortKey { path });
        }
        builder = builder.signer(Signer::new(key));
    }
    for name in args.allow_host {
        builder = builder.allow_host(name);
    }
    let server = builder.start().await?;
    let credential = server.mint(&Mint::user("guest").life(DAY))?;
    // This is the one place that shows a credential: to the person who runs the server.
    println!("listening on {}", server.url());
    let join = reached(&server);
    println!("\njoin from another terminal (good for a day):");
    println!("  OFFHOOK_CREDENTIAL={} offhook join {join} --prompt sepia", credential.expose());
    if server.address().ip().is_unspecified() {
        println!(
            "  (from another machine: the address of this one, and --dangerous-allow-plain-ws; or wss, by a proxy)"
        );
    }
    for guest in args.guest {
        let (name, grants, next) = match guest {
            Guest::Moderator => (
                "moderator",
                Grants { moderate: true, ..Grants::default() },
                format!(
                    "`cargo run -p offhook --example moderate_room -- {}` keeps order with it",
                    server.url()
                ),
            ),
            Guest::Director => (
                "director",
                Grants { direct: true, ..Grants::default() },
                "`WebRtc::director` of the library steers with it".to_owned(),
            ),
        };
        let credential = server.mint(&Mint::user(name).life(DAY).grants(grants))?;
        println!("\nas a {name} ({next}):");
        println!("  OFFHOOK_CREDENTIAL={} offhook join {join}", credential.expose());
    }
    println!("\nor from a browser on this machine:");
    let page = if server.address().ip().is_unspecified() {
        format!("http://localhost:{}/", server.address().port())
    } else {
        server.page()
    };
    println!("  {page}#{}", credential.expose());
    println!("\nCtrl-C stops it.");
    // Stopping is what was asked for, by either signal.
    let _ = interrupt.seen().await;
    let census = server.census();
    match census.members {
        1 => eprintln!("stopping; one member is told"),
        members => eprintln!("stopping; {members} members are told"),
    }
    server.shutdown().await;
    Ok(Outcome::Fine)
}

/// What a join is told to dial, with the leave that it needs to go there. Nobody dials the address that
/// stands for all of a machine's: beyond it, the machine has another.
fn reached(server: &Server) -> String {
    let address = server.address();
    match address.ip() {
        ip if ip.is_loopback() => server.url(),
        ip if ip.is_unspecified() => format!("ws://localhost:{}/session", address.port()),
        _ => format!("{} --dangerous-allow-plain-ws", server.url()),
    }
}

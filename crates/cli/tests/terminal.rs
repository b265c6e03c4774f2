//! What others chose cannot steer the terminal it is shown on: their names, their reactions.

use futures_util::StreamExt;
use offhook::{Client, Event, Join, WebRtc};
use offhook_server::{Mint, Server};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The command, ended with the test however that goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nothing that a terminal obeys, and nothing that turns the order of letters.
fn is_tame(line: &str) -> bool {
    !line.chars().any(|c| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'))
}

// S17
#[test]
fn a_name_and_a_reaction_that_would_steer_a_terminal_are_shown_escaped() {
    for json in [false, true] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads");
        let (server, client) = runtime.block_on(async {
            let server = Server::builder().start().await.expect("loopback has a free port");
            let name = "ada\u{202e}\u{200f}\u{2066}שלום";
            let credential = server.mint(&Mint::user(name)).expect("its key signs");
            let client = Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned());
            (server, client)
        });
        let credential = server.mint(&Mint::user("bob")).expect("its key signs");
        let url = server.url();
        let mut arguments = vec!["join", &*url, "--session", "studio/7", "--seconds", "60"];
        arguments.extend(json.then_some("--json"));
        let child = Command::new(env!("CARGO_BIN_EXE_offhook"))
            .args(arguments)
            .env("OFFHOOK_CREDENTIAL", credential.expose())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut command = Running(child.expect("the binary was just built"));
        let reacting = runtime.spawn(async move {
            let session = client.session("studio", "7").join(Join::new()).await.expect("it is let in");
            let mut events = session.events();
            while let Some(event) = events.next().await {
                if matches!(&event, Event::MemberJoined(member) if member.name == "bob") {
                    session.react("\u{202e}gpj.exe👏").await.expect("it is shown");
                }
            }
        });
        let out = BufReader::new(command.0.stdout.take().expect("it is piped"));
        let mut shown = Vec::new();
        for line in out.lines().map_while(Result::ok) {
            assert!(is_tame(&line), "{line:?}");
            shown.push(line);
            let text = shown.concat();
            if text.contains("reaction") && text.contains("member_joined") {
                break;
            }
        }
        let text = shown.join("\n");
        assert!(text.contains("\\u202egpj.exe👏"), "{text}");
        assert!(text.contains("ada\\u202e\\u200f\\u2066שלום"), "{text}");
        drop(command);
        reacting.abort();
        runtime.block_on(server.shutdown());
        runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

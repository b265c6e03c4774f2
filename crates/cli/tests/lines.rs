//! What is typed into `offhook join`, and who reads what it tells: by the real program, on a real server.
#![cfg(unix)]

use offhook::{Client, Event, Events, Join, WebRtc};
use offhook_server::{Mint, Server};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A join under way; over with the test.
struct Running {
    child: Child,
    stdin: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Running {
    async fn join(server: &Server, more: &[&str]) -> Self {
        let credential = server.mint(&Mint::user("typist")).expect("its key signs");
        let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
        command.args(["join", &server.url(), "--json", "--seconds", "60"]).args(more);
        command.env("OFFHOOK_CREDENTIAL", credential.expose());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the binary was just built");
        let stdin = child.stdin.take().expect("it is piped");
        let said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut running = Self { child, stdin, said };
        running.until("\"Joined\"").await;
        running
    }

    async fn types(&mut self, line: &[u8]) {
        self.stdin.write_all(line).await.expect("it reads");
    }

    async fn until(&mut self, word: &str) -> String {
        let found = async {
            while let Some(line) = self.said.next_line().await.expect("text") {
                if line.contains(word) {
                    return line;
                }
            }
            panic!("it never said {word}");
        };
        timeout(PATIENCE, found).await.expect("it says so in time")
    }
}

async fn server() -> Server {
    Server::builder().start().await.expect("loopback has a free port")
}

async fn event<T>(events: &mut Events, fits: impl Fn(&Event) -> Option<T>) -> T {
    use futures_util::StreamExt;
    let found = async {
        loop {
            if let Some(found) = fits(&events.next().await.expect("the session goes on")) {
                return found;
            }
        }
    };
    timeout(PATIENCE, found).await.expect("it comes in time")
}

// F50: a line that is no text costs itself alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_a_prompt_and_one_that_is_no_text_is_passed_over() {
    let server = server().await;
    let mut running = Running::join(&server, &[]).await;
    running.types(b"caf\xe9\nsepia\n").await;
    let change = running.until("\"event\":\"change\"").await;
    assert!(change.contains("applied"), "{change}");
    drop(running.stdin);
    let mut errors = BufReader::new(running.child.stderr.take().expect("it is piped")).lines();
    let complaint = timeout(PATIENCE, errors.next_line()).await.expect("in time").expect("text");
    assert!(complaint.is_some_and(|said| said.contains("not UTF-8")));
}

// F55
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_said_to_a_persona_which_answers_it() {
    let server = server().await;
    let mut running = Running::join(&server, &["--model", "echo"]).await;
    running.types(b"how far is it?\n").await;
    let said = running.until("\"event\":\"said\"").await;
    assert!(said.contains("how far is it?"), "{said}");
}

// F63
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_a_message_to_the_others_in_a_room() {
    let server = server().await;
    let credential = server.mint(&Mint::user("ada")).expect("its key signs");
    let client = Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let ada = client.session("room", "1").join(Join::new()).await.expect("she is let in");
    let mut events = ada.events();
    let mut running = Running::join(&server, &["--session", "room/1"]).await;
    running.types(b"is anybody here?\n").await;
    let message = event(&mut events, |event| match event {
        Event::Message { topic, payload, .. } => Some((topic.clone(), payload.to_vec())),
        _ => None,
    });
    assert_eq!(message.await, ("chat".to_owned(), b"is anybody here?".to_vec()));
    drop(ada.leave());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_leaves_when_nobody_reads_what_it_tells() {
    let server = server().await;
    let Running { mut child, stdin, said } = Running::join(&server, &[]).await;
    // As `head` does.
    drop(said);
    let output = async {
        let status = child.wait().await.expect("it ends");
        (status, child.wait_with_output().await.expect("it said text"))
    };
    let (status, output) = timeout(PATIENCE, output).await.expect("with the next thing that it would tell");
    assert!(status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(server.census().members, 0, "and said so");
    drop(stdin);
}

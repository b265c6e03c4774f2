//! What `offhook serve` prints lets in who it says, with what it says.
#![cfg(unix)]

use offhook::transport::Secret;
use offhook::{Client, Join, WebRtc};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The command, ended with the test however that goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// F59, F64
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moderator_and_a_director_are_let_in_with_what_is_printed_for_them() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
    command.args(["serve", "--bind", "127.0.0.1:0", "--guest", "moderator", "--guest", "director"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut server = Running(child.expect("the binary was just built"));
    let lines = BufReader::new(server.0.stdout.take().expect("it is piped")).lines();
    let said: Vec<_> =
        lines.map_while(Result::ok).take_while(|line| !line.contains("Ctrl-C stops it")).collect();
    let url = said[0].trim_start_matches("listening on ");
    let credential = |of: &str| {
        let at =
            said.iter().position(|line| line.starts_with(of)).unwrap_or_else(|| panic!("{of}: {said:?}"));
        let line = said[at + 1].trim();
        let (credential, command) = line.split_once(' ').expect("a command follows");
        assert!(command.starts_with(&format!("offhook join {url}")), "{command}");
        credential.trim_start_matches("OFFHOOK_CREDENTIAL=").to_owned()
    };
    let client = |of: &str| Client::new(WebRtc::new(url)).credential(credential(of));
    let guest = client("join from another terminal");
    let moderator = client("as a moderator");
    let guests = guest.session("studio", "1").join(Join::new()).await.expect("it is let in");
    let order = moderator.session("studio", "1").join(Join::new()).await.expect("it is let in");
    let director = client("as a director").session("studio", "1").join(Join::new()).await;
    drop(director.expect("a director may look on as well").leave().await);
    let secret = Secret::new(credential("as a director"));
    let mut steering = WebRtc::new(url).director("studio", "1", Some(&secret));
    steering.next().await.expect("it is told of the session").expect("and not refused");
    guests.end_for_all().await.expect_err("a guest keeps no order");
    order.end_for_all().await.expect("a moderator does");
    drop((guests.ended().await, order.ended().await));
}

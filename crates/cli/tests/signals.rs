//! Real signals to the real command: stopped in order by the first, at once by the second, paused
//! and woken by job control (F12, F15). Ctrl-C in the middle of a run is in `interrupt.rs`.
#![cfg(unix)]

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The line of the last event.
const ENDED: &str = "\"event\":\"ended\"";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command under way, with what it says line by line. It ends by itself after a minute, so that a
/// wait for a word that never comes is bounded. What is still running when a test is over is killed.
struct Running {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(arguments: &[&str], credential: &str) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_offhook")).args(arguments), credential, Stdio::null())
    }

    fn spawn(command: &mut Command, credential: &str, stdin: Stdio) -> Self {
        let mut child = command
            .env("OFFHOOK_CREDENTIAL", credential)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was just built");
        let said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let errors = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        Self { child, said, errors }
    }

    fn join(server: &ServerProcess, more: &[&str]) -> Self {
        let arguments = [&["join", &server.url, "--json", "--seconds", "60"], more].concat();
        let mut running = Self::start(&arguments, &server.credential);
        running.until("\"Joined\"");
        running
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it still runs");
    }

    /// Reads on to the line that holds this word.
    fn until(&mut self, word: &str) -> String {
        let found = self.said.by_ref().map_while(Result::ok).find(|line| line.contains(word));
        found.unwrap_or_else(|| panic!("it never said {word}, but: {}", self.complaint()))
    }

    fn complaint(&mut self) -> String {
        self.errors.by_ref().map_while(Result::ok).collect::<Vec<_>>().join("\n")
    }

    /// Waits until it is really stopped; its status then says by what.
    fn stopped(&self) -> Option<i32> {
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).expect("a child").expect("news");
        status.stopping_signal()
    }

    /// Waits for its end: the exit status, and what it said until then.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        let said = self.said.by_ref().map_while(Result::ok).collect();
        (self.child.wait().expect("it ends").code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Over already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `offhook serve` on a free port, and a credential for it.
struct ServerProcess {
    running: Running,
    url: String,
    credential: String,
}

impl ServerProcess {
    fn start() -> Self {
        let mut running = Running::start(&["serve", "--bind", "127.0.0.1:0"], "");
        let url = running.until("listening on ").replace("listening on ", "");
        let line = running.until("OFFHOOK_CREDENTIAL=");
        let credential = line.trim().trim_start_matches("OFFHOOK_CREDENTIAL=");
        let credential = credential.split(' ').next().expect("something stands there").to_owned();
        running.until("Ctrl-C stops it");
        Self { running, url, credential }
    }
}

/// A far side that takes connections, reads nothing, and says nothing.
fn silent() -> (String, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let url = format!("ws://{}/session", listener.local_addr().expect("it is bound"));
    let (accepted, connections) = mpsc::sync_channel(8);
    std::thread::spawn(move || {
        listener.incoming().map_while(Result::ok).try_for_each(|stream| accepted.send(stream))
    });
    (url, connections)
}

/// The index of the first line that holds this word.
fn place(lines: &[String], word: &str) -> usize {
    lines.iter().position(|line| line.contains(word)).unwrap_or_else(|| panic!("no {word} in {lines:#?}"))
}

/// F12: the documented status, and the ending is told before the command is over.
#[test]
fn ctrl_c_and_sigterm_leave_a_joined_session_in_order() {
    let server = ServerProcess::start();
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let running = Running::join(&server, &[]);
        running.signal(signal);
        let (code, said) = running.end();
        assert_eq!(code, Some(status));
        let last = said.last().expect("it said how it ended");
        assert!(last.contains(ENDED) && last.contains("left_by_user"), "{last}");
    }
    // The goodbyes arrived: the server has nobody to tell.
    server.running.signal(Signal::TERM);
    let mut running = server.running;
    let complaint = running.complaint();
    assert!(complaint.contains("stopping; 0 members are told"), "{complaint}");
    assert_eq!(running.end().0, Some(0), "a server that is told to stop did as it was asked");
}

/// F12: nobody has answered yet, and nobody ever will.
#[test]
fn sigterm_during_a_join_that_nobody_answers_ends_it_cancelled() {
    let (url, connections) = silent();
    let mut running = Running::start(&["join", &url, "--json", "--seconds", "60"], "none");
    running.until("\"Joining\"");
    let _accepted = connections.recv_timeout(PATIENCE).expect("it dials");
    running.signal(Signal::TERM);
    let (code, said) = running.end();
    assert_eq!(code, Some(143));
    assert!(said.last().is_some_and(|line| line.contains(ENDED)), "{said:#?}");
}

/// F12: while a goodbye waits for an answer that does not come, the second signal ends it. Both are
/// sent to a process that is stopped, so that none can be early or late; the status is the second's.
#[test]
fn a_second_signal_ends_the_command_at_once() {
    let server = ServerProcess::start();
    let running = Running::join(&server, &[]);
    server.running.signal(Signal::STOP);
    assert_eq!(server.running.stopped(), Some(Signal::STOP.as_raw()));
    running.signal(Signal::STOP);
    assert_eq!(running.stopped(), Some(Signal::STOP.as_raw()));
    running.signal(Signal::TERM);
    running.signal(Signal::INT);
    running.signal(Signal::CONT);
    // Whether it still says how the session ended is a matter of which thread is the first.
    assert_eq!(running.end().0, Some(130), "SIGTERM alone would end with 143, after the goodbye's second");
    server.running.signal(Signal::CONT);
}

/// F15: the session knows before the process stops, and is whole again after it went on.
#[test]
fn ctrl_z_pauses_the_session_before_the_process_stops_and_fg_wakes_it() {
    let server = ServerProcess::start();
    let mut running = Running::join(&server, &[]);
    for _ in 0..2 {
        running.signal(Signal::TSTP);
        assert_eq!(running.stopped(), Some(Signal::STOP.as_raw()), "it stops itself, once it is told");
        // Said by a process that is stopped by now.
        let told = running.errors.next().expect("it says so").expect("a pipe can be read");
        assert!(told.contains("paused") && told.contains("Offline"), "{told}");
        running.signal(Signal::CONT);
        running.until("\"Offline\"");
        running.until("\"recovered\"");
    }
    running.signal(Signal::INT);
    assert_eq!(running.end().0, Some(130));
}

/// F15: and by the other policy nothing is left to be paused.
#[test]
fn ctrl_z_leaves_the_session_where_that_was_asked_for() {
    let server = ServerProcess::start();
    let running = Running::join(&server, &["--on-suspend", "leave"]);
    running.signal(Signal::TSTP);
    let (code, said) = running.end();
    assert_eq!(code, Some(0));
    let end = place(&said, ENDED);
    assert!(said[end].contains("suspended"), "{}", said[end]);
    server.running.signal(Signal::TERM);
    let mut running = server.running;
    let complaint = running.complaint();
    assert!(complaint.contains("stopping; 0 members are told"), "the goodbye arrived: {complaint}");
}

/// F12: told to pause while it joins, and told to go on: nothing is lost by it.
#[test]
fn a_pause_during_a_join_is_no_end_of_it() {
    let (url, connections) = silent();
    let mut running = Running::start(&["join", &url, "--json", "--seconds", "60"], "none");
    running.until("\"Joining\"");
    let mut first = connections.recv_timeout(PATIENCE).expect("it dials");
    first.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
    running.signal(Signal::TSTP);
    assert_eq!(running.stopped(), Some(Signal::STOP.as_raw()));
    assert!(connections.try_recv().is_err(), "a paused join dials nothing");
    running.signal(Signal::CONT);
    let _second = connections.recv_timeout(PATIENCE).expect("it dials again");
    // What it had begun before is not gone on with.
    first.read_to_end(&mut Vec::new()).expect("closed in order");
    running.signal(Signal::INT);
    assert_eq!(running.end().0, Some(130));
}

/// A prompt on its way to a server that answers nothing any more, and what the command said until then.
fn unanswered(server: &ServerProcess, seconds: &str) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
    command.args(["join", &server.url, "--json", "--seconds", seconds]);
    // That it is waited for is told by the log alone.
    command.env("OFFHOOK_LOG", "offhook::host=debug");
    let mut running = Running::spawn(&mut command, &server.credential, Stdio::piped());
    running.until("\"Joined\"");
    server.running.signal(Signal::STOP);
    assert_eq!(server.running.stopped(), Some(Signal::STOP.as_raw()));
    let mut stdin = running.child.stdin.take().expect("it is piped");
    writeln!(stdin, "sepia").expect("it reads prompts");
    let waits = |line: String| line.contains("a change waits for its answer");
    let asked = running.errors.by_ref().map_while(Result::ok).any(waits);
    assert!(asked, "the prompt was never set");
    running
}

/// It left as a user does, and before anything was known of the prompt: that takes the policy's 15 s.
fn left_with_the_prompt_open(running: Running) -> Option<i32> {
    let (code, said) = running.end();
    let end = place(&said, ENDED);
    assert!(said[end].contains("left_by_user"), "{}", said[end]);
    let known = |line: &&String| line.contains("\"event\":\"change\"") && line.contains("unconfirmed");
    assert_eq!(said.iter().find(known), None, "the prompt was waited for");
    code
}

/// F12
#[test]
fn ctrl_c_is_seen_while_a_prompt_is_not_answered() {
    let server = ServerProcess::start();
    let running = unanswered(&server, "60");
    running.signal(Signal::INT);
    assert_eq!(left_with_the_prompt_open(running), Some(130));
    server.running.signal(Signal::CONT);
}

/// F12
#[test]
fn the_time_that_was_asked_for_ends_while_a_prompt_is_not_answered() {
    let server = ServerProcess::start();
    let running = unanswered(&server, "4");
    assert_eq!(left_with_the_prompt_open(running), Some(0));
    server.running.signal(Signal::CONT);
}

//! The two commands under way, and waiting for what nobody announces.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Nothing here takes longer, also on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The command with these arguments, in a world of its own: no screen, no sound card, no credential.
pub(crate) fn offhook(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
    command.args(arguments).stdin(Stdio::null()).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command.env("ALSA_CONFIG_PATH", folder("without-sound").join("none.conf"));
    command
}

/// A folder of this name, and in it an ALSA that knows no card.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("devices").join(name);
    fs::create_dir_all(&folder).expect("the target folder can be written");
    fs::write(folder.join("none.conf"), "defaults.namehint.showall on\n").expect("as above");
    folder
}

/// A program under way, with what it says line by line; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Ok(Self { child, said })
    }

    /// Reads on to the line that holds this word.
    pub(crate) fn until(&mut self, word: &str) -> String {
        let found = self.said.by_ref().map_while(Result::ok).find(|line| line.contains(word));
        found.unwrap_or_else(|| panic!("it ended and never said {word}"))
    }

    pub(crate) fn next_line(&mut self) -> Option<String> {
        self.said.next()?.ok()
    }

    /// Ctrl-C, and the exit status that this leads to.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it still runs");
        // Read on, so that it is not stopped by a full pipe.
        self.said.by_ref().for_each(drop);
        self.child.wait().expect("it ends").code()
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
pub(crate) struct Server {
    _running: Running,
    url: String,
    credential: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let started = Running::start(&mut offhook(&["serve", "--bind", "127.0.0.1:0"]));
        let mut running = started.expect("the binary was just built");
        let url = running.until("listening on ").replace("listening on ", "");
        let line = running.until("OFFHOOK_CREDENTIAL=");
        let credential = line.trim().trim_start_matches("OFFHOOK_CREDENTIAL=");
        let credential = credential.split(' ').next().expect("something stands there").to_owned();
        running.until("Ctrl-C stops it");
        Self { _running: running, url, credential }
    }

    /// `offhook join` here, with these arguments, for so many seconds at most.
    pub(crate) fn joining(&self, seconds: u32, arguments: &[&str]) -> Command {
        let mut command = offhook(&["join", &self.url, "--json", "--seconds", &seconds.to_string()]);
        command.args(arguments).env("OFFHOOK_CREDENTIAL", &self.credential);
        command
    }

    /// The same to its end, which comes in a second.
    pub(crate) fn joined(&self, arguments: &[&str]) -> Output {
        self.joining(1, arguments).output().expect("the binary was just built")
    }
}

/// Joins, and comes back when it has joined.
pub(crate) fn join(command: &mut Command) -> Running {
    let mut running = Running::start(command).expect("the binary was just built");
    running.until("\"Joined\"");
    running
}

/// Sets a variable where there is a value.
pub(crate) fn env(mut command: Command, name: &str, value: impl AsRef<OsStr>) -> Command {
    command.env(name, value);
    command
}

/// Looks until there is something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < LONG, "{what} did not come");
        sleep(Duration::from_millis(20));
    }
}

/// A clock that ticks every 20 ms, as a sound card's does.
pub(crate) struct Ticks(Instant);

impl Ticks {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits for the next tick; those that were missed come at once.
    pub(crate) fn tick(&mut self) {
        self.0 += Duration::from_millis(20);
        sleep(self.0.saturating_duration_since(Instant::now()));
    }
}

//! The arguments, with the words that `--help` shows.

#[cfg(test)]
mod tests;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use offhook::{SuspendPolicy, VideoWish};
use std::path::PathBuf;

/// What the exit status says; the same for every command.
const STATUS: &str = "\
Exit status: 0 as asked, 1 not, 2 a wrong argument, 130 stopped by Ctrl-C, 143 by SIGTERM.
Either leaves in order first, within a second or two, and a second one ends the command at once.
`serve` is there to be stopped, and then says 0.";

/// What a pause is.
const PAUSE: &str = "\
Ctrl-Z (SIGTSTP) tells the session before the process stops. With `--on-suspend pause` media stops
and the session is offline until `fg` (SIGCONT) wakes it, and then recovers as it would from a lost
network. With `leave` the session is left with a goodbye, and the command ends with 0.";

/// Keeps a real-time WebRTC session on the line.
#[derive(Debug, Parser)]
#[command(name = "offhook", version, about, max_term_width = 100, after_help = STATUS)]
pub(crate) struct Args {
    /// Say more on stderr; up to three times. OFFHOOK_LOG takes a filter in its place.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole of it on this machine: a server, a session, prompts, a lost network, the recovery.
    Demo(Demo),
    /// Keep a session on the line under a seeded schedule of faults, and judge it by every rule.
    Chaos(Chaos),
    /// Run the reference server.
    Serve(Serve),
    /// Join a session on a server, and keep it until Ctrl-C.
    Join(Box<Join>),
}

/// What is sent.
#[derive(Clone, Debug, ClapArgs)]
#[group(multiple = false)]
pub(crate) struct Input {
    /// Send this file: H.264 in Annex B or IVF. Without it, a five-second clip that is compiled in.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Send a moving test pattern.
    #[arg(long)]
    pub(crate) pattern: bool,
}

/// What of this machine takes part.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Devices (of a program built with `--features devices`)")]
pub(crate) struct Devices {
    /// Send a camera: its number, its path, a part of its name, or without one the first that opens.
    /// Given several times, in this order of preference. Where none opens, what --input or --pattern
    /// names is sent; without these, nothing is joined.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) camera: Vec<String>,
    /// Send a microphone as well: a part of its name, or without one the default. Given several
    /// times, in this order of preference. Where none opens, the session is joined without.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) microphone: Vec<String>,
    /// Play the sound that comes back; in a room, that of another member.
    #[arg(long)]
    pub(crate) speaker: bool,
    /// Show the picture that comes back; in a room, that of another member.
    #[arg(long)]
    pub(crate) window: bool,
}

impl Devices {
    /// Is any wanted?
    pub(crate) fn any(&self) -> bool {
        !self.camera.is_empty() || !self.microphone.is_empty() || self.speaker || self.window
    }
}

/// Show the whole of it on this machine.
///
/// Starts a server on loopback, joins it over real WebRTC, sets three prompts and checks from
/// the decoded pictures that each was painted; cuts the network for three seconds while a fourth
/// is set, and checks that the recovered session has that one; leaves, and checks that nothing
/// is left running.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Where the pictures and logs go; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "offhook-demo")]
    pub(crate) out: PathBuf,
    /// Events and a last summary as JSON lines on stdout, and nothing else there.
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not linger on each prompt.
    #[arg(long)]
    pub(crate) short: bool,
    /// How long the network is gone, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    pub(crate) outage: f64,
}

/// Keep a session on the line under a seeded schedule of faults, and judge it by every rule.
///
/// Starts two servers on loopback, joins one over real WebRTC through a relay, and sets prompts and
/// mutes the camera all along, while things go wrong as the seed says: the relay cuts, swallows,
/// delays, loses and rebinds; a network is told to be gone, back, or another one, and the machine to
/// sleep; the servers send the session to each other, or where nobody takes it, are emptied,
/// restarted, and die. Then judges what was seen: acknowledged prompts from the decoded pictures,
/// muting, the order of states and events, moves, recovery in time, and that nothing is left
/// running. The exit status is 0 only if every rule that could be checked held. The same seed gives
/// the same faults, turns of the servers and wishes, in this version; in another one it may give
/// others.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Chaos {
    #[command(flatten)]
    pub(crate) input: Input,
    /// How long the faults go on, the time to recover from the last one included.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(20..=3600))]
    pub(crate) seconds: u32,
    /// The seed of all that happens; without it a new one, which is printed.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Where the timeline and logs go; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "offhook-chaos")]
    pub(crate) out: PathBuf,
    /// Events and a last summary as JSON lines on stdout, and nothing else there.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Run the reference server.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Serve {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7117")]
    pub(crate) bind: String,
    /// Sign credentials with the text of this file. Without it, a random key that ends with the process.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Also answer to this host name; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// How long a lost member's place is kept, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 25.0, value_parser = seconds)]
    pub(crate) resume_window: f64,
    /// Also print a credential of a guest that may do more; may be given several times. A moderator mutes,
    /// removes, and ends for everybody; a director steers what everybody sees.
    #[arg(long, value_name = "ROLE", value_enum)]
    pub(crate) guest: Vec<Guest>,
    /// The largest picture and the highest rate that the studio asks for.
    #[arg(long, value_name = "WIDTHxHEIGHT@FPS", default_value = "1280x720@30", value_parser = video)]
    pub(crate) video: VideoWish,
}

/// Who is let in beside the guest that may do what everybody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Guest {
    // As above: what each does stands at the option.
    Moderator,
    Director,
}

/// Join a session on a server, and keep it until Ctrl-C.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = PAUSE)]
pub(crate) struct Join {
    /// The server, for instance ws://127.0.0.1:7117/session.
    pub(crate) url: String,
    /// The session, as KIND/ID.
    #[arg(long, value_name = "KIND/ID", default_value = "studio/1", value_parser = session)]
    pub(crate) session: (String, String),
    /// Who or what to join with; of the reference server `studio`, `echo`, which says what it hears,
    /// or `room`. Without it `room` for sessions of the kinds room and call, and `studio` for others.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// The credential. Better in the environment, where `ps` does not show it.
    #[arg(long, env = "OFFHOOK_CREDENTIAL", hide_env_values = true)]
    pub(crate) credential: Option<String>,
    /// The first prompt. Each line of stdin is the next one; with a persona it is said to it, and in a room
    /// to the others.
    #[arg(long)]
    pub(crate) prompt: Option<String>,
    #[command(flatten)]
    pub(crate) input: Input,
    /// Leave after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) seconds: Option<f64>,
    /// What Ctrl-Z does to the session.
    #[arg(long, value_enum, default_value_t = OnSuspend::Pause)]
    pub(crate) on_suspend: OnSuspend,
    /// Write the last returned picture into this PNG on leaving; in a room, that of another member.
    #[arg(long, value_name = "FILE")]
    pub(crate) snapshot: Option<PathBuf>,
    /// Events as JSON lines on stdout, and nothing else there.
    #[arg(long)]
    pub(crate) json: bool,
    /// Trust the certificates in this PEM file as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
    /// Join over plain `ws` on another machine as well: everybody on the way can read the credential and
    /// take the session over. Only on a line that is protected otherwise.
    #[arg(long)]
    pub(crate) dangerous_allow_plain_ws: bool,
    #[command(flatten)]
    pub(crate) devices: Devices,
}

/// What becomes of a session that is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnSuspend {
    // What each does stands under the options; words here would stretch the whole page.
    Pause,
    Leave,
}

impl From<OnSuspend> for SuspendPolicy {
    fn from(wanted: OnSuspend) -> Self {
        match wanted {
            OnSuspend::Pause => Self::Pause,
            OnSuspend::Leave => Self::Leave,
        }
    }
}

/// A number of seconds between a tenth and an hour.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    if (0.1..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("between 0.1 and 3600 seconds".into()) }
}

fn session(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok((kind.into(), id.into())),
        _ => Err("a session is KIND/ID, for instance studio/1".into()),
    }
}

fn video(text: &str) -> Result<VideoWish, String> {
    let numbers = text.split_once('@').and_then(|(size, fps)| {
        let (width, height) = size.split_once('x')?;
        VideoWish::new(width.parse().ok()?, height.parse().ok()?, fps.parse().ok()?)
    });
    numbers.ok_or_else(|| {
        "it is WIDTHxHEIGHT@FPS, for instance 640x360@25: sides of 16 to 16384, 1 to 240 a second".into()
    })
}

//! Everything about a server that its owner can set, and the limits that always hold.

use crate::assets::Loader;
use crate::studio::Recipe;
use crate::telemetry::TelemetryIntake;
use crate::token::Signer;
use offhook_signaling::IceServer;
use offhook_signaling::limits::PROMPT_BYTES;
use offhook_transport::media::VideoWish;
use std::net::SocketAddr;
use std::time::Duration;

/// Sizes and times that hold whatever comes from outside. What is beyond one is refused with a
/// typed error and nothing else changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that have not shown a credential yet; with one more the oldest of them is sent
    /// away, so that slow ones cannot keep others out (S8).
    pub sockets_before_auth: usize,
    /// Time until the first frame of a socket must be there, and before that as much again for
    /// the HTTP part (S8).
    pub first_frame: Duration,
    /// Sessions at once.
    pub sessions: usize,
    /// Members of one session; 256 at most, whatever this says, since a roster has no more.
    pub members: usize,
    /// Frames a member may send in a second, and in a burst four times that (S10). Clients keep to the
    /// default by themselves; with less here a busy one loses its link.
    pub frames_per_second: u32,
    /// Bytes of messages to the others that a member may have passed on in a second, each counted once however
    /// many hear it; at once eight times that, and a whole frame in any case (S10). What is beyond it goes to
    /// nobody, and its sender is told; those who hear have lines of their own, and the slowest of them is to
    /// keep up.
    pub message_bytes_per_second: u32,
    /// Longest prompt, in bytes; the wire itself ends at 8 KiB, and so does this by default. A longer one
    /// is refused with the number.
    pub prompt: usize,
    /// Longest picture edge that is repainted, in pixels. Of a larger picture nothing comes back; its
    /// member is told `paused` until they fit again.
    pub edge: usize,
    /// Presence links at once.
    pub presences: usize,
    /// Devices of one user that hear of rings.
    pub devices: usize,
    /// Rings at once.
    pub rings: usize,
    /// Rings of one user at once, each way; 16 at most.
    pub rings_of_a_user: usize,
    /// Rings that one user may place within a minute.
    pub rings_per_minute: usize,
    /// Rejoins that are let in within a second; the others are told when to come (E10).
    pub rejoins_per_second: usize,
    /// Joins that wait in the queue; who comes when so many wait is told to come later (F07).
    pub queue: usize,
    /// Longest wait in the queue.
    pub queue_wait: Duration,
    /// Longest that what a session needs may take to load (F57).
    pub loading: Duration,
    /// Sessions that were made by name and are kept, with or without anybody in them.
    pub kept_sessions: usize,
    /// Watchers and directors of all sessions together.
    pub watchers: usize,
    /// Batches of telemetry that a member may send within a minute, and at once; with none it is
    /// not asked for any. A client sends six. What is beyond it is dropped and counted.
    pub telemetry_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets_before_auth: 256,
            first_frame: Duration::from_secs(5),
            sessions: 256,
            members: 32,
            frames_per_second: offhook_signaling::limits::FRAMES_PER_SECOND,
            message_bytes_per_second: offhook_signaling::limits::MESSAGE_BYTES_PER_SECOND,
            prompt: PROMPT_BYTES,
            edge: 1920,
            presences: 4096,
            devices: 8,
            rings: 4096,
            rings_of_a_user: 16,
            rings_per_minute: 60,
            rejoins_per_second: 50,
            queue: 1024,
            queue_wait: Duration::from_secs(600),
            loading: Duration::from_secs(120),
            kept_sessions: 256,
            watchers: 1024,
            telemetry_per_minute: 12,
        }
    }
}

impl Limits {
    /// What the studio makes of a prompt, whoever says it: a member or its director.
    ///
    /// # Errors
    /// Why it is refused and what would be taken, in words.
    pub(crate) fn read_prompt(&self, text: &str) -> Result<Recipe, String> {
        if text.len() > self.prompt {
            return Err(format!("a prompt has at most {} bytes; shorten it", self.prompt));
        }
        Recipe::read(text).map_err(|error| error.to_string())
    }
}

/// What a studio can repaint on one core, and what its bit rate is enough for.
const STUDIO_VIDEO: VideoWish = match VideoWish::new(1280, 720, 30) {
    Some(wish) => wish,
    None => panic!("every side and the rate are within bounds"),
};

/// How a server behaves.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) bind: String,
    pub(crate) signer: Option<Signer>,
    pub(crate) limits: Limits,
    pub(crate) resume_window: Duration,
    pub(crate) media_bind: Vec<SocketAddr>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) ice_servers: Vec<IceServer>,
    pub(crate) bitrate: u32,
    /// What the studio works best with.
    pub(crate) video: VideoWish,
    pub(crate) restart_spread: Duration,
    pub(crate) kick_life: Duration,
    pub(crate) one_instance: bool,
    pub(crate) node: Option<String>,
    pub(crate) elsewhere: Option<String>,
    pub(crate) max_duration: Option<Duration>,
    /// How long a user may do nothing.
    pub(crate) idle: Option<Duration>,
    /// Is media that flows as good as doing something?
    pub(crate) media_is_interaction: bool,
    /// The kinds there are; any where none is named.
    pub(crate) kinds: Vec<String>,
    pub(crate) assets: Option<Loader>,
    pub(crate) keep_sessions: Duration,
    pub(crate) director_grace: Duration,
    pub(crate) persist: Duration,
    pub(crate) telemetry: Option<TelemetryIntake>,
}

impl Config {
    /// Where telemetry goes, if anybody wants it.
    pub(crate) fn intake(&self) -> Option<&TelemetryIntake> {
        let wanted = self.limits.telemetry_per_minute > 0;
        self.telemetry.as_ref().filter(|intake| wanted && intake.is_open())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:0".into(),
            signer: None,
            limits: Limits::default(),
            resume_window: Duration::from_secs(25),
            media_bind: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            allowed_hosts: Vec::new(),
            ice_servers: Vec::new(),
            bitrate: 1_500_000,
            video: STUDIO_VIDEO,
            restart_spread: Duration::from_secs(8),
            kick_life: Duration::from_secs(600),
            one_instance: false,
            node: None,
            elsewhere: None,
            max_duration: None,
            idle: None,
            media_is_interaction: false,
            kinds: Vec::new(),
            assets: None,
            keep_sessions: Duration::from_secs(3600),
            director_grace: Duration::from_secs(10),
            persist: Duration::ZERO,
            telemetry: None,
        }
    }
}

/// The roster marks a silent member away after this much silence.
pub(crate) const AWAY_AFTER: Duration = Duration::from_secs(6);
/// A quiet link is pinged this often.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(2);
/// A slot is freed this long after the resume window.
pub(crate) const REAP_AFTER_WINDOW: Duration = Duration::from_secs(2);
/// How long a goodbye, an ending or a shutdown may take to reach the wire.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);
/// One who waits in the queue is asked this often whether it is still there.
pub(crate) const QUEUE_PING_EVERY: Duration = Duration::from_secs(30);
/// One far back in the queue hears of its place no oftener than this.
pub(crate) const QUEUE_WORD_EVERY: Duration = Duration::from_secs(1);
/// One who waits for a loading hears of it at least this often.
pub(crate) const LOADING_WORD_EVERY: Duration = Duration::from_secs(2);
/// A watcher is asked this often whether it is still there, and is gone when it says nothing for
/// three times as long.
pub(crate) const WATCHER_PING_EVERY: Duration = Duration::from_secs(10);
/// How long a ticket to another server is good.
pub(crate) const TICKET_LIFE: Duration = Duration::from_secs(60);
/// For so long after its start a server takes the sessions it does not know for those of its
/// life before; later they are merely unknown.
pub(crate) const RESTART_REMEMBERED: Duration = Duration::from_secs(120);
/// A credential that nobody refreshed is asked for at this part of its life. Clients refresh at
/// 80 % by themselves.
pub(crate) const ASK_CREDENTIAL_AT: f64 = 0.9;
/// A section that its client says is being sent and that brings nothing for this long is a fault.
pub(crate) const MEDIA_SILENT: Duration = Duration::from_secs(5);

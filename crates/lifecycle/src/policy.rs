//! Every number the machine goes by, with its unit and its why, and the two functions of
//! chance: full jitter and the seeded source it draws from.

use std::time::Duration;

/// The limits of one session. Cheap to clone; fixed for the life of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub struct Policy {
    /// From a dial to the first answer of the far side. 5 s: a SYN lost twice is answered in 3 s.
    pub signaling_open: Duration,
    /// From the first answer to being let in. 5 s: nobody watches an empty screen for longer
    /// without a queue position or a progress step, and each of those restarts it.
    pub join_response: Duration,
    /// From being let in to media that carries. 10 s: ICE over a relay with loss takes several.
    pub media_path: Duration,
    /// The whole join, without time spent in a queue or with the network down. 30 s.
    pub whole_join: Duration,
    /// Dials of one join. 3: the fourth has never helped when the third did not.
    pub join_attempts: u8,
    /// Dials of one join that end with ICE never having connected. 2, then
    /// `MediaFailed(UdpBlocked)`: a third costs ten seconds and tells nothing new.
    pub ice_failures: u8,
    /// Between two signs of life that we ask for. 2 s, so that three fit in `silence`.
    pub ping: Duration,
    /// Signaling that was silent for this long is dead. 6 s, the shortest in the field.
    pub silence: Duration,
    /// Media without an answer to our own check for this long is dead. 5 s: one-way cuts and
    /// NAT rebinding are invisible otherwise, and consent (RFC 7675) ends only at 30 s.
    pub media_silence: Duration,
    /// A timer this late means that the process, not the link, was asleep: probe before judging.
    pub stall: Duration,
    /// Stalls in a row that excuse a plane's silence. 2: the first call after a stall fires what is
    /// due before it is fed what came meanwhile, so the answer to one probe is heard after the next;
    /// without an end a process that always stalls would keep a dead link for ever.
    pub stalls: u8,
    /// How long a probe of both planes may take after a wake or a stall. 2 s.
    pub probe: Duration,
    /// How long the far side keeps a lost link's place. 25 s; `Up` may say otherwise.
    pub resume_window: Duration,
    /// Resumes of one outage that the far side answered and that still failed. 4, then rejoin.
    pub resume_tries: u8,
    /// A resume that held for less than this counts as failed. 5 s.
    pub short_resume: Duration,
    /// That many short resumes within `short_resume_span` make it a rejoin. 4.
    pub short_resumes: u8,
    /// See `short_resumes`. 60 s.
    pub short_resume_span: Duration,
    /// Backoff doubles from here, with full jitter. 300 ms.
    pub backoff_base: Duration,
    /// And no further than this. 5 s.
    pub backoff_cap: Duration,
    /// After a server's restart the first dial waits uniform(0, this), so that its clients do
    /// not come back as one. 8 s.
    pub restart_spread: Duration,
    /// How long after the far side closed its media connection to wait for the reason. 250 ms.
    pub ending_grace: Duration,
    /// Rejoins within `rejoin_span`. 10.
    pub rejoins: u8,
    /// See `rejoins`. 120 s.
    pub rejoin_span: Duration,
    /// Moves to another server within `hop_span`. 3: two servers must not play ball with us.
    pub hops: u8,
    /// See `hops`. 120 s.
    pub hop_span: Duration,
    /// How long a migration may take before it becomes a rejoin. 7 s.
    pub migration: Duration,
    /// Time spent away with the network up, over all outages since the last healthy stretch. 60 s.
    pub away: Duration,
    /// Time spent without a network. 120 s; `None` is for ever.
    pub offline: Option<Duration>,
    /// After how long `failed` ends by itself. `None`: a user decides. Bots set it.
    pub failed: Option<Duration>,
    /// How long all planes must be healthy before counters, windows and budgets start anew. 30 s.
    pub healthy: Duration,
    /// How long a ring rings, in both directions. 30 s; zero is for ever.
    pub ring: Duration,
    /// Rings about which nothing was heard for so long are asked about again. 5 s: a lost word
    /// then costs a caller no more than one ringing tone (F25).
    pub ring_ask: Duration,
    /// How long the far side may take to confirm an accept. 5 s.
    pub accept: Duration,
    /// How long goodbye, last telemetry and closing sockets may take. 1 s.
    pub goodbye: Duration,
    /// A command without progress for this long is reported as unconfirmed. 15 s.
    pub command: Duration,
    /// How long a credential provider may take while the dial's own deadline waits. 5 s.
    pub credential: Duration,
    /// How long to wait in a queue, when the join says that it waits. 10 min.
    pub queue: Duration,
    /// `NetworkUp` grants one dial at once per this. 10 s: a flapping interface must not dial.
    pub network_grant: Duration,
    /// `PathAlive` replaces a dial that is older than this. 500 ms.
    pub stale_dial: Duration,
    /// What to do when the machine is suspended, announced or seen.
    pub suspend: SuspendPolicy,
}

/// What to do when the machine is suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "trace", derive(serde::Serialize, serde::Deserialize))]
pub enum SuspendPolicy {
    /// Media and pings stop; on wake the link is probed and recovered.
    #[default]
    Pause,
    /// The session is left with the reason `Suspended`.
    Leave,
}

impl Default for Policy {
    fn default() -> Self {
        const fn ms(millis: u64) -> Duration {
            Duration::from_millis(millis)
        }
        Self {
            signaling_open: ms(5_000),
            join_response: ms(5_000),
            media_path: ms(10_000),
            whole_join: ms(30_000),
            join_attempts: 3,
            ice_failures: 2,
            ping: ms(2_000),
            silence: ms(6_000),
            media_silence: ms(5_000),
            stall: ms(2_000),
            stalls: 2,
            probe: ms(2_000),
            resume_window: ms(25_000),
            resume_tries: 4,
            short_resume: ms(5_000),
            short_resumes: 4,
            short_resume_span: ms(60_000),
            backoff_base: ms(300),
            backoff_cap: ms(5_000),
            restart_spread: ms(8_000),
            ending_grace: ms(250),
            rejoins: 10,
            rejoin_span: ms(120_000),
            hops: 3,
            hop_span: ms(120_000),
            migration: ms(7_000),
            away: ms(60_000),
            offline: Some(ms(120_000)),
            failed: None,
            healthy: ms(30_000),
            ring: ms(30_000),
            ring_ask: ms(5_000),
            accept: ms(5_000),
            goodbye: ms(1_000),
            command: ms(15_000),
            credential: ms(5_000),
            queue: ms(600_000),
            network_grant: ms(10_000),
            stale_dial: ms(500),
            suspend: SuspendPolicy::Pause,
        }
    }
}

impl Policy {
    /// The longest wait before try number `n` (0 is the first *repeat*): `base · 2ⁿ`, capped.
    pub fn backoff_ceiling(&self, n: u32) -> Duration {
        let factor = 1_u32.checked_shl(n.min(16)).unwrap_or(u32::MAX);
        self.backoff_base.saturating_mul(factor).min(self.backoff_cap)
    }
}

/// A small seeded source of chance (SplitMix64): the same seed and inputs replay exactly.
/// It spreads dials in time and decides nothing that must be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..=ceiling`, at nanosecond grain (full jitter).
    pub(crate) fn upto(&mut self, ceiling: Duration) -> Duration {
        let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        let scaled = (u128::from(self.next()) * (u128::from(nanos) + 1)) >> 64;
        Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanos).min(nanos))
    }
}

#[cfg(test)]
mod tests;

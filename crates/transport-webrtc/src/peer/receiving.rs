//! Incoming media: one task per remote track. It drains the engine's queue at once (that
//! queue drops silently when nobody reads), puts packets in order and frames together, and
//! asks for key frames, both when something was lost and when somebody wants one.

use super::asking::TOO_LATE;
use super::depacketize::Assembler;
use super::events::PeerEvent;
use super::handler::{Counters, Shared};
use super::reorder::{Reorder, Step};
use super::rtp::RtpPacket;
use super::sdp::codec_of_mime;
use super::{Intake, Peer};
use offhook_transport::media::{Codec, Kind, RemoteSink};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp;
use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

/// How long a lost packet of video is waited for: long enough for two retransmissions on a line as long as it
/// is, but for these bounds. A key frame in its place would take as long, and is larger.
const VIDEO_WAIT: Duration = Duration::from_millis(200);
const MOST_VIDEO_WAIT: Duration = TOO_LATE;
/// What is late in them beside the way: it is asked for when it is seen to be missing, and in turns.
const LATE: Duration = Duration::from_millis(60);
/// Sound is better with a hole than late.
const AUDIO_WAIT: Duration = Duration::from_millis(60);

impl Peer {
    /// Asks the far side for a key frame on a section; no more often than the settings say one goes out.
    pub fn request_key_frame(&self, mid: &str) {
        self.inner.shared.key_wish(mid).notify_one();
    }

    /// [`request_key_frame`](Self::request_key_frame), to be kept by whoever forwards this section.
    pub fn key_frame_asker(&self, mid: &str) -> KeyFrameAsker {
        KeyFrameAsker(self.inner.shared.key_wish(mid))
    }
}

/// Asks the far side for key frames on one section. It holds no peer open, and after the peer's end
/// it asks nobody. Cloning shares it.
#[derive(Clone, Debug)]
pub struct KeyFrameAsker(Arc<Notify>);

impl KeyFrameAsker {
    /// Asks for one; no more often than the settings say one goes out, so many may ask.
    pub fn ask(&self) {
        self.0.notify_one();
    }
}

pub(super) async fn run(
    shared: Arc<Shared>,
    track: Arc<dyn TrackRemote>,
    intake: Intake,
    key_frame_every: Duration,
) {
    // The engine announces a track before its first packet.
    let Some(TrackRemoteEvent::OnOpen(opened)) = track.poll().await else { return };
    let Some(names) = Names::of(&shared, opened.receiver_id).await else { return };
    let keys = names.kind == Kind::Video;
    let mut receiving = Receiving {
        counters: shared.counters(&names.mid, true),
        wish: shared.key_wish(&names.mid),
        sink: intake.sink.clone(),
        reorder: Reorder::new(AUDIO_WAIT),
        assembler: None,
        ssrc: opened.ssrc,
        asker: Asker::new(key_frame_every),
        announced: false,
        receiver: opened.receiver_id,
        names,
        intake,
        shared,
    };
    loop {
        let ask_at = receiving.asker.due();
        let deadline = receiving.reorder.deadline();
        tokio::select! {
            event = track.poll() => match event {
                Some(TrackRemoteEvent::OnRtpPacket(packet)) => receiving.packet(packet).await,
                Some(TrackRemoteEvent::OnEnded) | None => return,
                Some(_) => {}
            },
            () = until(deadline) => receiving.drain(),
            () = until(ask_at) => receiving.ask(&*track).await,
            () = wanted(&mut receiving.sink), if keys => receiving.asker.want(),
            () = receiving.wish.notified(), if keys => receiving.asker.want(),
        }
    }
}

/// How long a lost packet of video is waited for on a line of this round trip.
fn video_wait(round_trip: Option<Duration>) -> Duration {
    round_trip.map_or(VIDEO_WAIT, |known| (known * 2 + LATE).clamp(VIDEO_WAIT, MOST_VIDEO_WAIT))
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

async fn wanted(sink: &mut Option<RemoteSink>) {
    match sink {
        Some(sink) => poll_fn(|cx| sink.poll_key_frame_wanted(cx)).await,
        None => pending().await,
    }
}

/// What the far side calls things on this track.
struct Names {
    mid: String,
    kind: Kind,
    codecs: HashMap<u8, Codec>,
    /// The negotiation these are of.
    as_of: u64,
}

impl Names {
    async fn of(shared: &Shared, receiver: webrtc::rtp_transceiver::RTCRtpReceiverId) -> Option<Self> {
        let as_of = shared.negotiated.load(Ordering::Acquire);
        let pc = shared.inner()?.pc.clone();
        for transceiver in pc.get_transceivers().await {
            if transceiver.id() != usize::from(receiver) {
                continue;
            }
            let mid = transceiver.mid().await.ok().flatten()?;
            let parameters = transceiver.receiver().await.ok().flatten()?.get_parameters().await.ok()?;
            let codecs: HashMap<u8, Codec> = parameters
                .rtp_parameters
                .codecs
                .iter()
                .filter_map(|one| Some((one.payload_type, codec_of_mime(&one.rtp_codec.mime_type)?)))
                .collect();
            let kind = codecs.values().next()?.kind();
            return Some(Self { mid, kind, codecs, as_of });
        }
        None
    }
}

struct Receiving {
    shared: Arc<Shared>,
    intake: Intake,
    sink: Option<RemoteSink>,
    counters: Arc<Counters>,
    wish: Arc<Notify>,
    names: Names,
    receiver: webrtc::rtp_transceiver::RTCRtpReceiverId,
    reorder: Reorder,
    assembler: Option<Assembler>,
    ssrc: u32,
    asker: Asker,
    announced: bool,
}

impl Receiving {
    async fn packet(&mut self, packet: rtp::Packet) {
        let rtp::Packet { header, payload } = packet;
        let codec = match self.names.codecs.get(&header.payload_type) {
            Some(codec) => *codec,
            None => {
                // Perhaps of a negotiation since; looked up once each.
                if self.names.as_of == self.shared.negotiated.load(Ordering::Acquire) {
                    return;
                }
                let Some(names) = Names::of(&self.shared, self.receiver).await else { return };
                self.names = names;
                let Some(codec) = self.names.codecs.get(&header.payload_type) else { return };
                *codec
            }
        };
        if !self.announced {
            self.announced = true;
            let (mid, kind) = (self.names.mid.clone(), self.names.kind);
            self.shared.events.fact(PeerEvent::TrackAdded { mid, kind, codec });
        }
        if header.ssrc != self.ssrc {
            self.ssrc = header.ssrc;
            self.reorder = Reorder::new(AUDIO_WAIT);
            self.assembler = None;
        }
        if codec.kind() == Kind::Video {
            self.reorder.wait(video_wait(self.shared.round_trip.get()));
        }
        let packet = RtpPacket {
            codec,
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            marker: header.marker,
            ssrc: header.ssrc,
            payload,
        };
        self.reorder.push(packet, Instant::now());
        self.drain();
    }

    fn drain(&mut self) {
        let whole = self.sink.is_some() || self.intake.frames.is_some();
        while let Some(step) = self.reorder.pop(Instant::now()) {
            let packet = match step {
                Step::Packet(packet) => packet,
                Step::Gap => {
                    if let Some(assembler) = &mut self.assembler {
                        assembler.gap();
                    }
                    continue;
                }
            };
            if let Some(packets) = &self.intake.packets {
                packets(&self.names.mid, &packet);
                if packet.marker && !whole {
                    self.counters.frames.fetch_add(1, Ordering::Relaxed);
                }
            }
            if !whole {
                continue;
            }
            let codec = packet.codec;
            let assembler = self.assembler.get_or_insert_with(|| Assembler::new(codec));
            if assembler.codec() != codec {
                *assembler = Assembler::new(codec);
            }
            if let Some(frame) = assembler.push(&packet) {
                self.counters.frames.fetch_add(1, Ordering::Relaxed);
                if let Some(sink) = &self.sink {
                    sink.push(&frame);
                }
                if let Some(frames) = &self.intake.frames {
                    frames(&self.names.mid, &frame);
                }
            }
        }
        if self.assembler.as_ref().is_some_and(Assembler::needs_key) {
            self.asker.want();
        } else if self.assembler.is_some() {
            self.asker.satisfied_by_stream();
        }
    }

    async fn ask(&mut self, track: &dyn TrackRemote) {
        self.asker.asked();
        self.counters.key_requests.fetch_add(1, Ordering::Relaxed);
        let request = PictureLossIndication { sender_ssrc: 0, media_ssrc: self.ssrc };
        if track.write_rtcp(vec![Box::new(request)]).await.is_err() {
            tracing::trace!("a key frame request found no engine");
        }
    }
}

/// Asks at once, then at most every so often, for as long as the stream is broken.
struct Asker {
    every: Duration,
    wanted: bool,
    broken: bool,
    last: Option<Instant>,
}

impl Asker {
    const fn new(every: Duration) -> Self {
        Self { every, wanted: false, broken: false, last: None }
    }

    fn want(&mut self) {
        self.wanted = true;
    }

    fn satisfied_by_stream(&mut self) {
        if std::mem::take(&mut self.broken) {
            self.wanted = false;
        }
    }

    fn asked(&mut self) {
        self.last = Some(Instant::now());
        self.wanted = false;
        self.broken = true;
    }

    fn due(&self) -> Option<Instant> {
        self.wanted.then(|| self.last.map_or_else(Instant::now, |last| last + self.every))
    }
}

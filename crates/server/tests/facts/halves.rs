//! A picture that stops in the middle, and pictures that are none, from the packets of one client
//! through the server to whom it is for (R19): nothing broken is handed on, a key frame is asked for
//! soon, everybody stays inside, and a silence is told.

use crate::raw::{Raw, Shot, payloads};
use crate::wire::{PATIENCE, server, settled};
use offhook_media::h264::Decoder;
use offhook_media::{Clip, I420, Next, Source};
use offhook_server::Server;
use offhook_signaling::{FromServer, MidRef};
use offhook_transport::media::EncodedFrame;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// A key frame is asked for at once, and again each half second; this is a busy machine's bound.
const SOON: Duration = Duration::from_secs(2);

/// Of times that are told in ticks, on two legs.
const ROUNDING: Duration = Duration::from_millis(2);

/// Where a picture of so many packets stops.
const STOPS: [fn(usize) -> usize; 3] = [|_| 1, |packets| packets / 2, |packets| packets - 1];

/// Ada publishes, and Bob receives her.
async fn room(server: &Server) -> (Raw, Raw) {
    let mut ada = Raw::enters(server, "room", "ada", 1, true).await;
    let mut bob = Raw::enters(server, "room", "bob", 2, false).await;
    let first = ada.shoots(true).await;
    let mut sent = vec![first];
    // The first may be out before there is a way to him.
    while bob.received.is_empty() {
        let key = ada.is_asked().await;
        sent.push(ada.shoots(key).await);
    }
    next_is_among(&mut bob, &sent).await;
    (ada, bob)
}

async fn next(raw: &mut Raw) -> EncodedFrame {
    timeout(PATIENCE, raw.received.recv()).await.expect("a frame in time").expect("it is inside")
}

async fn next_is_among(raw: &mut Raw, sent: &[Shot]) {
    let frame = next(raw).await;
    assert!(sent.iter().any(|shot| shot.frame.data == frame.data), "what was received was never sent");
}

/// Sends pictures until the newest was received: nothing is on its way, and nobody waits for a key frame.
async fn flows(from: &mut Raw, to: &mut Raw) {
    let mut sent = Vec::new();
    loop {
        let key = from.is_asked().await;
        sent.push(from.shoots(key).await);
        let newest = &sent[sent.len() - 1].frame.data;
        let found = timeout(Duration::from_millis(200), async {
            loop {
                let frame = next(to).await;
                if frame.data == *newest {
                    return;
                }
            }
        });
        if found.await.is_ok() {
            return;
        }
        assert!(sent.len() < 100, "nothing gets through");
    }
}

/// What comes after a picture that was left in the middle: pictures that are whole and of no use, until
/// a key frame is asked for; and that one is the next that is handed on.
async fn recovers(ada: &mut Raw, bob: &mut Raw, what: &str) {
    let left = Instant::now();
    let mut useless = Vec::new();
    ada.until_asked(&mut useless).await;
    let asked = left.elapsed();
    assert!(asked < SOON, "{what}: asked for a key frame after {asked:?}");
    let key = ada.shoots(true).await;
    let frame = next(bob).await;
    assert!(frame.key && frame.data == key.frame.data, "{what}: something else was handed on");
    assert!(ada.stays_on() && bob.stays_on(), "{what}: {:?} {:?}", ada.said(), bob.said());
}

// R19: the last packet is never sent, and the next picture begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_left_in_the_middle_is_not_handed_on_in_a_room() {
    let server = server().await;
    let (mut ada, mut bob) = room(&server).await;
    for is_key in [false, true] {
        for stops in STOPS {
            flows(&mut ada, &mut bob).await;
            ada.forgets().await;
            let (frame, _) = ada.films(is_key).await;
            let packets = payloads(&frame);
            assert!(packets.len() > 2, "a picture of {} packets", packets.len());
            let sent = stops(packets.len());
            ada.writes(&packets[..sent], false).await;
            let what = format!("key {is_key}, {sent} of {}", packets.len());
            recovers(&mut ada, &mut bob, &what).await;
        }
    }
    ada.peer.close().await;
    bob.peer.close().await;
    server.shutdown().await;
}

fn paused(message: &FromServer) -> bool {
    *message == FromServer::Paused(MidRef { mid: "0".into() })
}

fn sending(message: &FromServer) -> bool {
    *message == FromServer::Sending(MidRef { mid: "0".into() })
}

fn fault(message: &FromServer) -> bool {
    matches!(message, FromServer::MediaFault(_))
}

/// How often it was told so.
fn times(raw: &Raw, fits: fn(&FromServer) -> bool) -> usize {
    raw.said().iter().filter(|message| fits(message)).count()
}

// R19, R9: it never goes on; who receives it is told that nothing flows, and who sends it that nothing
// comes. Where it does go on, so does everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_never_goes_on_is_a_pause_that_is_told_in_a_room() {
    let server = server().await;
    let (mut ada, mut bob) = room(&server).await;
    for is_key in [false, true] {
        flows(&mut ada, &mut bob).await;
        settled("it is told that it flows", || times(&bob, sending) > times(&bob, paused)).await;
        let before = (times(&bob, paused), times(&ada, fault), times(&bob, sending));
        let (frame, _) = ada.films(is_key).await;
        let packets = payloads(&frame);
        ada.writes(&packets[..packets.len() / 2], false).await;
        settled("the pause", || times(&bob, paused) > before.0).await;
        settled("the fault", || times(&ada, fault) > before.1).await;
        assert!(bob.received.is_empty(), "half a picture was handed on");
        assert!(ada.stays_on() && bob.stays_on(), "{:?} {:?}", ada.said(), bob.said());
        let key = ada.shoots(true).await;
        assert_eq!(next(&mut bob).await.data, key.frame.data);
        settled("it flows again", || times(&bob, sending) > before.2).await;
    }
    ada.peer.close().await;
    bob.peer.close().await;
    server.shutdown().await;
}

/// What the studio returns of whose pictures.
struct Returned {
    decoder: Decoder,
    /// The RTP time of a picture that was sent, and when it was shown where it came back.
    base: Option<(u32, Duration)>,
}

impl Returned {
    /// The next one: when it was sent, counted from the picture that the count began with, and what
    /// it looks like.
    async fn next(&mut self, ada: &mut Raw) -> (Duration, I420) {
        loop {
            let frame = next(ada).await;
            let picture = self.decoder.decode_frame(&frame).expect("the studio returns what can be decoded");
            if let Some(picture) = picture {
                return (frame.pts, picture);
            }
        }
    }

    /// Sends pictures until one of them is back, which shows what it showed.
    async fn flows(&mut self, ada: &mut Raw) {
        let mut sent: Vec<Shot> = Vec::new();
        loop {
            let key = ada.is_asked().await;
            sent.push(ada.shoots(key).await);
            let newest = &sent[sent.len() - 1];
            // Everything that is on its way comes back, or is left out, before the next is sent.
            let mut back = None;
            while let Ok(found) = timeout(Duration::from_millis(300), self.next(ada)).await {
                back = Some(found);
            }
            if let Some((pts, picture)) = back.filter(|(_, picture)| is_like(picture, &newest.picture)) {
                assert_eq!(picture.width(), newest.picture.width());
                self.base = Some((newest.at, pts));
                return;
            }
            assert!(sent.len() < 100, "nothing comes back");
        }
    }

    /// When a picture of this RTP time is shown.
    fn shown(&self, at: u32) -> Duration {
        let (base, pts) = self.base.expect("pictures flowed");
        pts + Duration::from_micros(u64::from(at.wrapping_sub(base)) * 1_000 / 90)
    }
}

/// Encoded twice, and of the same look; two pictures of the pattern that are far apart are not.
fn is_like(one: &I420, other: &I420) -> bool {
    one.psnr(other).is_ok_and(|psnr| psnr > 22.0)
}

// R19: the studio paints nothing of it, nor of what would need it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_left_in_the_middle_is_not_painted() {
    let server = server().await;
    let mut ada = Raw::enters(&server, "studio", "ada", 1, true).await;
    let mut returned = Returned { decoder: Decoder::new().expect("it is built in"), base: None };
    for is_key in [false, true] {
        for stops in STOPS {
            returned.flows(&mut ada).await;
            ada.forgets().await;
            let (frame, _) = ada.films(is_key).await;
            let packets = payloads(&frame);
            let sent = stops(packets.len());
            ada.writes(&packets[..sent], false).await;
            let what = format!("key {is_key}, {sent} of {}", packets.len());
            let left = Instant::now();
            let mut useless = Vec::new();
            ada.until_asked(&mut useless).await;
            let asked = left.elapsed();
            assert!(asked < SOON, "{what}: asked for a key frame after {asked:?}");
            let key = ada.shoots(true).await;
            let (pts, picture) = returned.next(&mut ada).await;
            let least = returned.shown(key.at);
            assert!(
                pts + ROUNDING >= least,
                "{what}: {pts:?} is before the key frame, which is of {least:?}"
            );
            assert!(is_like(&picture, &key.picture), "{what}: {:?} dB", picture.psnr(&key.picture));
            assert!(ada.stays_on(), "{what}: {:?}", ada.said());
        }
    }
    ada.peer.close().await;
    server.shutdown().await;
}

// R19, R9
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_never_goes_on_is_a_pause_that_is_told_by_the_studio() {
    let server = server().await;
    let mut ada = Raw::enters(&server, "studio", "ada", 1, true).await;
    let mut returned = Returned { decoder: Decoder::new().expect("it is built in"), base: None };
    returned.flows(&mut ada).await;
    settled("it paints", || times(&ada, sending) == 1).await;
    let (frame, _) = ada.films(false).await;
    let packets = payloads(&frame);
    ada.writes(&packets[..packets.len() / 2], false).await;
    settled("the pause", || times(&ada, paused) == 1).await;
    settled("the fault", || times(&ada, fault) == 1).await;
    assert!(ada.received.is_empty(), "half a picture was painted");
    assert!(ada.stays_on(), "{:?}", ada.said());
    returned.flows(&mut ada).await;
    settled("it paints again", || times(&ada, sending) == 2).await;
    ada.peer.close().await;
    server.shutdown().await;
}

/// Payloads of VP8 (RFC 7741 section 4.2), a picture each: large ones and such as are one packet.
fn vp8() -> Vec<Vec<Vec<u8>>> {
    let film = include_bytes!("../../../media/assets/bunny-640x360-25fps.vp8.ivf");
    let mut film = Clip::from_bytes("film.ivf", film.as_slice().into()).expect("a film of another codec");
    let large: Vec<Vec<u8>> = (0..8)
        .map(|_| match film.next_frame(false) {
            Ok(Next::Frame(frame)) => frame.data.to_vec(),
            other => panic!("a film is longer than that: {other:?}"),
        })
        .collect();
    // Nothing in the packets of the small ones shows that they are no whole pictures.
    let small = large.iter().skip(1).map(|picture| picture[..picture.len().min(200)].to_vec());
    let pictures: Vec<_> = small.chain(large.iter().cloned()).collect();
    let payload = |(place, part): (usize, &[u8])| {
        let head = if place == 0 { 0x90 } else { 0x80 };
        [&[head, 0x80, 0x80, 1][..], part].concat()
    };
    pictures.iter().map(|picture| picture.chunks(1_000).enumerate().map(payload).collect()).collect()
}

// R19, bad input: agreed on as one codec and sent as another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_track_that_is_of_another_codec_than_it_says_is_not_handed_on_until_it_is() {
    let server = server().await;
    let (mut ada, mut bob) = room(&server).await;
    flows(&mut ada, &mut bob).await;
    ada.forgets().await;
    for picture in vp8() {
        ada.due().await;
        ada.writes(&picture, true).await;
    }
    recovers(&mut ada, &mut bob, "another codec").await;

    let mut cy = Raw::enters(&server, "studio", "cy", 3, true).await;
    let mut returned = Returned { decoder: Decoder::new().expect("it is built in"), base: None };
    returned.flows(&mut cy).await;
    cy.forgets().await;
    for picture in vp8() {
        cy.due().await;
        cy.writes(&picture, true).await;
    }
    cy.until_asked(&mut Vec::new()).await;
    let key = cy.shoots(true).await;
    let (pts, picture) = returned.next(&mut cy).await;
    let least = returned.shown(key.at);
    assert!(pts + ROUNDING >= least && is_like(&picture, &key.picture), "{pts:?} of {least:?}");
    assert!(cy.stays_on() && ada.stays_on() && bob.stays_on());
    for raw in [&ada, &bob, &cy] {
        raw.peer.close().await;
    }
    server.shutdown().await;
}

// F62, S10: a receiver that asks for a key frame ten times a second, for ever, costs the others one every two
// seconds; and who comes meanwhile has theirs as soon as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_asks_without_end_does_not_make_everybody_elses_picture_key_frames() {
    const LOOKED_AT: Duration = Duration::from_secs(8);
    let server = server().await;
    let mut ada = Raw::enters(&server, "room", "ada", 1, true).await;
    let bob = Raw::enters_greedy(&server, "bob", 2).await;
    ada.shoots(true).await;
    let begun = Instant::now();
    let (mut asked, mut pictures) = (0, 0u32);
    while begun.elapsed() < LOOKED_AT {
        bob.peer.request_key_frame("0");
        let key = ada.is_asked().await;
        asked += usize::from(key);
        ada.shoots(key).await;
        pictures += 1;
    }
    // Those that may be had at once, one every two seconds, and the one that lets him begin.
    let most = 6 + 4 + 1 + usize::try_from(begun.elapsed().as_secs() / 2).expect("short") - 4;
    assert!((2..=most).contains(&asked), "asked for {asked} key frames in {pictures} pictures");
    ada.forgets().await;
    let came = Instant::now();
    let mut cy = Raw::enters(&server, "room", "cy", 3, false).await;
    while cy.received.is_empty() {
        let key = ada.is_asked().await;
        ada.shoots(key).await;
    }
    assert!(next(&mut cy).await.key && came.elapsed() < SOON, "{:?}", came.elapsed());
    for raw in [ada, bob, cy] {
        raw.peer.close().await;
    }
    server.shutdown().await;
}

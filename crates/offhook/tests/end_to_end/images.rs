//! Images in the studio, end to end: seen in what comes back, carried by a join, kept over every
//! recovery, refused by name; and one that takes its time harms nothing (F03, F51, R14).

use crate::far_side::*;
use offhook::{
    CallingState, Change, ChangeOutcome, Clip, Event, Events, Join, JoinErrorKind, Joined, Plan, Policy,
    Session, SetError, StateItem, Unfit,
};
use offhook_media::{I420, Rgb};
use offhook_netrig::{Conditions, Direction, Rig};
use offhook_server::{Grants, Mint, Server};
use std::time::Duration;
use tokio::time::Instant;

const RED: [u8; 3] = [230, 10, 10];
const BLUE: [u8; 3] = [10, 10, 230];

/// A picture in one colour, as a PNG file.
pub(crate) fn png(colour: [u8; 3]) -> Vec<u8> {
    Rgb::filled(160, 90, colour).to_png()
}

/// A PNG file that is all noise, so that it is about three bytes a pixel.
fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut picture = Rgb::filled(width, height, BLUE);
    let mut state = 0x9e37_79b9_u32;
    for y in 0..height {
        for x in 0..width {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [_, red, green, blue] = state.to_be_bytes();
            picture.fill_rect(x, y, 1, 1, [red, green, blue]);
        }
    }
    picture.to_png()
}

/// What is seen where the studio lays the image: the middle of it, blue and red difference.
fn corner(picture: &I420) -> (u8, u8) {
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let at = (height * 4 / 5 * width + width * 4 / 5) as usize;
    (picture.u()[at], picture.v()[at])
}

fn is_red((u, v): (u8, u8)) -> bool {
    v > 180 && u < 128
}

fn is_blue((u, v): (u8, u8)) -> bool {
    u > 180 && v < 128
}

/// Waits for a returned picture with this in its corner. False if the session ended first.
pub(crate) async fn shows(session: &Session<Joined>, what: &str, fits: impl Fn((u8, u8)) -> bool) -> bool {
    let mut video = session.remote_video().await.expect("it has media").decoded();
    soon(what, async {
        while let Some(frame) = video.next().await {
            if fits(corner(&frame.picture)) {
                return true;
            }
        }
        false
    })
    .await
}

/// What is told from the moment on that it was joined.
async fn since_joined(session: &Session<Joined>) -> Events {
    let mut events = session.events();
    let joined = Event::StateChanged(CallingState::Joined);
    event("Joined", &mut events, |event| (*event == joined).then_some(())).await;
    events
}

/// How much of images was told of from here on, until a change has its result.
async fn uploads(events: &mut Events, result: &ChangeOutcome) -> Vec<(u64, u64)> {
    let mut told = Vec::new();
    event("the result", events, |event| match event {
        Event::Uploading { received, total, .. } => {
            told.push((*received, *total));
            None
        }
        Event::Change { outcome, .. } => (outcome == result).then_some(()),
        _ => None,
    })
    .await;
    told
}

/// F51: PNG and JPEG, under a prompt and without; clear; and what is kept is not sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_seen_in_the_returned_picture_until_it_is_cleared() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = idle(&client).join(Join::new().prompt("original").publish(Clip::sample()));
    let session = soon("the join", session).await.expect("the server is there");
    let mut events = since_joined(&session).await;
    assert!(shows(&session, "the plain picture", |seen| !is_red(seen) && !is_blue(seen)).await);

    let red = png(RED);
    soon("the ack", session.set_image(red.clone())).await.expect("a good image");
    let told = uploads(&mut events, &ChangeOutcome::Applied).await;
    assert_eq!(told.last(), Some(&(red.len() as u64, red.len() as u64)), "all of it arrived: {told:?}");
    assert!(shows(&session, "the red image", is_red).await);
    // A prompt does not touch it, and repaints it with the rest.
    soon("the ack", session.set_prompt("invert")).await.expect("a known word");
    assert!(shows(&session, "its inverse", |(u, v)| v < 80 && u > 128).await);
    assert_eq!(uploads(&mut events, &ChangeOutcome::Applied).await, [], "it was not sent again");

    // A JPEG file, and the prompt along with it, are one change.
    let blue = include_bytes!("images/blue.jpg");
    let both = Change::new().prompt("original").image(&blue[..]);
    soon("the ack", session.set(both)).await.expect("a good image");
    assert!(!uploads(&mut events, &ChangeOutcome::Applied).await.is_empty());
    assert!(shows(&session, "the blue image", is_blue).await);
    // The first one by its hash alone: the far side has it still.
    use sha2::Digest;
    let by_hash = Change::new().image_by_sha256(sha2::Sha256::digest(&red).into());
    soon("the ack", session.set(by_hash)).await.expect("it is kept");
    assert_eq!(uploads(&mut events, &ChangeOutcome::Applied).await, []);
    assert!(shows(&session, "the red image", is_red).await);

    soon("the ack", session.set(Change::new().clear_image())).await.expect("it can be cleared");
    assert!(shows(&session, "the plain picture", |seen| !is_red(seen) && !is_blue(seen)).await);
    soon("the release", session.leave().await.released()).await;
    server.shutdown().await;
}

/// F03, R14: the image is there before `Joined`, and no picture comes back without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_of_the_join_is_acked_before_joined_and_in_the_first_picture() {
    let server = server().await;
    let client = client(&server, "ada");
    let idle = idle(&client);
    let mut events = idle.events();
    let join = Join::new().prompt("original").image(png(RED)).publish(Clip::sample());
    let session = soon("the join", idle.join(join)).await.expect("a good image");
    assert!(!uploads(&mut events, &ChangeOutcome::Applied).await.is_empty(), "it went with the join");
    let mut video = session.remote_video().await.expect("it has media").decoded();
    for n in 0..10 {
        let frame = soon("a picture", video.next()).await.expect("the session goes on");
        assert!(is_red(corner(&frame.picture)), "picture {n} is without the image of the join");
    }
    soon("the release", session.leave().await.released()).await;
    server.shutdown().await;
}

/// F51, F08: each is refused by its name, with what would do; and the session lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_none_is_refused_with_what_would_do() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    // Seen here, before anything is sent.
    let unfit = |image: Vec<u8>| session.set_image(image);
    assert_eq!(soon("the refusal", unfit(Vec::new())).await, Err(SetError::Unfit(Unfit::EmptyImage)));
    let large = soon("the refusal", unfit(vec![0; 50 * 1024 * 1024])).await.expect_err("50 MB");
    let limit = 8 * 1024 * 1024;
    assert_eq!(large, SetError::Unfit(Unfit::TooLarge { what: "image", limit }), "{large}");
    let address = soon("the refusal", session.set_image("https://example.com/cat.png")).await;
    let address = address.expect_err("nobody fetches it");
    assert!(address == SetError::Unfit(Unfit::Address) && address.to_string().contains("bytes"), "{address}");

    // Seen there.
    let mut bomb = png(RED);
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    let mut cut = png(RED);
    cut.truncate(60);
    for (image, word) in [
        (b"this is no picture".to_vec(), "PNG"),
        (bomb, "60000x60000"),
        (cut, "damaged"),
        (vec![0xff; 100_000], "PNG"),
    ] {
        let refused = soon("the refusal", session.set(Change::new().prompt("mirror").image(image))).await;
        let Err(SetError::Refused { item: StateItem::Image, text }) = &refused else { panic!("{refused:?}") };
        assert!(text.contains(word), "{text}");
    }
    let unknown = soon("the refusal", session.set(Change::new().image_by_sha256([7; 32]))).await;
    let Err(SetError::Refused { item: StateItem::Image, text }) = &unknown else { panic!("{unknown:?}") };
    assert!(text.contains("bytes"), "{text}");
    // Prompt and image were refused together: sepia is still in force, no image was laid in.
    assert!(shows(&session, "the sepia picture", |(u, v)| u.abs_diff(104) < 8 && v.abs_diff(152) < 8).await);
    soon("the ack", session.set_prompt("invert")).await.expect("it is as joined as before");
    drop(session.leave());

    // And of a join.
    for (image, text) in [(Vec::new(), None), (b"this is no picture".to_vec(), Some("PNG"))] {
        let joining = idle(&client).join(Join::new().image(image).publish(Clip::sample()));
        let error = soon("the refusal", joining).await.expect_err("no image");
        assert_eq!(error.kind(), JoinErrorKind::InitialStateRefused { item: StateItem::Image });
        assert!(text.is_none_or(|text| error.text().is_some_and(|said| said.contains(text))), "{error}");
        let (_, join) = error.into_parts();
        let again = soon("the join", idle(&client).join(join.image(png(BLUE)))).await.expect("a good one");
        drop(again.leave());
    }
    assert!(holds(|| server.census().members == 0).await, "{:?}", server.census());
    server.shutdown().await;
}

/// F51: who may not set a prompt may not set an image.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_without_the_right_to_prompt_sets_no_image() {
    let server = server().await;
    let grants = Grants { prompt: false, ..Grants::default() };
    let credential = server.mint(&Mint::user("ada").grants(grants)).expect("its key signs");
    let client =
        offhook::Client::new(offhook::WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let session = soon("the join", idle(&client).join(Join::new())).await.expect("a plain join");
    let refused = soon("the refusal", session.set_image(png(RED))).await;
    assert!(matches!(refused, Err(SetError::Refused { item: StateItem::Image, .. })), "{refused:?}");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// The line of `line`, and an image that is on its way over it.
struct Slow {
    server: Server,
    tcp: offhook_netrig::TcpRelay,
    client: offhook::Client,
    _net: Rig,
}

impl Slow {
    async fn new(policy: Policy) -> Self {
        Self::to(server().await, policy).await
    }

    async fn to(server: Server, policy: Policy) -> Self {
        let net = Rig::new(7);
        let tcp = net.tcp(server.address()).await.expect("loopback has a free port");
        let credential = server.mint(&Mint::user("ada")).expect("its key signs");
        let transport = offhook::WebRtc::new(server.url()).via(tcp.addr());
        let client =
            offhook::Client::new(transport).credential(credential.expose().to_owned()).policy(policy);
        Self { server, tcp, client, _net: net }
    }

    /// 512 kb/s, each way, with a buffer as a modem has it.
    fn slow_down(&self) {
        self.tcp.set(Direction::Both, Conditions::clear().rate(64_000).queue(32 * 1024));
    }
}

/// F51, R9, R14, R15: over a line of 512 kb/s an image takes its time; nothing rings, nothing waits
/// behind it for long, and it outlasts the deadline of a change and of a join many times over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_image_on_a_slow_line_raises_no_alarm_and_keeps_nothing_waiting() {
    // A third of the fifteen seconds, as the image is a tenth of 5 MB.
    let policy = Policy { command: Duration::from_secs(4), ..Policy::default() };
    let slow = Slow::new(policy).await;
    let session = joined(&slow.client, "7").await;
    let mut events = since_joined(&session).await;
    slow.slow_down();
    let image = noise(450, 400);
    assert!(image.len() > 500_000);
    let began = Instant::now();
    let setting = session.set(Change::new().prompt("original").image(image));
    // What is small goes between the pieces of what is large.
    let asked = Instant::now();
    soon("the receipt", session.send("chat", "are you there?")).await.expect("it is taken meanwhile");
    println!("a message beside the image took {:?}", asked.elapsed());
    soon("the ack", setting).await.expect("it arrives in the end");
    let took = began.elapsed();
    println!("half a megabyte at 512 kb/s took {took:?}");
    assert!(took > Duration::from_secs(8), "the line was slow: {took:?}");
    assert!(asked.elapsed() < took + Duration::from_secs(1));
    let mut told = 0;
    event("the result", &mut events, |event| match event {
        Event::LinkLost { .. } | Event::StateChanged(_) => panic!("alarmed: {event:?}"),
        Event::Uploading { .. } => {
            told += 1;
            None
        }
        Event::Change { outcome, .. } => {
            assert_eq!(*outcome, ChangeOutcome::Applied);
            Some(())
        }
        _ => None,
    })
    .await;
    assert!((20..=100).contains(&told), "told a percent at a time: {told}");
    soon("the release", session.leave().await.released()).await;
    slow.client.shutdown().await;
    slow.server.shutdown().await;
}

/// F03, R14: a join that carries it takes as long as it does, past the deadlines of a dial.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_with_a_large_image_outlasts_its_deadlines_while_pieces_arrive() {
    let policy = Policy {
        media_path: Duration::from_secs(4),
        whole_join: Duration::from_secs(8),
        ..Policy::default()
    };
    let slow = Slow::new(policy).await;
    slow.slow_down();
    let idle = idle(&slow.client);
    let mut events = idle.events();
    let began = Instant::now();
    let joining = idle.join(Join::new().image(noise(480, 420)).publish(Clip::sample()));
    let session = soon("the join", joining).await.expect("no deadline ends it while it moves");
    assert!(began.elapsed() > Duration::from_secs(8), "it took longer than the whole join may");
    let first = event("the dial", &mut events, |event| match event {
        Event::Attempt(attempt) => Some(attempt.error),
        _ => None,
    })
    .await;
    assert_eq!(first, None, "in one dial");
    drop(session.leave());
    slow.client.shutdown().await;
    slow.server.shutdown().await;
}

/// F51, R14, C17: cut in the middle of it, a resumed link goes on where the old one was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_cut_goes_on_after_the_resume_where_it_was() {
    let slow = Slow::new(Policy::default()).await;
    let session = joined(&slow.client, "7").await;
    let mut events = since_joined(&session).await;
    slow.slow_down();
    let image = noise(300, 300);
    let total = image.len() as u64;
    let setting = session.set_image(image);
    let before = event("half of it", &mut events, |event| match event {
        Event::Uploading { received, .. } => (*received > total / 2).then_some(*received),
        _ => None,
    })
    .await;
    slow.tcp.reset();
    slow.tcp.set(Direction::Both, Conditions::clear());
    let mut back = Vec::new();
    event("the result", &mut events, |event| match event {
        Event::Uploading { received, .. } => {
            back.push(*received);
            None
        }
        Event::Change { outcome, .. } => {
            assert_eq!(*outcome, ChangeOutcome::Applied);
            Some(())
        }
        _ => None,
    })
    .await;
    assert!(back.iter().all(|received| *received > before), "not from its beginning: {before} {back:?}");
    soon("the ack", setting).await.expect("it arrived");
    drop(session.leave());
    slow.client.shutdown().await;
    slow.server.shutdown().await;
}

/// F51, R14: a rejoin makes the session anew, with its image, which is not sent a second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rejoin_the_image_is_there_again_without_being_sent_again() {
    // A server that resumes nothing.
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let slow = Slow::to(server, Policy::default()).await;
    let session = joined(&slow.client, "7").await;
    let image = Change::new().prompt("original").image(png(RED));
    soon("the ack", session.set(image)).await.expect("a good image");
    assert!(shows(&session, "the red image", is_red).await);
    let mut events = since_joined(&session).await;
    assert!(!uploads(&mut events, &ChangeOutcome::Applied).await.is_empty(), "sent once");
    slow.tcp.reset();
    event("the rejoin", &mut events, |event| match event {
        Event::Recovered { plan, .. } => {
            assert_eq!(*plan, Plan::Rejoin);
            Some(())
        }
        Event::Uploading { .. } => panic!("it has it still"),
        _ => None,
    })
    .await;
    let mut video = session.remote_video().await.expect("it has media").decoded();
    for n in 0..10 {
        let frame = soon("a picture", video.next()).await.expect("the session goes on");
        assert!(is_red(corner(&frame.picture)), "picture {n} after the rejoin is without the image");
    }
    drop(session.leave());
    slow.client.shutdown().await;
    slow.server.shutdown().await;
}

/// Of a chunk's type and content, as PNG wants it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let turn = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc: u32, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| turn(crc)))
}

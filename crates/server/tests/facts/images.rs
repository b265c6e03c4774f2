//! Images: asked for where they are not there, acked when they can be shown, kept for the session
//! and handed over with it (F51, R14).

use crate::wire::{Member, Wire, desired, empty, goodbye, join, migrate, pong, server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offhook_media::Rgb;
use offhook_server::GoAwayCode;
use offhook_signaling::{
    Acked, Apply, Desired, FromClient, FromServer, ImageChunk, Item, Join, RefusalCode, Refused, limits,
};
use sha2::{Digest, Sha256};
use std::time::Duration;

pub(crate) struct File {
    sha256: String,
    bytes: Vec<u8>,
}

pub(crate) fn file(colour: [u8; 3]) -> File {
    named(Rgb::filled(64, 48, colour).to_png())
}

fn named(bytes: Vec<u8>) -> File {
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    File { sha256, bytes }
}

pub(crate) fn with_image(revision: u64, prompt: Option<&str>, file: &File) -> Desired {
    Desired { image: Some(file.sha256.clone()), ..desired(revision, prompt) }
}

pub(crate) fn set(id: u64, desired: Desired) -> FromClient {
    FromClient::Apply(Apply { id, desired })
}

fn piece(file: &File, from: usize, to: usize) -> FromClient {
    FromClient::ImageChunk(ImageChunk {
        sha256: file.sha256.clone(),
        offset: from as u64,
        total: file.bytes.len() as u64,
        bytes: STANDARD.encode(&file.bytes[from..to]),
    })
}

async fn asked(member: &mut Member) -> String {
    member
        .wire
        .until("need_image", |message| match message {
            FromServer::NeedImage(need) => Some(need.sha256),
            FromServer::Acked(acked) => panic!("acked without its image: {acked:?}"),
            _ => None,
        })
        .await
}

async fn received(member: &mut Member) -> u64 {
    member
        .wire
        .until("a receipt", |message| match message {
            FromServer::ImageChunkAck(ack) => Some(ack.received),
            _ => None,
        })
        .await
}

/// The answer to a state; it must need no image.
async fn answer(member: &mut Member) -> Result<Acked, Refused> {
    member
        .wire
        .until("an answer", |message| match message {
            FromServer::Acked(acked) => Some(Ok(acked)),
            FromServer::Refused(refused) => Some(Err(refused)),
            FromServer::NeedImage(need) => panic!("it was there: {need:?}"),
            _ => None,
        })
        .await
}

pub(crate) async fn send(member: &mut Member, file: &File) {
    member.wire.say(&piece(file, 0, file.bytes.len())).await;
}

async fn entered(server: &offhook_server::Server, user: &str, instance: u128) -> Member {
    let mut member = Wire::enter(server, user, instance).await;
    answer(&mut member).await.expect("the join's own state");
    member
}

// F51
#[tokio::test]
async fn an_image_that_is_not_there_is_asked_for_once_and_acked_when_it_is_whole() {
    let server = server().await;
    let mut ada = entered(&server, "ada", 1).await;
    let red = file([250, 0, 0]);
    ada.wire.say(&set(1, with_image(2, Some("sepia"), &red))).await;
    assert_eq!(asked(&mut ada).await, red.sha256);
    let half = red.bytes.len() / 2;
    ada.wire.say(&piece(&red, 0, half)).await;
    assert_eq!(received(&mut ada).await, half as u64);
    // A newer prompt with the same image waits with it, and does not begin anew.
    ada.wire.say(&set(2, with_image(3, Some("mirror"), &red))).await;
    pong(&mut ada, 1).await;
    ada.wire.say(&piece(&red, half, red.bytes.len())).await;
    assert_eq!(received(&mut ada).await, red.bytes.len() as u64);
    assert_eq!(answer(&mut ada).await, Ok(Acked { revision: 3, id: Some(2) }), "it covers the one before");
    // Kept for the session: whoever in it names it has it.
    let mut bob = entered(&server, "bob", 2).await;
    bob.wire.say(&set(1, with_image(2, None, &red))).await;
    assert_eq!(answer(&mut bob).await, Ok(Acked { revision: 2, id: Some(1) }));
    // And no longer than it.
    ada.wire.say(&goodbye()).await;
    bob.wire.say(&goodbye()).await;
    drop((ada.wire.rest().await, bob.wire.rest().await));
    empty(&server).await;
    let mut cid = entered(&server, "cid", 3).await;
    cid.wire.say(&set(1, with_image(2, None, &red))).await;
    assert_eq!(asked(&mut cid).await, red.sha256);
    server.shutdown().await;
}

// F51: refused together, and what was in effect still is.
#[tokio::test]
async fn a_bad_image_takes_its_prompt_with_it_and_a_bad_prompt_asks_for_no_image() {
    let server = server().await;
    let mut ada = entered(&server, "ada", 1).await;
    let red = file([250, 0, 0]);
    ada.wire.say(&set(1, with_image(2, Some("zorblax"), &red))).await;
    let refused = answer(&mut ada).await.expect_err("nobody knows that word");
    assert_eq!((refused.item, refused.code), (Item::Prompt, RefusalCode::NotUnderstood));

    let text = named(b"this is no picture".to_vec());
    ada.wire.say(&set(2, with_image(3, Some("sepia"), &text))).await;
    asked(&mut ada).await;
    send(&mut ada, &text).await;
    let refused = answer(&mut ada).await.expect_err("no picture");
    assert_eq!((refused.revision, refused.id), (3, Some(2)));
    assert_eq!((&refused.item, &refused.code), (&Item::Image, &RefusalCode::BadImage));
    assert!(refused.text.contains("PNG"), "{}", refused.text);

    let liar = File { sha256: "0".repeat(64), bytes: red.bytes.clone() };
    ada.wire.say(&set(3, with_image(4, None, &liar))).await;
    asked(&mut ada).await;
    send(&mut ada, &liar).await;
    let refused = answer(&mut ada).await.expect_err("another hash");
    assert!(refused.text.contains("hash"), "{}", refused.text);

    ada.wire.say(&set(4, with_image(5, None, &red))).await;
    asked(&mut ada).await;
    let total = limits::IMAGE_BYTES + 1;
    let large = ImageChunk { sha256: red.sha256.clone(), offset: 0, total, bytes: STANDARD.encode([0; 16]) };
    ada.wire.say(&FromClient::ImageChunk(large)).await;
    let refused = answer(&mut ada).await.expect_err("too large");
    assert!(refused.text.contains("8388608"), "{}", refused.text);
    // The next state stands on its own.
    ada.wire.say(&set(5, desired(6, Some("mirror")))).await;
    assert_eq!(answer(&mut ada).await, Ok(Acked { revision: 6, id: Some(5) }));
    server.shutdown().await;
}

// F03, R14, C17: asked for again on a new link, from where it was; and there again for a rejoin.
#[tokio::test]
async fn an_image_of_a_join_outlives_its_links() {
    let server = server().await;
    let red = file([250, 0, 0]);
    let first = Join { desired: with_image(4, Some("sepia"), &red), ..join("ada", 1) };
    let mut ada = Wire::enter_with(&server, first).await;
    assert_eq!(ada.joined.snapshot.applied, None, "nothing is in effect before its image is here");
    asked(&mut ada).await;
    let half = red.bytes.len() / 2;
    ada.wire.say(&piece(&red, 0, half)).await;
    assert_eq!(received(&mut ada).await, half as u64);

    let resume = ada.resume(2, &ada.joined.resume_secret.clone());
    let mut wire = Wire::dial(&server).await;
    wire.frames = ada.wire.lose();
    wire.say_once(&FromClient::Resume(resume)).await;
    ada.wire = wire;
    assert_eq!(asked(&mut ada).await, red.sha256);
    // From its beginning: what is there already is said at once.
    ada.wire.say(&piece(&red, 0, 10)).await;
    assert_eq!(received(&mut ada).await, half as u64);
    ada.wire.say(&piece(&red, half, red.bytes.len())).await;
    assert_eq!(answer(&mut ada).await, Ok(Acked { revision: 4, id: None }));

    let again = Join { epoch: 5, ..ada.join.clone() };
    let mut ada = Wire::enter_with(&server, again).await;
    assert_eq!(answer(&mut ada).await, Ok(Acked { revision: 4, id: None }), "not sent a second time");
    server.shutdown().await;
}

// F32, F51: the server that a session is drained to has its images before it comes.
#[tokio::test]
async fn a_drained_session_finds_its_image_on_the_other_server() {
    let (old, new) = (server().await, server().await);
    let red = file([250, 0, 0]);
    // More than one piece of the channel between the two.
    let noise: Vec<u8> = (0..120_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut padded = red.bytes.clone();
    padded.extend(noise);
    let padded = named(padded);
    let mut ada = entered(&old, "ada", 1).await;
    ada.wire.say(&set(1, with_image(5, Some("sepia"), &padded))).await;
    asked(&mut ada).await;
    for from in (0..padded.bytes.len()).step_by(limits::CHUNK_BYTES) {
        let to = (from + limits::CHUNK_BYTES).min(padded.bytes.len());
        ada.wire.say(&piece(&padded, from, to)).await;
    }
    answer(&mut ada).await.expect("what follows a PNG's end is not looked at");
    let drained = old.drain(&new.url(), Duration::from_secs(30), GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key").moved, 1);
    let ticket = ada
        .wire
        .until("go_away", |message| match message {
            FromServer::GoAway(go_away) => go_away.ticket,
            _ => None,
        })
        .await;
    let mut moved = migrate(&ada, &ticket);
    moved.desired = with_image(6, Some("sepia"), &padded);
    let mut wire = Wire::dial(&new).await;
    wire.say(&FromClient::Migrate(moved)).await;
    let joined = wire.joined().await;
    let mut ada = Member { wire, join: ada.join.clone(), joined };
    assert_eq!(answer(&mut ada).await, Ok(Acked { revision: 6, id: None }));
    drop(ada);
    old.shutdown().await;
    new.shutdown().await;
}

// S10: an image comes as fast as its line is; anything else as often is too much.
#[tokio::test]
async fn the_largest_image_is_taken_at_once_without_being_too_fast() {
    let server = server().await;
    let mut ada = entered(&server, "ada", 1).await;
    let mut bytes = file([250, 0, 0]).bytes;
    bytes.resize(limits::IMAGE_BYTES as usize, 7);
    let large = named(bytes);
    ada.wire.say(&set(1, with_image(2, None, &large))).await;
    asked(&mut ada).await;
    for from in (0..large.bytes.len()).step_by(limits::CHUNK_BYTES) {
        ada.wire.say(&piece(&large, from, from + limits::CHUNK_BYTES)).await;
        received(&mut ada).await;
    }
    assert_eq!(answer(&mut ada).await, Ok(Acked { revision: 2, id: Some(1) }));
    server.shutdown().await;
}

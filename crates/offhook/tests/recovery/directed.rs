//! What a director had painted is seen over every recovery, and until the member asks for something
//! else (F59).

use crate::far_side::*;
use crate::line::*;
use crate::moving::{DEADLINE, two};
use offhook::transport::media::Kind;
use offhook::webrtc::{Director, DirectorNews, WebRtc};
use offhook::{Joined, Session};
use offhook_server::{GoAwayCode, Grants, Mint, Server};
use std::time::Duration;

/// The whole of so many pictures that come from now on is grey.
async fn is_grey(session: &Session<Joined>) -> bool {
    let mut pictures = session.remote_video().await.expect("it has media").decoded();
    for _ in 0..20 {
        let frame = soon("a picture", pictures.next()).await.expect("the session goes on");
        let mut chroma = frame.picture.u().iter().chain(frame.picture.v());
        if !chroma.all(|chroma| chroma.abs_diff(128) <= 6) {
            return false;
        }
    }
    true
}

async fn becomes_grey(session: &Session<Joined>) {
    soon("the director's picture", async { while !is_grey(session).await {} }).await;
}

async fn greys(server: &Server) -> Director {
    let credential = server.mint(&Mint::user("backend").grants(Grants::DIRECTOR)).expect("its key signs");
    let mut director = WebRtc::new(server.url()).director("studio", "7", Some(&credential));
    assert!(matches!(soon("the seat", director.next()).await, Some(Ok(DirectorNews::Seen(_)))));
    director.steer(1, Some("greyscale"), None).expect("there is room");
    soon("the answer", async {
        while !matches!(director.next().await, Some(Ok(DirectorNews::Steered { members: 1, .. }))) {}
    })
    .await;
    director
}

/// F59, F60: a mute is no word about the prompt, and who joins late is painted as the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directors_prompt_outlives_a_mute_and_a_rejoin_and_holds_for_who_joins_late() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let line = Line::to(server).await;
    let mut ada = line.joined().await;
    let _director = greys(&line.server).await;
    becomes_grey(&ada.session).await;
    soon("the ack", ada.session.mute(Kind::Video)).await.expect("it can be muted");
    soon("the ack", ada.session.unmute(Kind::Video)).await.expect("and let go again");
    assert!(is_grey(&ada.session).await, "the mute undid the director's prompt");
    let grace = client(&line.server, "grace");
    let late = joined(&grace, "7").await;
    assert!(is_grey(&late).await, "she joined with sepia, and the director had said otherwise");
    line.net.cut();
    assert!(holds(|| line.server.census().members == 1).await, "the place is gone");
    line.net.restore().expect("the relays are there");
    ada.recovers().await;
    ada.pictures(20).await;
    assert!(is_grey(&ada.session).await, "the rejoin undid it");
    soon("the ack", ada.session.set_prompt("invert")).await.expect("it is known");
    soon("her own prompt", async { while is_grey(&ada.session).await {} }).await;
    assert!(is_grey(&late).await, "hers is nobody else's");
    drop(late.leave());
    grace.shutdown().await;
    line.end().await;
}

/// F59, F32: nor is another server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directors_prompt_goes_along_with_a_drain() {
    let (line, second) = two().await;
    let mut ada = line.joined().await;
    let _director = greys(&line.server).await;
    becomes_grey(&ada.session).await;
    let past = ada.told().len();
    let drained = line.server.drain(&second.url(), DEADLINE, GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key").moved, 1);
    assert!(ada.moved(past).await, "{:#?}", ada.told());
    ada.pictures(10).await;
    assert!(is_grey(&ada.session).await, "the move undid it");
    line.end().await;
    second.shutdown().await;
}

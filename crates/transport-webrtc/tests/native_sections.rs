//! What the far side asks for before it has answered anything.

mod native_common;

use native_common::hostile::{Guest, Hostile, JOINED};
use native_common::steered::Steered;
use native_common::*;
use offhook_signaling::FromClient;
use offhook_transport::media::{Codec, TrackSpec, local};
use offhook_transport::{Action, Event, Secret};
use offhook_transport_webrtc::native::WebRtc;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The sections of the offer that follows a question for this many.
async fn sections(audio: u32, video: u32) -> (usize, usize) {
    let (told, mut heard) = mpsc::channel(8);
    let far = Hostile::serve(move |mut guest: Guest| {
        let told = told.clone();
        async move {
            guest.hear().await;
            guest.say(JOINED).await;
            guest.say(format!(r#"{{"type":"need_sections","ack":0,"audio":{audio},"video":{video}}}"#)).await;
            while let Some(frame) = guest.hear().await {
                if frame.contains(r#""type":"offer""#) {
                    let _ = told.send(frame).await;
                }
            }
        }
    })
    .await;
    let mut line = Line::dial(&WebRtc::new(far.url()), join(Some(Secret::new("a-credential"))));
    line.until("the way in", |event| matches!(event, Event::Up(_))).await;
    let offer = timeout(PATIENCE, heard.recv()).await.expect("in time").expect("the link lives");
    line.connection.close();
    line.finish().await;
    (offer.matches("m=audio ").count(), offer.matches("m=video ").count())
}

// Design section 6: the server asks for an offer, with room for so many. The dial's own section
// is still unused then, and counts.
#[tokio::test]
async fn sections_asked_for_before_the_first_answer_are_in_the_offer_that_follows() {
    assert_eq!(sections(0, 1).await, (0, 1));
    assert_eq!(sections(1, 3).await, (1, 3));
}

// A number without measure is held to the limits of a session description.
#[tokio::test]
async fn more_sections_than_a_description_holds_are_not_made() {
    let (audio, video) = sections(4_000_000_000, 4_000_000_000).await;
    assert!(audio + video <= offhook_signaling::limits::SDP_SECTIONS, "{audio} and {video}");
}

// F60: a track that is taken back before its offer is answered leaves its section to the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_track_that_is_gone_before_its_answer_leaves_its_section_to_the_next() {
    let far = Steered::start().await;
    let ports = ports();
    let request = ports.on(join(Some(Secret::new("a.b.c"))));
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), request).await;
    // Reused or not, its label is another track's each time.
    for (round, label) in ["one", "two", "two", "three", "three", "three"].into_iter().enumerate() {
        let (_sender, short) = local(TrackSpec { codec: Codec::H264, label: label.into() });
        line.connection.act(Action::Publish(vec![ports.track.clone(), short])).expect("room");
        line.connection.act(Action::Publish(vec![ports.track.clone()])).expect("room");
        let (sender, kept) = local(TrackSpec { codec: Codec::H264, label: format!("kept {round}") });
        line.connection.act(Action::Publish(vec![ports.track.clone(), kept])).expect("room");
        let settled = async {
            while !sender.is_tapped() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, settled).await.expect("what is published last is sent");
    }
    let offers = far.heard().into_iter().filter_map(|(_, said)| match said {
        FromClient::Offer(offer) => Some(offer.sdp.as_str().matches("m=video ").count()),
        _ => None,
    });
    let most = offers.max().expect("there were offers");
    // That of the camera, of what came and went, and of what came while that offer was open.
    assert!(most <= 3, "{most} sections for two tracks");
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
}

// F60: with the reference server, one track after another is sent for more turns than there can be sections,
// whether the one before was answered or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_tracks_one_after_another_than_a_description_has_sections_are_all_sent() {
    let server = server().await;
    let ports = ports();
    let mut line = Line::joined(&WebRtc::new(server.url()), ports.on(join(Some(credential(&server))))).await;
    for turn in 0..offhook_signaling::limits::SDP_SECTIONS + 6 {
        let (_sender, short) = local(TrackSpec { codec: Codec::H264, label: "screen".into() });
        line.connection.act(Action::Publish(vec![ports.track.clone(), short])).expect("room");
        let (sender, kept) = local(TrackSpec { codec: Codec::H264, label: "screen".into() });
        line.connection.act(Action::Publish(vec![ports.track.clone(), kept])).expect("room");
        let mut look = tokio::time::interval(std::time::Duration::from_millis(2));
        let sent = async {
            while !sender.is_tapped() {
                tokio::select! {
                    _ = look.tick() => {}
                    Some(event) = line.connection.next() => line.said.push(event),
                }
            }
        };
        timeout(PATIENCE, sent)
            .await
            .unwrap_or_else(|_| panic!("turn {turn}; the link said {:?}", line.said));
    }
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    server.shutdown().await;
}

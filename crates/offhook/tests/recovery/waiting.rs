//! More tracks in a room than one member is sent at once (F62): those that wait for a place are told of as
//! such, once, over every way of coming back; and each comes when there is a place for it.

use crate::far_side::*;
use crate::rooms::in_room;
use crate::ways::{Stage, Way};
use futures_util::{FutureExt, StreamExt};
use offhook::transport::media::{Codec, LocalTrack, TrackSender, TrackSpec, local};
use offhook::{EncodedFrame, Event, Events, Join, Joined, RemoteTrack, Session, TrackId};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::interval;

/// What the server sends one member at once.
const MOST: usize = 32;

/// So many tracks of sound, under names by their numbers.
fn sounds(numbers: std::ops::Range<usize>) -> (Join, Vec<(TrackSender, LocalTrack)>) {
    let tracks: Vec<_> =
        numbers.clone().map(|_| local(TrackSpec { codec: Codec::Opus, label: String::new() })).collect();
    let named = numbers.zip(&tracks);
    let join = named.fold(Join::new(), |join, (n, (_, track))| join.publish_as(format!("{n:02}"), track));
    (join, tracks)
}

fn waiting(session: &Session<Joined>) -> BTreeSet<String> {
    let tracks = session.remote_tracks().into_iter();
    tracks.filter(|track| track.waits).map(|track| track.id.label().to_owned()).collect()
}

/// What was told of tracks since this was asked last: which of them came or went, and how.
fn told(events: &mut Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        match event {
            Event::TrackWaits(id) => told.push(format!("waits {}", id.label())),
            Event::TrackComes(id) => told.push(format!("comes {}", id.label())),
            Event::TrackAdded(track) => told.push(format!("+{}", track.id.label())),
            Event::TrackRemoved(track) => told.push(format!("-{}", track.id.label())),
            _ => {}
        }
    }
    told
}

/// Something of this track arrives, of which the others are fed as well.
async fn arrives(track: &mut RemoteTrack, senders: &[(TrackSender, LocalTrack)]) {
    let mut pace = interval(Duration::from_millis(20));
    let mut n = 0;
    let feeding = async {
        loop {
            pace.tick().await;
            n += 1;
            for (sender, _) in senders {
                sender.try_send(EncodedFrame {
                    codec: Codec::Opus,
                    data: vec![0xf8, 0xff, 0xfe].into(),
                    pts: Duration::from_millis(20) * n,
                    key: true,
                });
            }
        }
    };
    while track.next().now_or_never().is_some() {}
    let heard = soon("a packet of it", track.next());
    tokio::select! {
        frame = heard => assert!(frame.is_some(), "it goes on"),
        () = feeding => unreachable!("it is fed for ever"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tracks_beyond_what_one_member_is_sent_wait_and_come_when_there_is_a_place() {
    for way in Way::ALL {
        let stage = Stage::of(way).await;
        let (first, others) = (client(&stage.line.server, "bob"), client(&stage.line.server, "cy"));
        let (join, ours) = sounds(0..MOST / 2 + 1);
        let (bob, mut bobs) = in_room(&first, join).await;
        let (join, theirs) = sounds(MOST / 2 + 1..MOST + 2);
        let (cy, mut cys) = in_room(&others, join).await;
        let (ada, mut adas) = in_room(&stage.line.client, Join::new().viewer()).await;
        let all_told = async {
            while ada.remote_tracks().len() < MOST + 2 || waiting(&ada).len() < 2 {
                adas.next().await.expect("not before the end");
            }
        };
        soon("the tracks, and which of them wait", all_told).await;
        let last = [format!("{:02}", MOST), format!("{:02}", MOST + 1)].into();
        assert_eq!(waiting(&ada), last, "{way:?}: those that were published last");
        let id = |label: &str| {
            let found = ada.remote_tracks().into_iter().find(|track| track.id.label() == label);
            found.unwrap_or_else(|| panic!("`{label}` is in the list")).id
        };
        let handle = |id: &TrackId| ada.track(id).expect("it is in the list");
        let mut one = handle(&id("00"));
        let (mut last_but_one, mut last) = (handle(&id("32")), handle(&id("33")));
        arrives(&mut one, &ours).await;
        told(&mut adas);

        stage.happens(&mut [&mut adas, &mut bobs, &mut cys]).await;
        if way == Way::Move {
            // Elsewhere they are published in the order in which their members arrive.
            soon("as many that wait", async {
                while ada.remote_tracks().len() < MOST + 2 || waiting(&ada).len() != 2 {
                    adas.next().await.expect("not before the end");
                }
            })
            .await;
            let waits = waiting(&ada);
            let label = if waits.contains("00") { "02" } else { "00" };
            arrives(&mut handle(&id(label)), &ours).await;
            drop((ada.leave(), bob.leave(), cy.leave()));
            first.shutdown().await;
            others.shutdown().await;
            stage.end().await;
            continue;
        }
        arrives(&mut one, &ours).await;
        let again = told(&mut adas);
        assert_eq!(again, [] as [&str; 0], "{way:?}: who waits is known");

        // One goes, and the next one has its place.
        bob.unpublish("00").expect("it is published");
        let comes = event("the word that it comes", &mut adas, |event| match event {
            Event::TrackComes(id) => Some(id.clone()),
            Event::TrackWaits(id) => panic!("{way:?}: {id:?} waits"),
            _ => None,
        });
        assert_eq!(comes.await.label(), "32", "{way:?}: in the order of publication");
        arrives(&mut last_but_one, &theirs).await;
        assert_eq!(waiting(&ada), ["33".to_owned()].into(), "{way:?}");
        assert!(last.next().now_or_never().is_none(), "{way:?}: nothing comes of the one that waits");
        // All of somebody's go, and there is more room than is needed.
        drop(bob.leave());
        let comes = event("the word that the last one comes", &mut adas, |event| match event {
            Event::TrackComes(id) => Some(id.clone()),
            _ => None,
        });
        assert_eq!(comes.await.label(), "33");
        arrives(&mut last, &theirs).await;
        assert_eq!(waiting(&ada), BTreeSet::new());
        drop((ada.leave(), cy.leave()));
        first.shutdown().await;
        others.shutdown().await;
        stage.end().await;
    }
}

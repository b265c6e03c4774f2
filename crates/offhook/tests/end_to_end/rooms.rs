//! Rooms: what each member publishes is forwarded to the others, and each of them has a handle of it
//! that goes by whose it is (F60, F62, F63).

use crate::far_side::*;
use crate::ringing::{listening, next};
use futures_util::{FutureExt, StreamExt};
use offhook::transport::media::{Kind, TrackId, TrackReceiver};
use offhook::{
    Client, Clip, Event, Events, Join, JoinErrorKind, Joined, Played, PublishError, RemoteTrack, Ring,
    Session, Sound, TrackError, TrackInfo, WebRtc,
};
use offhook_media::DecodedFrames;
use offhook_media::h264::{EncoderOptions, Encoding};
use offhook_server::{Grants, Mint};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A member of the room, and what it was told.
struct Guest {
    client: Client,
    session: Session<Joined>,
    events: Events,
    names: HashMap<String, String>,
    tracks: HashMap<TrackId, TrackInfo>,
}

impl Guest {
    async fn comes(server: &offhook_server::Server, user: &str, join: Join) -> Self {
        let client = client(server, user);
        let idle = client.session("room", "7");
        let events = idle.events();
        let session = soon("the join", idle.join(join)).await.expect("this user is let in");
        Self { client, session, events, names: HashMap::new(), tracks: HashMap::new() }
    }

    /// Hears events until one fits.
    async fn hears<T>(&mut self, what: &str, fits: impl Fn(&Self, &Event) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let event = self.events.next().await.expect("not before the end");
                match &event {
                    Event::MemberJoined(member) | Event::MemberUpdated(member) => {
                        self.names.insert(member.id.clone(), member.name.clone());
                    }
                    Event::TrackAdded(track) => drop(self.tracks.insert(track.id.clone(), track.clone())),
                    Event::TrackRemoved(track) => drop(self.tracks.remove(&track.id)),
                    _ => {}
                }
                if let Some(found) = fits(self, &event) {
                    return found;
                }
            }
        })
        .await
    }

    fn known(&self, who: &str, kind: Kind) -> Option<TrackId> {
        let named = |id: &TrackId| self.names.get(id.member()).is_some_and(|name| name == who);
        self.tracks
            .values()
            .find(|track| track.kind == kind && named(&track.id))
            .map(|track| track.id.clone())
    }

    /// A handle of what this member publishes, once it is there.
    async fn track(&mut self, who: &str, kind: Kind) -> RemoteTrack {
        let id = match self.known(who, kind) {
            Some(id) => id,
            None => self.hears(&format!("{kind:?} of {who}"), |guest, _| guest.known(who, kind)).await,
        };
        self.session.track(&id).expect("it was just told of")
    }

    async fn video(&mut self, who: &str) -> DecodedFrames {
        self.track(who, Kind::Video).await.decoded()
    }

    /// A handle of the next track that is added under this label.
    async fn labelled(&mut self, label: &str) -> DecodedFrames {
        let added = |_: &Self, event: &Event| match event {
            Event::TrackAdded(track) if track.id.label() == label => Some(track.id.clone()),
            _ => None,
        };
        let id = self.hears(label, added).await;
        self.session.track(&id).expect("it was just told of").decoded()
    }

    async fn goes(self) {
        drop(self.session.leave());
        self.client.shutdown().await;
    }
}

/// Waits for pictures of this size; nothing of another one may come.
async fn pictures(video: &mut DecodedFrames, size: (u32, u32), many: usize) {
    for number in 0..many {
        let seen = soon("a picture", video.next()).await.expect("it is still published");
        assert_eq!((seen.picture.width(), seen.picture.height()), size, "picture {number}");
    }
}

fn tone(tenths: u32, number: u32) -> Sound {
    let samples: Vec<f32> = (0..tenths * 4_800)
        .map(|n| (n as f32 / 48_000.0 * 220.0 * (number + 1) as f32 * std::f32::consts::TAU).sin() / 2.0)
        .collect();
    Sound::from_samples(&samples, 48_000, 1).expect("a tone can be encoded")
}

/// Whether every packet of this sound is heard, in order, and no other sound.
async fn hears_out(heard: &mut TrackReceiver, sound: &Sound) {
    let whole = async {
        let mut right = 0;
        while right < sound.packets().len() {
            let frame = heard.next().await.expect("it is still published");
            match frame.data == sound.packets()[right].data {
                true => right += 1,
                false => assert!(frame.data.len() <= 8, "packet {right} is another one"),
            }
        }
    };
    soon("the whole sound", whole).await;
}

fn camera(size: (u32, u32)) -> Join {
    let pattern = Encoding::pattern(size.0, size.1, EncoderOptions::default());
    Join::new().publish(pattern.expect("a size that can be encoded"))
}

/// F62, F63: three members, each seen and heard by the others under their own name, bit for bit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_members_see_and_hear_each_other() {
    let server = server().await;
    let sizes = [("ada", (320, 240)), ("bob", (160, 120)), ("cy", (640, 360))];
    let mut guests = Vec::new();
    for (name, size) in sizes {
        let join = if name == "cy" { Join::new().publish(Clip::sample()) } else { camera(size) };
        guests.push(Guest::comes(&server, name, join.voice()).await);
    }
    for at in 0..guests.len() {
        for (who, size) in sizes.iter().filter(|(who, _)| *who != sizes[at].0) {
            let mut video = guests[at].video(who).await;
            pictures(&mut video, *size, 5).await;
        }
    }
    let sound = tone(6, 0);
    let mut ears = [
        guests[0].track("bob", Kind::Audio).await.into_track(),
        guests[2].track("bob", Kind::Audio).await.into_track(),
    ];
    for heard in &mut ears {
        soon("silence", heard.next()).await.expect("a voice is never silent on the wire");
    }
    let playing = guests[1].session.play_audio(sound.clone()).expect("it has a voice");
    for heard in &mut ears {
        hears_out(heard, &sound).await;
    }
    assert_eq!(soon("its end", playing).await, Played::Whole);
    for guest in &guests {
        assert_eq!(guest.session.remote_tracks().len(), 4, "two of each of the others, and none of its own");
    }
    assert_eq!(server.unforwarded(), 0, "there was room for every packet");
    for guest in guests {
        guest.goes().await;
    }
    server.shutdown().await;
}

/// F62: whoever comes late sees a picture at once, since its publisher is asked for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_late_sees_a_picture_at_once() {
    let server = server().await;
    let ada = Guest::comes(&server, "ada", Join::new().publish(Clip::sample())).await;
    let mut delays = Vec::new();
    for number in 0..3 {
        let mut bob = Guest::comes(&server, &format!("bob-{number}"), Join::new().viewer()).await;
        let began = Instant::now();
        let mut video = bob.video("ada").await;
        soon("a picture", video.next()).await.expect("it is published");
        delays.push(began.elapsed());
        bob.goes().await;
    }
    println!("from the join to the first picture: {delays:?}");
    // Generous for a machine that is busy; a picture that nobody asked for would be a second away or more.
    assert!(delays.iter().min().is_some_and(|best| *best < Duration::from_millis(300)), "{delays:?}");
    ada.goes().await;
    server.shutdown().await;
}

/// F53, F62: a viewer sees everybody and is seen by nobody, and a session in a studio has no tracks of
/// others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_receives_only_and_a_studio_forwards_nothing() {
    let server = server().await;
    let ada = Guest::comes(&server, "ada", camera((320, 240))).await;
    let mut bob = Guest::comes(&server, "bob", Join::new().viewer()).await;
    let mut video = bob.video("ada").await;
    pictures(&mut video, (320, 240), 3).await;
    assert_eq!(ada.session.remote_tracks(), []);
    let painted = Join::new().model("studio").publish(Clip::sample());
    let mut cy = Guest::comes(&server, "cy", painted).await;
    cy.hears("the roster", |_, event| matches!(event, Event::MemberJoined(_)).then_some(())).await;
    let mut own = soon("its picture", cy.session.remote_video()).await.expect("it has media").decoded();
    pictures(&mut own, (640, 360), 3).await;
    assert_eq!(cy.session.remote_tracks(), [], "nothing is forwarded to a studio");
    let nobody = TrackId::new("nobody", "video");
    assert_eq!(bob.session.track(&nobody).err(), Some(TrackError::NoSuchTrack(nobody)));
    let refused = bob.client.session("room", "8").join(Join::new().prompt("sepia"));
    let failed = soon("the refusal", refused).await.expect_err("nobody paints in a room");
    assert!(failed.to_string().contains("nobody paints in a room"), "{failed}");
    for guest in [ada, bob, cy] {
        guest.goes().await;
    }
    server.shutdown().await;
}

/// F60, R14: of a muted track nothing is forwarded, the others are told, and it comes back on the
/// same handle, with a picture that begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_muted_track_is_forwarded() {
    let server = server().await;
    let ada = Guest::comes(&server, "ada", Join::new().publish(Clip::sample()).voice()).await;
    let mut bob = Guest::comes(&server, "bob", Join::new().viewer()).await;
    let mut video = bob.track("ada", Kind::Video).await;
    let mut heard = bob.track("ada", Kind::Audio).await.into_track();
    for _ in 0..5 {
        soon("a picture", video.next()).await.expect("it is published");
    }
    soon("the ack", ada.session.mute(Kind::Video)).await.expect("pictures can be muted");
    let id = video.id().clone();
    bob.hears("the mute", |_, event| (*event == Event::TrackMuted(id.clone())).then_some(())).await;
    assert!(bob.session.remote_tracks().iter().all(|track| track.muted == (track.kind == Kind::Video)));
    // What was on its way has come by the time that sound played after the mute has.
    let sound = tone(3, 1);
    soon("its end", ada.session.play_audio(sound.clone()).expect("it has a voice")).await;
    hears_out(&mut heard, &sound).await;
    while video.next().now_or_never().is_some() {}
    let sound = tone(10, 2);
    soon("its end", ada.session.play_audio(sound.clone()).expect("it has a voice")).await;
    hears_out(&mut heard, &sound).await;
    assert!(video.next().now_or_never().is_none(), "a second of sound, and no picture");
    soon("the ack", ada.session.unmute(Kind::Video)).await.expect("and seen again");
    bob.hears("the unmute", |_, event| (*event == Event::TrackUnmuted(id.clone())).then_some(())).await;
    let first = soon("a picture", video.next()).await.expect("it is published");
    assert!(first.key, "it begins with a picture that needs no other");
    ada.goes().await;
    bob.goes().await;
    server.shutdown().await;
}

/// F64: what a moderator muted is not forwarded either, the others see that it is muted, and it comes
/// back once they let them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_track_that_a_moderator_muted_is_forwarded() {
    let server = server().await;
    let ada = Guest::comes(&server, "ada", Join::new().publish(Clip::sample()).voice()).await;
    let mut bob = Guest::comes(&server, "bob", Join::new().viewer()).await;
    let grants = Grants { publish: false, ..Grants::MODERATOR };
    let credential = server.mint(&Mint::user("cy").grants(grants)).expect("its key signs");
    let cy = Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned());
    let desk = soon("the join", cy.session("room", "7").join(Join::new().viewer())).await.expect("let in");
    let mut video = bob.track("ada", Kind::Video).await;
    let mut heard = bob.track("ada", Kind::Audio).await.into_track();
    soon("a picture", video.next()).await.expect("it is published");
    let id = video.id().clone();
    soon("the answer", desk.mute_member(id.member(), Kind::Video)).await.expect("it is done");
    bob.hears("the mute", |_, event| (*event == Event::TrackMuted(id.clone())).then_some(())).await;
    for (tenths, number) in [(3, 1), (8, 2)] {
        // What was on its way has come by the time that the first sound has.
        while video.next().now_or_never().is_some() {}
        let sound = tone(tenths, number);
        soon("its end", ada.session.play_audio(sound.clone()).expect("it has a voice")).await;
        hears_out(&mut heard, &sound).await;
    }
    assert!(video.next().now_or_never().is_none(), "sound, and no picture");
    soon("the answer", desk.let_unmute(id.member(), Kind::Video)).await.expect("it is done");
    soon("the ack", ada.session.unmute(Kind::Video)).await.expect("now she may");
    soon("a picture", video.next()).await.expect("it is published");
    drop(desk);
    cy.shutdown().await;
    ada.goes().await;
    bob.goes().await;
    server.shutdown().await;
}

/// F60: what is muted from the join on is never forwarded, not even its first picture.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_in_muted_is_not_seen_before_they_unmute() {
    let server = server().await;
    let mut bob = Guest::comes(&server, "bob", Join::new()).await;
    let join = Join::new().publish(Clip::sample()).voice().muted(Kind::Video);
    let ada = Guest::comes(&server, "ada", join).await;
    let mut video = bob.track("ada", Kind::Video).await;
    assert!(bob.tracks[video.id()].muted, "as it was added");
    let mut heard = bob.track("ada", Kind::Audio).await.into_track();
    soon("silence", heard.next()).await.expect("a voice is never silent on the wire");
    let sound = tone(6, 3);
    soon("its end", ada.session.play_audio(sound.clone()).expect("it has a voice")).await;
    hears_out(&mut heard, &sound).await;
    assert!(video.next().now_or_never().is_none());
    soon("the ack", ada.session.unmute(Kind::Video)).await.expect("and seen");
    soon("a picture", video.next()).await.expect("it is published");
    ada.goes().await;
    bob.goes().await;
    server.shutdown().await;
}

/// F62: who leaves is seen to be gone: the handles end after what they hold, and the sections that were
/// theirs are used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handles_of_who_leaves_end_and_their_sections_are_used_again() {
    let server = server().await;
    let mut bob = Guest::comes(&server, "bob", Join::new().viewer()).await;
    let mut sections = Vec::new();
    for (number, size) in [(320, 240), (160, 120), (176, 144)].into_iter().enumerate() {
        let name = format!("ada-{number}");
        let ada = Guest::comes(&server, &name, camera(size)).await;
        let mut video = bob.video(&name).await;
        pictures(&mut video, size, 3).await;
        let section = bob
            .hears("the section", |_, event| match event {
                Event::RemoteTrack { mid, sending: true, .. } => Some(mid.clone()),
                _ => None,
            })
            .await;
        sections.push(section);
        ada.goes().await;
        bob.hears("the end", |_, event| matches!(event, Event::TrackRemoved(_)).then_some(())).await;
        soon("the end of the handle", async { while video.next().await.is_some() {} }).await;
        assert_eq!(bob.session.remote_tracks(), []);
    }
    assert!(
        sections.iter().all(|mid| *mid == sections[0]),
        "one section for one after another: {sections:?}"
    );
    bob.goes().await;
    server.shutdown().await;
}

/// F20, F62: who is called sees and hears who calls, and the other way round; nobody named a model.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_between_the_two_of_them() {
    let server = server().await;
    let ada = client(&server, "ada");
    let (bob, mut rings) = listening(&server, "bob").await;
    let outgoing = ada.session("call", "9").ring(Ring::to(["bob"]).join(camera((320, 240))));
    let incoming = next(&mut rings).await;
    let accepting = incoming.accept(Join::new().publish(Clip::sample()));
    let (caller, callee) =
        soon("the session", async { tokio::join!(outgoing.into_future(), accepting) }).await;
    let (caller, callee) = (caller.expect("it is answered"), callee.expect("it is accepted"));
    for (session, size) in [(&caller, (640, 360)), (&callee, (320, 240))] {
        let mut events = session.events();
        let added = |event: &Event| match event {
            Event::TrackAdded(track) => Some(track.id.clone()),
            _ => None,
        };
        let id = event("the track", &mut events, added).await;
        pictures(&mut session.track(&id).expect("it is there").decoded(), size, 5).await;
    }
    drop((caller.leave(), callee.leave(), rings));
    soon("the shutdown", async { tokio::join!(ada.shutdown(), bob.shutdown()) }).await;
    server.shutdown().await;
}

/// F60, bad input: a track that is of another size from one picture to the next goes on, on the same
/// handle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_track_that_changes_its_size_goes_on() {
    let server = server().await;
    let ada = Guest::comes(&server, "ada", camera((320, 240))).await;
    let mut bob = Guest::comes(&server, "bob", Join::new().viewer()).await;
    let mut video = bob.video("ada").await;
    pictures(&mut video, (320, 240), 3).await;
    let larger = Encoding::pattern(640, 480, EncoderOptions::default()).expect("a size that can be encoded");
    drop(ada.session.replace("video", larger).expect("of the same codec"));
    soon("the other size", async {
        while video.next().await.expect("it is still published").picture.width() != 640 {}
    })
    .await;
    pictures(&mut video, (640, 480), 3).await;
    assert_eq!(video.undecodable(), 0, "no picture was broken on the way");
    ada.goes().await;
    bob.goes().await;
    server.shutdown().await;
}

/// Bad input: pictures of a codec that the room does not forward are refused to their publisher, and
/// the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_codec_that_is_not_forwarded_fails_its_publisher_and_nobody_else() {
    let server = server().await;
    let ada = Guest::comes(&server, "ada", camera((320, 240))).await;
    let mut bob = Guest::comes(&server, "bob", Join::new().viewer()).await;
    let mut video = bob.video("ada").await;
    let film = include_bytes!("../../../media/assets/bunny-640x360-25fps.vp8.ivf");
    let film = Clip::from_bytes("film.ivf", film.as_slice().into()).expect("a film of another codec");
    let cy = client(&server, "cy");
    let failed = soon("the refusal", cy.session("room", "7").join(Join::new().publish(film))).await;
    let failed = failed.expect_err("nobody here decodes it");
    assert_eq!(failed.kind(), JoinErrorKind::TrackNotTaken, "{failed}");
    assert_eq!(failed.track(), Some("video"));
    pictures(&mut video, (320, 240), 5).await;
    cy.shutdown().await;
    ada.goes().await;
    bob.goes().await;
    server.shutdown().await;
}

/// F60, F62: what is published into a running session reaches the others, what is taken back is gone for
/// them, and its section is used again; the rest goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tracks_are_published_and_taken_back_while_the_session_runs() {
    let server = server().await;
    let mut bob = Guest::comes(&server, "bob", camera((160, 120))).await;
    let ada = Guest::comes(&server, "ada", Join::new()).await;
    let pattern = |width, height| {
        Encoding::pattern(width, height, EncoderOptions::default()).expect("a size that can be encoded")
    };
    assert_eq!(ada.session.publish(Clip::sample()).expect("she may"), "video");
    let mut camera = bob.video("ada").await;
    pictures(&mut camera, (640, 360), 3).await;
    ada.session.publish_as("screen", pattern(320, 240)).expect("she may");
    let mut screen = bob.labelled("screen").await;
    pictures(&mut screen, (320, 240), 3).await;
    let taken = ada.session.publish_as("screen", pattern(160, 120)).expect_err("the label is in use");
    assert!(matches!(taken, PublishError::LabelTaken(_)), "{taken}");
    drop(ada.session.unpublish("video").expect("published").expect("it was taken over"));
    bob.hears("the end", |_, event| {
        matches!(event, Event::TrackRemoved(track) if track.id.label() == "video").then_some(())
    })
    .await;
    soon("the end of the handle", async { while camera.next().await.is_some() {} }).await;
    pictures(&mut screen, (320, 240), 3).await;
    assert_eq!(ada.session.publish(pattern(176, 144)).expect("the label is free"), "video");
    let mut again = bob.labelled("video").await;
    pictures(&mut again, (176, 144), 3).await;
    pictures(&mut screen, (320, 240), 3).await;
    for label in ["video", "screen"] {
        drop(ada.session.unpublish(label).expect("published"));
        bob.hears("the end", |_, event| {
            matches!(event, Event::TrackRemoved(track) if track.id.label() == label).then_some(())
        })
        .await;
    }
    assert_eq!(bob.session.remote_tracks(), [], "the last one as well");
    assert!(matches!(ada.session.unpublish("video"), Err(PublishError::NoSuchTrack(_))));
    let cy = Guest::comes(&server, "cy", Join::new().viewer()).await;
    let refused = cy.session.publish(Clip::sample()).expect_err("a viewer receives only");
    assert!(matches!(refused, PublishError::NotPermitted), "{refused}");
    for guest in [ada, bob, cy] {
        guest.goes().await;
    }
    server.shutdown().await;
}

//! What a director said is painted until its member asks for another prompt (F59).

use super::*;
use crate::rooms::Steering;
use crate::studio::Recipe;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offhook_media::Rgb;
use offhook_signaling::{Apply, ImageChunk, Offer, Prompt, Sdp};
use sha2::{Digest, Sha256};

fn prompt(text: &str) -> Option<Prompt> {
    Some(Prompt { text: text.into(), enhance: false })
}

fn recipe(text: &str) -> Recipe {
    Recipe::read(text).expect("the studio knows it")
}

fn steer(server: &crate::Server, text: &str) {
    let prompt = Some((text.to_owned(), recipe(text)));
    server.shared().rooms.steer("studio/1", Steering { prompt, words: None });
}

async fn says(actor: &mut Actor, seq: u64, message: FromClient) {
    let frame = Frame { seq: Some(seq), ack: 0, message, unknown: Default::default() };
    assert_eq!(actor.frame(frame).await, Flow::On);
}

async fn applies(actor: &mut Actor, revision: u64, text: &str, muted: &[&str]) {
    let muted = muted.iter().map(|track| (*track).to_owned()).collect();
    let desired = Desired { revision: revision + 10, prompt: prompt(text), muted, ..Desired::default() };
    says(actor, revision, FromClient::Apply(Apply { id: revision, desired })).await;
    assert_eq!(actor.applied, Some(revision + 10), "it is in effect");
}

/// What another server is told of a member, as it comes over.
fn described(member: &Actor) -> Dossier {
    let told = serde_json::to_string(&member.describe().expect("it is in")).expect("JSON");
    serde_json::from_str(&told).expect("as it was said")
}

/// A member that was handed over and is awaited, in no task but the test's own.
fn handed_over(new: &crate::Server, dossier: &Dossier) -> Actor {
    // Known there before anybody arrives.
    assert!(new.shared().rooms.adopt(new.shared(), dossier.clone(), Duration::from_secs(30)));
    let place = Place {
        key: dossier.session.clone(),
        session_id: dossier.session_id.clone(),
        instance: dossier.member.instance,
        actor: u64::MAX,
        anew: false,
    };
    let mut there = Actor::new(new.shared().clone(), place, Notices::pair().1);
    there.expect(dossier.clone(), Duration::from_secs(30));
    there
}

// F59: it outlives whatever is no word of its member's about the prompt.
#[tokio::test(start_paused = true)]
async fn a_directors_prompt_outlives_a_mute_and_a_rejoin_until_its_member_asks_for_another() {
    let server = server(Duration::from_secs(25)).await;
    let sepia = |join: &mut Join| join.desired.prompt = prompt("sepia");
    let (mut ada, _out) = apart(&server, "ada", sepia).await;
    assert_eq!(ada.painted(), recipe("sepia"));
    steer(&server, "posterize");
    ada.steered(None);
    assert_eq!(ada.painted(), recipe("posterize"));
    applies(&mut ada, 1, "sepia", &["camera"]).await;
    assert_eq!(ada.painted(), recipe("posterize"), "a mute is no prompt");
    let _out = again(&mut ada, &server, "ada", 2, sepia).await;
    assert_eq!(ada.painted(), recipe("posterize"), "nor is a lost network");
    // What it says itself it has, until its director speaks again.
    applies(&mut ada, 1, "invert", &[]).await;
    assert_eq!(ada.painted(), recipe("invert"));
    applies(&mut ada, 2, "invert", &["camera"]).await;
    assert_eq!(ada.painted(), recipe("invert"));
    steer(&server, "mirror");
    assert_eq!(ada.painted(), recipe("mirror"));
    // A prompt that was changed while it was away is its own word as well.
    let _out = again(&mut ada, &server, "ada", 3, |join| join.desired.prompt = prompt("blur")).await;
    assert_eq!(ada.painted(), recipe("blur"));
}

// F59: who joins late is painted as the others.
#[tokio::test(start_paused = true)]
async fn a_directors_prompt_holds_for_who_joins_later() {
    let server = server(Duration::from_secs(25)).await;
    let (_ada, _out) = apart(&server, "ada", |_| {}).await;
    steer(&server, "posterize");
    let (mut bob, _out) = apart(&server, "bobb", |join| join.desired.prompt = prompt("sepia")).await;
    assert_eq!(bob.painted(), recipe("posterize"));
    applies(&mut bob, 1, "edges", &[]).await;
    assert_eq!(bob.painted(), recipe("edges"));
    let (eve, _out) = apart(&server, "eve!!", |join| join.model = Some("echo".into())).await;
    assert_eq!(eve.painted(), Recipe::default(), "of a persona nothing is painted");
}

// F59, F32: and on the server that a session is handed over to, for who comes along and who comes
// later.
#[tokio::test(start_paused = true)]
async fn a_directors_prompt_goes_along_with_a_drain() {
    let (old, new) = (server(Duration::from_secs(25)).await, server(Duration::from_secs(25)).await);
    let sepia = |join: &mut Join| join.desired.prompt = prompt("sepia");
    let (ada, _out) = apart(&old, "ada", sepia).await;
    let (mut bob, _out) = apart(&old, "bobb", sepia).await;
    steer(&old, "posterize");
    applies(&mut bob, 1, "edges", &[]).await;
    let moved = [ada, bob].map(|member| handed_over(&new, &described(&member)));
    let expected = [("ada", "sepia", "posterize"), ("bobb", "edges", "edges")];
    for (mut there, (user, own, painted)) in moved.into_iter().zip(expected) {
        let _out = again(&mut there, &new, user, 2, |join| join.desired.prompt = prompt(own)).await;
        assert_eq!(there.painted(), recipe(painted), "{user}");
    }
    let (late, _out) = apart(&new, "eve!!", |_| {}).await;
    assert_eq!(late.painted(), recipe("posterize"));
}

// F59, F32: a drain makes no difference between one that asked for no prompt and one that is new.
#[tokio::test(start_paused = true)]
async fn the_first_prompt_of_a_member_that_moves_with_it_is_its_own_word() {
    let (old, new) = (server(Duration::from_secs(25)).await, server(Duration::from_secs(25)).await);
    let (ada, _out) = apart(&old, "ada", |_| {}).await;
    steer(&old, "posterize");
    assert_eq!(ada.painted(), recipe("posterize"));
    let mut there = handed_over(&new, &described(&ada));
    // It was asked for on the old link after that, and comes along with its member.
    let _out = again(&mut there, &new, "ada", 2, |join| join.desired.prompt = prompt("sepia")).await;
    assert_eq!(there.painted(), recipe("sepia"));
}

// F59: nor is a prompt of its own undone by a place that was lost meanwhile.
#[tokio::test(start_paused = true)]
async fn a_prompt_of_its_own_outlives_the_members_place() {
    let server = server(Duration::from_secs(1)).await;
    let shared = server.shared();
    // Made by name, so that it is there for as long as this takes.
    let _made = place_of(shared, "bobb");
    let mut ada = Line::enter(shared, "ada", Duration::from_secs(600)).await;
    steer(&server, "posterize");
    let desired = Desired { revision: 1, prompt: prompt("sepia"), ..Desired::default() };
    ada.say(FromClient::Apply(Apply { id: 1, desired })).await;
    ada.until(|message| matches!(message, FromServer::Acked(acked) if acked.id == Some(1))).await;
    assert!(ada.mail.send(Mail::SocketGone { link: ada.number, closed: false }).await.is_ok());
    when(|| attendance(shared, "ada").is_none()).await;
    // Nor by dials that came to nothing on the way back.
    let sepia = |join: &mut Join| join.desired.prompt = prompt("sepia");
    let garbled = || Offer { negotiation_id: 1, sdp: Sdp::new("v=0"), tracks: Vec::new() };
    for (is_given_up, offer) in [(true, None), (false, Some(garbled()))] {
        let mut lost = Actor::new(shared.clone(), place_of(shared, "ada"), Notices::pair().1);
        let (out, outbox) = mpsc::channel(4096);
        let _open = (!is_given_up).then_some(outbox);
        let join = Join { offer, ..join_of(&server, "ada", 2, sepia) };
        assert_eq!(dials(&mut lost, &server, join, out).await, Flow::Over(LeaveCode::Left));
    }
    let (again, _out) = apart(&server, "ada", sepia).await;
    assert!(shared.rooms.standing("studio/1").is_some());
    assert_eq!(again.painted(), recipe("sepia"));
    steer(&server, "mirror");
    assert_eq!(again.painted(), recipe("mirror"), "until the director speaks again");
}

// F59, F51: a prompt that waits for its image was asked for when it was asked for.
#[tokio::test(start_paused = true)]
async fn what_a_director_says_while_an_image_is_on_its_way_is_newer_than_the_prompt_that_waits_for_it() {
    let server = server(Duration::from_secs(25)).await;
    for comes_again in [false, true] {
        let user = if comes_again { "ada" } else { "bobb" };
        let file = Rgb::filled(4, 4, [u8::from(comes_again), 0, 0]).to_png();
        let sha256 = crate::hex::encode(&Sha256::digest(&file));
        let (mut member, _out) = apart(&server, user, |join| join.desired.prompt = prompt("sepia")).await;
        steer(&server, "posterize");
        let image = Some(sha256.clone());
        let desired = Desired { revision: 11, prompt: prompt("invert"), image, ..Desired::default() };
        says(&mut member, 1, FromClient::Apply(Apply { id: 1, desired: desired.clone() })).await;
        steer(&server, "mirror");
        let mut seq = 1;
        let mut _again = None;
        if comes_again {
            // A lost network is no new wish.
            _again = Some(again(&mut member, &server, user, 2, |join| join.desired = desired.clone()).await);
            seq = 0;
        }
        let (offset, total, bytes) = (0, file.len() as u64, STANDARD.encode(&file));
        says(&mut member, seq + 1, FromClient::ImageChunk(ImageChunk { sha256, offset, total, bytes })).await;
        let prepared = images::prepared(&mut member.preparing).await;
        member.image_prepared(prepared);
        assert_eq!(member.applied, Some(11), "it is in effect");
        let reference = member.recipe.reference().cloned();
        assert!(reference.is_some());
        assert_eq!(member.painted(), recipe("mirror").over(reference), "again: {comes_again}");
        applies(&mut member, seq + 2, "edges", &[]).await;
        assert_eq!(member.painted(), recipe("edges"), "until it asks for another");
    }
}

// F59, F32: a drain that came to nothing half way is made again, and its director spoke in between.
#[tokio::test(start_paused = true)]
async fn a_drain_that_is_made_again_takes_along_what_the_director_said_meanwhile() {
    let (old, new) = (server(Duration::from_secs(25)).await, server(Duration::from_secs(25)).await);
    let (ada, _out) = apart(&old, "ada", |_| {}).await;
    let take_record = || {
        let crate::rooms::Record { session_id, profile, directed } =
            old.shared().rooms.record("studio/1").expect("it was made by name");
        assert!(new.shared().rooms.adopt_record(new.shared(), "studio/1", &session_id, profile, directed));
    };
    let holds = || new.shared().rooms.standing("studio/1").map(|standing| standing.prompt.clone());
    steer(&old, "posterize");
    take_record();
    handed_over(&new, &described(&ada));
    assert_eq!(holds().as_deref(), Some("posterize"));
    steer(&old, "mirror");
    handed_over(&new, &described(&ada));
    assert_eq!(holds().as_deref(), Some("mirror"), "with a member that is awaited there already");
    // Who is there by now is painted so at once.
    let bob = Line::enter(new.shared(), "bobb", Duration::from_secs(600)).await;
    let unread = bob.mail.capacity();
    steer(&old, "invert");
    take_record();
    assert_eq!(holds().as_deref(), Some("invert"), "with what is said of the session");
    assert_eq!(bob.mail.capacity(), unread - 1);
    // What was said there last is not undone by what was said before.
    steer(&new, "edges");
    take_record();
    assert_eq!(holds().as_deref(), Some("edges"));
}

// F59, F32: numbers of two servers mean nothing to each other.
#[tokio::test(start_paused = true)]
async fn a_prompt_of_its_own_undoes_no_other_directors_on_the_server_that_it_is_handed_to() {
    let (old, new) = (server(Duration::from_secs(25)).await, server(Duration::from_secs(25)).await);
    let (mut ada, _out) = apart(&old, "ada", |_| {}).await;
    steer(&old, "posterize");
    applies(&mut ada, 1, "sepia", &[]).await;
    let _there = place_of(new.shared(), "bobb");
    steer(&new, "mirror");
    let mut there = handed_over(&new, &described(&ada));
    let sepia = |join: &mut Join| join.desired.prompt = prompt("sepia");
    let _out = again(&mut there, &new, "ada", 2, sepia).await;
    assert_eq!(there.painted(), recipe("mirror"), "it never asked for anything over that");
}

//! A member that does not read its mail loses nothing that must not be lost without knowing (F62, F63).

use super::*;
use offhook_signaling::{Reaction, Relay};

/// More than a mailbox takes.
const MANY: u64 = 300;

fn relay(number: u64) -> FromServer {
    let data = serde_json::json!(number);
    FromServer::Message(Relay { id: number, from: None, to: Vec::new(), topic: "chat".into(), data })
}

/// Everything that is said on a link to its end.
async fn all_of(out: &mut mpsc::Receiver<ToSocket>) -> Vec<FromServer> {
    let mut said = Vec::new();
    while let Some(frame) = out.recv().await {
        match frame {
            ToSocket::Frame(text) => said.push(decode_from_server(text.as_bytes()).expect("a frame").message),
            ToSocket::Farewell(_) => {}
            ToSocket::Close(_) => break,
        }
    }
    said
}

// F62, F63: told by one whose letters have no room, while the other does not look.
#[tokio::test(start_paused = true)]
async fn who_misses_a_message_is_cut_off_and_comes_in_anew_rather_than_go_on_with_a_gap() {
    let server = server(Duration::from_secs(25)).await;
    let shared = server.shared();
    let mut ada = Line::enter(shared, "ada", Duration::from_secs(600)).await;
    ada.say(FromClient::Ping(Ping { id: 1 })).await;
    ada.until(|message| matches!(message, FromServer::Pong(_))).await;
    let bob = place_of(shared, "bobb");
    // Nothing of hers runs meanwhile: there is no await in it.
    (0..MANY).for_each(|number| shared.rooms.tell(&bob, None, &relay(number)));
    let said = all_of(&mut ada.out).await;
    let heard = said.iter().filter(|message| matches!(message, FromServer::Message(_))).count();
    assert!(heard < MANY as usize, "the mailbox is smaller");
    assert_eq!(server.fell_behind(), 1);
    let refused = match ada.resumes(2).await {
        FromServer::ResumeRefused(refused) => refused.why,
        other => panic!("a refusal was due: {other:?}"),
    };
    assert_eq!(refused, ResumeRefusal::ReplayLost, "a gap that its client knows of");
    // And as well as ever after a rejoin.
    let mut ada = Line::enter_again(shared, "ada", 3).await;
    shared.rooms.tell(&bob, None, &relay(7));
    ada.until(|message| *message == relay(7)).await;
}

// F63: reactions are the first to go, and take nothing with them.
#[tokio::test(start_paused = true)]
async fn reactions_that_have_no_room_are_counted_and_in_nobodys_way() {
    let server = server(Duration::from_secs(25)).await;
    let shared = server.shared();
    let mut ada = Line::enter(shared, "ada", Duration::from_secs(600)).await;
    let bob = place_of(shared, "bobb");
    let reaction = FromServer::Reaction(Reaction { from: None, reaction: "x".into() });
    (0..MANY).for_each(|_| shared.rooms.tell(&bob, None, &reaction));
    (0..100).for_each(|number| shared.rooms.tell(&bob, None, &relay(number)));
    let mut shown = 0;
    for number in 0..100 {
        loop {
            let (message, _) = ada
                .until(|message| matches!(message, FromServer::Message(_) | FromServer::Reaction(_)))
                .await;
            if message == relay(number) {
                break;
            }
            assert_eq!(message, reaction, "messages come in their order");
            shown += 1;
        }
    }
    assert_eq!(shown + server.reactions_dropped(), MANY, "each was shown or is counted");
    assert!(server.reactions_dropped() > 0 && server.fell_behind() == 0);
}

//! Facts about the echo persona, in virtual time.

use super::*;
use offhook_transport::media::Tap;

const SILENCE: &[u8] = &[0xf8, 0xff, 0xfe];

fn frame(data: impl Into<Bytes>) -> EncodedFrame {
    EncodedFrame { codec: Codec::Opus, data: data.into(), pts: Duration::ZERO, key: true }
}

/// A word of 20 ms, told apart by its number.
fn word(number: u8) -> Bytes {
    Bytes::from([&[0xf8, number][..], &[7; 40][..]].concat())
}

/// Says this, a packet each 20 ms, and gives what came back meanwhile and for `rest` afterwards.
async fn say(persona: &Persona, tap: &mut Tap, packets: Vec<Bytes>, rest: Duration) -> Vec<Bytes> {
    let ears = persona.ears();
    let mut back = Vec::new();
    let silences = rest.as_millis() as usize / 20;
    for packet in packets.into_iter().chain(std::iter::repeat_n(Bytes::from_static(SILENCE), silences)) {
        ears("0", &frame(packet));
        back.push(tap.next().await.expect("a persona is never silent on the wire").data);
    }
    back
}

fn words(back: &[Bytes]) -> Vec<u8> {
    back.iter().filter(|packet| packet.len() > SILENT).map(|packet| packet[1]).collect()
}

/// F55: what was said is heard out, and said again.
#[tokio::test(start_paused = true)]
async fn it_says_what_it_heard_once_it_was_heard_out() {
    let mut persona = Persona::start();
    let mut tap = persona.track.tap();
    let said: Vec<Bytes> = (0..10).map(word).collect();
    let back = say(&persona, &mut tap, said, Duration::from_millis(1_500)).await;
    assert_eq!(words(&back), (0..10).collect::<Vec<_>>());
    // 200 ms of words, half a second to be sure, a fifth of one to think, then the answer.
    let answered = back.iter().position(|packet| packet.len() > SILENT).unwrap();
    assert!((42..=47).contains(&answered), "after {} ms", answered * 20);
    assert_eq!(persona.next().await, Does::Mood(Mood::Idle), "the newest mood, when the answer is over");
    persona.end().await;
}

/// F55: it is in each of its moods, in turn.
#[tokio::test(start_paused = true)]
async fn its_moods_follow_one_another() {
    let mut persona = Persona::start();
    let mut tap = persona.track.tap();
    let talking = persona.track.clone();
    let ears = persona.ears();
    let talk = tokio::spawn(async move {
        for packet in (0..5).map(word).chain(std::iter::repeat_n(Bytes::from_static(SILENCE), 80)) {
            ears("0", &frame(packet));
            tap.next().await;
        }
        drop(talking);
    });
    let mut moods = Vec::new();
    while moods.last() != Some(&Does::Mood(Mood::Idle)) {
        moods.push(persona.next().await);
    }
    let each = [Mood::UserSpeaking, Mood::Processing, Mood::Speaking, Mood::Idle];
    assert_eq!(moods, each.map(Does::Mood));
    talk.await.unwrap();
    persona.end().await;
}

/// F55: whoever speaks while it speaks is listened to.
#[tokio::test(start_paused = true)]
async fn it_is_not_talking_over_anybody() {
    let persona = Persona::start();
    let mut tap = persona.track.tap();
    let long: Vec<Bytes> = (0..100).map(word).collect();
    let back = say(&persona, &mut tap, long, Duration::from_millis(900)).await;
    let begun = words(&back);
    assert!(!begun.is_empty() && begun.len() < 20, "it has begun: {begun:?}");
    let back = say(&persona, &mut tap, vec![word(200); 5], Duration::from_secs(2)).await;
    let rest = words(&back);
    assert!(rest.iter().filter(|word| **word < 100).count() <= 2, "it stopped: {rest:?}");
    assert_eq!(rest.iter().filter(|word| **word == 200).count(), 5);
    persona.end().await;
}

/// F55: text is answered by text, also where somebody was speaking; and a goodbye is one.
#[tokio::test(start_paused = true)]
async fn text_is_answered_and_a_goodbye_ends_it() {
    let mut persona = Persona::start();
    let ears = persona.ears();
    ears("0", &frame(word(1)));
    assert_eq!(persona.next().await, Does::Mood(Mood::UserSpeaking));
    assert_eq!(persona.tell(7, "how far is it?".into()), Ok(()));
    let mut does = Vec::new();
    while !matches!(does.last(), Some(Does::Says { .. })) {
        does.push(persona.next().await);
    }
    assert_eq!(does.pop(), Some(Does::Says { answers: 7, words: "how far is it?".into() }));
    assert_eq!(persona.next().await, Does::Mood(Mood::Idle));
    assert_eq!(persona.tell(8, " Goodbye ".into()), Ok(()));
    assert_eq!(persona.next().await, Does::Mood(Mood::Processing));
    assert_eq!(persona.next().await, Does::Ends);
    persona.end().await;
}

/// F64: muted by a moderator in the middle of a word: what came before is said again, and nothing of
/// what comes after; text is heard all the same.
#[tokio::test(start_paused = true)]
async fn a_deafened_persona_hears_no_sound_until_it_may() {
    let mut persona = Persona::start();
    let mut tap = persona.track.tap();
    let back = say(&persona, &mut tap, vec![word(1); 10], Duration::ZERO).await;
    assert!(words(&back).is_empty());
    persona.deafen(true);
    let back = say(&persona, &mut tap, vec![word(2); 100], Duration::from_secs(2)).await;
    assert_eq!(words(&back), [1; 10]);
    assert_eq!(persona.next().await, Does::Mood(Mood::Idle), "it turned to nobody since");
    assert_eq!(persona.tell(9, "can you hear me?".into()), Ok(()));
    assert_eq!(persona.next().await, Does::Mood(Mood::Processing));
    assert_eq!(persona.next().await, Does::Says { answers: 9, words: "can you hear me?".into() });
    persona.deafen(false);
    let back = say(&persona, &mut tap, vec![word(3); 10], Duration::from_millis(1_500)).await;
    assert_eq!(words(&back), [3; 10]);
    persona.end().await;
}

#[tokio::test(start_paused = true)]
async fn of_whoever_goes_on_and_on_a_quarter_of_a_minute_is_remembered() {
    let persona = Persona::start();
    let mut tap = persona.track.tap();
    let back = say(&persona, &mut tap, vec![word(1); 900], Duration::from_secs(20)).await;
    assert!(words(&back[..900]).is_empty(), "nobody is talked over");
    assert_eq!(words(&back).len(), 751, "the first word, and fifteen seconds");
    persona.end().await;
}

#[tokio::test(start_paused = true)]
async fn rubbish_is_not_said_again() {
    let persona = Persona::start();
    let mut tap = persona.track.tap();
    let rubbish = vec![Bytes::from(vec![0xfb; 40]); 5];
    let back = say(&persona, &mut tap, rubbish, Duration::from_secs(1)).await;
    assert!(words(&back).is_empty());
    let back = say(&persona, &mut tap, vec![word(3)], Duration::from_secs(1)).await;
    assert_eq!(words(&back), [3], "and it goes on");
    persona.end().await;
}

/// F54, F60: of a microphone beside a voice, or of two who speak at once, one is heard out, and then the other.
#[tokio::test(start_paused = true)]
async fn of_two_sounds_one_is_heard_at_a_time() {
    let persona = Persona::start();
    let mut tap = persona.track.tap();
    let ears = persona.ears();
    let mut back = Vec::new();
    for turn in 0..200 {
        let (one, other) = match turn {
            // A quiet microphone beside a voice.
            0..20 => (word(1), Bytes::from_static(SILENCE)),
            // Both, and the first is not done.
            20..30 => (word(2), word(3)),
            100..120 => (Bytes::from_static(SILENCE), word(4)),
            _ => (Bytes::from_static(SILENCE), Bytes::from_static(SILENCE)),
        };
        ears("0", &frame(one));
        ears("1", &frame(other));
        back.push(tap.next().await.expect("a persona is never silent on the wire").data);
    }
    let said = [[1; 20].as_slice(), &[2; 10], &[4; 20]].concat();
    assert_eq!(words(&back), said);
    persona.end().await;
}

//! What cannot be written, and as what it is refused; and what is desired as it is written.

use super::{desired, unsayable};
use offhook_signaling::examples::client_examples;
use offhook_signaling::{ClientKind, FromClient, Secret, encode, limits};
use offhook_transport::{Desired, Prompt, RefusalItem, RefusedCode, Revision};

fn join() -> offhook_signaling::Join {
    let joins = client_examples(ClientKind::Join).into_iter().find_map(|message| match message {
        FromClient::Join(join) => Some(join),
        _ => None,
    });
    joins.expect("the protocol has an example of it")
}

fn refused(join: offhook_signaling::Join) -> (RefusedCode, Option<RefusalItem>) {
    unsayable(&encode(None, 0, &FromClient::Join(join)).expect_err("it fits no frame"))
}

/// R12: by the place of the fault, whatever its text says.
#[test]
fn what_cannot_be_written_is_refused_as_a_far_side_would() {
    let endless = "x".repeat(limits::FRAME_BYTES);
    let secret = || Some(Secret::new(endless.as_str()));
    let unauthorized = (RefusedCode::Unauthorized, None);
    assert_eq!(refused(offhook_signaling::Join { credential: secret(), ..join() }), unauthorized);
    assert_eq!(refused(offhook_signaling::Join { join_ticket: secret(), ..join() }), unauthorized);
    let mut taken_up = join();
    taken_up.rejoin = Some(offhook_signaling::Rejoin {
        session_id: "1".into(),
        secret: Secret::new(endless.as_str()),
        must_exist: true,
    });
    assert_eq!(refused(taken_up), (RefusedCode::NoSessionToResume, None));
    let mut prompted = join();
    prompted.desired.prompt = Some(offhook_signaling::Prompt { text: endless.clone(), enhance: false });
    assert_eq!(refused(prompted), (RefusedCode::InitialState, Some(RefusalItem::Prompt)));
    let named = offhook_signaling::Join { name: Some("`credential`".repeat(500)), ..join() };
    assert_eq!(refused(named), (RefusedCode::BadRequest, None), "what it quotes is not where it is");
}

/// F50: the leave to enrich a text goes along with it.
#[test]
fn the_leave_to_enrich_a_text_is_said_with_it() {
    for enhance in [false, true] {
        let prompt = Some(Prompt { text: "a cat".into(), enhance });
        let said = desired(&Desired { prompt, ..Desired::default() }, Revision(7), &[]);
        let said = said.prompt.expect("a prompt is desired");
        assert_eq!((&*said.text, said.enhance), ("a cat", enhance));
    }
}

/// R12: what the client lets through the wire takes, and the other way round.
#[test]
fn a_prompt_has_one_rule_on_both_sides_of_the_wire() {
    let rule = limits::TEXT_RULES.iter().find(|rule| rule.field == "prompt.text").expect("it has a rule");
    assert_eq!(rule.max, Prompt::BYTES);
    assert!(('\0'..=char::MAX).all(|c| rule.charset.allows(c) == Prompt::allows(c)));
}

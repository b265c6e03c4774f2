//! What a stored token must survive, and must not show.

use super::*;

#[test]
fn a_resume_token_survives_being_stored_and_shows_no_secret() {
    let key = ResumeKey { session: "studio.7".into(), secret: Secret::new("canary") };
    let token = ResumeToken { key, instance: InstanceId([0xa5; 16]), epoch: Epoch(9) };
    assert_eq!(ResumeToken::from_secret(&token.to_secret()), Ok(token.clone()));
    assert!(!format!("{token:?} {:?}", token.to_secret()).contains("canary"));
}

#[test]
fn any_other_text_is_a_typed_error() {
    for text in ["", "1", "2.a.b.c.d", "1.zz.1.s.x", "1.00.1.s.x", "1.é.1.s.x"] {
        assert_eq!(ResumeToken::from_secret(&text.to_owned().into()), Err(BadToken), "{text}");
    }
}

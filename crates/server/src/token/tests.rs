//! The door's facts: S4, I9.
use super::*;

#[test]
fn a_fresh_credential_opens_and_says_what_was_minted() {
    let signer = Signer::new(*b"0123456789abcdef");
    let token = signer.mint(&Mint::user("ada").session("studio", "7")).expect("mints");
    let claims = signer.check(token.expose()).expect("good");
    assert_eq!((claims.sub.as_str(), claims.session.as_deref()), ("ada", Some("studio/7")));
}

#[test]
fn expired_foreign_and_garbled_credentials_do_not_open() {
    let signer = Signer::new(*b"0123456789abcdef");
    let expired = signer.mint(&Mint::user("ada").life(Duration::ZERO)).expect("mints");
    assert_eq!(signer.check(expired.expose()), Err(TokenError::Expired));
    let foreign = Signer::new(*b"another key here").mint(&Mint::user("ada")).expect("mints");
    assert_eq!(signer.check(foreign.expose()), Err(TokenError::Invalid));
    // `alg: none`, a cut, nothing, too much.
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiYXVkIjoib2ZmaG9vayIsImV4cCI6OTk5OTk5OTk5OX0.";
    for bad in [none, "a.b", "", &"x".repeat(5000)] {
        assert_eq!(signer.check(bad), Err(TokenError::Invalid));
    }
}

/// What an issuer whose clock is off by so many seconds signs for ten minutes.
fn signed_by_a_clock_that_is_off(signer: &Signer, off: i64) -> String {
    let mint = Mint::user("ada").session("studio", "7");
    let token = signer.mint(&mint).expect("mints");
    let claims = signer.check(token.expose()).expect("good");
    let exp = claims.exp.checked_add_signed(off).expect("after 1970");
    signer.sign(&Claims { exp, ..claims }).expect("signs")
}

/// I9: two clocks may differ by a minute; one that is an hour behind makes what is expired, typed, and
/// one that is an hour ahead makes what lasts an hour longer.
#[test]
fn an_issuers_clock_may_be_off_by_a_minute_and_beyond_that_it_is_told_as_expired() {
    let signer = Signer::new(*b"0123456789abcdef");
    for (off, opens) in [(-600 - 50, true), (-600 - 70, false), (-3600, false), (3600, true)] {
        let checked = signer.check(&signed_by_a_clock_that_is_off(&signer, off)).map(|_| ());
        assert_eq!(checked, if opens { Ok(()) } else { Err(TokenError::Expired) }, "off by {off} s");
    }
    // Others also say since when: not a word that is judged by a clock.
    let claims = serde_json::json!({
        "sub": "ada", "aud": AUDIENCE, "jti": "1", "exp": 4_000_000_000_u64,
        "iat": 3_000_000_000_u64, "nbf": 3_000_000_000_u64,
    });
    let ahead = signer.sign(&claims).expect("signs");
    assert_eq!(signer.check(&ahead).map(|claims| claims.sub), Ok("ada".to_owned()));
}

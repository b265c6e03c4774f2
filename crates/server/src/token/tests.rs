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

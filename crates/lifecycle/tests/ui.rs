//! What the compiler refuses (F05), each beside a twin that compiles; against this crate alone. Nobody
//! forges a phase or a session, so the machine alone writes the state (B2 daily-co/daily-js#192); and a
//! session that joins is used up, so there is no second join beside it (A10 livekit/client-sdk-js#282).

#[test]
fn what_a_phase_does_not_allow_does_not_compile() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/ui/*_fails.rs");
    tests.pass("tests/ui/*_compiles.rs");
}

//! What does not compile, each beside a twin that does (F05, J1, J2): the phases are the
//! compiler's to guard.
//!
//! The bugs named here: J1 GetStream/stream-video-js#646; J2 feross/simple-peer#338, #749.

#[test]
fn what_a_phase_does_not_allow_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}

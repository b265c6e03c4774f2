//! What the compiler refuses (F05), each beside a twin that compiles; against this crate alone.

#[test]
fn what_a_phase_does_not_allow_does_not_compile() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/ui/*_fails.rs");
    tests.pass("tests/ui/*_compiles.rs");
}

//! What is drawn is what was given.
use super::*;

#[test]
fn every_state_and_mark_is_in_the_picture() {
    let span = |name: &str, from, to| Span { name: name.into(), from, to };
    let timeline = Timeline {
        title: "a run".into(),
        end: 10.0,
        states: vec![span("Joining", 0.0, 1.5), span("Joined", 1.5, 10.0)],
        network: vec![span("cut", 4.0, 7.0)],
        painted: vec![span("sepia", 2.0, 9.0)],
        events: vec![Mark { name: "prompt: sepia".into(), at: 2.0 }],
    };
    let mut svg = String::new();
    timeline.draw(&mut svg).expect("draws");
    for name in ["a run", "Joining", "Joined", "cut", "sepia", "prompt: sepia"] {
        assert!(svg.contains(name), "{name}");
    }
}

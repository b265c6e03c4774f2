//! What is drawn is what was given.
use super::*;

#[test]
fn every_state_and_mark_is_in_the_picture() {
    let span = |name: &str, from, to| Span { name: name.into(), from, to };
    let timeline = Timeline {
        title: "a run".into(),
        end: 10.0,
        rows: vec![
            Row {
                name: "state",
                paint: Paint::State,
                spans: vec![span("Joining", 0.0, 1.5), span("Joined", 1.5, 10.0)],
            },
            Row { name: "network", paint: Paint::Trouble, spans: vec![span("cut", 4.0, 7.0)] },
            Row { name: "picture", paint: Paint::Each, spans: vec![span("sepia", 2.0, 9.0)] },
        ],
        events: vec![Mark { name: "prompt: sepia".into(), at: 2.0 }],
    };
    let mut svg = String::new();
    timeline.draw(&mut svg).expect("draws");
    for name in ["a run", "Joining", "Joined", "cut", "sepia", "prompt: sepia"] {
        assert!(svg.contains(name), "{name}");
    }
}

#[test]
fn a_long_run_gets_a_wider_picture() {
    let of = |end| Timeline { end, ..Timeline::default() }.width();
    assert_eq!(of(10.0), WIDTH);
    assert!(of(60.0) > WIDTH && of(1e9) == WIDEST, "{} {}", of(60.0), of(1e9));
}

#[test]
fn changes_become_stretches_that_meet() {
    let made = spans(vec![(0.0, "a".into()), (2.0, "b".into())], 5.0);
    let made: Vec<_> = made.iter().map(|span| (span.name.as_str(), span.from, span.to)).collect();
    assert_eq!(made, [("a", 0.0, 2.0), ("b", 2.0, 5.0)]);
}

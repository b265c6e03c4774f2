//! The persona on the terminal, over WebRTC against a server of its own.

use crate::programs::talking_persona::program;
use crate::screen::{Screen, bounded};
use tokio::sync::mpsc;

/// F54, F55: text is answered, a sound is heard out and answered, a goodbye ends it.
#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persona_is_talked_to_on_the_terminal() {
    let samples: Vec<f32> = (0..24_000).map(|n| (n as f32 / 20.0).sin() / 2.0).collect();
    let file = std::env::temp_dir().join(format!("offhook-persona-{}.wav", std::process::id()));
    std::fs::write(&file, wav(&samples)).expect("the system's place for such things can be written to");
    let (typed, lines) = mpsc::channel::<String>(8);
    let unfold = futures_util::stream::unfold;
    let mut lines = Box::pin(unfold(lines, |mut lines| async { Some((lines.recv().await?, lines)) }));
    let mut screen = Screen::default();
    let shown = screen.clone();
    let talking = async {
        for line in ["is it \u{202e}far?", "play no/such/file.wav"] {
            typed.send(line.to_owned()).await.expect("it reads");
        }
        shown.shows("(your turn)", 1).await;
        shown.shows("not played", 1).await;
        typed.send(format!("play {}", file.display())).await.expect("it reads");
        shown.shows("(your turn)", 2).await;
        typed.send("goodbye".to_owned()).await.expect("it reads");
        shown.shows("is over", 1).await;
    };
    let (talked, ()) = bounded(async { tokio::join!(program(None, &mut lines, &mut screen), talking) }).await;
    let _ = std::fs::remove_file(&file);
    talked.expect("the persona is there");
    let mut lines = screen.lines();
    lines.retain(|line| !line.starts_with("not played: cannot open no/such/file.wav"));
    let expected = [
        "(it thinks)",
        "persona: is it \\u{202e}far?",
        "(your turn)",
        "(it listens)",
        "(it thinks)",
        "(it speaks)",
        "(your turn)",
        "(it thinks)",
        "the conversation is over: ",
    ];
    assert_eq!(lines.len(), expected.len(), "{}", screen.text());
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?} is not {expected:?}");
    }
}

/// One channel, 48 kHz, as numbers.
#[cfg(feature = "webrtc")]
fn wav(samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    for field in [3_u16, 1] {
        file.extend(field.to_le_bytes());
    }
    for field in [48_000_u32, 48_000 * 4] {
        file.extend(field.to_le_bytes());
    }
    for field in [4_u16, 32] {
        file.extend(field.to_le_bytes());
    }
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

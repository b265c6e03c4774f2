//! A microphone and a speaker: what is spoken into the one is heard from the other, by way of the
//! echo persona. Both are pipes behind ALSA's own plugins, which this test reads and writes at the
//! pace of a sound card.

use crate::common::{LONG, Server, Ticks, env, folder, join};
use std::f32::consts::TAU;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

const RATE: usize = 48_000;
/// 20 ms of 16-bit stereo.
const PIECE: usize = RATE / 50 * 4;
/// Samples that are judged together: a tenth of a second.
const WINDOW: usize = RATE / 10;
/// What is said: one tone, and then another.
const TONES: [f32; 2] = [500.0, 800.0];
/// How long each is, in pieces: six tenths of a second.
const PIECES: usize = 30;

/// What is played goes to the pipe `heard`, what is recorded comes from the pipe `spoken`, each
/// 16-bit stereo at 48 kHz.
const PIPES: &str = r#"
defaults.namehint.showall on
pcm.pipes {
    type asym
    playback.pcm {
        type plug
        slave { format S16_LE rate 48000 channels 2
            pcm { type file file "DIR/heard" format raw slave.pcm { type null } } }
    }
    capture.pcm {
        type plug
        slave { format S16_LE rate 48000 channels 2
            pcm { type file file "/dev/null" infile "DIR/spoken" format raw slave.pcm { type null } } }
    }
    hint { show on description "Two pipes" }
}
pcm.!default { type plug slave.pcm pipes }
"#;

/// What a tenth of a second sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sounds {
    Silent,
    /// The tone of this index.
    Tone(usize),
    Other,
}

/// Open for both, so that there is always another end, whoever comes and goes.
fn pipe(path: PathBuf) -> File {
    OpenOptions::new().read(true).write(true).open(path).expect("the pipe was made")
}

/// Speaks for ever: silence, and the two tones once it is told to.
fn speak(mut spoken: File, now: Receiver<()>) {
    thread::spawn(move || {
        let mut ticks = Ticks::begin();
        loop {
            ticks.tick();
            let pieces: Vec<u8> = match now.try_recv() {
                Ok(()) => TONES.into_iter().flat_map(tone).collect(),
                Err(_) => vec![0; PIECE],
            };
            for (at, piece) in pieces.chunks(PIECE).enumerate() {
                if at > 0 {
                    ticks.tick();
                }
                if spoken.write_all(piece).is_err() {
                    return;
                }
            }
        }
    });
}

fn tone(hertz: f32) -> Vec<u8> {
    let sample = |at: usize| (8_000.0 * (TAU * hertz * at as f32 / RATE as f32).sin()) as i16;
    (0..PIECES * PIECE / 4).flat_map(|at| [sample(at).to_le_bytes(); 2].concat()).collect()
}

/// Hears for ever, the left side of it.
fn hear(mut heard: File) -> Receiver<Vec<f32>> {
    let (say, hear) = sync_channel(64);
    thread::spawn(move || {
        let mut ticks = Ticks::begin();
        let mut bytes = [0; PIECE];
        while heard.read_exact(&mut bytes).is_ok() {
            let sample = |frame: &[u8]| f32::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0;
            if say.send(bytes.chunks_exact(4).map(sample).collect()).is_err() {
                return;
            }
            ticks.tick();
        }
    });
    hear
}

/// How much of the energy of these samples is at one frequency, 0 to 1 (Goertzel).
fn share(samples: &[f32], hertz: f32) -> f32 {
    let step = TAU * hertz / RATE as f32;
    let (mut cosine, mut sine) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        cosine += sample * (step * at as f32).cos();
        sine += sample * (step * at as f32).sin();
    }
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
    2.0 * (cosine * cosine + sine * sine) / samples.len() as f32 / energy.max(f32::MIN_POSITIVE)
}

fn judge(samples: &[f32]) -> Sounds {
    let loudness = (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt();
    if loudness < 0.01 {
        return Sounds::Silent;
    }
    TONES.iter().position(|hertz| share(samples, *hertz) > 0.8).map_or(Sounds::Other, Sounds::Tone)
}

// F58, F61
#[test]
fn what_is_spoken_into_the_microphone_comes_back_out_of_the_speaker() {
    let dir = folder("sound");
    for name in ["heard", "spoken"] {
        let _ = fs::remove_file(dir.join(name));
        let made = Command::new("mkfifo").arg(dir.join(name)).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo, which every Linux has");
    }
    let config = dir.join("alsa.conf");
    fs::write(&config, PIPES.replace("DIR", &dir.to_string_lossy())).expect("the folder was made");
    let (tell, now) = sync_channel(1);
    speak(pipe(dir.join("spoken")), now);
    let heard = hear(pipe(dir.join("heard")));

    let server = Server::start();
    let persona = ["--session", "persona/1", "--model", "echo", "--microphone", "--speaker"];
    let command = join(&mut env(server.joining(120, &persona), "ALSA_CONFIG_PATH", &config));

    let mut samples = Vec::new();
    let mut sounds: Vec<Sounds> = Vec::new();
    let began = Instant::now();
    // Until both were heard, and half a second of silence after the second.
    let over = |sounds: &[Sounds]| {
        sounds.contains(&Sounds::Tone(1)) && sounds.iter().rev().take(5).all(|sound| *sound == Sounds::Silent)
    };
    while !over(&sounds) {
        assert!(began.elapsed() < LONG, "it was not heard: {sounds:?}");
        samples.extend(heard.recv_timeout(LONG).expect("the speaker plays"));
        if samples.len() >= WINDOW {
            sounds.push(judge(&samples.drain(..WINDOW).collect::<Vec<_>>()));
            if sounds.len() == 5 {
                assert_eq!(sounds, [Sounds::Silent; 5], "nobody said anything yet");
                tell.send(()).expect("it speaks for ever");
            }
        }
    }
    let places = |wanted: Sounds| {
        sounds.iter().enumerate().filter(move |(_, sound)| **sound == wanted).map(|(at, _)| at)
    };
    let tones = [0, 1].map(|index| places(Sounds::Tone(index)).collect::<Vec<_>>());
    // Six tenths of a second each, of which the borders take one or two, and a busy machine another.
    assert!(tones.iter().all(|tone| (3..=6).contains(&tone.len())), "{sounds:?}");
    assert!(tones[0].last() < tones[1].first(), "one after the other: {sounds:?}");
    assert!(places(Sounds::Other).count() <= 4, "and little else: {sounds:?}");
    assert_eq!(command.interrupt(), Some(130), "devices are no reason to stay");
}

//! A speaker and a microphone without hardware: ALSA's own plugins read and write pipes in the
//! place of a sound card, and take as much time as the test takes at the other end (F61).
//!
//! Each test runs itself again as a process of its own, whose ALSA is configured for it.
#![cfg(target_os = "linux")]

use offhook_media::{Lack, Microphone, Next, Preferred, Sound, Source, Speaker, audio};
use offhook_transport::Epoch;
use offhook_transport::media::{Codec, EncodedFrame, Kind, Remote};
use opusic_c::{Channels, Decoder, SampleRate};
use std::env;
use std::f32::consts::TAU;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// Set in the process that has its own ALSA; the directory of its pipes.
const INSIDE: &str = "OFFHOOK_TEST_PIPES";
const RATE: usize = 48_000;
/// Nothing here takes longer, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Runs `body` in a process whose ALSA is configured with `config`; `DIR` in it is a directory
/// with the two pipes `heard` and `spoken`.
fn with_alsa(test: &str, config: &str, body: fn(&Path)) {
    if let Some(pipes) = env::var_os(INSIDE) {
        return body(Path::new(&pipes));
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("the target directory is written to");
    for pipe in ["heard", "spoken"] {
        let made = Command::new("mkfifo").arg(dir.join(pipe)).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo, which every Linux has");
    }
    let file = dir.join("alsa.conf");
    let config = config.replace("DIR", &dir.to_string_lossy());
    fs::write(&file, config).expect("the target directory is written to");
    let output = Command::new(env::current_exe().expect("Linux knows"))
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, &dir)
        .env("ALSA_CONFIG_PATH", &file)
        .output()
        .expect("this program starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// What is played goes to the pipe `heard`, what is recorded comes from the pipe `spoken`, each
/// 16-bit stereo at 48 kHz; and one that cannot be opened.
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
pcm.crooked { type plug slave.pcm { type hooks } hint { show on description "Crooked" } }
"#;

/// Open for both, so that there is always another end, whoever comes and goes.
fn pipe(path: PathBuf) -> File {
    OpenOptions::new().read(true).write(true).open(path).expect("the pipe was made")
}

fn tone(hertz: f32, frames: usize, channels: usize) -> Vec<f32> {
    let one = |at: usize| 0.5 * (TAU * hertz * at as f32 / RATE as f32).sin();
    (0..frames).flat_map(|at| std::iter::repeat_n(one(at), channels)).collect()
}

/// Zero crossings upwards in a second.
fn pitch(channel: &[f32]) -> f32 {
    let crossings = channel.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    crossings as f32 * RATE as f32 / channel.len() as f32
}

/// Looks until it is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < LONG, "{what} did not come");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The threads of this process that a device or its system brought along.
fn device_threads() -> Vec<String> {
    let names = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = names.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("offhook-") || name.starts_with("cpal")).collect()
}

// F61
#[test]
fn a_tone_played_into_a_speaker_is_what_the_device_plays() {
    with_alsa("a_tone_played_into_a_speaker_is_what_the_device_plays", PIPES, |dir| {
        let mut heard = pipe(dir.join("heard"));
        let mut speaker = Speaker::open(None).unwrap();
        assert!(device_threads().len() >= 2, "the device runs: {:?}", device_threads());
        let remote = Remote::new();
        remote.switch_to(Epoch(1));
        speaker.play(remote.receiver(Kind::Audio)).unwrap();
        // A fifth of a second, at once: less than it holds.
        let sound = Sound::from_samples(&tone(440.0, RATE / 5, 1), RATE as u32, 1).unwrap();
        let sink = remote.sink(Epoch(1));
        for (at, packet) in sound.packets().iter().enumerate() {
            let pts = Duration::from_millis(20 * at as u64);
            assert!(sink.push(&EncodedFrame {
                codec: Codec::Opus,
                data: packet.data.clone(),
                pts,
                key: true
            }));
        }
        until("decoding", || speaker.heard().packets == 10);

        // The other end of the device: it goes on as this reads.
        let (say, hear) = sync_channel(1);
        thread::spawn(move || {
            let mut bytes = [0; 3_840];
            while heard.read_exact(&mut bytes).is_ok() && say.send(bytes).is_ok() {}
        });
        let mut left = Vec::new();
        let loud = |sample: &f32| sample.abs() > 0.1;
        while !left.iter().any(loud) || left.iter().rev().take(4_800).any(loud) {
            let bytes = hear.recv_timeout(LONG).expect("the device plays");
            let sample = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0;
            left.extend(bytes.chunks_exact(4).map(sample));
            assert!(left.len() < RATE * 60, "a minute of silence");
        }
        let first = left.iter().position(loud).unwrap();
        let last = left.iter().rposition(loud).unwrap();
        assert!((last - first).abs_diff(RATE / 5) < 960, "a fifth of a second: {}", last - first);
        let whole = &left[first + 480..last - 480];
        assert!((pitch(whole) - 440.0).abs() < 8.0, "{}", pitch(whole));
        let heard = speaker.heard();
        assert_eq!((heard.packets, heard.concealed, heard.late, heard.lost), (10, 0, 0, 0), "{heard:?}");

        // The session is over, and then the speaker goes: nothing of it is left.
        remote.close();
        until("the end of the track", || speaker.is_over());
        drop((speaker, hear));
        until("the end of the threads", || device_threads().is_empty());
    });
}

// F61
#[test]
fn what_is_spoken_into_a_microphone_is_what_its_packets_hold() {
    with_alsa("what_is_spoken_into_a_microphone_is_what_its_packets_hold", PIPES, |dir| {
        let mut spoken = pipe(dir.join("spoken"));
        let mut microphone = Microphone::open(Some("two PIPES")).unwrap();
        assert_eq!(microphone.name(), "pipes", "found by a part of what it is called");
        let samples = tone(660.0, RATE, 2);
        let bytes: Vec<u8> =
            samples.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
        let mut decoder = Decoder::new(Channels::Mono, SampleRate::Hz48000).unwrap();
        let (mut heard, mut packets) = (Vec::new(), 0);
        // 40 ms at a time, so that none is too much and lost.
        for (at, piece) in bytes.chunks_exact(RATE * 4 / 25).enumerate() {
            spoken.write_all(piece).unwrap();
            // All but what it holds in reserve.
            until("packets", || {
                let due = microphone.next_due();
                if let Next::Frame(frame) = microphone.next_frame(false).unwrap() {
                    assert_eq!((frame.codec, frame.pts), (Codec::Opus, due));
                    let mut room = [0.0; 5_760];
                    let frames = decoder.decode_float_to_slice(&frame.data, &mut room, false).unwrap();
                    assert_eq!(frames, 960, "20 ms");
                    heard.extend_from_slice(&room[..frames]);
                    packets += 1;
                }
                assert_eq!(microphone.next_due(), due + Duration::from_millis(20), "time goes on");
                packets + 5 > at * 2
            });
        }
        assert_eq!((microphone.spoken().lost, microphone.spoken().packets), (0, packets as u64));
        assert!(heard.len() > RATE * 8 / 10, "{} samples", heard.len());
        let settled = &heard[4_800..];
        assert!((pitch(settled) - 660.0).abs() < 8.0, "{}", pitch(settled));
        assert!(settled.iter().any(|sample| sample.abs() > 0.4));

        // It waits for more; dropping it waits for nothing, and what it waited for ends it.
        assert_eq!(microphone.lack(), None);
        let began = Instant::now();
        drop(microphone);
        assert!(began.elapsed() < Duration::from_secs(5));
        drop(spoken);
        until("the end of the threads", || device_threads().is_empty());
    });
}

// F61
#[test]
fn a_device_that_is_not_there_and_one_that_does_not_open_are_told_apart() {
    with_alsa("a_device_that_is_not_there_and_one_that_does_not_open_are_told_apart", PIPES, |_| {
        let names = audio::microphones().unwrap();
        assert!(names.iter().any(|name| name == "pipes"), "{names:?}");
        let absent = Microphone::open(Some("no such microphone")).unwrap_err();
        assert_eq!(absent.lack(), Lack::Absent, "{absent}");
        assert!(
            absent.to_string().contains("no such microphone") && absent.to_string().contains("plug it in")
        );
        let crooked = Speaker::open(Some("crooked")).unwrap_err();
        assert_eq!(crooked.lack(), Lack::Unusable, "{crooked}");
        // Of the two, a join is told the one that is at least there.
        let opened = Preferred::new(Kind::Audio)
            .or("the headset", || Microphone::open(Some("no such microphone")))
            .or("the table's", || Microphone::open(Some("crooked")))
            .open();
        assert_eq!((opened.taken(), opened.lack()), (None, Some(Lack::Unusable)));
    });
}

// F61
#[test]
fn a_machine_without_a_sound_card_has_no_microphone_and_no_speaker() {
    let empty = "defaults.namehint.showall on\n";
    with_alsa("a_machine_without_a_sound_card_has_no_microphone_and_no_speaker", empty, |_| {
        assert_eq!(Microphone::open(None).unwrap_err().lack(), Lack::Absent);
        assert_eq!(Speaker::open(None).unwrap_err().lack(), Lack::Absent);
    });
}

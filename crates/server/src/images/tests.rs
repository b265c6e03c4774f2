//! What is kept and for how long, and how an image is put together from its pieces.

use super::*;
use offhook_media::Rgb;

fn reference(number: u8) -> (String, Bytes, Reference) {
    let file = Bytes::from(Rgb::filled(4, 4, [number, 0, 0]).to_png());
    let sha256 = crate::hex::encode(&Sha256::digest(&file));
    let still = Still::decode(&file).expect("a good file");
    (sha256.clone(), file, Reference::new(&sha256, still))
}

// F51
#[test]
fn the_image_that_was_not_asked_for_longest_makes_room_for_another() {
    let images = Images::default();
    let all: Vec<_> = (0..=OF_A_SESSION as u8).map(reference).collect();
    for (sha256, file, reference) in &all[..OF_A_SESSION] {
        images.keep("studio/1", sha256, file.clone(), reference.clone());
    }
    images.find("studio/1", &all[0].0).expect("kept, and asked for");
    let (sha256, file, last) = &all[OF_A_SESSION];
    images.keep("studio/1", sha256, file.clone(), last.clone());
    let kept: Vec<bool> = all.iter().map(|(sha256, ..)| images.find("studio/1", sha256).is_some()).collect();
    assert_eq!(kept, [true, false, true, true, true]);
}

// F51
#[test]
fn an_image_is_of_its_session_and_goes_with_it() {
    let images = Images::default();
    let (sha256, file, reference) = reference(1);
    images.keep("studio/1", &sha256, file.clone(), reference.clone());
    assert_eq!(images.find("studio/2", &sha256), None, "another session has to show that it has it");
    assert_eq!(images.find("studio/1", &sha256), Some(reference));
    assert_eq!(images.of("studio/1"), [(sha256.clone(), file)]);
    images.forget("studio/2");
    assert!(images.find("studio/1", &sha256).is_some());
    images.forget("studio/1");
    assert_eq!(images.find("studio/1", &sha256), None);
    assert_eq!(images.lock().bytes, 0);
}

// S10: a file of a few hundred bytes takes a megabyte once it is decoded, and that is what is counted.
#[test]
fn what_is_kept_in_all_is_bounded_by_what_it_takes_and_not_by_its_files() {
    let images = Images::default();
    let file = Bytes::from(Rgb::filled(512, 512, [1, 2, 3]).to_png());
    let sha256 = crate::hex::encode(&Sha256::digest(&file));
    let large = Reference::new(&sha256, Still::decode(&file).expect("a good file"));
    let each = file.len() + 512 * 512 * 4;
    let many = IN_ALL / each + 8;
    for session in 0..many {
        images.keep(&format!("studio/{session}"), &sha256, file.clone(), large.clone());
        assert!(images.lock().bytes <= IN_ALL);
    }
    let kept =
        (0..many).filter(|session| images.find(&format!("studio/{session}"), &sha256).is_some()).count();
    assert_eq!((kept, images.lock().bytes), (IN_ALL / each, IN_ALL / each * each));
}

#[tokio::test]
async fn an_image_that_is_not_what_its_hash_says_is_none() {
    let images = Images::default();
    let (sha256, file, _) = reference(1);
    let (_, other, _) = reference(2);
    let refused = images.read(sha256.clone(), other).await.expect_err("another file");
    assert!(refused.contains("hash"), "{refused}");
    assert!(images.read(sha256, file).await.is_ok());
}

fn pieces(of: &[u8], size: usize) -> Vec<(u64, String)> {
    of.chunks(size).enumerate().map(|(at, piece)| ((at * size) as u64, STANDARD.encode(piece))).collect()
}

// F51, R14
#[test]
fn pieces_make_a_whole_and_those_that_come_twice_change_nothing() {
    let file: Vec<u8> = (0..50_000u32).map(|n| n as u8).collect();
    let mut assembly = Assembly::new("a");
    let pieces = pieces(&file, 16 * 1024);
    let total = file.len() as u64;
    for (number, (offset, piece)) in pieces.iter().enumerate() {
        assert!(assembly.whole().is_none());
        let received = assembly.take(*offset, total, piece).expect("it fits");
        assert_eq!(received, ((number + 1) * 16 * 1024).min(file.len()) as u64);
        // Again, and one from beyond: what was received is said, and nothing is taken.
        assert_eq!(assembly.take(*offset, total, piece), Ok(received));
        assert_eq!(assembly.take(received + 5, total, piece), Ok(received));
    }
    assert_eq!(assembly.whole().as_deref(), Some(&file[..]));
}

// S7
#[test]
fn pieces_that_fit_nothing_are_refused_and_take_no_room() {
    let piece = STANDARD.encode([1, 2, 3]);
    let take = |offset, total, piece: &str| Assembly::new("a").take(offset, total, piece);
    assert_eq!(take(0, limits::IMAGE_BYTES + 1, &piece), Err(BadPiece::TooLarge));
    assert_eq!(take(0, u64::MAX, &piece), Err(BadPiece::TooLarge));
    assert_eq!(take(0, 0, &piece), Err(BadPiece::Empty));
    assert_eq!(take(0, 3, ""), Err(BadPiece::Empty));
    assert_eq!(take(0, 2, &piece), Err(BadPiece::DoesNotFit));
    assert_eq!(take(0, 3, "a==="), Err(BadPiece::NotBase64));
    let mut assembly = Assembly::new("a");
    assert_eq!(assembly.take(0, limits::IMAGE_BYTES, &piece), Ok(3));
    assert!(assembly.bytes.capacity() < 1024, "nothing is taken for what is only announced");
    assert_eq!(assembly.take(3, 6, &piece), Err(BadPiece::DoesNotFit), "another size than before");
}

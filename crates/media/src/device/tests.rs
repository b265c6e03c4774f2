//! Facts about the three causes.

use super::*;
use crate::clip::Clip;
use std::io;

// F61
#[test]
fn each_cause_has_its_own_next_step() {
    let texts = [Lack::Absent, Lack::Unusable, Lack::Declined]
        .map(|lack| DeviceError::new("the camera", lack, "said the system").to_string());
    assert!(texts[0].ends_with("plug it in, or choose another"), "{}", texts[0]);
    assert!(texts[1].contains("close the program that has it"), "{}", texts[1]);
    assert!(texts[2].contains("allow this program"), "{}", texts[2]);
    assert!(texts.iter().all(|text| text.starts_with("the camera: said the system; ")), "{texts:?}");
}

// F61
#[test]
fn what_the_system_says_of_a_file_is_one_of_the_three_causes() {
    let of = |code| of_io(&io::Error::from_raw_os_error(code));
    // ENOENT, EACCES, EBUSY, EIO: errno(3), the same everywhere.
    assert_eq!([2, 13, 16, 5].map(of), [Lack::Absent, Lack::Declined, Lack::Unusable, Lack::Unusable]);
}

// F61
#[test]
fn a_clip_that_is_not_there_is_absent_and_one_that_is_no_clip_is_unusable() {
    assert_eq!(Clip::open("there/is/no/such.h264").unwrap_err().lack(), Lack::Absent);
    assert_eq!(
        Clip::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap_err().lack(),
        Lack::Unusable
    );
}

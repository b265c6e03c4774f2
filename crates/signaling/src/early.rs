//! The first frame, said along with the upgrade of the socket: a round trip less for whoever can
//! set a header on it. A page cannot, so nothing depends on it: the frame counts as sent only if
//! the answer to the upgrade says that it was taken, else it is the socket's first one as ever.

/// The header of the upgrade that bears the first frame, and of its answer, where it has the value
/// [`EARLY_TAKEN`].
pub const EARLY_HEADER: &str = "offhook-first-frame";
/// What the answer says of a frame that was taken.
pub const EARLY_TAKEN: &str = "taken";
/// Longest frame that is said so. What stands between a client and its server takes eight
/// kilobytes for a header more often than not.
pub const EARLY_BYTES: usize = 6 * 1024;

/// A frame as the value of a header: what is not visible ASCII is escaped as JSON does. `None`
/// where it would be too long.
pub fn early(frame: &str) -> Option<String> {
    use std::fmt::Write;
    let mut value = String::with_capacity(frame.len());
    for letter in frame.chars() {
        match letter {
            ' '..='~' => value.push(letter),
            // Outside of its strings a frame has nothing but ASCII.
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(value, "\\u{unit:04x}");
                }
            }
        }
        if value.len() > EARLY_BYTES {
            return None;
        }
    }
    Some(value)
}

//! Lines on a socket, for both ends: bounded, and each said within a second. A text of the user's
//! goes as hexadecimal figures, so that whatever is in it stays within its word.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// The longest line, in bytes: a prompt of 16 KiB in figures, and the words around it.
pub(crate) const LONGEST: usize = 40 * 1024;
/// A socket that takes nothing for so long is as good as gone.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Wire {
    input: BufReader<OwnedReadHalf>,
    output: OwnedWriteHalf,
    /// The beginning of a line whose end is still to come.
    begun: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(socket: TcpStream) -> Self {
        let (input, output) = socket.into_split();
        Self { input: BufReader::new(input), output, begun: Vec::new() }
    }

    /// Says one line.
    pub(crate) async fn say(&mut self, line: &str) -> Result<()> {
        let line = format!("{line}\n");
        timeout(PATIENCE, self.output.write_all(line.as_bytes())).await?
    }

    /// Hears the next line.
    ///
    /// # Cancel safety
    /// What came in is kept.
    pub(crate) async fn hear(&mut self) -> Result<String> {
        let room = LONGEST.saturating_sub(self.begun.len());
        let mut input = (&mut self.input).take(room as u64);
        input.read_until(b'\n', &mut self.begun).await?;
        match self.begun.pop() {
            Some(b'\n') => {
                let line = String::from_utf8(std::mem::take(&mut self.begun));
                line.map_err(|error| Error::new(ErrorKind::InvalidData, error))
            }
            Some(_) => Err(Error::new(ErrorKind::InvalidData, "a line has no end")),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

pub(crate) fn to_hex(text: &str) -> String {
    // An empty word would be none.
    if text.is_empty() {
        return "0".to_owned();
    }
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(word: &str) -> Option<String> {
    if word == "0" {
        return Some(String::new());
    }
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = word.as_bytes().chunks(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}

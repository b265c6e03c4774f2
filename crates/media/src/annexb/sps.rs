//! The sequence parameter set (ITU-T H.264 7.3.2.1, annex E): picture size, profile and frame
//! rate. Whatever else it says is read over.

/// What a sequence parameter set says about the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`: 66 baseline, 77 main, 100 high.
    pub profile: u8,
    /// The byte of constraint flags after it.
    pub constraints: u8,
    /// `level_idc`: ten times the level.
    pub level: u8,
    /// Width in pixels after cropping.
    pub width: u32,
    /// Height in pixels after cropping.
    pub height: u32,
    /// Frames in a second as (numerator, denominator), if the stream says so.
    pub frame_rate: Option<(u32, u32)>,
}

/// A parameter set is a few dozen bytes; scaling lists make it some hundred.
const MAX_BYTES: usize = 1024;

impl Sps {
    /// Reads the payload of the NAL unit, without its header byte. `None` if it ends too soon
    /// or cannot be.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let rbsp = without_emulation_prevention(payload);
        let mut bits = Bits { bytes: &rbsp, at: 0 };
        let (profile, constraints, level) = (bits.byte()?, bits.byte()?, bits.byte()?);
        bits.ue()?;
        let mut chroma_format = 1;
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma_format = bits.high_profile()?;
        }
        bits.ue()?;
        bits.picture_order()?;
        bits.ue()?;
        bits.bit()?;
        let (mb_width, map_height) = (bits.ue()?.checked_add(1)?, bits.ue()?.checked_add(1)?);
        let frame_only = bits.bit()?;
        if !frame_only {
            bits.bit()?;
        }
        bits.bit()?;
        let mut crop = [0u32; 4];
        if bits.bit()? {
            for side in &mut crop {
                *side = bits.ue()?;
            }
        }
        let fields = if frame_only { 1 } else { 2 };
        let (unit_x, unit_y) =
            (if matches!(chroma_format, 1 | 2) { 2 } else { 1 }, if chroma_format == 1 { 2 } else { 1 });
        let width =
            mb_width.checked_mul(16)?.checked_sub(crop[0].checked_add(crop[1])?.checked_mul(unit_x)?)?;
        let height = map_height
            .checked_mul(16 * fields)?
            .checked_sub(crop[2].checked_add(crop[3])?.checked_mul(unit_y * fields)?)?;
        if width == 0 || height == 0 {
            return None;
        }
        let frame_rate = if bits.bit()? { bits.vui_frame_rate() } else { None };
        Some(Self { profile, constraints, level, width, height, frame_rate })
    }

    /// Can the stream reorder pictures? Baseline never does.
    pub fn is_baseline(&self) -> bool {
        self.profile == 66
    }
}

/// 7.4.1: `00 00 03` stands for `00 00`.
fn without_emulation_prevention(payload: &[u8]) -> Vec<u8> {
    let mut rbsp = Vec::with_capacity(payload.len().min(MAX_BYTES));
    let mut zeros = 0;
    for &byte in payload.iter().take(MAX_BYTES) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        rbsp.push(byte);
    }
    rbsp
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    fn byte(&mut self) -> Option<u8> {
        self.bits(8).map(|value| value as u8)
    }

    /// An unsigned Exp-Golomb number (9.1).
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// Passes over a signed number, and says what it is.
    fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let size = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 1 { size } else { -size })
    }

    fn high_profile(&mut self) -> Option<u32> {
        let chroma_format = self.ue()?;
        if chroma_format == 3 {
            self.bit()?;
        }
        self.ue()?;
        self.ue()?;
        self.bit()?;
        if self.bit()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if self.bit()? {
                    self.scaling_list(if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some(chroma_format)
    }

    fn scaling_list(&mut self, size: usize) -> Option<()> {
        let (mut last, mut next) = (8i32, 8i32);
        for _ in 0..size {
            if next != 0 {
                next = last.wrapping_add(self.se()?).wrapping_add(256).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
        Some(())
    }

    fn picture_order(&mut self) -> Option<()> {
        match self.ue()? {
            0 => {
                self.ue()?;
            }
            1 => {
                self.bit()?;
                self.se()?;
                self.se()?;
                let cycle = self.ue()?;
                if cycle > 255 {
                    return None;
                }
                for _ in 0..cycle {
                    self.se()?;
                }
            }
            _ => {}
        }
        Some(())
    }

    /// E.1.1, as far as the timing. A frame is two fields, hence the factor of two.
    fn vui_frame_rate(&mut self) -> Option<(u32, u32)> {
        if self.bit()? && self.byte()? == 255 {
            self.bits(32)?;
        }
        if self.bit()? {
            self.bit()?;
        }
        if self.bit()? {
            self.bits(4)?;
            if self.bit()? {
                self.bits(24)?;
            }
        }
        if self.bit()? {
            self.ue()?;
            self.ue()?;
        }
        if !self.bit()? {
            return None;
        }
        let (ticks, scale) = (self.bits(32)?, self.bits(32)?);
        let per_frame = ticks.checked_mul(2)?;
        (per_frame > 0 && scale > 0).then_some((scale, per_frame))
    }
}

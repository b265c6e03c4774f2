//! Draws a contact sheet of the sample clip, with a few simple repaintings in place of what a
//! far side would return: `cargo run -p offhook-media --example contact_sheet --all-features -- sheet.png`

use offhook_media::clip::SAMPLE_ATTRIBUTION;
use offhook_media::h264::Decoder;
use offhook_media::{Clip, ContactSheet, I420, Pair, Pattern};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "contact-sheet.png".to_owned());
    let clip = Clip::sample();
    let mut decoder = Decoder::new()?;
    let mut pictures = Vec::new();
    for frame in clip.frames() {
        pictures.extend(decoder.decode_frame(frame)?);
    }
    let mut sheet = ContactSheet::new("offhook", "sent beside repainted").footer(SAMPLE_ATTRIBUTION);
    let wishes: [(&str, fn(&mut I420)); 4] = [
        ("greyscale", grey),
        ("sepia", sepia),
        ("invert the colours, please", invert),
        ("posterize", posterize),
    ];
    for (number, (label, repaint)) in wishes.into_iter().enumerate() {
        let sent = pictures[number * 30].clone();
        let mut returned = sent.clone();
        repaint(&mut returned);
        sheet.push(Pair { label: label.to_owned(), note: format!("frame {}", number * 30), sent, returned });
    }
    let pattern = Pattern::new(640, 360)?;
    sheet.push(Pair {
        label: "and the test pattern".to_owned(),
        note: String::new(),
        sent: pattern.frame(0),
        returned: pattern.frame(60),
    });
    sheet.draw()?.write_png(&path)?;
    println!("wrote {path}");
    Ok(())
}

fn grey(picture: &mut I420) {
    let (_, u, v) = picture.planes_mut();
    u.fill(128);
    v.fill(128);
}

fn sepia(picture: &mut I420) {
    let (_, u, v) = picture.planes_mut();
    u.fill(108);
    v.fill(144);
}

fn invert(picture: &mut I420) {
    let (y, u, v) = picture.planes_mut();
    y.iter_mut().for_each(|value| *value = 251 - (*value).min(251));
    u.iter_mut().chain(v).for_each(|value| *value = 255 - *value);
}

fn posterize(picture: &mut I420) {
    picture.planes_mut().0.iter_mut().for_each(|value| *value = *value / 64 * 64 + 32);
}

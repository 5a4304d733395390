//! A code as a picture: PNG (ISO/IEC 15948), one bit a pixel.
//!
//! Written here and not by a library: without compression the format is a header and two checksums, and a picture of
//! this kind has some 30 kB. A library that compresses it would be six crates more.

use super::{Modules, PICTURE_SCALE};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// A module is eight pixels wide: a byte.
const _: () = assert!(PICTURE_SCALE == 8);

/// The most that one stored block of deflate holds, by RFC 1951.
const MAX_BLOCK: usize = 0xFFFF;

impl Modules {
    /// The code as a PNG image, black on white, eight pixels a module.
    pub fn to_png(&self) -> Vec<u8> {
        let side = u32::try_from(self.size() * PICTURE_SCALE).unwrap_or(u32::MAX);
        let mut header = Vec::from(side.to_be_bytes());
        header.extend(side.to_be_bytes());
        // One bit a pixel, greyscale, and the only methods of compression, filtering and interlacing: none of the last.
        header.extend([1, 0, 0, 0, 0]);
        let mut png = Vec::from(SIGNATURE);
        chunk(&mut png, b"IHDR", &header);
        chunk(&mut png, b"IDAT", &stored(&self.scanlines()));
        chunk(&mut png, b"IEND", &[]);
        png
    }

    /// The picture's lines, each after the byte that says that it is not filtered. White is 1.
    fn scanlines(&self) -> Vec<u8> {
        let mut lines = Vec::with_capacity(self.size() * PICTURE_SCALE * (self.size() + 1));
        for y in 0..self.size() {
            let line: Vec<u8> = (0..self.size()).map(|x| if self.is_dark(x, y) { 0x00 } else { 0xFF }).collect();
            for _ in 0..PICTURE_SCALE {
                lines.push(0);
                lines.extend(&line);
            }
        }
        lines
    }
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let typed = [kind, data].concat();
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    png.extend(&typed);
    png.extend(crc32(&typed).to_be_bytes());
}

/// The data as a zlib stream of stored blocks: RFC 1950 and 1951.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let last = data.len().div_ceil(MAX_BLOCK).saturating_sub(1);
    for (n, block) in data.chunks(MAX_BLOCK).enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(n == last));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(data).to_be_bytes());
    stream
}

/// The checksum of PNG's chunks. A bit at a time: it is fast enough for a picture that is made when it is asked for.
fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !data.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// The checksum of zlib.
fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::super::PICTURE_QUIET;
    use super::super::tests::{read, texts};
    use super::*;

    #[test]
    fn the_picture_holds_the_text() {
        // The longest is of more than one block.
        for text in texts().chain(["x".repeat(2_953)]) {
            let picture = Modules::encode_within(&text, PICTURE_QUIET).unwrap().to_png();
            let mut decoder = ::png::Decoder::new(std::io::Cursor::new(&picture));
            decoder.set_transformations(::png::Transformations::EXPAND);
            let mut reader = decoder.read_info().unwrap();
            let mut luma = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut luma).unwrap();
            reader.finish().unwrap();
            let (width, height) = (info.width as usize, info.height as usize);
            assert_eq!((info.color_type, width), (::png::ColorType::Grayscale, height));
            assert_eq!(read(width, height, |x, y| luma[y * width + x]), Some(text));
        }
    }

    #[test]
    fn the_checksums_are_those_of_their_specifications() {
        assert_eq!((crc32(b"123456789"), adler32(b"Wikipedia")), (0xCBF4_3926, 0x11E6_0398));
    }
}

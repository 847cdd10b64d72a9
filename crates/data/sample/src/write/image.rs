//! Small images with EXIF metadata (PNG third edition, JFIF, Exif 2.32).

use std::io::{self, Write as _};

/// An 8 × 8 grey JPEG: everything behind its start marker.
const JPEG_BODY: &str = concat!(
    "ffe000104a46494600010100000100010000ffdb00430050373c463c32504641465a55505f78c882786e6e78f5afb991c8ffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc0000b080008000801011100ffc4001400",
    "0100000000000000000000000000000000ffc40014100100000000000000000000000000000000ffda0008010100003f003fffd9"
);

/// A JPEG with EXIF artist, description and position.
pub fn jpeg(artist: &str, description: &str, position: (u32, u32)) -> Vec<u8> {
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(tiff(artist, description, position));
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1];
    bytes.extend(u16::try_from(exif.len() + 2).unwrap_or(0).to_be_bytes());
    bytes.extend(exif);
    let nibbles: Vec<u8> = JPEG_BODY.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    bytes.extend(nibbles.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)));
    bytes
}

/// A grey PNG with an author and EXIF metadata.
pub fn png(size: u32, author: &str, description: &str, position: (u32, u32)) -> io::Result<Vec<u8>> {
    let mut rows = Vec::new();
    for y in 0..size {
        rows.push(0);
        rows.extend((0..size).map(|x| ((x * 3) ^ (y * 5)) as u8));
    }
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&rows)?;
    let pixels = encoder.finish()?;
    let mut header = Vec::new();
    header.extend(size.to_be_bytes());
    header.extend(size.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut bytes, b"IHDR", &header);
    chunk(&mut bytes, b"tEXt", format!("Author\0{author}").as_bytes());
    chunk(&mut bytes, b"eXIf", &tiff(author, description, position));
    chunk(&mut bytes, b"IDAT", &pixels);
    chunk(&mut bytes, b"IEND", &[]);
    Ok(bytes)
}

fn chunk(bytes: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(content);
    bytes.extend(u32::try_from(content.len()).unwrap_or(0).to_be_bytes());
    bytes.extend(kind);
    bytes.extend(content);
    bytes.extend(crc.sum().to_be_bytes());
}

/// A little-endian TIFF directory with description (0x010E), artist (0x013B) and a GPS directory of whole degrees.
fn tiff(artist: &str, description: &str, (latitude, longitude): (u32, u32)) -> Vec<u8> {
    const ENTRIES: u32 = 3;
    const GPS_ENTRIES: u32 = 4;
    let directory = 8 + 2 + ENTRIES * 12 + 4;
    let gps = directory + 2 + GPS_ENTRIES * 12 + 4;
    let mut tail: Vec<u8> = Vec::new();
    let mut place = |content: Vec<u8>| {
        let at = gps + u32::try_from(tail.len()).unwrap_or(0);
        tail.extend(&content);
        if content.len() % 2 == 1 {
            tail.push(0);
        }
        (u32::try_from(content.len()).unwrap_or(0), at)
    };
    let (description_len, description_at) = place(format!("{description}\0").into_bytes());
    let (artist_len, artist_at) = place(format!("{artist}\0").into_bytes());
    let degrees = |value: u32| [value, 1, 30, 1, 0, 1].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let (_, latitude_at) = place(degrees(latitude));
    let (_, longitude_at) = place(degrees(longitude));
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((ENTRIES as u16).to_le_bytes());
    entry(&mut bytes, 0x010E, 2, description_len, description_at);
    entry(&mut bytes, 0x013B, 2, artist_len, artist_at);
    entry(&mut bytes, 0x8825, 4, 1, directory);
    bytes.extend([0; 4]);
    bytes.extend((GPS_ENTRIES as u16).to_le_bytes());
    entry(&mut bytes, 1, 2, 2, u32::from(b'N'));
    entry(&mut bytes, 2, 5, 3, latitude_at);
    entry(&mut bytes, 3, 2, 2, u32::from(b'W'));
    entry(&mut bytes, 4, 5, 3, longitude_at);
    bytes.extend([0; 4]);
    bytes.extend(tail);
    bytes
}

fn entry(bytes: &mut Vec<u8>, tag: u16, kind: u16, count: u32, value: u32) {
    bytes.extend(tag.to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(value.to_le_bytes());
}

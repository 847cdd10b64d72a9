//! A ZIP archive of one member under the traditional encryption (APPNOTE.TXT 6.3.10, section 6.1).

/// The archive; the member is stored without compression.
pub fn zip(name: &str, content: &[u8], password: &str) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let sum = crc.sum();
    let mut keys = Keys::new(password);
    let mut head = *b"aurelionbio\0";
    head[11] = (sum >> 24) as u8;
    let secret: Vec<u8> = head.iter().chain(content).map(|&byte| keys.encrypt(byte)).collect();

    let mut common = Vec::new();
    common.extend([20, 0, 1, 0, 0, 0, 0, 0, 0x21, 0]);
    common.extend(sum.to_le_bytes());
    common.extend(u32::try_from(secret.len()).unwrap_or(0).to_le_bytes());
    common.extend(u32::try_from(content.len()).unwrap_or(0).to_le_bytes());
    common.extend(u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
    common.extend([0, 0]);

    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(&common);
    bytes.extend(name.as_bytes());
    bytes.extend(secret);
    let start = u32::try_from(bytes.len()).unwrap_or(0);
    bytes.extend(b"PK\x01\x02\x14\x00");
    bytes.extend(&common);
    bytes.extend([0; 14]);
    bytes.extend(name.as_bytes());
    let size = u32::try_from(bytes.len()).unwrap_or(0) - start;
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// The three keys of the cipher.
struct Keys(u32, u32, u32);

impl Keys {
    fn new(password: &str) -> Self {
        let mut keys = Self(0x1234_5678, 0x2345_6789, 0x3456_7890);
        for byte in password.bytes() {
            keys.update(byte);
        }
        keys
    }

    fn update(&mut self, byte: u8) {
        self.0 = crc(self.0, byte);
        self.1 = self.1.wrapping_add(self.0 & 0xFF).wrapping_mul(134_775_813).wrapping_add(1);
        self.2 = crc(self.2, (self.1 >> 24) as u8);
    }

    fn encrypt(&mut self, byte: u8) -> u8 {
        let half = (self.2 | 2) & 0xFFFF;
        let mask = (half.wrapping_mul(half ^ 1) >> 8) as u8;
        self.update(byte);
        byte ^ mask
    }
}

/// One step of CRC-32 without the final inversion.
fn crc(state: u32, byte: u8) -> u32 {
    let mut rest = (state ^ u32::from(byte)) & 0xFF;
    for _ in 0..8 {
        rest = if rest & 1 == 1 { rest >> 1 ^ 0xEDB8_8320 } else { rest >> 1 };
    }
    rest ^ state >> 8
}

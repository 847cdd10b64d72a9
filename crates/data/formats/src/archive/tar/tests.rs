use tar::{Builder, EntryType, Header};

use crate::ProblemKind;
use crate::testing::Recorder;

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn members_with_long_names_and_links_are_read() {
    let long = "folder/".repeat(40) + "end.txt";
    let mut builder = Builder::new(archive(&[("a.txt", b"first\n"), (&long, b"second\n")]));
    builder.get_mut().truncate(512 * 6);
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", "../../etc/passwd").unwrap();
    let bytes = builder.into_inner().unwrap();
    let read = Recorder::read(&bytes);
    assert_eq!(read.text(), "first\nsecond\n");
    assert!(read.lines.contains(&format!("enter {long}")));
    assert_eq!(read.field("link").value, "../../etc/passwd");
    assert_eq!(read.problems, []);
}

#[test]
fn a_damaged_header_is_reported_and_passed_over() {
    let mut bytes = archive(&[("a", b"first\n"), ("b", b"second\n"), ("c", b"third\n")]);
    bytes[1024] ^= 0x55;
    let read = Recorder::read(&bytes);
    assert_eq!(read.text(), "first\nthird\n");
    assert_eq!(read.problems[0].kind, ProblemKind::Malformed);
}

#[test]
fn old_sparse_files_get_their_holes_back() {
    let mut header = Header::new_gnu();
    header.set_path("sparse.txt").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(4);
    {
        let gnu = header.as_gnu_mut().unwrap();
        gnu.sparse[0].offset.copy_from_slice(b"00000000000\0");
        gnu.sparse[0].numbytes.copy_from_slice(b"00000000004\0");
        gnu.realsize.copy_from_slice(b"00000002000\0");
    }
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(b"abc\n");
    bytes.resize(1024 + 1024, 0);
    let read = Recorder::read(&bytes);
    assert!(read.lines.contains(&"leave 1024".to_owned()), "{:#?}", read.lines);
}

#[test]
fn cut_anywhere_within_a_member_it_says_so() {
    let bytes = archive(&[("a", b"some words\n"), ("b", b"more words\n")]);
    for end in 512..1536 + 11 {
        let read = Recorder::read(&bytes[..end]);
        let at_a_boundary = end == 1024;
        assert!(at_a_boundary || !read.problems.is_empty(), "silent at {end}: {:#?}", read.lines);
    }
}

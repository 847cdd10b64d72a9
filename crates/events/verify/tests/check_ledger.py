"""An independent check of a ledger's folder: Python's standard library alone, written from docs/reference/ledger.md and
the specifications rather than from the Rust. Signatures are not verified here. Prints `ok SIZE ROOT` and exits 0, or the
first fault and exits 4."""

import base64
import hashlib
import pathlib
import struct
import sys


def sha(data):
    return hashlib.sha256(data).digest()


def leaf(entry):
    return sha(b"\x00" + entry)


def node(left, right):
    return sha(b"\x01" + left + right)


def root(hashes):
    """RFC 6962 section 2.1, word by word."""
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node(root(hashes[:split]), root(hashes[split:]))


class Fault(Exception):
    pass


def need(holds, what):
    if not holds:
        raise Fault(what)


def read(folder, path):
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from error


def tile_path(level, index, width):
    digits = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        digits = f"x{index % 1000:03}/{digits}"
    return f"tile/{level}/{digits}" + ("" if width == 256 else f".p/{width}")


def bundle(data, what):
    entries, at = [], 0
    while at < len(data):
        need(at + 2 <= len(data), f"{what}: it ends within a length")
        (length,) = struct.unpack_from(">H", data, at)
        need(at + 2 + length <= len(data), f"{what}: it ends within an entry")
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return entries


def checkpoint(note, origin):
    text, _, signatures = note.decode().rpartition("\n\n")
    lines = text.split("\n")
    need(len(lines) == 3 and lines[0] == origin, "checkpoint: not three lines of this log")
    need(signatures.startswith("\u2014 " + origin + " ") and signatures.count("\n") == 1, "checkpoint: signatures")
    return int(lines[1]), base64.b64decode(lines[2], validate=True)


def order(entries):
    writers, last = {}, None
    for index, entry in enumerate(entries):
        need(len(entry) >= 46 and entry[0] == 1 and 1 <= entry[1] <= 4, f"entry {index}: header")
        writer = entry[2:18]
        sequence, time = struct.unpack_from(">Qq", entry, 18)
        need(sequence == writers.get(writer, 0), f"entry {index}: sequence {sequence}")
        need(last is None or time >= last, f"entry {index}: time goes back")
        writers[writer], last = sequence + 1, time


def wal(folder, entries, origin):
    for path in sorted(folder.glob("wal/*")):
        data, at, first = path.read_bytes(), 0, int(path.name)
        while at < len(data):
            need(data[at : at + 8] == b"LZBATCH1" and len(data) >= at + 26, f"{path.name}: batch")
            begins, count, length, note = struct.unpack_from(">QIIH", data, at + 8)
            need(begins == first and begins <= len(entries), f"{path.name}: batch begins with {begins}")
            found = bundle(data[at + 26 : at + 26 + length], path.name)
            need(len(found) == count, f"{path.name}: entries of a batch")
            known = entries[begins : begins + count]
            need(found[: len(known)] == known, f"{path.name}: entries from {begins} on")
            entries.extend(found[len(known) :])
            signed = data[at + 26 + length : at + 26 + length + note]
            size, hashed = checkpoint(signed, origin)
            need(size == begins + count, f"{path.name}: size of a batch")
            need(hashed == root([leaf(entry) for entry in entries[:size]]), f"{path.name}: root of a batch")
            first += count
            at += 26 + length + note


def check(folder):
    origin = read(folder, "log.vkey").decode().split("+")[0]
    size, expected = checkpoint(read(folder, "checkpoint"), origin)
    entries, allowed = [], {"checkpoint", "log.vkey", "lock"}
    for index in range((size + 255) // 256):
        path = tile_path("entries", index, min(256, size - index * 256))
        found = bundle(read(folder, path), path)
        need(len(found) == min(256, size - index * 256), f"{path}: {len(found)} entries")
        entries.extend(found)
        allowed.add(path)
    level, hashes = 0, [leaf(entry) for entry in entries]
    need(root(hashes) == expected, "checkpoint: its root is not that of the entries")
    while hashes:
        for index in range((len(hashes) + 255) // 256):
            part = hashes[index * 256 : index * 256 + 256]
            path = tile_path(level, index, len(part))
            need(read(folder, path) == b"".join(part), f"{path}: not built from what is below it")
            allowed.add(path)
        hashes = [root(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
    wal(folder, entries, origin)
    order(entries)
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name.split("/")[0] not in ("wal", "derived", "cosigned", "anchors"):
            need(name in allowed, f"{name}: stray")
    return size, expected


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    try:
        size, hashed = check(pathlib.Path(sys.argv[1]))
        print("ok", size, hashed.hex())
    except (Fault, ValueError, struct.error) as fault:
        print("fault:", fault)
        sys.exit(4)

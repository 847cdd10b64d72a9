"""Holds two files of answers against each other, incident by incident, without keeping either in memory."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

# What both say of an answer, one field a line; the first names the obligation.
KEYS = tuple(Path(__file__).with_name("fields.txt").read_text().split())[1:]
SHOWN = 20


def by_incident(stream, name):
    """Yields (incident, {obligation: line}); incidents have to rise."""
    current, lines = None, {}
    for text in stream:
        if not text.strip():
            continue
        line = json.loads(text)
        if "obligation" not in line:
            continue  # a summary, not an answer
        number = line.get("incident", 1)
        if number != current:
            if current is not None:
                if number < current:
                    raise SystemExit(f"{name}: incident {number} comes after {current}")
                yield current, lines
            current, lines = number, {}
        if line["obligation"] in lines:
            raise SystemExit(f"{name}: incident {number} has {line['obligation']} twice")
        lines[line["obligation"]] = line
    if current is not None:
        yield current, lines


def pairs(first, second):
    """Walks both in step; where only one has an incident, the other's lines are empty."""
    nothing = (None, {})
    left, right = next(first, nothing), next(second, nothing)
    while left[0] is not None or right[0] is not None:
        if right[0] is None or (left[0] is not None and left[0] < right[0]):
            yield left[0], left[1], {}
            left = next(first, nothing)
        elif left[0] is None or right[0] < left[0]:
            yield right[0], {}, right[1]
            right = next(second, nothing)
        else:
            yield left[0], left[1], right[1]
            left, right = next(first, nothing), next(second, nothing)


def same(key, left, right):
    if left == right:
        return True
    if key == "recipients_for":
        return sorted(left or ()) == sorted(right or ())
    if left is None or right is None or key not in ("start_at", "due_at"):
        return False
    left, right = datetime.fromisoformat(left), datetime.fromisoformat(right)
    # `==` compares instants; a deadline has to be shown with the same offset too.
    return left == right and (key == "start_at" or left.utcoffset() == right.utcoffset())


class Comparison:
    def __init__(self, keys):
        self.keys = keys
        self.incidents = 0
        self.lines = 0
        self.differences = Counter()
        self.shown = 0

    def differs(self, obligation, key, number, left, right):
        self.differences[obligation, key] += 1
        if self.shown < SHOWN:
            self.shown += 1
            print(f"incident {number} {obligation} {key}:")
            print(f"  1: {json.dumps(left)}")
            print(f"  2: {json.dumps(right)}")

    def hold(self, number, left, right):
        self.incidents += 1
        for obligation in left.keys() | right.keys():
            self.lines += 1
            one, other = left.get(obligation), right.get(obligation)
            if one is None or other is None:
                self.differs(obligation, "line", number, one, other)
            elif one != other:
                for key in self.keys:
                    if not same(key, one.get(key), other.get(key)):
                        self.differs(obligation, key, number, one, other)

    def report(self):
        for (obligation, key), count in sorted(self.differences.items()):
            print(f"{obligation} {key}: {count}")
        total = sum(self.differences.values())
        print(f"{self.incidents} incidents, {self.lines} answers, {total} differences")
        return 1 if total else 0


def run(first, second, keys):
    comparison = Comparison(keys)
    for number, left, right in pairs(by_incident(first, "1"), by_incident(second, "2")):
        comparison.hold(number, left, right)
    return comparison.report()

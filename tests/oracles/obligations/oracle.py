"""An oracle for the legal clocks of docs/reference/obligations.md, written from the citations alone. See README.md beside it."""

import argparse
import json
import sys

sys.dont_write_bytecode = True

import compare
import generate
import law
import vectors

compact = json.JSONEncoder(separators=(",", ":")).encode


def incidents(stream):
    """Facts and their number, from 1. An empty line is no incident."""
    number = 0
    for text in stream:
        if text.strip():
            number += 1
            yield number, json.loads(text)


def run_answer(options):
    at = law.instant(options.at)
    write = sys.stdout.write
    for number, facts in incidents(sys.stdin):
        for line in law.answers(facts, number, at):
            write(compact(line) + "\n")
    return 0


def run_generate(options):
    write = sys.stdout.write
    for facts in generate.incidents(options.seed, options.count):
        write(compact(facts) + "\n")
    return 0


def run_compare(options):
    with open(options.first, encoding="utf-8") as first, open(options.second, encoding="utf-8") as second:
        return compare.run(first, second, options.keys.split(","))


def run_vectors(options):
    return vectors.run()


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("answer", help="facts on stdin, answers on stdout")
    command.add_argument("--at", help="RFC 3339")
    command.set_defaults(run=run_answer)
    command = commands.add_parser("generate", help="facts on stdout")
    command.add_argument("--seed", type=int, required=True)
    command.add_argument("--count", type=int, required=True)
    command.set_defaults(run=run_generate)
    command = commands.add_parser("compare", help="two files of answers; exit 1 when they differ")
    command.add_argument("first")
    command.add_argument("second")
    command.add_argument("--keys", default=",".join(compare.KEYS), help="default: %(default)s")
    command.set_defaults(run=run_compare)
    command = commands.add_parser("vectors", help="the test vectors")
    command.set_defaults(run=run_vectors)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    options = parse(sys.argv[1:])
    sys.exit(options.run(options))

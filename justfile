# Short names for the chores; everything works without `just`, as in the README.

default:
    @just --list

# Everything that must be green.
test:
    cargo xtask test

# A made-up organisation, scanned and shown.
sample:
    cargo run --release -- up --sample

# Measure: `just bench scan`.
bench *ARGS:
    cargo xtask bench {{ARGS}}

# Fuzz every parser for two minutes each.
soak *ARGS:
    cargo xtask soak {{ARGS}}

//! A made-up organisation and made-up notes, deterministic from a seed, with the truth of what was planted.

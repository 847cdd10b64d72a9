#![no_main]

lazaret_fuzz::reader!(Binary);

#![no_main]

lazaret_fuzz::reader!(Bzip2);

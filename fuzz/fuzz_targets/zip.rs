#![no_main]

lazaret_fuzz::reader!(Zip);

#![no_main]

lazaret_fuzz::reader!(Odt);

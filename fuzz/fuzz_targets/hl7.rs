#![no_main]

lazaret_fuzz::reader!(Hl7);

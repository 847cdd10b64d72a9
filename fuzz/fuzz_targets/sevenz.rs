#![no_main]

lazaret_fuzz::reader!(SevenZip);

#![no_main]

lazaret_fuzz::reader!(Xml);

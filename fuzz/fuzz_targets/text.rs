#![no_main]

lazaret_fuzz::reader!(Text);

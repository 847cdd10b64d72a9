#![no_main]

lazaret_fuzz::reader!(Pdb);

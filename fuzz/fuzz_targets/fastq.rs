#![no_main]

lazaret_fuzz::reader!(Fastq);

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _request = verify::witness::Request::parse(data);
    let (hashes, rest) = data.as_chunks::<32>();
    let number = |at: usize| rest.get(at).map_or(0, |byte| u64::from(*byte) * 0x0101_0101_0101_0101);
    let _holds = verify::proof::inclusion_holds(&[0; 32], number(0), number(1), hashes, &[1; 32]);
    let _holds = verify::proof::consistency_holds(number(2), &[0; 32], number(3), &[1; 32], hashes);
});

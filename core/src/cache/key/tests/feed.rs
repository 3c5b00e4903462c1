use crate::cache::key::feed::Feed;
use crate::chance::Chance;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn what_is_fed_is_digested_whole_whatever_the_sizes_of_its_pieces() {
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    let mut chance = Chance::new(7);
    for _ in 0..50 {
        let (mut feed, mut expect) = (Feed::new(), blake3::Hasher::new());
        for _ in 0..chance.draw() % 20 {
            // Around the size that is digested at once, and its multiples.
            let size = match chance.draw() % 4 {
                0 => chance.draw() % 100,
                1 => 16_384 - 20 + chance.draw() % 40,
                2 => 16_384 * 3 - 20 + chance.draw() % 40,
                _ => chance.draw() % 150_000,
            };
            let text = &bytes[..size as usize];
            feed.text(text);
            expect.update(&size.to_le_bytes());
            expect.update(text);
        }
        assert_eq!(feed.finish(), *expect.finalize().as_bytes());
    }
}

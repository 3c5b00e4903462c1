use crate::cache::L1;
use crate::chance::Chance;
use crate::wire::Key;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn key(number: u64) -> Key {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Key::from(bytes)
}

fn has(l1: &mut L1, number: u64) -> bool {
    l1.get(&key(number), 0).is_some()
}

#[test]
fn an_entry_ages_and_is_served_until_it_expires() {
    let mut l1 = L1::new(10_000);
    assert_eq!(l1.get(&key(1), 1_000), None);
    l1.put(key(1), b"one".to_vec().into(), 500, 2_000, 1_000);
    let hit = l1.get(&key(1), 1_000).unwrap();
    assert_eq!((&*hit.value, hit.age, hit.left), (b"one".as_slice(), 500, 2_000));
    let hit = l1.get(&key(1), 2_999).unwrap();
    assert_eq!((hit.age, hit.left), (2_499, 1));
    // A clock that goes back makes nothing younger than it was put.
    assert_eq!(l1.get(&key(1), 0).unwrap().age, 500);
    assert!(l1.bytes() > 0);
    assert_eq!(l1.get(&key(1), 3_000), None);
    assert_eq!(l1.bytes(), 0, "what has expired is dropped");
}

#[test]
fn a_later_value_takes_the_place_of_the_last() {
    let mut l1 = L1::new(10_000);
    l1.put(key(1), vec![0; 100].into(), 0, 1, 0);
    let bytes = l1.bytes();
    l1.put(key(1), vec![1; 100].into(), 0, 1, 0);
    assert_eq!(l1.bytes(), bytes);
    assert_eq!(l1.get(&key(1), 0).unwrap().value[0], 1);
    l1.put(key(1), vec![2; 100].into(), 0, 0, 0);
    assert!(!has(&mut l1, 1), "one that has no time left takes the last one with it");
    assert_eq!(l1.bytes(), 0);
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let mut l1 = L1::new(8_000);
    // 160 of overhead each: 20 fit.
    for number in 0..20 {
        l1.put(key(number), vec![0; 240].into(), 0, 1, 0);
    }
    assert_eq!(l1.bytes(), 8_000);
    assert!(has(&mut l1, 0));
    l1.put(key(20), vec![0; 240].into(), 0, 1, 0);
    assert!(has(&mut l1, 0) && !has(&mut l1, 1) && has(&mut l1, 2) && has(&mut l1, 20));
    l1.put(key(21), vec![0; 840].into(), 0, 1, 0);
    assert!(has(&mut l1, 21) && has(&mut l1, 2) && !has(&mut l1, 3) && !has(&mut l1, 4) && !has(&mut l1, 5));
    assert_eq!(l1.bytes(), 8_000 - 3 * 400 + 1_000);
}

#[test]
fn one_that_is_larger_than_an_eighth_is_not_taken() {
    let mut l1 = L1::new(8_000);
    l1.put(key(1), vec![0; 840].into(), 0, 1, 0);
    l1.put(key(2), vec![0; 841].into(), 0, 1, 0);
    assert!(has(&mut l1, 1) && !has(&mut l1, 2));
    let mut none = L1::new(0);
    none.put(key(1), Vec::new().into(), 0, 1, 0);
    assert_eq!((has(&mut none, 1), none.bytes()), (false, 0));
}

#[test]
fn the_bound_holds_whatever_is_put_and_got() {
    let mut chance = Chance::new(7);
    let mut l1 = L1::new(50_000);
    let mut most = 0;
    for now in 0..20_000 {
        let (number, size) = (chance.draw() % 300, chance.draw() as usize % 3_000);
        match chance.draw() % 3 {
            0 => drop(l1.get(&key(number), now)),
            _ => l1.put(key(number), vec![0; size].into(), 0, chance.draw() % 500, now),
        }
        assert!(l1.bytes() <= 50_000);
        most = most.max(l1.bytes());
    }
    assert!(most > 45_000, "{most}: it is used");
    for number in 0..300 {
        l1.put(key(number), Vec::new().into(), 0, 0, 0);
    }
    assert_eq!(l1.bytes(), 0, "the count is right to the byte");
}

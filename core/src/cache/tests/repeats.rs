use crate::cache::{Origin, Repeats, Weigh, Written};
use crate::wire::Key;
use std::rc::Rc;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Who asks, and how.
type Asked = (Option<usize>, Option<&'static str>);

impl Weigh for Asked {
    fn bytes(&self) -> usize {
        0
    }
}

fn asked(tenant: Option<usize>, route: Option<&'static str>) -> Asked {
    (tenant, route)
}

fn answer(bytes: usize) -> Rc<Written> {
    Rc::new(Written {
        asked: "smart".into(),
        provider: "openai".into(),
        model: "gpt".into(),
        usage: None,
        content_type: "application/json",
        body: vec![b'x'; bytes],
    })
}

fn origin(serial: u64) -> Origin {
    Origin { key: Key::from([7; 32]), serial }
}

/// Bodies like those of chats: long, and different at one place only.
fn body(length: usize, changed: Option<usize>) -> Vec<u8> {
    let mut body: Vec<u8> = (0..length).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect();
    if let Some(byte) = changed.and_then(|at| body.get_mut(at)) {
        *byte = b'Z';
    }
    body
}

fn serial(repeats: &mut Repeats<Asked>, asked: &Asked, body: &[u8]) -> Option<u64> {
    repeats.get(asked, body).map(|(_, origin)| origin.serial)
}

#[test]
fn only_the_same_bytes_of_the_same_client_are_a_repeat() {
    let whom = asked(Some(1), Some("gemini"));
    for length in [0, 1, 7, 63, 64, 65, 127, 128, 1_000, 4_099] {
        let mut repeats = Repeats::new(1 << 20);
        repeats.put(whom, body(length, None), answer(10), origin(1));
        assert_eq!(serial(&mut repeats, &whom, &body(length, None)), Some(1), "{length}");
        for at in 0..length {
            assert_eq!(serial(&mut repeats, &whom, &body(length, Some(at))), None, "{length}: {at}");
        }
        assert_eq!(serial(&mut repeats, &whom, &body(length + 1, None)), None, "{length}: longer");
        for other in [asked(None, Some("gemini")), asked(Some(2), Some("gemini")), asked(Some(1), None)] {
            assert_eq!(serial(&mut repeats, &other, &body(length, None)), None, "{length}: {other:?}");
        }
    }
}

/// Else two requests that come in turn would drive each other out.
#[test]
fn bodies_that_differ_in_one_place_are_kept_side_by_side() {
    let mut repeats = Repeats::new(64 << 20);
    let whom = asked(None, None);
    for at in 0..4_099 {
        repeats.put(whom, body(4_099, Some(at)), answer(10), origin(u64::try_from(at).unwrap()));
    }
    for at in 0..4_099 {
        let found = serial(&mut repeats, &whom, &body(4_099, Some(at)));
        assert_eq!(found, u64::try_from(at).ok(), "{at}");
    }
}

#[test]
fn the_last_answer_to_a_request_is_the_one_that_is_kept() {
    let mut repeats = Repeats::new(1 << 20);
    let whom = asked(None, None);
    repeats.put(whom, body(100, None), answer(10), origin(1));
    let bytes = repeats.bytes();
    repeats.put(whom, body(100, None), answer(10), origin(2));
    assert_eq!((serial(&mut repeats, &whom, &body(100, None)), repeats.bytes()), (Some(2), bytes));
}

#[test]
fn what_did_not_come_for_longest_goes_first_and_what_is_large_is_not_kept() {
    let mut repeats = Repeats::new(16_000);
    let whom = asked(None, None);
    for number in 0..10 {
        repeats.put(whom, body(1_000, Some(number)), answer(500), origin(0));
        assert!(serial(&mut repeats, &whom, &body(1_000, Some(0))).is_some(), "it came just now: {number}");
        assert!(repeats.bytes() <= 16_000);
    }
    assert_eq!(serial(&mut repeats, &whom, &body(1_000, Some(1))), None);
    assert!(serial(&mut repeats, &whom, &body(1_000, Some(9))).is_some());
    let bytes = repeats.bytes();
    repeats.put(whom, body(2_000, None), answer(1), origin(0));
    repeats.put(whom, body(1, None), answer(2_000), origin(0));
    assert_eq!(repeats.bytes(), bytes);
    let mut none = Repeats::new(0);
    none.put(whom, vec![], answer(0), origin(0));
    assert_eq!((none.bytes(), serial(&mut none, &whom, b"")), (0, None));
}

use super::{full, spell};
use crate::cache::key::feed::Feed;
use crate::cache::key::{json, key};
use crate::chance::Chance;
use crate::dialect::openai;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map("[ab\"\\\\é]{0,2}", inner, 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Values of which many are nearly the same.
fn tiny() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![(0..2).prop_map(Value::from), "[a\u{3}]{0,2}".prop_map(Value::from)];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("[a\u{3}]{0,2}", inner, 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn digest(json: &str) -> [u8; 32] {
    let mut feed = Feed::new();
    json::feed(json.as_bytes(), &mut feed);
    feed.finish()
}

/// Numbers are equal by value here, not by how serde_json keeps them.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            (None, None) => one.as_f64() == other.as_f64(),
            // A float that is a whole number, among those that a float tells apart.
            (Some(whole), None) | (None, Some(whole)) => {
                let float = if one.is_f64() { one.as_f64() } else { other.as_f64() };
                float.is_some_and(|float| float.fract() == 0.0 && float.abs() < 1e18 && float as i64 == whole)
            }
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn all_spellings_of_a_value_are_one(value in value(), seeds in any::<[u64; 2]>()) {
        let [one, other] = seeds.map(|seed| {
            let mut text = String::new();
            spell(&value, &mut Chance::new(seed), &mut text);
            text
        });
        prop_assert_eq!(digest(&one), digest(&other), "{} {}", one, other);
    }

    #[test]
    fn two_values_are_never_one(values in vec(tiny(), 16), one in value(), other in value()) {
        for (one, other) in values.iter().flat_map(|one| values.iter().map(move |other| (one, other))) {
            prop_assert_eq!(digest(&one.to_string()) == digest(&other.to_string()), one == other, "{} {}", one, other);
        }
        prop_assert_eq!(digest(&one.to_string()) == digest(&other.to_string()), same(&one, &other), "{} {}", one, other);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..64), text in "[\\[\\]{}\",:\\\\u0-9a-f \\-+.eE]{0,40}") {
        json::feed(&bytes, &mut Feed::new());
        json::feed(text.as_bytes(), &mut Feed::new());
    }

    #[test]
    fn tenant_and_scope_are_told_apart(one in any::<(Option<String>, String)>(), other in any::<(Option<String>, String)>()) {
        let request = openai::parse(full().to_string().into_bytes()).unwrap();
        let [first, second] = [&one, &other].map(|(tenant, scope)| key(tenant.as_deref(), scope, &request));
        prop_assert_eq!(first == second, one == other);
    }

    #[test]
    fn no_sequence_of_requests_has_a_key_of_another_tenant(
        mine in vec(".{0,6}", 1..6), theirs in vec(".{0,6}", 1..6), me in ".{0,4}", them in ".{0,4}", scope in ".{0,4}",
    ) {
        prop_assume!(me != them);
        let keys = |tenant: &str, prompts: &[String]| -> Vec<[u8; 32]> {
            let parse = |prompt: &String| {
                let body = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": prompt}], "x": prompt});
                openai::parse(body.to_string().into_bytes()).unwrap()
            };
            prompts.iter().map(|prompt| *key(Some(tenant), &scope, &parse(prompt))).collect()
        };
        // They may well guess what I asked.
        let theirs: Vec<String> = theirs.into_iter().chain(mine.clone()).collect();
        let mine = keys(&me, &mine);
        prop_assert!(keys(&them, &theirs).iter().all(|key| !mine.contains(key)));
    }
}

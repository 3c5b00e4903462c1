//! A new key: 32 bytes from the operating system, of which only the digest leaves this process.

use super::New;
use crate::failure::{Failure, Outcome};
use crate::store::ApiKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use std::io::Read as _;

pub(super) struct Made {
    /// `weir_…`, for the tenant.
    pub(super) key: String,
    /// For the store.
    pub(super) kept: ApiKey,
}

/// From the operating system.
pub(super) fn random() -> Outcome<[u8; 32]> {
    let mut bytes = [0; 32];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map_err(|error| Failure::Runtime(format!("/dev/urandom: {error}")))?;
    Ok(bytes)
}

pub(super) fn key(random: [u8; 32], options: &New, expires: Option<u64>, now: Timestamp) -> Made {
    let key = format!("weir_{}", URL_SAFE_NO_PAD.encode(random));
    let sha256: String = Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = ApiKey {
        id: sha256.chars().take(12).collect(),
        sha256,
        tenant: options.tenant.clone(),
        label: options.label.clone(),
        created: u64::try_from(now.as_second()).unwrap_or(0),
        expires,
    };
    Made { key, kept }
}

/// Seconds since 1970. `90d`, `2027-01-31` (its begin, UTC, as in `weir.yaml`) or `2027-01-31T12:00:00Z`.
pub(super) fn expiry(when: &str, now: Timestamp) -> Result<u64, String> {
    let days = |when: &str| {
        let days: i64 = when.strip_suffix('d')?.parse().ok()?;
        now.checked_add(SignedDuration::from_secs(days.checked_mul(86_400)?)).ok()
    };
    let day = |when: &str| Offset::UTC.to_timestamp(when.parse::<Date>().ok()?.to_datetime(Time::midnight())).ok();
    let moment = || if when.contains('T') { when.parse().ok() } else { day(when) };
    let expires = days(when).or_else(moment);
    let wrong =
        || format!("weir: --expires {when:?}: expected a number of days such as 90d, or a day such as 2027-01-31");
    let expires = expires.ok_or_else(wrong)?;
    match u64::try_from(expires.as_second()) {
        Ok(seconds) if expires > now => Ok(seconds),
        _ => Err(format!("weir: --expires {when:?} is not in the future")),
    }
}

/// For who made it, apart from the key itself.
pub(super) fn note(key: &ApiKey, is_forgotten: bool) -> String {
    let until = match key.expires {
        None => "never expires".to_owned(),
        Some(expires) => format!("expires {}", super::list::time(expires)),
    };
    let mut text = format!("key {} of {}, {until}; it is not shown again", key.id, key.tenant);
    if is_forgotten {
        let moment = key.expires.and_then(|expires| Timestamp::from_second(i64::try_from(expires).ok()?).ok());
        let expires = moment.map(|moment| format!(", expires: {moment}")).unwrap_or_default();
        text += &format!(
            "\nstore: memory forgets it when the sidecar ends; to keep it, add to keys of tenants.{} in the configuration:\n  \
             - {{ sha256: {}{expires} }}",
            key.tenant, key.sha256
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn a_key_is_url_safe_and_only_its_digest_is_kept() {
        let options = New { tenant: "team-a".to_owned(), label: "ci".to_owned(), expires: None };
        let Made { key, kept } = super::key([0xfb; 32], &options, Some(1_900_000_000), now());
        assert_eq!(key, format!("weir_{}-_s", "-_v7".repeat(10)));
        let digest: String = Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((kept.sha256.as_str(), kept.id.as_str()), (digest.as_str(), &digest[..12]));
        assert_eq!((kept.created, kept.expires), (1_795_694_400, Some(1_900_000_000)));
        assert!(!format!("{kept:?}").contains("-_v7"));
    }

    #[test]
    fn no_two_keys_are_alike() {
        assert_ne!(random().expect("there is one"), random().expect("there is one"));
    }

    #[test]
    fn when_a_key_expires() {
        let check = |when: &str, expected: expect_test::Expect| {
            let shown = expiry(when, now()).map(super::super::list::time);
            expected.assert_eq(&shown.unwrap_or_else(|error| error));
        };
        check("90d", expect!["2027-02-24 12:00 UTC"]);
        check("2027-01-31", expect!["2027-01-31 00:00 UTC"]);
        check("2027-01-31T12:30:00Z", expect!["2027-01-31 12:30 UTC"]);
        check("2026-11-26", expect![[r#"weir: --expires "2026-11-26" is not in the future"#]]);
        check("0d", expect![[r#"weir: --expires "0d" is not in the future"#]]);
        check("-5d", expect![[r#"weir: --expires "-5d" is not in the future"#]]);
        let wrong = "expected a number of days such as 90d, or a day such as 2027-01-31";
        for when in ["", "90", "soon", "2027-02-30", "d", "99999999999999999999d", "9999999999999d"] {
            assert_eq!(expiry(when, now()), Err(format!("weir: --expires {when:?}: {wrong}")));
        }
    }

    #[test]
    fn who_makes_a_key_in_memory_is_told_how_to_keep_it() {
        let key = ApiKey {
            id: "0123456789ab".into(),
            sha256: "0123456789abcdef".into(),
            tenant: "t".into(),
            ..<_>::default()
        };
        expect!["key 0123456789ab of t, never expires; it is not shown again"].assert_eq(&note(&key, false));
        expect![[r#"
            key 0123456789ab of t, expires 2030-03-17 17:46 UTC; it is not shown again
            store: memory forgets it when the sidecar ends; to keep it, add to keys of tenants.t in the configuration:
              - { sha256: 0123456789abcdef, expires: 2030-03-17T17:46:40Z }"#]]
        .assert_eq(&note(&ApiKey { expires: Some(1_900_000_000), ..key }, true));
    }
}

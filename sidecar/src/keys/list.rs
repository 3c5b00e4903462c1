//! What keys there are, as a table.

use crate::failure::{Failure, Outcome};
use crate::store::ApiKey;
use crate::table::{self, Side};
use jiff::Timestamp;

const COLUMNS: [(&str, Side); 5] = [
    ("ID", Side::Left),
    ("TENANT", Side::Left),
    ("LABEL", Side::Left),
    ("CREATED", Side::Left),
    ("EXPIRES", Side::Left),
];

pub(super) fn show(mut keys: Vec<ApiKey>, json: bool, now: Timestamp) -> Outcome<String> {
    keys.sort_by(|a, b| (&a.tenant, a.created, &a.id).cmp(&(&b.tenant, b.created, &b.id)));
    if json {
        return serde_json::to_string_pretty(&keys).map_err(Failure::runtime);
    }
    if keys.is_empty() {
        return Ok("no keys in the store".to_owned());
    }
    let rows: Vec<Vec<String>> = keys
        .into_iter()
        .map(|key| {
            let expires = match key.expires {
                None => "never".to_owned(),
                Some(expires) if i64::try_from(expires).is_ok_and(|expires| expires <= now.as_second()) => {
                    format!("{} (has expired)", time(expires))
                }
                Some(expires) => time(expires),
            };
            vec![key.id, key.tenant, key.label, time(key.created), expires]
        })
        .collect();
    Ok(table::show(&COLUMNS, &rows))
}

/// Of seconds since 1970.
pub(super) fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "in ages".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn keys_stand_by_tenant_and_age() {
        let key = |id: &str, tenant: &str, label: &str, created, expires| ApiKey {
            id: id.to_owned(),
            sha256: format!("{id}…"),
            tenant: tenant.to_owned(),
            label: label.to_owned(),
            created,
            expires,
        };
        let keys = vec![
            key("0123456789ab", "team-b", "", 1_795_694_400, None),
            key("ba9876543210", "team-a", "laptop of Zoë", 1_795_694_400, Some(1_900_000_000)),
            key("aaaaaaaaaaaa", "team-a", "ci", 1_700_000_000, Some(1_795_694_400)),
        ];
        let now = "2026-11-26T12:00:00Z".parse().expect("a time");
        expect![[r"
            ID            TENANT  LABEL          CREATED               EXPIRES
            aaaaaaaaaaaa  team-a  ci             2023-11-14 22:13 UTC  2026-11-26 12:00 UTC (has expired)
            ba9876543210  team-a  laptop of Zoë  2026-11-26 12:00 UTC  2030-03-17 17:46 UTC
            0123456789ab  team-b                 2026-11-26 12:00 UTC  never"]]
        .assert_eq(&show(keys.clone(), false, now).expect("a table"));
        let json: Vec<ApiKey> = serde_json::from_str(&show(keys, true, now).expect("JSON")).expect("keys");
        assert_eq!(json.len(), 3);
        expect!["no keys in the store"].assert_eq(&show(vec![], false, now).expect("a line"));
    }
}

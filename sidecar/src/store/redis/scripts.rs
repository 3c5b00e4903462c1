//! The Lua scripts. Each touches one slot of a cluster only, and none trusts a clock but Redis' own.

use super::lane::Call;
use redis::Script;
use std::sync::LazyLock;

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        $(pub(super) fn $name() -> Call {
            const SOURCE: &str = include_str!(concat!("lua/", stringify!($name), ".lua"));
            static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(SOURCE));
            Call::new(SOURCE, &SCRIPT)
        })*
    };
}

scripts!(add_usage, change_keys, days, debit, hold, keys, keys_version, lookup, ping, put, release, rows, spent, touch,);

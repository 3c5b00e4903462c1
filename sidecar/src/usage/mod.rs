//! `weir usage`: what was used and what it cost, by day, tenant and model.

mod report;

use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::store::Usage;
use crate::{load, output, up};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use report::By;
use std::path::Path;

/// Which days, and how they are summed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// So many days, today included (UTC).
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(i32).range(1..=400))]
    days: i32,
    /// From this day on, 2026-11-26.
    #[arg(long, value_name = "DAY", conflicts_with = "days")]
    from: Option<Date>,
    /// Until the end of this day [default: today].
    #[arg(long, value_name = "DAY", requires = "from")]
    to: Option<Date>,
    /// One line for each of these [default: for each day, tenant and model].
    #[arg(long, value_enum)]
    by: Option<By>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(path: Option<&Path>, options: &Options) -> Outcome {
    let config = if load::is_there(path) { load::load(path)? } else { up::built_in()? };
    let client = Client::new(&config)?;
    let (from, to) = days(options, Offset::UTC.to_datetime(Timestamp::now()).date()).map_err(Failure::Config)?;
    let usage: Vec<Usage> = client.get(&format!("/admin/v1/usage?from={from}&to={to}")).await?;
    output::say(report::show(&usage, options.by, options.json).map_err(Failure::runtime)?);
    Ok(())
}

/// First and last.
fn days(options: &Options, today: Date) -> Result<(Date, Date), String> {
    let to = options.to.unwrap_or(today);
    let from = options.from.unwrap_or_else(|| to.saturating_sub((options.days - 1).days()));
    if from > to {
        return Err(format!("weir: --from {from} is after {to}"));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn check(line: &[&str], expected: &str) {
        let parsed = Line::try_parse_from([&["usage"], line].concat());
        let days = parsed.map_err(|error| error.kind().to_string());
        let days = days.and_then(|line| super::days(&line.options, "2026-11-26".parse().expect("a day")));
        let shown = days.map(|(from, to)| format!("{from}..{to}")).unwrap_or_else(|error| error);
        assert!(shown.contains(expected), "{line:?}: {shown}");
    }

    #[test]
    fn which_days() {
        check(&[], "2026-11-20..2026-11-26");
        check(&["--days", "1"], "2026-11-26..2026-11-26");
        check(&["--from", "2026-11-01"], "2026-11-01..2026-11-26");
        check(&["--from", "2026-10-01", "--to", "2026-10-31"], "2026-10-01..2026-10-31");
        check(&["--from", "2026-11-27"], "is after");
        check(&["--days", "0"], "invalid");
        check(&["--from", "yesterday"], "invalid");
        check(&["--days", "2", "--from", "2026-11-01"], "cannot be used");
        check(&["--to", "2026-11-01"], "required");
    }
}

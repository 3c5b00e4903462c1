//! One limit over several Envoys: never exceeded, nearly all of it used, and hardly anybody waits for the sidecar.

use futures_util::future::join_all;
use std::time::Duration;
use weir_e2e::load::{Load, Report, Schedule, Shot};
use weir_e2e::{Gateway, Meter, alone, chat};

async fn offer(fleet: &[Gateway], per_second: u32, time: Duration) -> Vec<Report> {
    let shot = Shot::new(&chat("smart", "Hi")).header("x-weir-deadline-ms", "3000");
    let loads = fleet.iter().map(|gateway| {
        let (load, shot) = (Load::at(gateway.address), shot.clone());
        async move { load.run(Schedule::rate(per_second, time), |_| shot.clone()).await }
    });
    join_all(loads).await
}

#[tokio::test]
async fn four_envoys_and_one_sidecar_share_a_limit() {
    let _alone = alone().await;
    let meter = Meter::start().await;
    let setup = Meter::setup("waiting_room: { max_wait: 500ms }\n");
    let first = setup.start_at(&meter.sim).await;
    let mut fleet = vec![first];
    for _ in 0..3 {
        let next = setup.start_beside(&fleet[0]).await;
        fleet.push(next);
    }
    meter.check("nothing");
    let reports = offer(&fleet, 250, Duration::from_secs(20)).await;
    let used = meter.check("20,000 requests");
    let summary: Vec<String> = reports.iter().map(Report::summary).collect();
    assert!(used >= 0.95, "only {used} of the limit: {summary:?}");
    for report in &reports {
        assert_eq!(report.served().count() + report.with_status(429).count(), 5000, "{}", report.summary());
    }
}

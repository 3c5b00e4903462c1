//! The load that other tests measure with, against a gateway that limits nothing.

use std::time::Duration;
use weir_e2e::load::{Load, Sample, Schedule, Shot};
use weir_e2e::{Gateway, OPENAI, Setup, alone, chat, stream};
use weir_sim::{Fault, Settings};

/// Requests per second of the mission's peak.
const PEAK: u32 = 1000;

#[tokio::test]
async fn the_load_keeps_its_schedule_at_the_peak() {
    let _alone = alone().await;
    let gateway = Setup::smart().start().await;
    gateway.sim.set_settings(Settings { journal: false, hash_bodies: false });
    let shots = [Shot::new(&chat("smart", "Hi")).tag("whole"), Shot::new(&stream("smart", "Hi")).tag("streamed")];
    let load = Load::at(gateway.address);
    load.run(Schedule::rate(100, Duration::from_secs(1)), |number| shots[number % 2].clone()).await;

    let report = load.run(Schedule::rate(PEAK, Duration::from_secs(3)), |number| shots[number % 2].clone()).await;
    assert_eq!(report.served().count(), 3 * PEAK as usize, "{}", report.summary());
    // A shared machine may stand still for a moment; a load that waits for answers falls ever further behind.
    for (percent, most) in [(50.0, 20), (99.0, 150)] {
        let lag = report.percentile(percent, |sample| sample.lag);
        assert!(lag < Duration::from_millis(most), "the load itself is late by {lag:?} at P{percent}");
    }
    assert!(report.took > Duration::from_millis(2_999) && report.took < Duration::from_secs(4), "{:?}", report.took);
    assert!(report.samples.iter().enumerate().all(|(place, sample)| place == sample.number));
    assert!(report.served().all(|sample| sample.first_byte.is_some_and(|first| first <= sample.total)));
    for tag in ["whole", "streamed"] {
        assert_eq!(report.tagged(tag).samples.len(), report.samples.len() / 2, "{tag}");
    }
    assert_eq!(gateway.sim.stats().openai.streams, 50 + 1500);
}

#[tokio::test]
async fn a_slow_answer_delays_no_later_request() {
    let _alone = alone().await;
    let gateway = Setup::smart().start().await;
    let slow = Fault::delay(Duration::from_millis(500)).times(1);
    gateway.sim.set_faults(OPENAI.provider, [slow]).await.expect("a fault");
    let shot = Shot::new(&chat("smart", "Hi"));
    let report = Load::at(gateway.address).run(Schedule::rate(100, Duration::from_millis(300)), |_| shot.clone()).await;
    assert_eq!(report.served().count(), 30, "{}", report.summary());
    let slow: Vec<_> = report.samples.iter().filter(|sample| sample.total > Duration::from_millis(400)).collect();
    assert_eq!(slow.len(), 1, "{slow:?}");
    assert_eq!(report.samples.iter().map(Sample::ended).max(), Some(slow[0].ended()));
}

#[tokio::test]
async fn the_load_sees_how_each_request_ends() {
    let _alone = alone().await;
    let gateway = Setup::smart().start().await;
    let (whole, streamed) = (chat("openai/gpt-5.6", "Hi"), stream("openai/gpt-5.6", "Hi"));

    let sample = one(&gateway, None, Shot::new(&streamed)).await;
    assert!(sample.served() && sample.provider == "openai" && sample.attempts == Some(1), "{sample:?}");

    let limited = Fault { retry_after: Some(7), ..Fault::status(429) };
    let sample = one(&gateway, Some(limited), Shot::new(&whole)).await;
    assert_eq!((sample.status, sample.served(), sample.broken.as_deref()), (429, false, None));
    assert_eq!(sample.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(sample.retry_after_ms, Some(Duration::from_secs(7)));

    let sample = one(&gateway, Some(Fault::cut_after(4)), Shot::new(&streamed)).await;
    assert!(sample.status == 200 && !sample.complete && sample.broken.is_some(), "{sample:?}");

    let sample = one(&gateway, Some(Fault::close_after(4)), Shot::new(&streamed)).await;
    assert!(sample.status == 200 && !sample.complete, "an error frame before [DONE]: {sample:?}");

    let leaving = Shot::new(&whole).leaves(Duration::from_millis(100));
    let sample = one(&gateway, Some(Fault::hang()), leaving).await;
    assert!(sample.left && sample.status == 0 && !sample.served(), "{sample:?}");
    assert!(sample.total >= Duration::from_millis(100) && sample.total < Duration::from_millis(400), "{sample:?}");
}

#[tokio::test]
async fn the_stats_are_read_by_name_and_labels() {
    let _alone = alone().await;
    let gateway = Setup::smart().start().await;
    assert_eq!(gateway.chat(&chat("smart", "Hi")).await.status, 200);
    let stats = gateway.stats().await;
    let openai = [("envoy_cluster_name", "openai")];
    assert_eq!(stats.value("envoy_cluster_membership_total", &openai), 1.0);
    assert_eq!(stats.find("envoy_cluster_membership_total", &[("envoy_cluster_name", "nobody")]), None);
    assert!(stats.value("envoy_cluster_membership_total", &[]) >= 3.0, "the sum over all clusters");
}

async fn one(gateway: &Gateway, fault: Option<Fault>, shot: Shot) -> Sample {
    gateway.sim.set_faults(OPENAI.provider, fault).await.expect("a fault");
    Load::at(gateway.address).one(shot).await
}

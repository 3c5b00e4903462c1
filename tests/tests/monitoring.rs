//! What `envoy/prometheus` and `envoy/grafana` hold, without a gateway: `prometheus.rs` runs it against one.

use serde_json::Value;
use std::collections::BTreeSet;
use weir_e2e::{Command, dashboards, prometheus, root};

async fn promtool(arguments: &[&str]) {
    let folder = root().join("envoy/prometheus");
    let path = |argument: &&str| match argument.ends_with(".yml") {
        true => folder.join(argument).to_string_lossy().into_owned(),
        false => (*argument).to_owned(),
    };
    let arguments: Vec<String> = arguments.iter().map(path).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = Command::of(prometheus("promtool"), &arguments).run().await;
    assert_eq!(done.code, Some(0), "{arguments:?}: {}{}", done.stdout, done.stderr);
}

#[tokio::test]
async fn prometheus_takes_the_configuration_and_the_rules() {
    promtool(&["check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"]).await;
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "recording.yml", "alerts.yml"]).await;
}

#[tokio::test]
async fn each_alert_fires_when_it_is_meant_to_and_else_is_silent() {
    promtool(&["test", "rules", "alerts_test.yml"]).await;
    let tested = read("envoy/prometheus/alerts_test.yml");
    for alert in alerts() {
        let cases = tested.matches(&format!("alertname: {alert}")).count();
        let silent = tested.matches(&format!("alertname: {alert}, exp_alerts: []")).count();
        assert!(cases > silent && silent > 0, "{alert} has no test in which it fires, or none in which it is silent");
    }
}

#[test]
fn each_alert_has_its_section_in_the_runbook() {
    let runbook = read("docs/runbook.md");
    let sections: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## Weir")).collect();
    let alerts = alerts();
    let names: Vec<&str> = alerts.iter().filter_map(|alert| alert.strip_prefix("Weir")).collect();
    assert_eq!(sections, names, "sections of docs/runbook.md, and alerts in their order");
    let rules = read("envoy/prometheus/alerts.yml");
    for alert in &alerts {
        let rule = rules.split("- alert: ").find(|rule| rule.starts_with(&format!("{alert}\n"))).expect("the rule");
        let link = format!("runbook: docs/runbook.md#{}\n", alert.to_lowercase());
        for part in ["labels: { severity: ", "summary: ", "description: ", &link] {
            assert!(rule.contains(part), "{alert} has no {part}");
        }
    }
}

#[test]
fn a_dashboard_is_whole_and_regular() {
    let mut uids = BTreeSet::new();
    for dashboard in dashboards() {
        let name = &dashboard.name;
        assert!(uids.insert(dashboard.json["uid"].to_string()), "{name}: another has its uid");
        assert_eq!(dashboard.json["tags"][0], "weir", "{name}: what the links between them go by");
        let source = serde_json::json!({ "type": "prometheus", "uid": "${datasource}" });
        let mut known: Vec<String> = vec!["__range".to_owned(), "__rate_interval".to_owned()];
        for variable in dashboard.variables() {
            assert_eq!(variable["datasource"], source, "{name}: {variable}");
            assert_eq!(variable["allValue"], ".*", "{name}: {variable}");
            known.push(variable["name"].as_str().expect("a name").to_owned());
        }
        let mut used = BTreeSet::new();
        let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard.panels() {
            let (title, json) = (format!("{name}, {}", panel.title), &panel.json);
            assert!(ids.insert(json["id"].to_string()), "{title}: another has its id");
            assert_eq!(json["datasource"], source, "{title}");
            assert!(json["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}: no description");
            assert!(json["fieldConfig"]["defaults"]["unit"].is_string(), "{title}: no unit");
            for place in cells(&json["gridPos"]) {
                assert!(place.0 < 24 && places.insert(place), "{title}: lies over another, or beyond the edge");
            }
            for query in panel.queries() {
                for variable in query.split('$').skip(1) {
                    let end = variable.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(variable.len());
                    let variable = variable.get(..end).unwrap_or_default().to_owned();
                    assert!(known.contains(&variable), "{title}: ${variable} is no variable");
                    used.insert(variable);
                }
            }
        }
        let unused: Vec<&String> =
            known.iter().filter(|name| !name.starts_with("__") && !used.contains(*name)).collect();
        assert!(unused.is_empty(), "{name}: no panel uses {unused:?}");
    }
}

/// The squares that a panel covers.
fn cells(place: &Value) -> Vec<(u64, u64)> {
    let [x, y, w, h] = ["x", "y", "w", "h"].map(|name| place[name].as_u64().expect("a place"));
    (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))).collect()
}

/// The names of all alerts, in their order.
fn alerts() -> Vec<String> {
    let rules = read("envoy/prometheus/alerts.yml");
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

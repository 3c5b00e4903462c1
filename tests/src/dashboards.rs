//! The dashboards of `envoy/grafana`, as Grafana reads them.

use crate::artifacts::root;
use serde_json::Value;

/// A dashboard's file.
#[derive(Debug)]
pub struct Dashboard {
    /// Its name without `.json`.
    pub name: String,
    /// All of it.
    pub json: Value,
}

/// One panel.
#[derive(Debug)]
pub struct Panel {
    /// Its title.
    pub title: String,
    /// All of it.
    pub json: Value,
}

/// All dashboards, by name.
///
/// # Panics
/// If one is no JSON.
pub fn dashboards() -> Vec<Dashboard> {
    let folder = std::fs::read_dir(root().join("envoy/grafana/dashboards")).expect("dashboards");
    let mut found: Vec<Dashboard> = folder
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a text");
            let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Dashboard { name: path.file_stem().expect("a name").to_string_lossy().into_owned(), json }
        })
        .collect();
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Dashboard {
    /// Its panels, in their order.
    pub fn panels(&self) -> Vec<Panel> {
        let panels = self.json["panels"].as_array().expect("panels").iter();
        panels
            .map(|json| Panel { title: json["title"].as_str().expect("a title").to_owned(), json: json.clone() })
            .collect()
    }

    /// Its variables, but for the data source.
    pub fn variables(&self) -> Vec<Value> {
        let list = self.json["templating"]["list"].as_array().expect("variables").clone();
        list.into_iter().filter(|variable| variable["type"] != "datasource").collect()
    }
}

impl Panel {
    /// What it asks Prometheus, as it is written.
    pub fn queries(&self) -> Vec<String> {
        let targets = self.json["targets"].as_array().expect("targets").iter();
        targets.map(|target| target["expr"].as_str().expect("a query").to_owned()).collect()
    }
}

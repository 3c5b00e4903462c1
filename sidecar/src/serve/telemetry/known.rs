//! Who is who, by the configuration: nothing else becomes an attribute of a series, so that no request makes one.

use super::table::{Attributes, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use weir_core::config::Config;
use weir_core::failure::Class;
use weir_core::stats;

/// What the configuration does not name. The conventions' word for an error that is none of the known ones.
const OTHER: &str = "_OTHER";

const CHAT: &str = "chat";

#[derive(Debug, Default)]
pub(super) struct Known {
    models: BTreeSet<Arc<str>>,
    providers: BTreeMap<String, Provider>,
    /// Each model with the providers of its targets.
    pairs: BTreeSet<(Arc<str>, String)>,
}

#[derive(Debug)]
struct Provider {
    name: Arc<str>,
    host: Arc<str>,
    port: u16,
    models: BTreeSet<Arc<str>>,
}

impl Known {
    pub(super) fn new(config: &Config) -> Self {
        let models = config.models.iter().map(|model| model.name.as_str().into()).collect();
        let provider = |provider: &weir_core::config::Provider| {
            let targets = config.targets().filter(|target| target.provider == provider.name);
            let models = targets.map(|target| target.model.as_str().into()).collect();
            let (name, url) = (provider.genai_name().into(), &provider.base_url);
            (provider.name.clone(), Provider { name, host: url.host.as_str().into(), port: url.port, models })
        };
        let pairs = config.models.iter().flat_map(|model| {
            let name: Arc<str> = model.name.as_str().into();
            model.targets.iter().map(move |target| (name.clone(), target.provider.clone()))
        });
        Self { models, providers: config.providers.iter().map(provider).collect(), pairs: pairs.collect() }
    }

    /// Of an operation at a provider, by what the filter calls it: for series, so no model that is not configured.
    pub(super) fn at_provider(&self, operation: &str, provider: &str, model: &str, is_answered: bool) -> Attributes {
        let known = self.providers.get(provider).and_then(|known| known.models.get(model).cloned());
        self.of_model(operation, provider, known.map_or(stats::OTHER.into(), Value::Text), is_answered)
    }

    /// The same of one operation alone, whatever model it was. A model that answered is the one that was asked: which
    /// version of it the provider names is not told.
    pub(super) fn of_model(&self, operation: &str, provider: &str, model: Value, is_answered: bool) -> Attributes {
        let known = self.providers.get(provider);
        let mut attributes = vec![
            ("gen_ai.operation.name", operation_name(operation).into()),
            ("gen_ai.provider.name", known.map_or(OTHER.into(), |known| Value::Text(known.name.clone()))),
            ("gen_ai.request.model", model),
        ];
        if is_answered {
            attributes.extend(attributes.last().map(|(_, model)| ("gen_ai.response.model", model.clone())));
        }
        if let Some(known) = known {
            attributes.push(("server.address", Value::Text(known.host.clone())));
            attributes.push(("server.port", Value::Int(known.port.into())));
        }
        attributes
    }

    /// Of each target, and of each model by each of its providers, what answers to chats have.
    pub(super) fn expected(&self) -> (Vec<Attributes>, Vec<Attributes>) {
        let targets = self.providers.iter().flat_map(|(name, provider)| {
            provider.models.iter().map(move |model| self.at_provider(CHAT, name, model, true))
        });
        let models = self.pairs.iter().map(|(model, provider)| self.at_weir(CHAT, model, Some(provider)));
        (targets.collect(), models.collect())
    }

    /// OpenTelemetry's name of a provider.
    pub(super) fn system(&self, provider: &str) -> &str {
        self.providers.get(provider).map_or(OTHER, |known| &known.name)
    }

    /// Of a request to Weir itself: the model as its client names it; and by whom it was served, or tried last.
    pub(super) fn at_weir(&self, operation: &str, asked: &str, provider: Option<&str>) -> Attributes {
        let known = provider.and_then(|provider| self.providers.get(provider));
        let model = self.models.get(asked).cloned();
        vec![
            ("gen_ai.operation.name", operation_name(operation).into()),
            ("gen_ai.provider.name", known.map_or(OTHER.into(), |known| Value::Text(known.name.clone()))),
            ("gen_ai.request.model", model.map_or(stats::DIRECT.into(), Value::Text)),
        ]
    }
}

fn operation_name(told: &str) -> &'static str {
    [CHAT, "generate_content", "embeddings", "count_tokens"].into_iter().find(|known| *known == told).unwrap_or(OTHER)
}

/// Why an operation at a provider failed.
pub(super) fn failure(told: &str) -> &'static str {
    let classes = Class::ALL.into_iter().map(Class::name);
    classes.chain(["cancelled"]).find(|known| *known == told).unwrap_or(OTHER)
}

/// How a request ended for Weir's client, but for `ok`.
pub(super) fn outcome(told: &str) -> &'static str {
    stats::Outcome::names().find(|known| *known == told).unwrap_or(OTHER)
}

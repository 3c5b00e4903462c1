//! `GET /v1/models`, in the client's dialect: the names that it may ask for, and what stands behind each.

use super::Front;
use crate::config::Target;
use crate::dialect::ModelCard;
use crate::refusal::{Refusal, Reply};
use crate::route;

/// The least of what the targets take, if that is known of each.
type Limits = (Option<u64>, Option<u64>);

impl Front {
    /// All of them, on one page.
    pub(super) fn models(&self, tenant: Option<usize>) -> Reply {
        let names = self.gateway.config.models.iter().map(|known| known.name.as_str());
        let names = names.filter(|name| self.is_shown(name, tenant));
        let cards: Vec<ModelCard<'_>> =
            names.filter_map(|name| Some(card(name, self.limits(name, tenant).ok()?))).collect();
        Reply::json(200, self.wording.dialect.models(&cards))
    }

    /// One of them, or a target by its own name.
    ///
    /// # Errors
    /// There is no such model, or the client may not ask for it.
    pub(super) fn model(&self, name: &str, tenant: Option<usize>) -> Result<Reply, Refusal> {
        if !self.is_shown(name, tenant) {
            return Err(Refusal::ModelNotAllowed { model: crate::failure::bounded(name) });
        }
        let limits = self.limits(name, tenant)?;
        Ok(Reply::json(200, self.wording.dialect.model(&card(name, limits))))
    }

    fn is_shown(&self, name: &str, tenant: Option<usize>) -> bool {
        tenant.is_none_or(|tenant| self.gateway.may_use(tenant, name))
    }

    fn limits(&self, name: &str, tenant: Option<usize>) -> Result<Limits, Refusal> {
        let tenant = self.gateway.tenant(tenant);
        let model = route::resolve(&self.gateway.config, name, tenant, None, 0)?;
        let of = |target: &Target| {
            let (_, capabilities) = self.gateway.target(target);
            (capabilities.max_input_tokens, capabilities.max_output_tokens)
        };
        let all = model.targets.iter().map(of);
        let least = |one: Option<u64>, other: Option<u64>| Some(one?.min(other?));
        Ok(all.reduce(|one, other| (least(one.0, other.0), least(one.1, other.1))).unwrap_or_default())
    }
}

fn card(id: &str, (max_input_tokens, max_output_tokens): Limits) -> ModelCard<'_> {
    ModelCard { id, max_input_tokens, max_output_tokens }
}

//! From what a client asks for to the targets that may answer, in order.

use crate::chance::Chance;
use crate::config::{Config, Model, Target, Tenant};
use crate::refusal::Refusal;
use std::borrow::Cow;

/// Most targets that one request may name: as many as a model may have.
const MAX_TARGETS: usize = 16;

/// The model as configured, with the targets of this request: the tenant's own, where it has any. `seed` picks among
/// equals.
///
/// # Errors
/// An unknown model, or a name in `x-weir-route` that this request cannot go to.
pub fn resolve<'c>(
    config: &'c Config,
    model: &str,
    tenant: Option<&Tenant>,
    header: Option<&str>,
    seed: u64,
) -> Result<Cow<'c, Model>, Refusal> {
    let found = match config.model(model) {
        Some(known) => Cow::Borrowed(known),
        None => match Target::parse(model) {
            Some(target) if config.provider(&target.provider).is_some() => Cow::Owned(Model::direct(target)),
            _ => return Err(unknown_model(config, model)),
        },
    };
    let own = tenant.and_then(|tenant| tenant.targets(model));
    let listed = own.unwrap_or(&found.targets);
    let targets = match header {
        Some(header) => reorder(config, listed, header)?,
        None if listed.iter().any(|target| target.weight.is_some()) => draw(listed, seed),
        None if own.is_some() => listed.to_vec(),
        None => return Ok(found),
    };
    Ok(Cow::Owned(Model { targets, ..found.into_owned() }))
}

/// Neighbours that carry a weight are equals: which of them comes first, and which next, is drawn by weight.
fn draw(targets: &[Target], seed: u64) -> Vec<Target> {
    let mut chance = Chance::new(seed);
    let mut order = Vec::with_capacity(targets.len());
    for run in targets.chunk_by(|left, right| left.weight.is_some() && right.weight.is_some()) {
        let mut left: Vec<&Target> = run.iter().collect();
        while !left.is_empty() {
            let weight = |target: &Target| u64::from(target.weight.unwrap_or(1));
            let total = left.iter().map(|target| weight(target)).fold(0_u64, u64::saturating_add);
            let mut drawn = chance.draw().checked_rem(total).unwrap_or(0);
            let place = left.iter().position(|target| {
                let before = drawn;
                drawn = drawn.saturating_sub(weight(target));
                before < weight(target)
            });
            order.push(left.remove(place.unwrap_or(0)).clone());
        }
    }
    order
}

/// `x-weir-route: claude,openai/gpt-5.6`: a provider stands for the `listed` targets there, in their order; a target
/// for itself, whether it is listed or not.
fn reorder(config: &Config, listed: &[Target], header: &str) -> Result<Vec<Target>, Refusal> {
    let mut targets: Vec<Target> = Vec::new();
    for name in header.split(',').map(str::trim) {
        let at_provider: Vec<_> = listed.iter().filter(|target| target.provider == name).cloned().collect();
        let named = match Target::parse(name) {
            Some(target) if config.provider(&target.provider).is_some() => vec![target],
            _ => at_provider,
        };
        if named.is_empty() {
            return Err(unknown_route(listed, name));
        }
        for target in named {
            let same = |have: &Target| (&have.provider, &have.model) == (&target.provider, &target.model);
            if targets.iter().any(same) {
                continue;
            }
            if targets.len() >= MAX_TARGETS {
                let message = format!("it names more than {MAX_TARGETS} targets");
                return Err(Refusal::InvalidField { param: "x-weir-route".into(), message });
            }
            // The client says the order: there are no equals in it.
            targets.push(Target { weight: None, ..target });
        }
    }
    Ok(targets)
}

fn unknown_model(config: &Config, model: &str) -> Refusal {
    let known = config.models.iter().map(|model| model.name.clone()).collect();
    Refusal::UnknownModel { model: crate::failure::bounded(model), known }
}

fn unknown_route(listed: &[Target], name: &str) -> Refusal {
    let mut known: Vec<String> = Vec::new();
    for target in listed {
        if !known.contains(&target.provider) {
            known.push(target.provider.clone());
        }
    }
    known.extend(listed.iter().map(|target| format!("{}/{}", target.provider, target.model)));
    Refusal::UnknownRoute { name: crate::failure::bounded(name), known }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn config() -> Config {
        crate::config::parse(
            "providers:
  openai: { kind: openai, api_key: $A }
  claude: { kind: anthropic, api_key: $B }
  gemini: { kind: gemini, api_key: $C }
models:
  smart: [openai/gpt-5.6, claude/sonnet, openai/mini]
  shared: [{ target: openai/gpt-5.6, weight: 1 }, { target: claude/sonnet, weight: 1 }]
tenants:
  team:
    key_sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    models:
      - { model: smart, targets: [claude/haiku, gemini/flash, claude/sonnet] }
      - { model: shared, targets: [gemini/flash, openai/gpt-5.6] }
",
        )
        .unwrap()
        .0
    }

    fn check(model: &str, header: Option<&str>, expect: &str) {
        check_for(None, model, header, expect);
    }

    fn check_for(tenant: Option<usize>, model: &str, header: Option<&str>, expect: &str) {
        let config = config();
        let tenant = tenant.map(|index| &config.tenants[index]);
        let found = match resolve(&config, model, tenant, header, 0) {
            Ok(model) => {
                let names: Vec<_> = model.targets.iter().map(|t| format!("{}/{}", t.provider, t.model)).collect();
                names.join(" ")
            }
            Err(refusal) => {
                let error = refusal.error();
                format!("{} {}", error.status, error.message)
            }
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn a_model_is_its_targets_and_a_target_is_itself() {
        check("smart", None, "openai/gpt-5.6 claude/sonnet openai/mini");
        check("gemini/gemini-3.8-flash", None, "gemini/gemini-3.8-flash");
        check("openai/org/model:tag", None, "openai/org/model:tag");
    }

    #[test]
    fn a_route_names_providers_or_targets_in_order() {
        check("smart", Some("claude, openai"), "claude/sonnet openai/gpt-5.6 openai/mini");
        check("smart", Some("claude"), "claude/sonnet");
        check("smart", Some("gemini/flash,claude"), "gemini/flash claude/sonnet");
        check("smart", Some("openai/mini,openai"), "openai/mini openai/gpt-5.6");
    }

    #[test]
    fn a_tenants_own_targets_stand_instead_of_the_models() {
        let team = Some(0);
        check_for(team, "smart", None, "claude/haiku gemini/flash claude/sonnet");
        check_for(team, "shared", None, "gemini/flash openai/gpt-5.6");
        check_for(team, "openai/mini", None, "openai/mini");
        check_for(team, "smart", Some("gemini,claude"), "gemini/flash claude/haiku claude/sonnet");
        let known = "Known: claude, gemini, claude/haiku, gemini/flash, claude/sonnet.";
        let text = format!("400 Header 'x-weir-route' names 'openai', which this request cannot go to. {known}");
        check_for(team, "smart", Some("openai"), &text);
    }

    #[test]
    fn a_tenants_own_equals_share_by_weight() {
        let mut config = config();
        for target in &mut config.tenants[0].model_targets[0].targets {
            target.weight = Some(1);
        }
        let mut leaders = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let model = resolve(&config, "smart", config.tenants.first(), None, seed).unwrap();
            assert_eq!(model.targets.len(), 3);
            leaders.insert(model.targets[0].model.clone());
        }
        assert_eq!(leaders.into_iter().collect::<Vec<_>>(), ["flash", "haiku", "sonnet"]);
    }

    #[test]
    fn equals_share_by_weight_and_all_are_in_the_chain() {
        let target = |model: &str, weight| Target { provider: "p".into(), model: model.into(), weight };
        let targets = [target("first", None), target("a", Some(3)), target("b", Some(1)), target("last", None)];
        let mut a_leads = 0;
        for seed in 0..4000 {
            let names: Vec<_> = draw(&targets, seed).into_iter().map(|target| target.model).collect();
            match names.join(" ").as_str() {
                "first a b last" => a_leads += 1,
                "first b a last" => {}
                other => panic!("{other}"),
            }
        }
        assert!((2850..3150).contains(&a_leads), "{a_leads} of 4000");
    }

    #[test]
    fn a_route_is_bounded() {
        let route: Vec<_> = (0..17).map(|at| format!("openai/model-{at}")).collect();
        let refusal = resolve(&config(), "smart", None, Some(&route.join(",")), 0).unwrap_err();
        assert_eq!(refusal.error().param.as_deref(), Some("x-weir-route"));
        assert!(resolve(&config(), "smart", None, Some(&route[..16].join(",")), 0).is_ok());
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "Known: smart, shared; or provider/model with one of the providers' own.";
        check("nope", None, &format!("404 The model 'nope' does not exist here. {message}"));
        check("nope/model", None, &format!("404 The model 'nope/model' does not exist here. {message}"));
        check("gemini/../x", None, &format!("404 The model 'gemini/../x' does not exist here. {message}"));
        let known = "Known: openai, claude, openai/gpt-5.6, claude/sonnet, openai/mini.";
        for name in ["mistral", "gemini", ""] {
            let text = format!("400 Header 'x-weir-route' names '{name}', which this request cannot go to. {known}");
            check("smart", Some(name), &text);
        }
    }
}

//! What a complete request shall do: the targets that could serve it, in order, and how long each may take. It is made
//! once, and kept while the request waits.

use super::ask::Ask;
use super::asked;
use super::caching::Caching;
use super::task::{Task, Wish};
use super::translate;
use crate::chance;
use crate::config::{ExactCache, Millis, Model, OnUnsupported, Retries, Target};
use crate::dialect::Request;
use crate::gateway::{Gateway, Held, Walk};
use crate::headers::HeaderList;
use crate::refusal::Refusal;
use crate::route;
use crate::stats::Limited;
use crate::traffic::{self, Candidate, Demand, Rank, Size};
use std::borrow::Cow;
use std::rc::Rc;

pub(super) struct Plan {
    /// What the task was read as.
    pub(super) wish: Wish,
    pub(super) task: Task,
    /// The body's share of the VM's memory.
    pub(super) held: Held,
    pub(super) candidates: Vec<Candidate>,
    /// The first target of the model, whether it can serve the request or not.
    first: Option<Candidate>,
    /// Of the body.
    bytes: usize,
    pub(super) size: Size,
    pub(super) seed: u64,
    /// When its answer must be, in milliseconds since 1970.
    pub(super) deadline: u64,
    times: Times,
    pub(super) on_unsupported: OnUnsupported,
    /// None: its answers are not cached.
    cache: Option<ExactCache>,
    /// What the cache has to do with it; None at first, or where there is none.
    pub(super) caching: Option<Caching>,
}

/// How the model is to be tried.
struct Times {
    first_token: Millis,
    answer: Millis,
    hedge_after: Option<Millis>,
    retries: Retries,
}

/// What goes to the chain instead of the prompt: Envoy's replay buffer then holds one byte, whatever the prompt's size.
pub(super) const PLACEHOLDER: &[u8] = b"x";

impl Plan {
    /// Parses and routes.
    ///
    /// # Errors
    /// Why no target can serve it, now or later; and the model that it asks for, if it could be read.
    pub(super) fn make(
        gateway: &Rc<Gateway>,
        ask: &Ask,
        wish: Wish,
        body: Vec<u8>,
        now: u64,
    ) -> Result<Self, (Refusal, Option<String>)> {
        let bytes = body.len();
        let Some(held) = gateway.hold(bytes) else {
            gateway.stats.limited(Limited::Memory);
            return Err((Refusal::OutOfMemory, None));
        };
        let task = Task::parse(&wish, body).map_err(|refusal| (refusal, None))?;
        let seed = chance::mix(chance::seed(&ask.request_id) ^ now);
        let routed = routed(gateway, ask, &task, seed);
        let (model, candidates) = routed.map_err(|refusal| (refusal, Some(asked(task.model()))))?;
        let deadline = ask.deadline.map_or(model.deadline, |asked| asked.min(model.deadline));
        let first = model.targets.first().and_then(|target| Candidate::new(&gateway.config, target));
        Ok(Self {
            candidates,
            first,
            bytes,
            size: task.size(bytes),
            seed,
            deadline: now.saturating_add(deadline.0),
            times: Times {
                first_token: model.first_token_timeout,
                answer: model.answer_timeout,
                hedge_after: model.hedge_after,
                retries: model.retries.clone(),
            },
            on_unsupported: model.on_unsupported,
            cache: model.cache.as_ref().and_then(|cache| cache.exact.clone()),
            caching: None,
            held,
            wish,
            task,
        })
    }

    /// The name that the client asked for.
    pub(super) fn model(&self) -> &str {
        self.task.model()
    }

    /// The answer to a count of tokens that no target makes: what the first one's requests have taught.
    pub(super) fn estimate(&self, gateway: &Gateway) -> Option<Vec<u8>> {
        let Task::Count(counted) = &self.task else { return None };
        if !self.candidates.is_empty() {
            return None;
        }
        let first = self.first.as_ref()?;
        let bytes = counted.request().chat().text_bytes(self.bytes);
        Some(counted.write(gateway.traffic.text_tokens(first, bytes)))
    }

    /// How its model's answers are cached, if they are.
    pub(super) fn cache(&self) -> Option<&ExactCache> {
        self.cache.as_ref()
    }

    /// The client has left while the sidecar looked.
    pub(super) fn abandon(&self, gateway: &Gateway, ticket: u32) {
        if let Some(caching) = &self.caching {
            caching.abandon(gateway, ticket);
        }
    }

    /// To whom it would go: what is cached for one choice of targets is not served for another.
    pub(super) fn scope(&self, ask: &Ask) -> String {
        let mut targets: Vec<String> =
            self.candidates.iter().map(|one| format!("{}/{}", one.target.provider, one.target.model)).collect();
        if ask.route.is_none() {
            // Equals are drawn by weight: their order is chance.
            targets.sort_unstable();
        }
        targets.insert(0, self.model().to_owned());
        serde_json::to_string(&targets).unwrap_or_default()
    }

    /// How long an attempt may be silent, in milliseconds. Response headers are held until the first content event, so
    /// for streams this is until the first token.
    pub(super) fn patience(&self) -> u64 {
        if self.task.is_stream() { self.times.first_token.0 } else { self.times.answer.0 }
    }

    /// After how many milliseconds of silence from `first` the next target is asked too. An answer that is not streamed
    /// has no first token on the wire: it is hedged when it is overdue, or each long answer would be paid for twice.
    pub(super) fn hedge(&self, gateway: &Gateway, first: Option<&Candidate>) -> Option<u64> {
        let after = self.times.hedge_after?.0;
        if self.task.is_stream() {
            return Some(after);
        }
        let overdue = first.and_then(|first| gateway.traffic.overdue(first));
        Some(after.max(overdue.unwrap_or(0))).filter(|after| *after < self.patience())
    }

    /// What it takes to serve it.
    pub(super) fn demand(&self, ask: &Ask, rank: Option<Rank>) -> Demand<'_> {
        Demand {
            tenant: ask.tenant,
            model: traffic::part(self.model()),
            priority: ask.priority,
            size: self.size,
            candidates: &self.candidates,
            in_order: ask.route.is_some(),
            rank,
        }
    }

    /// The chain of the candidates at `order`.
    ///
    /// # Errors
    /// The client named an order that was not rendered.
    pub(super) fn walk(&self, gateway: &Gateway, ask: &Ask, order: &[usize]) -> Result<Walk, Refusal> {
        let targets = order.iter().filter_map(|index| self.candidates.get(*index));
        let targets: Vec<Target> = targets.map(|candidate| candidate.target.clone()).collect();
        let walk = gateway.walk(&targets, self.times.retries.per_target).ok_or(Refusal::Failed(Vec::new()))?;
        if ask.route.is_some() && !targets.iter().all(|target| walk.slots.contains(target)) {
            let walked = walk.slots.iter().map(|slot| format!("{}/{}", slot.provider, slot.model)).collect::<Vec<_>>();
            let message = format!("no chain was rendered for this order; it could only go to {}", walked.join(", "));
            return Err(Refusal::InvalidField { param: "x-weir-route".into(), message });
        }
        Ok(walk)
    }

    /// The headers under which the request goes to its chain: the route reads the cluster and the pauses, the router
    /// the times. `retries`: whether there may be any; `hedge`: after how many milliseconds of silence the next target is
    /// asked too.
    pub(super) fn headers(&self, ask: &Ask, walk: &Walk, retries: bool, hedge: Option<u64>, now: u64) -> HeaderList {
        let mut headers = ask.kept.clone();
        for (name, value) in &mut headers {
            // A query can carry a key (`?key=`).
            if name == ":path"
                && let Some(query) = value.iter().position(|byte| *byte == b'?')
            {
                value.truncate(query);
            }
        }
        let retries = if retries { walk.slots.len().saturating_sub(1) } else { 0 };
        let hedge = hedge.filter(|_| retries > 0);
        let left = self.deadline.saturating_sub(now).max(1);
        let set: [(&'static str, Cow<'_, str>); 7] = [
            ("content-type", "application/json".into()),
            ("content-length", PLACEHOLDER.len().to_string().into()),
            ("x-weir-chain", walk.cluster.as_str().into()),
            ("x-weir-backoff", self.times.retries.pause().into()),
            ("x-envoy-max-retries", retries.to_string().into()),
            ("x-envoy-upstream-rq-timeout-ms", left.to_string().into()),
            ("x-envoy-upstream-rq-per-try-timeout-ms", hedge.unwrap_or(self.patience()).to_string().into()),
        ];
        headers.extend(set.map(|(name, value)| (name.into(), value.into_owned().into_bytes())));
        if hedge.is_some() {
            headers.push(("x-envoy-hedge-on-per-try-timeout".into(), b"true".to_vec()));
        }
        headers
    }
}

/// The model that is asked for, with the targets of this request, and those of them that can serve it.
fn routed<'g>(
    gateway: &'g Gateway,
    ask: &Ask,
    task: &Task,
    seed: u64,
) -> Result<(Cow<'g, Model>, Vec<Candidate>), Refusal> {
    let name = task.model();
    let not_allowed = |model: String| Refusal::ModelNotAllowed { model };
    if ask.tenant.is_some_and(|tenant| !gateway.may_use(tenant, name)) {
        return Err(not_allowed(crate::failure::bounded(name)));
    }
    let tenant = gateway.tenant(ask.tenant);
    let model = route::resolve(&gateway.config, name, tenant, ask.route.as_deref(), seed)?;
    if let Some(tenant) = ask.tenant
        && let Some(target) = model.targets.iter().find(|target| !may_reach(gateway, tenant, name, target))
    {
        return Err(not_allowed(format!("{}/{}", target.provider, target.model)));
    }
    let candidates = able(gateway, &model, task)?;
    if let Some(param) = task.bound_to()
        && candidates.iter().any(|one| candidates.first().is_some_and(|first| first.provider != one.provider))
    {
        let message = "only the provider that keeps it can go on from there: name the one of the answer's \
                       `x-weir-provider` in `x-weir-route`";
        return Err(Refusal::InvalidField { param: param.to_owned(), message: message.to_owned() });
    }
    Ok((model, candidates))
}

/// Those targets of the model that can serve the request.
fn able(gateway: &Gateway, model: &Model, task: &Task) -> Result<Vec<Candidate>, Refusal> {
    let mut able = Vec::with_capacity(model.targets.len());
    let mut obstacle = None;
    for target in &model.targets {
        match translate::lower(gateway, task, target, model.on_unsupported) {
            Ok(_) => able.extend(Candidate::new(&gateway.config, target)),
            Err(unsupported) => obstacle = obstacle.or(Some(unsupported)),
        }
    }
    match obstacle {
        Some(unsupported) if able.is_empty() && !matches!(task, Task::Count(_)) => {
            let is_continued = task.chat().is_some_and(Request::is_continued);
            Err(if is_continued { Refusal::ThreadNotFound } else { Refusal::Unsupported(unsupported) })
        }
        _ => Ok(able),
    }
}

/// `x-weir-route` may name any target; a tenant goes to those of the model it may use, which may be its own, or to one
/// it may address.
fn may_reach(gateway: &Gateway, tenant: usize, model: &str, target: &Target) -> bool {
    let own = gateway.config.tenants.get(tenant).and_then(|tenant| tenant.targets(model));
    let listed = own.or_else(|| Some(gateway.config.model(model)?.targets.as_slice())).unwrap_or_default();
    let same = |listed: &Target| (&listed.provider, &listed.model) == (&target.provider, &target.model);
    listed.iter().any(same) || gateway.may_use(tenant, &format!("{}/{}", target.provider, target.model))
}

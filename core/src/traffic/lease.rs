//! One limit as this Envoy has it: leased from the sidecar, which debits what all Envoys share; or, while that does not
//! answer, a bucket of its own.
//!
//! Totals go over the wire, not differences ([`LimitAsk`]): what is left to use is what was granted, less what was used
//! and given back, less what requests under way are expected to use.

use super::bucket::{Bucket, Rate};
use crate::wire::{LimitAsk, LimitLeased};
use serde::{Deserialize, Serialize};

/// How limits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// Only what the sidecar has leased may be used.
    Leased,
    /// There is no sidecar: this Envoy has its share, one of so many. At least 1.
    Local { envoys: u64 },
    /// There is none, and whatever comes is admitted.
    Open,
    /// There is none, and nothing that has a limit is admitted.
    Closed,
}

impl Default for Regime {
    fn default() -> Self {
        Regime::Local { envoys: 1 }
    }
}

/// An ask that has not been answered after so many milliseconds is lost, beyond the call's own deadline.
const LOST: u64 = 50;
/// What is not used for so long, in milliseconds, is given back.
const IDLE: u64 = 5_000;
/// A lease shall last at least so long, in milliseconds: one that was used up sooner is larger the next time.
const BRISK: u64 = 500;
/// One that lasts longer than this is smaller the next time.
const SLOW: u64 = 2_000;
/// Between two asks for what would only be of use, in milliseconds.
const PAUSE: u64 = 100;
/// Little is left of a limit when no more is there than flows in within so many milliseconds, and not half of what fits.
const MOMENT: u64 = 100;
/// While little is left, so many milliseconds pass between two asks for what requests wait for: what has flowed in by then
/// is granted to several. After an ask in vain half of it, so that nobody is always the second.
const BREATH: u64 = 20;
/// The sidecar hears of each limit about once a second, from one of the workers.
const REPORT: u64 = 900;
/// Who misses the sidecar may be the first to: for so many milliseconds the others may still be granted all that flows in,
/// and nothing flows into the own bucket.
const UNSURE: u64 = 1_000;
/// A lease is for at least so many requests like the one that asks.
const LEAST: u64 = 4;

/// A limit, and how it holds now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub regime: Regime,
    pub rate: Rate,
}

/// What became of one limit's tokens, or requests, here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meter {
    /// This Envoy's own bucket, in force without a sidecar.
    own: Bucket,
    /// Whether it is in force.
    is_local: bool,
    /// The bucket of all Envoys, as the sidecar last told of it, and when.
    all: Bucket,
    heard: u64,
    /// Before this time the sidecar has not what was needed last, or hardly more than that.
    not_before: u64,
    /// By the sidecar, since this Envoy started; so are the following.
    granted: u64,
    /// For good.
    spent: u64,
    returned: u64,
    /// What the sidecar knows of the two.
    told: (u64, u64),
    /// When it was asked, in milliseconds since 1970; 0: it has answered.
    asked: u64,
    /// When it was last asked for more, and for how much beyond the need.
    refilled: u64,
    size: u64,
    /// When something was last taken, and when the sidecar was last told of all this.
    taken: u64,
    reported: u64,
    /// What the provider itself says is left, until that is told.
    at_most: Option<u64>,
}

/// Why there is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// Milliseconds until there will be.
    Wait(u64),
    /// The sidecar has to be asked.
    Ask,
    /// The sidecar would have to be asked, and does not answer.
    Closed,
}

impl Meter {
    /// Whether `amount` is there for the request at `place`, counted from 1, of those that want as much; besides what is
    /// `held` for requests under way. More than fits is admitted by a full bucket, which is then in debt.
    pub(super) fn lacks(&self, terms: Terms, held: u64, amount: u64, place: u64, now: u64) -> Option<Short> {
        let Terms { regime, rate } = terms;
        match regime {
            Regime::Open => None,
            Regime::Closed => Some(Short::Closed),
            Regime::Local { envoys } => {
                let share = rate.share(envoys);
                let amount = amount.min(share.burst).saturating_mul(place);
                let wait = self.local(rate, envoys, held, now).wait(share, amount, now);
                (wait > 0).then_some(Short::Wait(wait))
            }
            Regime::Leased => {
                let amount = amount.min(rate.burst).saturating_mul(place);
                let missing = i128::from(amount).saturating_sub(self.left(held));
                let missing = u64::try_from(missing).ok().filter(|missing| *missing > 0)?;
                let wait = self.all.wait(rate, missing, now).max(self.not_before.saturating_sub(now));
                Some(if wait == 0 { Short::Ask } else { Short::Wait(wait) })
            }
        }
    }

    /// From now on the own bucket is in force: what flows into it counts from the moment at which the sidecar is missed, not
    /// from the first request for which there is enough. Whether it was not in force before.
    pub(super) fn go_local(&mut self, terms: Terms, held: u64, now: u64) -> bool {
        let Regime::Local { envoys } = terms.regime else { return false };
        let begins = !self.is_local;
        self.own = self.local(terms.rate, envoys, held, now);
        self.is_local = true;
        begins
    }

    /// Something is taken, whether or not it is there.
    pub(super) fn take(&mut self, terms: Terms, held: u64, amount: u64, now: u64) {
        let Terms { regime, rate } = terms;
        self.taken = now;
        match regime {
            Regime::Leased => self.is_local = false,
            Regime::Local { envoys } => {
                self.go_local(terms, held, now);
                let share = rate.share(envoys);
                self.own.take(share, amount.min(share.burst), now);
            }
            Regime::Open | Regime::Closed => {}
        }
    }

    /// Of what was taken, `estimated`, so much was used.
    pub(super) fn settle(&mut self, terms: Terms, estimated: u64, used: u64, now: u64) {
        self.spent = self.spent.saturating_add(used);
        if let Regime::Local { envoys } = terms.regime {
            let share = terms.rate.share(envoys);
            let estimated = estimated.min(share.burst);
            self.own.give_back(share, estimated.saturating_sub(used));
            if used > estimated {
                self.own.take(share, used.saturating_sub(estimated), now);
            }
        }
    }

    /// As if [`Self::take`] had never been.
    pub(super) fn undo(&mut self, terms: Terms, amount: u64) {
        if let Regime::Local { envoys } = terms.regime {
            let share = terms.rate.share(envoys);
            self.own.give_back(share, amount.min(share.burst));
        }
    }

    /// The worker that took it is gone: for all that is known it was used.
    pub(super) fn lose(&mut self, amount: u64) {
        self.spent = self.spent.saturating_add(amount);
    }

    /// The provider itself says that no more is left.
    pub(super) fn at_most(&mut self, terms: Terms, remaining: u64, held: u64, now: u64) {
        let Terms { regime, rate } = terms;
        match regime {
            Regime::Leased => {
                let excess = self.left(held).saturating_sub(i128::from(remaining));
                self.returned = self.returned.saturating_add(u64::try_from(excess).unwrap_or(0));
                self.all.at_most(rate, remaining, now);
                self.at_most = Some(remaining);
            }
            Regime::Local { envoys } => {
                self.go_local(terms, held, now);
                let share = rate.share(envoys);
                self.own.at_most(share, remaining, now);
            }
            Regime::Open | Regime::Closed => {}
        }
    }

    /// What is left, and the milliseconds until all of it is there.
    pub(super) fn level(&self, terms: Terms, held: u64, now: u64) -> (u64, u64) {
        let Terms { regime, rate } = terms;
        match regime {
            Regime::Local { envoys } => {
                let own = self.local(rate, envoys, held, now);
                (own.level(rate.share(envoys), now), own.full_in(now))
            }
            Regime::Leased | Regime::Open | Regime::Closed => {
                let left = u64::try_from(self.left(held)).unwrap_or(0);
                let level = left.saturating_add(self.all.level(rate, now)).min(rate.burst);
                // What is leased and not used is as good as there.
                (level, self.all.full_in(now).saturating_sub(rate.millis(left)))
            }
        }
    }

    /// How much can be taken at once.
    pub(super) fn room(&self, terms: Terms, held: u64, now: u64) -> u64 {
        let Terms { regime, rate } = terms;
        match regime {
            Regime::Open => u64::MAX,
            Regime::Closed => 0,
            Regime::Leased => u64::try_from(self.left(held)).unwrap_or(0),
            Regime::Local { envoys } => self.local(rate, envoys, held, now).level(rate.share(envoys), now),
        }
    }

    /// Whether more should be leased before somebody has to wait for it.
    pub(super) fn is_low(&self, held: u64, now: u64) -> bool {
        let half = i128::from(self.size.checked_div(2).unwrap_or(0));
        self.left(held) < half && now.saturating_sub(self.refilled) >= PAUSE
    }

    /// Whether the sidecar is being asked.
    pub(super) fn is_asked(&self, patience: u64, now: u64) -> bool {
        self.asked != 0 && now.saturating_sub(self.asked) < patience.saturating_add(LOST)
    }

    /// What the sidecar is asked for: `amount` for a request, and something beyond, by how fast the last was used up.
    pub(super) fn ask(&mut self, rate: Rate, held: u64, amount: u64, now: u64) -> LimitAsk {
        let pause = now.saturating_sub(self.refilled);
        if pause < BRISK {
            self.size = self.size.saturating_mul(2);
        } else if pause > SLOW {
            self.size = self.size.checked_div(2).unwrap_or(0);
        }
        let most = rate.burst.checked_div(4).unwrap_or(0);
        self.size = self.size.max(amount.saturating_mul(LEAST)).min(most);
        // What is used and was never granted is debited besides.
        let owed = self.spent.saturating_add(self.returned).saturating_sub(self.granted);
        let missing = i128::from(amount).saturating_sub(self.left(held)).saturating_sub(i128::from(owed));
        let need = if amount == 0 { 0 } else { u64::try_from(missing).unwrap_or(0) };
        let lacking = i128::from(self.size).saturating_sub(self.left(held));
        self.asked = now;
        self.refilled = now;
        LimitAsk {
            need,
            want: need.saturating_add(u64::try_from(lacking).unwrap_or(0).min(self.size)),
            ..self.account(rate, now)
        }
    }

    /// What the sidecar should hear once a second: None when nothing has changed and nothing is outstanding.
    pub(super) fn report(&mut self, terms: Terms, held: u64, now: u64) -> Option<LimitAsk> {
        if now.saturating_sub(self.heard.max(self.reported)) < REPORT {
            return None;
        }
        // What is local is this Envoy's own.
        if !matches!(terms.regime, Regime::Local { .. })
            && now.saturating_sub(self.taken) >= IDLE
            && let Ok(idle) = u64::try_from(self.left(held))
        {
            self.returned = self.returned.saturating_add(idle);
        }
        let outstanding = self.granted.saturating_sub(self.spent).saturating_sub(self.returned) > 0;
        let news = self.told != (self.spent, self.returned) || self.at_most.is_some();
        // What others take is worth knowing while it is used here.
        let is_used = now.saturating_sub(self.taken) < IDLE;
        let matters = outstanding || news || is_used;
        if matters {
            self.reported = now;
        }
        matters.then(|| self.account(terms.rate, now))
    }

    /// What the sidecar answered to `ask`. Until it is believed to be there again, the own bucket stays in force.
    pub(super) fn leased(&mut self, terms: Terms, ask: &LimitAsk, answer: &LimitLeased, now: u64) {
        let Terms { regime, rate } = terms;
        self.asked = 0;
        self.is_local &= regime != Regime::Leased;
        self.heard = now;
        self.told = (self.told.0.max(ask.spent), self.told.1.max(ask.returned));
        self.granted = self.granted.max(answer.granted);
        // What was said since it was asked, it does not know yet.
        if self.at_most == ask.at_most {
            self.at_most = None;
        }
        self.all = Bucket::full_in_millis(answer.full_in, now);
        let pause = if ask.need > 0 { self.breath(rate, ask.need, answer, now) } else { 0 };
        let wait = answer.wait.max(pause);
        self.not_before = if wait > 0 { now.saturating_add(wait) } else { 0 };
    }

    /// Milliseconds for which the sidecar is not asked again, although what a request needs may be there by then. Who got
    /// something leaves what flows in next to others.
    fn breath(&self, rate: Rate, need: u64, answer: &LimitLeased, now: u64) -> u64 {
        let moment = rate.flow(MOMENT).min(rate.burst.checked_div(2).unwrap_or(0));
        if answer.level >= moment.max(1) {
            return 0;
        }
        // What flows in while nobody asks has to fit.
        let breath = BREATH.min(rate.millis(rate.burst).checked_div(4).unwrap_or(0));
        if answer.wait > 0 {
            breath.checked_div(2).unwrap_or(0)
        } else {
            breath.saturating_add(self.all.wait(rate, need, now))
        }
    }

    /// The sidecar did not answer: what it should hear is told again with the next beat.
    pub(super) fn unanswered(&mut self) {
        self.asked = 0;
        self.reported = 0;
    }

    fn account(&self, rate: Rate, now: u64) -> LimitAsk {
        LimitAsk {
            per_minute: rate.per_minute,
            burst: rate.burst,
            known: self.granted,
            spent: self.spent,
            returned: self.returned,
            at_most: self.at_most,
            full_in: (self.heard > 0).then(|| self.all.full_in(now)),
            ..LimitAsk::default()
        }
    }

    /// Negative: more was used than was there.
    fn left(&self, held: u64) -> i128 {
        let gone = i128::from(self.spent).saturating_add(i128::from(self.returned)).saturating_add(i128::from(held));
        i128::from(self.granted).saturating_sub(gone)
    }

    /// The own bucket as it is in force, or will be: it begins with what was leased and not used. What else was left for
    /// all may have been taken by others by now, unless there are none; what flows in is shared, and might not be yet.
    fn local(&self, rate: Rate, envoys: u64, held: u64, now: u64) -> Bucket {
        let mut own = self.own;
        if !self.is_local && self.heard > 0 {
            let left = u64::try_from(self.left(held)).unwrap_or(0);
            if envoys > 1 {
                own.at_most(rate.share(envoys), left, now);
                own.pause(UNSURE, now);
            } else {
                // To the moment: where little flows in, a part of one is seconds.
                let mut all = self.all;
                all.give_back(rate, left);
                own = own.emptier(all);
            }
        }
        own
    }
}

//! Keeps a connection up: makes it, asks each second whether it still answers, and makes another when it does not, after
//! a wait that doubles, with jitter.

use super::place::{Link, Place};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// How often a connection is asked, and how long it may take to answer.
const CHECK: Duration = Duration::from_secs(1);
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Checks that a cluster's connection may fail in a row: one node's death is none of the others' business.
const CLUSTER_STRIKES: u32 = 3;

pub(super) struct Keeper {
    state: watch::Receiver<State>,
}

#[derive(Clone)]
enum State {
    Up(Up),
    Down(Arc<str>),
}

/// A connection that was up when it was taken.
#[derive(Clone)]
pub(super) struct Up {
    link: Link,
    /// It has answered since the last check.
    answered: Arc<AtomicBool>,
    /// Tells the keeper that it is of no use any more.
    broken: mpsc::Sender<RedisError>,
}

impl Keeper {
    pub(super) fn start(name: &'static str, place: Arc<Place>, secrets: Arc<[String]>) -> Self {
        let (told, state) = watch::channel(State::Down("not yet".into()));
        tokio::spawn(keep(name, place, secrets, told));
        Self { state }
    }

    /// The connection; or why there is none.
    pub(super) fn link(&self) -> Result<Up, Arc<str>> {
        match &*self.state.borrow() {
            State::Up(up) => Ok(up.clone()),
            State::Down(why) => Err(Arc::clone(why)),
        }
    }
}

impl Up {
    pub(super) async fn run(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.link.run(command).await
    }

    /// What a result says about the connection.
    pub(super) fn note(&self, result: &RedisResult<Value>) {
        match result {
            Ok(_) => self.answered.store(true, Ordering::Relaxed),
            // Full: it has been told already.
            Err(error) if self.is_broken_by(error) => drop(self.broken.try_send(error.clone())),
            Err(_) => {}
        }
    }

    fn is_broken_by(&self, error: &RedisError) -> bool {
        match self.link {
            // A replica is what is left of a master after a failover: who leads now is found by connecting anew.
            Link::One(_) => {
                error.is_unrecoverable_error()
                    || matches!(
                        error.kind(),
                        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
                    )
            }
            Link::Cluster(_) => false,
        }
    }
}

/// Until nobody is left who could ask for it.
async fn keep(name: &'static str, place: Arc<Place>, secrets: Arc<[String]>, told: watch::Sender<State>) {
    let mut wait = FIRST_WAIT;
    let mut is_told = false;
    loop {
        let began = Instant::now();
        let why = tokio::select! {
            () = told.closed() => return,
            why = hold(name, &place, &told, &mut is_told) => tell(&why, &secrets),
        };
        if !is_told {
            is_told = true;
            tracing::warn!("Redis ({name}): {why}; trying again");
        }
        // Nobody is left: the next round ends.
        let _ = told.send(State::Down(why.into()));
        wait = if began.elapsed() > LONGEST_WAIT { FIRST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
        tokio::select! {
            () = told.closed() => return,
            () = tokio::time::sleep(with_jitter(wait)) => {}
        }
    }
}

/// Connects, and tells why it came to nothing, or to an end.
async fn hold(name: &str, place: &Place, told: &watch::Sender<State>, is_told: &mut bool) -> RedisError {
    let (broken, mut heard) = mpsc::channel(1);
    let link = match place.connect().await {
        Ok(link) => link,
        Err(error) => return error,
    };
    let up = Up { link, answered: Arc::default(), broken };
    // Nobody is left: `keep` ends.
    let _ = told.send(State::Up(up.clone()));
    if std::mem::take(is_told) {
        tracing::info!("Redis ({name}): connected again");
    }
    let mut strikes = 0;
    loop {
        if let Ok(Some(error)) = timeout(CHECK, heard.recv()).await {
            return error;
        }
        match check(up.clone()).await {
            Ok(()) => strikes = 0,
            Err(error) => {
                strikes += 1;
                let answered = up.answered.swap(false, Ordering::Relaxed);
                if matches!(up.link, Link::One(_)) || (strikes >= CLUSTER_STRIKES && !answered) {
                    return error;
                }
            }
        }
    }
}

/// Whether the connection answers at all; that of a cluster, by whichever node a number falls to.
async fn check(mut up: Up) -> Result<(), RedisError> {
    let mut command = cmd("EXISTS");
    command.arg(format!("weir:check:{}", RandomState::new().hash_one(0)));
    match timeout(CHECK, up.run(&command)).await {
        Ok(Ok(_)) => Ok(()),
        // It does answer.
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::Server(_)) && !up.is_broken_by(&error) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
    }
}

/// From half of it to all of it: not all sidecars come back at once.
fn with_jitter(wait: Duration) -> Duration {
    let chance = RandomState::new().hash_one(0) >> 32;
    wait / 2 + wait.mul_f64(chance as f64 / 2_f64.powi(33))
}

/// What Redis, or the way there, says, without what it may have repeated of the login.
pub(super) fn tell(error: &RedisError, secrets: &[String]) -> String {
    secrets.iter().fold(error.to_string(), |text, secret| text.replace(secret.as_str(), "…"))
}

//! A connection to Redis that is always being kept up, and the calls over it: each with a deadline, and only so many
//! under way.
//!
//! A call whose caller has left stays under way, and keeps its place, until it is answered or its connection is given
//! up. So what Redis has not answered is bounded, however slow it is, and more fails at once.

use super::keeper::{self, Keeper};
use super::place::Place;
use crate::store::Unavailable;
use redis::{ErrorKind, RedisResult, Script, ServerErrorKind, ToRedisArgs, Value, cmd};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What may be under way, in weights of [`WEIGHT`]: 64 MiB.
const MAX_WEIGHT: usize = 2_048;
/// Bytes of a command that count as one.
const WEIGHT: usize = 32 << 10;

pub(super) struct Lane {
    keeper: Keeper,
    room: Arc<Semaphore>,
    deadline: Duration,
    /// Never told, whatever Redis says.
    secrets: Arc<[String]>,
}

/// A script and what it is given.
pub(super) struct Call {
    script: &'static Script,
    source: &'static str,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Lane {
    /// Does not wait for a connection. `name` is for the log.
    pub(super) fn open(name: &'static str, place: Arc<Place>, deadline: Duration, secrets: Arc<[String]>) -> Self {
        let keeper = Keeper::start(name, place, Arc::clone(&secrets));
        Self { keeper, room: Arc::new(Semaphore::new(MAX_WEIGHT)), deadline, secrets }
    }

    /// Runs a script.
    pub(super) async fn call(&self, call: Call) -> Result<Value, Unavailable> {
        let weight = 1 + call.arguments.iter().map(Vec::len).sum::<usize>() / WEIGHT;
        let place =
            u32::try_from(weight).ok().and_then(|weight| Arc::clone(&self.room).try_acquire_many_owned(weight).ok());
        let place = place.ok_or_else(|| Unavailable("Redis: too many calls are under way".to_owned()))?;
        let mut link = self.keeper.link().map_err(|why| Unavailable(format!("Redis: not connected: {why}")))?;
        let task = tokio::spawn(async move {
            let result = call.run(&mut link).await;
            link.note(&result);
            drop(place);
            result
        });
        match tokio::time::timeout(self.deadline, task).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(Unavailable(format!("Redis: {}", keeper::tell(&error, &self.secrets)))),
            Ok(Err(_)) => Err(Unavailable("Redis: the call was given up".to_owned())),
            Err(_) => Err(Unavailable(format!("Redis: no answer within {} ms", self.deadline.as_millis()))),
        }
    }
}

impl Call {
    pub(super) fn new(source: &'static str, script: &'static Script) -> Self {
        Self { script, source, keys: Vec::new(), arguments: Vec::new() }
    }

    pub(super) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.arguments.extend(argument.to_redis_args());
        self
    }

    /// The same for what is long: it is not copied.
    pub(super) fn bytes(mut self, argument: Vec<u8>) -> Self {
        self.arguments.push(argument);
        self
    }

    /// By its digest; by its text where Redis does not know it (yet, or any more: it was restarted).
    async fn run(&self, link: &mut keeper::Up) -> RedisResult<Value> {
        match link.run(&self.command("EVALSHA", self.script.get_hash())).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                link.run(&self.command("EVAL", self.source)).await
            }
            result => result,
        }
    }

    fn command(&self, name: &str, script: &str) -> redis::Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            command.arg(argument.as_slice());
        }
        command
    }
}

//! One request and its answer, from the first byte to the last: keeps journal and counters true whatever happens.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use hyper::http::request::Parts;

use crate::{
    journal::{Outcome, Record},
    limits::Limited,
    state::Station,
    sync::lock,
};

/// Lives as long as the exchange: in the handler first, then in the response body. Dropped before [`Self::finish`]
/// means that the client left.
#[derive(Debug)]
pub(crate) struct Exchange {
    station: Arc<Station>,
    record: Arc<Record>,
    serial: u64,
    started: Instant,
    foreign_credential: bool,
    admitted: bool,
    finished: bool,
}

impl Exchange {
    pub(crate) fn open(station: Arc<Station>, parts: Parts, body: &Bytes, started: Instant) -> Self {
        let settings = station.settings();
        let foreign_credential = station.credentials.any_foreign(&parts);
        let hash = settings.journal && settings.hash_bodies;
        let record = Arc::new(Record::new(station.provider, parts, body, hash, foreign_credential));
        if settings.journal {
            station.journal.push(Arc::clone(&record));
        }
        station.counters.request_began(foreign_credential);
        let serial = station.next_serial();
        Self { station, record, serial, started, foreign_credential, admitted: false, finished: false }
    }

    pub(crate) fn station(&self) -> &Station {
        &self.station
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.record.parts
    }

    pub(crate) fn foreign_credential(&self) -> bool {
        self.foreign_credential
    }

    /// The number of this request at its provider; ids are made of it.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Asks the rate limits; what is admitted is given back when the exchange ends.
    pub(crate) fn admit(&mut self, tokens: u64) -> Result<(), Limited> {
        lock(&self.station.limiter).admit(tokens, Instant::now())?;
        self.admitted = true;
        Ok(())
    }

    pub(crate) fn status(&self, status: u16) {
        self.station.counters.status_sent(status);
        self.record.update(|progress| progress.status = Some(status));
    }

    pub(crate) fn sent(&self, events: usize) {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        self.record.update(|progress| progress.events_sent = progress.events_sent.saturating_add(events));
    }

    /// The provider fell silent; the exchange goes on until the client leaves.
    pub(crate) fn hung(&self) {
        self.record.update(|progress| progress.outcome = Some(Outcome::Hung));
    }

    pub(crate) fn finish(&mut self, outcome: Outcome) {
        if self.finished {
            return;
        }
        self.finished = true;
        let duration = self.started.elapsed();
        self.record.update(|progress| {
            progress.outcome = Some(outcome);
            progress.duration = Some(duration);
        });
        self.station.counters.request_ended();
        if self.admitted {
            lock(&self.station.limiter).release();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(Outcome::ClientClosed);
    }
}

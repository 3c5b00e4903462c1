//! Every call to the host. The SDK's own wrappers panic on a status that they do not expect, and a panic traps the
//! worker's whole VM; these return it.

#![allow(unsafe_code, reason = "the proxy-wasm ABI 0.2.1 is a C interface")]

use std::ptr::{null, null_mut};
use weir_core::headers::{HeaderList, Headers, encode};

/// The host's answer to a call it did not fulfil (`proxy_status_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u32);

/// A result of a host call.
pub(crate) type Result<T> = std::result::Result<T, Status>;

/// `proxy_buffer_type_t`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    CallResponseBody = 4,
    PluginConfiguration = 7,
}

/// `proxy_map_type_t`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Map {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    CallResponseHeaders = 6,
}

/// `proxy_log_level_t`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Level {
    Warn = 3,
    Error = 4,
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_buffer_bytes(kind: u32, start: usize, length: usize, data: *const u8, size: usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_header_map_pairs(map: u32, data: *const u8, size: usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, size: usize) -> u32;
    fn proxy_close_stream(kind: u32) -> u32;
    fn proxy_continue_stream(kind: u32) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, data: *const u8, size: usize, cas: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

/// Writes to Envoy's own log. Never anything that a client or a provider said.
pub(crate) fn log(level: Level, message: &str) {
    // SAFETY: the host reads `message` within the call.
    unsafe { proxy_log(level as u32, message.as_ptr(), message.len()) };
}

/// Milliseconds since 1970; 0 if the host has no clock.
pub(crate) fn now() -> u64 {
    micros().checked_div(1_000).unwrap_or(0)
}

/// Microseconds since 1970; 0 if the host has no clock.
pub(crate) fn micros() -> u64 {
    let mut nanos = 0_u64;
    // SAFETY: the host writes one u64.
    unsafe { proxy_get_current_time_nanoseconds(&mut nanos) };
    nanos.checked_div(1_000).unwrap_or(0)
}

/// Bytes of this VM's memory, which never shrinks.
pub(crate) fn memory() -> u64 {
    const PAGE: usize = 64 << 10;
    #[cfg(target_arch = "wasm32")]
    let pages = core::arch::wasm32::memory_size::<0>();
    #[cfg(not(target_arch = "wasm32"))]
    let pages = 0_usize;
    u64::try_from(pages.saturating_mul(PAGE)).unwrap_or(u64::MAX)
}

/// Up to `size` bytes of a buffer.
pub(crate) fn buffer(buffer: Buffer, size: usize) -> Result<Vec<u8>> {
    // SAFETY: as `received` asks.
    received(|data, length| unsafe { proxy_get_buffer_bytes(buffer as u32, 0, size, data, length) })
}

/// Replaces the whole of a buffer.
pub(crate) fn set_buffer(buffer: Buffer, bytes: &[u8]) -> Result<()> {
    // A length at or over the buffer's own replaces all of it; the ABI counts in 32 bits.
    const ALL: usize = u32::MAX as usize;
    // SAFETY: the host reads `bytes` within the call.
    check(unsafe { proxy_set_buffer_bytes(buffer as u32, 0, ALL, bytes.as_ptr(), bytes.len()) })
}

/// A whole header map.
pub(crate) fn headers(map: Map) -> Result<Headers> {
    // SAFETY: as `received` asks.
    received(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) }).map(Headers::decode)
}

/// One header, the first of its name; None when it is absent or not UTF-8.
pub(crate) fn header(map: Map, name: &str) -> Option<String> {
    // SAFETY: as `received` asks; the host reads `name` within the call.
    let value =
        received(|data, size| unsafe { proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), data, size) });
    String::from_utf8(value.ok()?).ok()
}

/// Replaces a whole header map.
pub(crate) fn set_headers(map: Map, headers: &HeaderList) -> Result<()> {
    let bytes = encode(headers);
    // SAFETY: the host reads `bytes` within the call.
    check(unsafe { proxy_set_header_map_pairs(map as u32, bytes.as_ptr(), bytes.len()) })
}

/// A property; None when it does not exist or cannot be read.
pub(crate) fn property(path: &[&str]) -> Option<Vec<u8>> {
    let path = path.join("\0");
    // SAFETY: as `received` asks; the host reads `path` within the call.
    received(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) }).ok()
}

/// Writes a property of the stream: filter state, which the upstream filters of the same request read.
pub(crate) fn set_property(name: &str, value: &[u8]) -> Result<()> {
    // SAFETY: the host reads both within the call.
    check(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Answers the client at once. `details` goes to the access log.
pub(crate) fn reply(status: u16, details: &str, headers: &HeaderList, body: &[u8]) -> Result<()> {
    let headers = encode(headers);
    let body_data = if body.is_empty() { null() } else { body.as_ptr() };
    // SAFETY: the host reads all of it within the call. -1: no gRPC status.
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body_data,
            body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    })
}

/// Lets a held request go on.
pub(crate) fn resume() -> Result<()> {
    const HTTP_REQUEST: u32 = 0;
    // SAFETY: takes no memory.
    check(unsafe { proxy_continue_stream(HTTP_REQUEST) })
}

/// The calls that follow, until this callback returns, are for the stream of that context.
pub(crate) fn act_for(context_id: u32) -> Result<()> {
    // SAFETY: takes no memory.
    check(unsafe { proxy_set_effective_context(context_id) })
}

/// Ticks each `millis` from now on.
pub(crate) fn tick_each(millis: u32) -> Result<()> {
    // SAFETY: takes no memory.
    check(unsafe { proxy_set_tick_period_milliseconds(millis) })
}

/// Sends a request to a cluster; the answer comes to the context that sent it, under the token returned. This one goes
/// through the SDK, which must know the token; it panics on no status that Envoy's implementation returns.
pub(crate) fn call(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: std::time::Duration,
) -> std::result::Result<u32, ()> {
    proxy_wasm::hostcalls::dispatch_http_call(cluster, headers.to_vec(), Some(body), Vec::new(), timeout)
        .map_err(|_| ())
}

/// A value that all VMs of this Envoy share, and the number to swap it by.
pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let mut cas = 0_u32;
    // SAFETY: as `received` asks; the host reads `key` within the call and writes one u32.
    let value = received(|data, size| unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &mut cas) });
    Some((value.ok()?, cas))
}

/// Swaps a shared value; an error when another VM was first.
pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: u32) -> Result<()> {
    // SAFETY: the host reads both within the call.
    check(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
}

/// `proxy_metric_type_t`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Metric {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

/// The id of a metric of that name.
pub(crate) fn define_metric(kind: Metric, name: &str) -> Result<u32> {
    let mut id = 0_u32;
    // SAFETY: the host reads `name` within the call and writes one u32.
    check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

/// Adds to a counter. The host takes 0 for an error.
pub(crate) fn increment_metric(id: u32, offset: i64) -> Result<()> {
    // SAFETY: takes no memory.
    check(unsafe { proxy_increment_metric(id, offset) })
}

/// Sets a gauge, or adds a value to a histogram.
pub(crate) fn record_metric(id: u32, value: u64) -> Result<()> {
    // SAFETY: takes no memory.
    check(unsafe { proxy_record_metric(id, value) })
}

/// Breaks the stream off: the client's transfer does not end, it fails.
pub(crate) fn reset() -> Result<()> {
    const HTTP_REQUEST: u32 = 0;
    // SAFETY: takes no memory.
    check(unsafe { proxy_close_stream(HTTP_REQUEST) })
}

fn check(status: u32) -> Result<()> {
    if status == 0 { Ok(()) } else { Err(Status(status)) }
}

/// Takes over what the host allocated, through the SDK's `proxy_on_memory_allocate`, for its answer: exactly `size`
/// bytes. `call` passes both pointers to the host.
fn received(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>> {
    let (mut data, mut size) = (null_mut::<u8>(), 0_usize);
    check(call(&mut data, &mut size))?;
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the host got `data` from the module's allocator as a boxed slice of `size` bytes and gave it away.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

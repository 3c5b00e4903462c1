-- Token buckets, as in store/bucket.rs, which says why; here is only how. A bucket is "full_at changes": when it will be
-- full, in microseconds since 1970, and how often it was changed. It expires when it is full.
-- KEYS: a bucket for each debit; one may come twice.
-- ARGV, for each debit: per_minute burst owed returned at_most (or -1) need want full_at changes
-- Answers, for each debit: granted level full_in wait full_at changes
local MINUTE, LONGEST, MOST, MOST_DEBT = 60000000, 1125899906842624, 9007199254740992, 10
local FIELDS = 9

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Microseconds in which an amount flows in: the whole of it, and a part that is yet to be rounded.
local function flow(debit, amount)
  local rest = math.fmod(amount, debit.per_minute)
  return (amount - rest) / debit.per_minute * MINUTE, rest * MINUTE / debit.per_minute
end

local function span(debit, amount)
  local whole, part = flow(debit, amount)
  return math.min(whole + math.ceil(part), LONGEST)
end

local function span_down(debit, amount)
  local whole, part = flow(debit, amount)
  return math.min(whole + math.floor(part), LONGEST)
end

local function latest(debit)
  return now + span(debit, math.min(math.max(debit.burst, debit.per_minute) * MOST_DEBT, MOST))
end

local function take(debit, full_at, amount)
  return math.min(full_at + span(debit, amount), latest(debit))
end

local function wait(debit, full_at)
  if debit.need == 0 then
    return 0
  end
  local ready = full_at + span(debit, math.min(debit.need, debit.burst)) - span(debit, debit.burst)
  return math.ceil(math.max(ready - now, 0) / 1000)
end

local function level(debit, full_at)
  local rest = math.fmod(full_at - now, MINUTE)
  local missing = (full_at - now - rest) / MINUTE * debit.per_minute + math.ceil(rest * debit.per_minute / MINUTE)
  return math.max(debit.burst - missing, 0)
end

local buckets = {} -- by key
local debits = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * FIELDS
  debits[i] = {
    key = key,
    per_minute = tonumber(ARGV[at + 1]),
    burst = tonumber(ARGV[at + 2]),
    owed = tonumber(ARGV[at + 3]),
    returned = tonumber(ARGV[at + 4]),
    at_most = tonumber(ARGV[at + 5]),
    need = tonumber(ARGV[at + 6]),
    want = tonumber(ARGV[at + 7]),
    full_at = tonumber(ARGV[at + 8]),
    changes = tonumber(ARGV[at + 9]),
  }
  if not buckets[key] then
    local full_at, changes = string.match(redis.call('GET', key) or '0 0', '^(%d+) (%d+)$')
    full_at, changes = tonumber(full_at), tonumber(changes)
    buckets[key] = {full_at = full_at, changes = changes, began = math.max(full_at, now), known = changes}
  end
end

for _, debit in ipairs(debits) do
  local bucket = buckets[debit.key]
  if bucket.changes == 0 or debit.changes > bucket.changes then
    bucket.full_at = math.max(bucket.full_at, debit.full_at)
    bucket.changes = math.max(bucket.changes, debit.changes)
  end
  bucket.full_at = math.max(math.min(bucket.full_at, latest(debit)), now)
  bucket.full_at = take(debit, bucket.full_at, debit.owed)
  bucket.full_at = math.max(bucket.full_at - span_down(debit, debit.returned), now)
  if debit.at_most >= 0 then
    bucket.full_at = math.max(bucket.full_at, now + span(debit, math.max(debit.burst - debit.at_most, 0)))
  end
end

for _, bucket in pairs(buckets) do
  bucket.settled = bucket.full_at
end
local all = true
for _, debit in ipairs(debits) do
  local bucket = buckets[debit.key]
  debit.wait = wait(debit, bucket.full_at)
  if debit.wait == 0 then
    bucket.full_at = take(debit, bucket.full_at, debit.need)
  else
    all = false
  end
end
for _, debit in ipairs(debits) do
  local bucket = buckets[debit.key]
  debit.granted = 0
  if all then
    local more = math.min(math.max(debit.want - debit.need, 0), math.floor(level(debit, bucket.full_at) / 4))
    bucket.full_at = take(debit, bucket.full_at, more)
    debit.granted = debit.need + more
  else
    bucket.full_at = bucket.settled
  end
end

for key, bucket in pairs(buckets) do
  local is_changed = bucket.full_at ~= bucket.began
  if is_changed then
    bucket.changes = bucket.changes + 1
  end
  if is_changed or (bucket.known > 0 and bucket.changes ~= bucket.known) then
    -- Not sooner than any time that was told: a caller would tell it of a bucket that has been forgotten.
    local expires_in = math.max(redis.call('PTTL', key), math.ceil((bucket.full_at - now) / 1000) + 1)
    local value = string.format('%.0f %.0f', bucket.full_at, bucket.changes)
    redis.call('SET', key, value, 'PX', string.format('%.0f', expires_in))
  end
end

local answers = {}
for i, debit in ipairs(debits) do
  local bucket = buckets[debit.key]
  local full_in = math.ceil((bucket.full_at - now) / 1000)
  answers[i] = {debit.granted, level(debit, bucket.full_at), full_in, debit.wait, bucket.full_at, bucket.changes}
end
return answers

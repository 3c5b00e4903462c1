-- Adds up what requests used: those of a worker whose numbers are above its last. They come in order.
-- KEYS: worker, days; then for each day: rows, what was spent on it, what was spent in its month
-- ARGV: milliseconds that a worker is remembered, those that days are kept, days that are kept, how many days come; the
-- days; then for each entry: number, index of its day (from 0), tenant, model, and nine counters
local COUNTERS, FIELDS = 9, 13
local keep = ARGV[2]
local days = tonumber(ARGV[4])

local last = redis.call('GET', KEYS[1]) or '0'
-- Numbers of 64 bits, as text: a longer one is larger.
local function is_above(a, b)
  return #a > #b or (#a == #b and a > b)
end

local sums = {} -- by key and field: one command for each
local function add(key, field, more)
  if more > 0 then
    sums[key] = sums[key] or {}
    sums[key][field] = (sums[key][field] or 0) + more
  end
end

for at = 4 + days, #ARGV - 1, FIELDS do
  if is_above(ARGV[at + 1], last) then
    last = ARGV[at + 1]
    local keys = 2 + ARGV[at + 2] * 3
    local tenant, model = ARGV[at + 3], ARGV[at + 4]
    for counter = 1, COUNTERS do
      add(KEYS[keys + 1], tenant .. '\0' .. model .. '\0' .. counter, tonumber(ARGV[at + 4 + counter]))
    end
    local cost = tonumber(ARGV[at + 12])
    add(KEYS[keys + 2], tenant, cost)
    add(KEYS[keys + 3], tenant, cost)
  end
end

redis.call('SET', KEYS[1], last, 'PX', ARGV[1])
for key, fields in pairs(sums) do
  for field, more in pairs(fields) do
    redis.call('HINCRBY', key, field, string.format('%.0f', more))
  end
  redis.call('PEXPIRE', key, keep)
end
for day = 1, days do
  if sums[KEYS[2 + (day - 1) * 3 + 1]] then
    redis.call('ZADD', KEYS[2], 0, ARGV[4 + day])
  end
end
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[3]) do
  redis.call('ZPOPMIN', KEYS[2])
end
return last

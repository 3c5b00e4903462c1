-- Notes that an Envoy lives, and counts those that do.
-- KEYS: Envoys, each with the time until which it lives. ARGV: envoy, milliseconds that it lives
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])))
return redis.call('ZCARD', KEYS[1])

-- The days of which there is usage, in order.
-- KEYS: days. ARGV: first, last
return redis.call('ZRANGEBYLEX', KEYS[1], '[' .. ARGV[1], '[' .. ARGV[2])

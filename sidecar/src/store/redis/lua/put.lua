-- Keeps an answer, and ends the lead.
-- KEYS: answer, lead. ARGV: answer, time to live in milliseconds
redis.call('DEL', KEYS[2])
if ARGV[2] == '0' then
  return redis.call('DEL', KEYS[1])
end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])

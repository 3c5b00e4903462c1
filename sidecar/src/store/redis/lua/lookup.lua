-- A cached answer, or the lead. An answer begins with its time to live, in 8 bytes, which only the sidecar reads.
-- KEYS: answer, lead. ARGV: token, whether it leads (1), milliseconds that a lead lasts
local answer = redis.call('GET', KEYS[1])
if answer then
  return {'hit', answer, redis.call('PTTL', KEYS[1])}
end
if ARGV[2] ~= '1' then
  return {'miss'}
end
local leader = redis.call('GET', KEYS[2])
if leader and leader ~= ARGV[1] then
  return {'follow'}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return {'lead'}

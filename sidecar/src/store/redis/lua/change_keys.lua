-- Adds an API key, or removes those of an id. How many are others now.
-- KEYS: keys by digest, version. ARGV: 'add', digest, key as JSON, most keys; or 'revoke', id
local changed = 0
if ARGV[1] == 'add' then
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) and redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0 then
    return redis.error_reply('ERR there are ' .. ARGV[4] .. ' keys already')
  end
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
  changed = 1
else
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if cjson.decode(all[i + 1]).id == ARGV[2] then
      changed = changed + redis.call('HDEL', KEYS[1], all[i])
    end
  end
end
if changed > 0 then
  -- The time, so that a Redis that has lost its keys does not come to an old version with others.
  local time = redis.call('TIME')
  local version = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
  redis.call('SET', KEYS[2], string.format('%.0f', math.max(version, time[1] * 1000000 + time[2])))
end
return changed

-- What was used on a day: fields and counts, in turn.
-- KEYS: rows
return redis.call('HGETALL', KEYS[1])

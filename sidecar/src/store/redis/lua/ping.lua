-- Whether it can be written to: a replica, or one that is full, answers a PING all the same.
-- KEYS: any
return redis.call('SET', KEYS[1], '1', 'PX', 1000)

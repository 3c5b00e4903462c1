-- Goes on with a lead, if it is still this one.
-- KEYS: lead. ARGV: token, milliseconds that a lead lasts
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0

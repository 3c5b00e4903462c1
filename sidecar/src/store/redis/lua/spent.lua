-- What tenants spent.
-- KEYS: a period for each tenant. ARGV: tenants
local spent = {}
for i, key in ipairs(KEYS) do
  spent[i] = redis.call('HGET', key, ARGV[i]) or '0'
end
return spent

"""The Lua that runs inside Redis, each script as one step, on Redis's own clock.

KEYS[1] is a caller's buckets (a hash), KEYS[2] its calls under way: leases, sorted by when they run out. ARGV[1] and
ARGV[2] are its limits of requests and tokens a minute, empty for none. What `limits.standing` says of buckets holds
here as well. Both keys go by themselves once they say no more than their absence would.
"""

from typing import Final

from modelwire_service.limits.standing import ENOUGH, MINUTE

_BUCKETS: Final = f"""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local limits = {{requests = tonumber(ARGV[1]), tokens = tonumber(ARGV[2])}}
local levels = {{}}

local function text(number) return string.format('%.17g', number) end

local function fill()
  if not next(limits) then return end
  local kept = redis.call('HMGET', KEYS[1], 'at', 'requests', 'tokens')
  -- A Redis that took over from another may have an earlier clock.
  local seconds = math.max(0, now - (tonumber(kept[1]) or now))
  for position, name in ipairs({{'requests', 'tokens'}}) do
    local limit = limits[name]
    if limit then
      local level = tonumber(kept[position + 1]) or limit
      levels[name] = math.min(limit, level + seconds * limit / {MINUTE})
    end
  end
end

local function keep()
  if not next(levels) then return end
  local kept, full_in = {{'at', text(now)}}, 0
  for name, level in pairs(levels) do
    kept[#kept + 1] = name
    kept[#kept + 1] = text(level)
    full_in = math.max(full_in, (limits[name] - level) * {MINUTE} / math.max(limits[name], 1))
  end
  redis.call('HSET', KEYS[1], unpack(kept))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', full_in * 1000 + 1000))
end

local function hold(lease, seconds)
  redis.call('ZADD', KEYS[2], text(now + seconds), lease)
  redis.call('PEXPIRE', KEYS[2], string.format('%.0f', seconds * 1000))
end
"""

ADMIT: Final = f"""{_BUCKETS}
local concurrency, lease, lease_seconds = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local running = 0
if concurrency then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
  running = redis.call('ZCARD', KEYS[2])
end
fill()
local found = {{levels.requests or math.huge, levels.tokens or math.huge}}
local fits = found[1] >= {ENOUGH} and found[2] >= {ENOUGH} and not (concurrency and running >= concurrency)
if fits then
  if levels.requests then levels.requests = levels.requests - 1 end
  if concurrency then hold(lease, lease_seconds) end
end
keep()
return {{fits and 1 or 0, text(found[1]), text(found[2]), running}}
"""
"""ARGV[3]: calls at once, or empty; ARGV[4]: the lease; ARGV[5]: its seconds.

Returns whether the call fits, and how the caller stood before it: requests, tokens, calls under way.
"""

SETTLE: Final = f"""{_BUCKETS}
local lease_seconds, tokens, ended = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
for position = 6, #ARGV do
  if position < 6 + ended then
    redis.call('ZREM', KEYS[2], ARGV[position])
  else
    hold(ARGV[position], lease_seconds)
  end
end
if tokens > 0 and limits.tokens then
  fill()
  levels.tokens = levels.tokens - tokens
  keep()
end
return 1
"""
"""ARGV[3]: seconds of a lease; ARGV[4]: tokens used; ARGV[5]: how many leases ended.

The leases follow: first those that ended, then those that go on.
"""

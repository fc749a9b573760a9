-- SPDX-License-Identifier: MIT
-- math.random for scripts: xoshiro256** with a fixed seed and a state of its own, so that every load draws the same
-- numbers and nobody else's are disturbed.
local random = {}

local function rotl(x, n) return (x << n) | (x >> (64 - n)) end

--- SplitMix64 spreads a seed over the state.
local function spread(seed)
  local state = {}
  for i = 1, 4 do
    seed = seed + 0x9e3779b97f4a7c15
    local z = seed
    z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
    z = (z ~ (z >> 27)) * 0x94d049bb133111eb
    state[i] = z ~ (z >> 31)
  end
  return state
end

--- A pair of functions like math.random and math.randomseed.
function random.new()
  local s = spread(0)

  local function draw()
    local result = rotl(s[2] * 5, 7) * 9
    local t = s[2] << 17
    s[3] = s[3] ~ s[1]
    s[4] = s[4] ~ s[2]
    s[2] = s[2] ~ s[3]
    s[1] = s[1] ~ s[4]
    s[3] = s[3] ~ t
    s[4] = rotl(s[4], 45)
    return result
  end

  local function whole(value, n)
    local i = math.tointeger(value)
    if not i then error(("bad argument #%d to 'random' (number has no integer representation)"):format(n), 3) end
    return i
  end

  local function draw_between(low, high)
    local span = high - low
    if span + 1 == 0 then return draw() end
    local mask = span
    for _, n in ipairs({ 1, 2, 4, 8, 16, 32 }) do mask = mask | (mask >> n) end
    local x
    repeat x = draw() & mask until not math.ult(span, x)
    return low + x
  end

  local function draw_number(m, n)
    if m == nil then return (draw() >> 11) * 2.0 ^ -53 end
    if n == nil then
      if m == 0 then return draw() end
      m, n = 1, whole(m, 1)
    end
    m, n = whole(m, 1), whole(n, 2)
    if m > n then error("bad argument #1 to 'random' (interval is empty)", 2) end
    return draw_between(m, n)
  end

  local function seed(x)
    s = spread(math.tointeger(x) or (x and math.floor(x * 2 ^ 20)) or 0)
  end
  return draw_number, seed
end

return random

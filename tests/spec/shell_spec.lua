-- SPDX-License-Identifier: MIT
-- References in a text for the shell: positional parameters, quoted as the place wants it, run by the real /bin/sh.
local core = require "ork.core"
local ork = require "ork"

--- The command of a text that `make` joins from references to the fields one, two.
local function command(make)
  local w = ork.workflow("w", { params = { one = "str", two = "str" } })
  w:task("t", { command = make(w.params.one, w.params.two) })
  local problems = core.seal(w)
  if problems[1] then return nil, problems[1].text end
  return core.json.decode(core.tasks_json(w))[1].params.command
end

local good = {
  { function(a) return "echo " .. a end, 'echo "$1"' },
  { function(a, b) return "cp " .. a .. " " .. b .. "/x" end, 'cp "$1" "$2"/x' },
  { function(a) return 'echo "a ' .. a .. ' b"' end, 'echo "a ${1} b"' },
  { function(a) return 'echo "' .. a .. '0"' end, 'echo "${1}0"' },
  { function(a) return "echo 'it' " .. a end, "echo 'it' \"$1\"" },
  { function(a) return [[echo "it's \" ]] .. a .. [["]] end, [[echo "it's \" ${1}"]] },
  { function(a) return [[echo \" ]] .. a end, [[echo \" "$1"]] },
  { function(a) return [[echo \' ]] .. a end, [[echo \' "$1"]] },
  { function(a) return "x=$(cat " .. a .. ")" end, 'x=$(cat "$1")' },
  { function(a) return 'x="$(cat ' .. a .. ') ' .. a .. '"' end, 'x="$(cat "$1") ${2}"' },
  { function(a) return "echo # it's\necho " .. a end, "echo # it's\necho \"$1\"" },
  { function(a) return "echo a#b' c' " .. a end, "echo a#b' c' \"$1\"" },
  { function(a) return "(echo '(' " .. a .. ")" end, "(echo '(' \"$1\")" },
  { function(a) return "echo ${x:-'y'} " .. a end, "echo ${x:-'y'} \"$1\"" },
  { function(a) return "echo $((1+(2))) " .. a end, 'echo $((1+(2))) "$1"' },
  { function(a) return "echo `ls` " .. a end, 'echo `ls` "$1"' },
}

local refused = {
  { function(a) return "echo '" .. a .. "'" end, "a reference stands in single quotes, where the shell replaces nothing; use double quotes" },
  { function(a) return "echo `cat " .. a .. "`" end, "a reference stands in backquotes; use $( … )" },
  { function(a) return "echo ${x:-" .. a .. "}" end, "a reference stands in ${ … }; pass it by `env`" },
  { function(a) return "echo $((1 + " .. a .. "))" end,
    "a reference stands in $(( … )), where a value could run commands; pass it by `env`" },
  { function(a) return "cat <<END\n" .. a .. "\nEND" end,
    "a reference stands in a here-document; pass it by `env` and write \"$NAME\" there" },
  { function(a) return "echo \\" .. a end, "a backslash stands before a reference" },
  { function(a) return "echo " .. a .. " 'x" end, "the command ends inside single quotes" },
  { function(a) return "echo " .. a .. ' "x' end, "the command ends inside double quotes" },
}

describe("a reference in a command text", function()
  for _, case in ipairs(good) do
    it("is a parameter: " .. case[2], function()
      local got = assert(command(case[1]))
      assert.equal(case[2], got.shell)
      for _, argument in ipairs(got.args) do assert.truthy(argument.ref) end
    end)
  end

  for _, case in ipairs(refused) do
    it("is refused: " .. case[2], function()
      local got, text = command(case[1])
      assert.is_nil(got)
      assert.equal("task `t`: `command` is refused: " .. case[2], text)
    end)
  end

  it("counts beyond nine", function()
    local got = command(function(a)
      local text = "echo"
      for _ = 1, 11 do text = text .. " " .. a end
      return text
    end)
    assert.equal('echo "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" "${10}" "${11}"', got.shell)
    assert.equal(11, #got.args)
  end)

  it("reaches the shell as one word, whatever it holds", function()
    local evil = [[a b'"$(touch pwned)`touch pwned`\;*]]
    for _, case in ipairs({ good[1], good[3], good[5], good[6] }) do
      local got = command(case[1])
      local script = got.shell:gsub("^echo", "printf '%%s|'")
      local quoted = "'" .. evil:gsub("'", "'\\''") .. "'"
      local pipe = assert(io.popen(("/bin/sh -c '%s' sh %s"):format(script:gsub("'", "'\\''"), quoted)))
      local out = pipe:read("a")
      pipe:close()
      assert.truthy(out:find(evil, 1, true), out)
    end
    assert.is_nil(io.open("pwned"))
  end)
end)

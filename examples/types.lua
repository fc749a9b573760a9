-- SPDX-License-Identifier: MIT
-- Values between tasks have types. What a task gives is checked before anybody else sees it.
--
--   ork types.lua                      counts the users of this machine by their shell
--   ork types.lua wrong=true           the first task gives a text where a number was promised
local ork = require "ork"

local shells = ork.workflow("shells", {
  description = "Which login shells are used here?",
  params = { wrong = { type = "bool", default = false, description = "break the promise" } },
})

-- The output is an object with a number and a list of objects. It is JSON, in the file that $ORK_OUTPUT_FILE names.
local count = shells:task("count", {
  command = [[
    users=$(wc -l </etc/passwd)
    [ ]] .. shells.params.wrong .. [[ = false ] || users='"many"'
    awk -F: -v users="$users" '
      { n[$7]++ }
      END {
        printf "{\"users\":%s,\"shells\":[", users
        for (s in n) printf "%s{\"shell\":\"%s\",\"users\":%d}", (i++ ? "," : ""), s, n[s]
        print "]}"
      }' /etc/passwd >"$ORK_OUTPUT_FILE"
  ]],
  output_type = { users = "int", shells = { { shell = "str", users = "int" } } },
})

-- Both ends are declared, so a wrong name or type is found before anything runs. `int?` may be null or missing.
shells:task("show", {
  inputs     = { all = count.output.users, list = count.output.shells, limit = 3 },
  input_type = { all = "int", list = { { shell = "str", users = "int" } }, limit = "int?" },
  command    = [[
    echo "]] .. ork.input.all .. [[ users"
    tr '{' '\n' <"$ORK_INPUT_FILE" | sed -n 's/.*"shell":"\([^"]*\)","users":\([0-9]*\).*/\2 \1/p' | sort -rn | head -n ]] .. ork.input.limit,
})

return shells

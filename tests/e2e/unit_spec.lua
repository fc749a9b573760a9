-- SPDX-License-Identifier: MIT
-- packaging/ork.service: systemd reads it without a complaint, and it says what tasks need to outlive the scheduler.
local sh = require "tests.lib.sh"

local root = os.getenv("ORK_ROOT") or "."

describe("the systemd unit", function()
  after_each(sh.cleanup)

  it("says what tasks and a restart need", function()
    local text = sh.read(root .. "/packaging/ork.service")
    for _, line in ipairs({ "Type=notify", "ExecStart=ork serve", "ExecReload=/bin/kill -HUP $MAINPID", "KillMode=process", "OOMPolicy=continue",
      "Delegate=yes", "TasksMax=infinity" }) do
      assert(text:find("\n" .. line .. "\n", 1, true), line)
    end
    assert.matches("\nLimitNOFILE=%d+\n", text)
  end)

  it("is verified by systemd-analyze", function()
    if sh.run({ "/bin/sh", "-c", "command -v systemd-analyze" }).code ~= 0 then return pending("there is no systemd-analyze here (package systemd)") end
    local dir = sh.tempdir()
    local function verify(text)
      sh.write(dir .. "/ork.service", text)
      return sh.run({ "systemd-analyze", "verify", "--man=no", dir .. "/ork.service" }, { timeout = 60 })
    end
    local unit = sh.read(root .. "/packaging/ork.service"):gsub("ExecStart=ork ", "ExecStart=" .. sh.ork_path():gsub("%%", "%%%%") .. " ")
    local r = verify(unit)
    if (r.out .. r.err):find("Failed to initialize manager", 1, true) then return pending("systemd-analyze cannot work here: " .. r.err) end
    -- units of the machine may have troubles of their own; only lines about this one count
    local said = {}
    for line in (r.out .. r.err):gmatch("[^\n]+") do
      if line:find("ork.service", 1, true) then said[#said + 1] = line end
    end
    assert.same({}, said)
    assert.equal(0, r.code, r.err)
    r = verify((unit:gsub("KillMode=process", "KillMode=processes")))
    assert.matches("kill mode", r.out .. r.err) -- it does look
  end)
end)

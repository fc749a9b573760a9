-- SPDX-License-Identifier: MIT
-- Several workflows that are alike: a function makes them. A script is a program, so what repeats is written once.
--
--   ork factory.lua                    lists them
--   ork factory.lua pack_apt           runs one
--   ork factory.lua --all              runs all, one after the other
local ork = require "ork"

-- All of them together use two slots of this pool, so the disk is not asked for more than two things at once.
local disk = ork.pool("disk", 2)

local function pack(name, folder, exclude)
  local w = ork.workflow("pack_" .. name, {
    description = "Packs " .. folder,
    params      = { to = { type = "str", default = "/tmp", description = "the folder for the archive" } },
    defaults    = { pool = disk, timeout = "5m", retries = 1 },
    tags        = { "archive" },
  })
  local archive = w.params.to .. "/" .. name .. ".tar.gz"

  local command = { "tar", "-C", folder, "-czf", archive }
  for _, pattern in ipairs(exclude or {}) do table.insert(command, "--exclude=" .. pattern) end
  table.insert(command, ".")

  local tar = w:task("tar", { command = command })
  w:task("test", { depends_on = tar, command = { "gzip", "-tv", archive } })
  return w
end

return pack("apt", "/etc/apt", { "*.gpg", "*.asc" }), pack("skel", "/etc/skel"), pack("cron", "/etc/cron.daily")

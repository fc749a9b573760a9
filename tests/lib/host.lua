-- SPDX-License-Identifier: MIT
-- Loaded by busted before each spec. Under the sanitizers lua5.4 runs with their library preloaded and without leak detection, since
-- the interpreter is not ours; the programs a spec starts are, so they inherit neither.
if os.getenv("ORK_TEST_ASAN") then
  local uv = require "luv"
  uv.os_setenv("TEST_HOST_PRELOAD", os.getenv("LD_PRELOAD") or "") -- for specs that start a lua5.4 with the module themselves
  uv.os_unsetenv("LD_PRELOAD")
  uv.os_setenv("ASAN_OPTIONS", "detect_leaks=1")
end

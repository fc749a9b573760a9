-- SPDX-License-Identifier: MIT
-- A task that is a function of a shared library: called in a worker, where a crash costs nobody else.
--
--   ork library.lua                    compiles primes.c, then calls it
--   ork library.lua below=1000000      a larger question
local ork = require "ork"

local primes = ork.workflow("library", {
  params = { below = { type = "int", default = 1000, min = 2, max = 100000000 } },
})

local compile = primes:task("compile", { command = { "cc", "-O2", "-shared", "-fPIC", "-o", "primes.so", "primes.c" } })

local count = primes:task("count", {
  depends_on  = compile,
  library     = "primes.so",
  inputs      = { below = primes.params.below },
  output_type = { primes = "int" },
  timeout     = "1m",                                  -- then its worker is ended
})

primes:task("show", { command = { "echo", count.output.primes, "primes below", primes.params.below } })
primes:finally("tidy", { command = { "rm", "-f", "primes.so" } })

return primes

rockspec_format = "3.0"
package = "ork"
version = "scm-1"

source = { url = "git+file://." }

description = {
  summary = "Workflows written in Lua that survive being killed",
  detailed = [[
    Tasks with dependencies, retries, typed inputs and outputs, run by a small engine that makes every step durable. The rock brings
    the module `ork`, the program `ork` and the agent that starts processes.]],
  license = "MIT",
  labels = { "workflow", "scheduler", "process" },
}

supported_platforms = { "linux" }

dependencies = { "lua >= 5.4, < 5.5" }

-- On Debian: libuv1-dev libsqlite3-dev libjansson-dev libmd-dev uthash-dev liblua5.4-dev pkg-config; with libpq-dev also databases of
-- PostgreSQL, with libcurl4-openssl-dev also ctx.http and jobs of other services
external_dependencies = {
  UV = { header = "uv.h", library = "uv" },
  SQLITE = { header = "sqlite3.h", library = "sqlite3" },
  JANSSON = { header = "jansson.h", library = "jansson" },
  MD = { header = "sha2.h", library = "md" },
  UTHASH = { header = "uthash.h" },
}

build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    CMAKE_INSTALL_BINDIR = "$(BINDIR)",
    CMAKE_INSTALL_DOCDIR = "$(PREFIX)/doc",
    ORK_LUA_DIR = "$(LUADIR)",
    ORK_LUA_CDIR = "$(LIBDIR)",
    ORK_AGENT_DIR = "$(LIBDIR)/ork",
  },
}

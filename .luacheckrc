std = "lua54"
max_line_length = 140
exclude_files = { "build", "build.luarocks", ".ork" }
files["tests/spec"] = { std = "+busted" }
files["tests/e2e"] = { std = "+busted" }

std = "lua54"
max_line_length = 170
exclude_files = { "build", "build.luarocks", ".ork" }
files["tests/spec"] = { std = "+busted" }
files["tests/e2e"] = { std = "+busted" }

# SPDX-License-Identifier: MIT
# A list of names, one a line, as JSON. Names of packages need no escaping.
{ names = names (NR > 1 ? "," : "") "\"" $1 "\"" }
END { printf "{\"names\":[%s]}\n", names >ENVIRON["ORK_OUTPUT_FILE"] }

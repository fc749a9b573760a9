#!/bin/sh
# SPDX-License-Identifier: MIT
# load.sh DIR STUMBLE: puts the sections' packages into DIR/packages.db and checks that none was lost on the way.
# The first STUMBLE attempts fail with exit code 75, "try again later".
set -eu

if [ "$ORK_ATTEMPT" -le "$2" ]; then
    echo "attempt $ORK_ATTEMPT stumbles, as you asked for"
    exit 75
fi

cd "$1"
cat section-*.tsv >sections.tsv
rm -f packages.db
sqlite3 -bail packages.db <<SQL
CREATE TABLE package (section TEXT NOT NULL, name TEXT NOT NULL, kib INTEGER NOT NULL, version TEXT);
.mode tabs
.import sections.tsv package
SQL

# The input of this task: {"counts":[per section],"expected":all}
sqlite3 -bail -tabs packages.db <<SQL >check
WITH input(text) AS (SELECT CAST(readfile('$ORK_INPUT_FILE') AS TEXT))
SELECT (SELECT count(*) FROM package), (SELECT sum(value) FROM input, json_each(text, '$.counts')), json_extract(text, '$.expected') FROM input;
SQL
read -r loaded counted expected <check
echo "loaded $loaded of $expected packages"
[ "$loaded" = "$counted" ] && [ "$loaded" = "$expected" ] || { echo "the sections say $counted"; exit 1; }
printf '{"database":"%s/packages.db"}\n' "$1" >"$ORK_OUTPUT_FILE"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes packages.tsv (section, name, installed KiB, version) and leftovers.tsv (packages removed but for their
# configuration) into a folder of this run's own, and says in $ORK_OUTPUT_FILE where that is and how many there are.
set -eu

dir=${TMPDIR:-/tmp}/ork-quickstart-$ORK_RUN_ID
mkdir -p "$dir"
cd "$dir"
: >packages.tsv
: >leftovers.tsv

dpkg-query -W -f '${db:Status-Status}\t${Section}\t${binary:Package}\t${Installed-Size}\t${Version}\n' >all.tsv
awk -F '\t' '
    $1 == "installed"    { sub(/^.*\//, "", $2); print ($2 == "" ? "other" : $2) "\t" $3 "\t" $4 + 0 "\t" $5 >"packages.tsv"; n++ }
    $1 == "config-files" { print $3 >"leftovers.tsv"; left++ }
    END                  { printf "%d %d\n", n, left >"counts" }
' all.tsv
read -r packages leftovers <counts

echo "found $packages packages, leftovers of $leftovers"
printf '{"dir":"%s","packages":%d,"leftovers":%d}\n' "$dir" "$packages" "$leftovers" >"$ORK_OUTPUT_FILE"

# SPDX-License-Identifier: MIT
# Picks the packages of one section (of "other": those of no known section) into <dir>/section-<section>.tsv.
BEGIN {
    FS = OFS = "\t"
    n = split(known, names, " ")
    for (i = 1; i <= n; i++) is_known[names[i]] = 1
    out = dir "/section-" section ".tsv"
    printf "" >out
}

{ mine = ($1 in is_known) ? $1 : "other" }

mine == section {
    print section, $2, $3, $4 >out
    packages++
    kib += $3
}

END {
    printf "%s: %d packages, %d KiB\n", section, packages, kib
    printf "{\"packages\":%d,\"kib\":%d}\n", packages, kib >ENVIRON["ORK_OUTPUT_FILE"]
}

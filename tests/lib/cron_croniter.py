# SPDX-License-Identifier: MIT
# Reads "expression<TAB>zone<TAB>instant<TAB>local" lines, writes for each the three next local times by croniter (seconds,
# as if the clock showed UTC), or "skip" for what croniter has no word for. For tests/unit/core/test_cron_differ.c.
import datetime
import re
import sys

from croniter import croniter

UTC = datetime.timezone.utc


def translated(expression):
    fields = expression.split()
    if len(fields) == 7 or re.search(r"\dW|LW|L-", expression):
        return None
    if len(fields) == 6:
        fields = fields[1:] + fields[:1]  # it wants the second last
    fields[2] = fields[2].replace("?", "*")
    fields[4] = re.sub(r"(\w+)L\b", r"L\1", fields[4].replace("?", "*"))
    return " ".join(fields)


for line in sys.stdin:
    expression, _, _, local = line.rstrip("\n").split("\t")
    theirs = translated(expression)
    if theirs is None:
        print("skip")
        continue
    try:
        times = croniter(theirs, datetime.datetime.fromtimestamp(int(local), UTC), max_years_between_matches=60)
        print(*(int(times.get_next(datetime.datetime).timestamp()) for _ in range(3)))
    except Exception as e:
        print("error", type(e).__name__, str(e).replace("\n", " "))

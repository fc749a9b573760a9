#!/bin/sh
# SPDX-License-Identifier: MIT
# A machine that is reached by bin/ssh in the folder $1, until it is told `halt`: it carries out one line of shell at a
# time, in that folder, and what a line leaves behind lives on.
set -eu
cd "$1"
mkfifo in out
: >lock
mkdir -p bin
cat >bin/ssh <<END
#!/bin/sh
for line; do :; done
exec flock "$PWD/lock" sh -c 'printf %s "\$2" >"\$1/in"; cat <"\$1/out" >"\$1/answer"; sed 1d "\$1/answer"; exit "\$(head -n 1 "\$1/answer")"' - "$PWD" "\$line"
END
chmod +x bin/ssh
echo ready
while line=$(cat <in); do
    [ "$line" != halt ] || exit 0
    code=0
    sh -c "$line" >said 2>&1 9<&- || code=$?
    { echo "$code"; cat said; } >out
done

-- SPDX-License-Identifier: MIT
-- What several commands share, a page each: `ork help TOPIC`, the man page and docs/commands.md. name, title, text as in
-- the commands' tables.
return {
  { name = "params", title = "Params: the values of a run", text = [[
A workflow says which params it takes; `ork SCRIPT --help` lists them with their types, defaults and choices. On the command line
each is a word, read by the type of its param:

  ork etl.lua day=2026-11-01 limit=100 fast=true tags='["a","b"]'

A date also takes `today`, `yesterday` and `-3d` (three days before the run's logical time). Lists and objects are JSON. A text is
taken as it is: quote what the shell would read (blanks, `*`, `$`).

`--param name=value` is the same, for values in scripts; `--params-file F` reads a JSON object, and a word beats the file. All
mistakes are told together, before anything runs. A run keeps its params for ever: `retry` and `resume` use them again, `rerun RUN
name=value` takes them over with another value.

A script that builds its graph from what is given finds the words in `arg`: `arg[1]`, or `arg.day` as it was typed (nil where it was
not). The workflow must have a param of that name: `day=…` without one is refused.]] },

  { name = "naming", title = "Naming runs and tasks", text = [[
Ork prints the last 8 characters of a run's id (the first ones are a clock, alike for all runs of a day). RUN is

  5bf61a02      these 8, or any unique beginning of them (4 or more), or beginning or end of the whole id
  etl           a workflow: its newest run
  etl~1         the run before that one; etl~2 the one before
  last          the newest run of all; last~1 the one before

If it could be two runs, both are listed and nothing happens. TASK is the name that the script gave it; `ork tasks RUN` lists them. Of a
task that runs once per element of a list (ork.each) clean/17 is the 17th; `ork tasks RUN clean` lists them.

Commands that steer runs (cancel, pause, resume, retry) take several names, or a filter: --workflow NAME, --status S, --since D. They
list what matches and ask first; --yes answers where there is no terminal.

A definition in the database (`ork apply`) has the name of its workflow; etl@2 is its version 2 (`ork versions etl` lists them).

`--key K` keeps a start from happening twice: the workflow has at most one run with this key. While that is unfinished, the same
command with the same key goes on with it (or watches it); afterwards it shows how it ended and starts nothing. An edited
script does not make it another run, and other params are refused. A key is no RUN: the other commands do not find a run by it;
`ork show RUN` shows the key of a run.]] },

  { name = "databases", title = "Which database is meant", text = [[
The first of these that is given:

  --db URL             on the command line
  $ORK_DATABASE_URL    in the environment
  .ork/ork.db          the nearest one, from the current folder upwards
  $DATABASE_URL        if that database holds Ork's tables already

Without any, a command that runs something makes ./.ork/ork.db and says so; one that only looks says that there is none (exit code 3).
The folder of a script does not matter, the current one does: a script that is called from elsewhere begins another database there. Ork
then names the one beside or above the script, if that has runs of it.

A URL is `sqlite:PATH`, a plain path (of a folder: the .ork/ork.db or ork.db in it), or `sqlite::memory:`, which nobody sees
afterwards. An `.ork` folder above that belongs to another
user is passed over, with a word about it.

`file:DIR` is a folder of text: DIR/log has a line of JSON per commit and is all there is; DIR/workflows, runs, tasks, … are a JSON
file per row, for people and scripts, brought up to date when the program ends. One program at a time may change it, the next one
is refused with the pid of the first; any number may look. All of it is in memory while a program runs and is read when one starts:
for thousands of tasks, not for millions. A folder of the original Ork's file store is taken over.

Logs and the agent's socket live beside the database (of `file:DIR` in DIR), elsewhere by `--data DIR` or `$ORK_DATA`. Any number of
`ork` may use one SQLite database at once. A database with other tables and none of Ork's is left alone until `ork db migrate`; Ork's own is brought to the
program's version by the first command that may write to it; one that a newer Ork made is refused.]] },

  { name = "cron", title = "Schedules: when runs are due", text = [[
A script gives its workflow a schedule, `ork apply` stores it, `ork serve` starts the runs:

  schedule = { cron = "0 2 * * MON-FRI", timezone = "Europe/Berlin" }      or  { every = "10m" }

Five fields; six with the second before them, seven with the year behind:

  minute    0-59          */15  every quarter of an hour
  hour      0-23          9-17  from 9 to 17; 22-23,0-2 over midnight
  day       1-31          L the last, L-3 three before it, 15W the working day nearest to the 15th, LW the last working day
  month     1-12, JAN     1-12/3  every third
  weekday   0-7, MON      5L the last Friday, MON#2 the second Monday; 0 and 7 are Sunday

In place of fields: @yearly @monthly @weekly @daily @hourly. If both day and weekday are set, either matches. A time that clocks leave
out when they are set forward comes at the first instant after it, one that comes twice when they are set back comes once.

`ork plan SCRIPT` shows the next times, `ork plan SCRIPT --at 2026-03-28` those after a day, `ork schedule NAME next 20` those of an
applied workflow. What becomes of times that were missed (catchup), and of one that comes while the last run goes on (overlap), is in
docs/schedules.md.]] },

  { name = "outputs", title = "What is printed where", text = [[
Results go to stdout, everything else to stderr: `ork runs >list` leaves the messages on the terminal. `--quiet` leaves results and
failures, `--verbose` says more. Colours are for terminals, not for pipes; `--no-color`, $NO_COLOR or TERM=dumb switch them off.

`--json` prints one document on stdout, at the end: `ork SCRIPT --json` the run with its tasks, lists an array. Fields are only ever
added.

What tasks wrote is shown with control characters and bytes that are not UTF-8 as \x1b; `ork logs --raw` gives the bytes. When whoever
reads stdout goes away (`ork runs | head`), Ork ends without a word.

A task hands a value on by writing JSON to $ORK_OUTPUT_FILE, or by a line ORK_OUTPUT:{"rows":3} on its stdout. `ork show RUN TASK`
shows it; the script's other tasks refer to it as `task.output.rows`.]] },

  { name = "exit-codes", title = "Exit codes", text = [[
  0      success
  1      the run failed, or was cancelled by somebody else; a question was answered with no
  2      wrong usage, or mistakes in a script
  3      the database or the environment
  4      not found
  70     a mistake in Ork itself; it prints a traceback, please report it
  124    the run took longer than --timeout (it was cancelled; `ork trigger --wait` only stops waiting)
  130    ended by Ctrl-C (SIGINT)
  143    ended by SIGTERM

Of the workflows of `--all`, the first that does not succeed is the last one and decides; of several runs that are steered, the worst
decides. A task's own exit code is not Ork's: `ork show RUN TASK`
has it.

Ctrl-C or SIGTERM cancels the run and waits until its processes are dead; once more kills them and leaves out `finally`. When even that does not end (another
program holds the database, say), once more leaves the run as it is. Ctrl-Z stops Ork, not the tasks. When the terminal goes away the run
goes on.]] },

  { name = "environment", title = "The environment", text = [[
What Ork reads:

  ORK_DATABASE_URL    the database, unless --db names one (`ork help databases`)
  DATABASE_URL        used when that database holds Ork's tables and no other is there
  ORK_DATA            where logs and the agent live, unless --data says so
  ORK_AGENT           the program that starts the tasks (default: beside ork)
  ORK_PROGRAM         the program `ork`, for workers of a Lua program (default: around the module)
  ORK_WORKER_MEMORY_MB  Lua memory of a worker, in which functions of scripts run (default: 1024)
  ORK_SECRET_NAME     the secret NAME (`ork.secret("NAME")`, ctx.secret)
  ORK_SECRETS_DIR     a folder of files, each a secret under its name (default: `secrets` in the data directory)
  ORK_SECRETS_COMMAND what is asked for a secret that is in neither, with its name as the last argument
  ORK_MIN_FREE_MB     start nothing new when the disk of the logs has less left
  ORK_LOAD_NOTICE     when to say that a script is still loading (default: 10s)
  ORK_HOST            what this machine is called among schedulers (default: its host name)
  ORK_HOST_GRACE      how long runs wait for a machine on which their processes live (default: 5m)
  ORK_LOAD_TIMEOUT    how long `ork serve` waits for a script to load (default: 60s)
  ORK_RETENTION_MS    how soon ork serve looks at old runs for the first time (default: 10000, ten seconds)
  ORK_ZONEINFO        the folder of time zones (default: /usr/share/zoneinfo)
  ORK_TRACEBACK       any value: mistakes in a script show the whole Lua stack
  NO_COLOR            any value: no colours
  COLUMNS             the width of tables, instead of the terminal's
  TERM                dumb: no colours, no live view
  TZ                  the time zone in which times are shown to you (default: that of /etc/localtime)
  XDG_STATE_HOME      where `ork repl` keeps what was typed (default: ~/.local/state)
  NOTIFY_SOCKET       set by systemd: where `ork serve` says that it is ready, reloads, ends
  JOURNAL_STREAM      set by systemd: lines of `ork serve` begin with their level (<6>) instead of the time

What a task finds beside what it inherits from whoever started ork (without Ork's own settings):

  ORK_OUTPUT_FILE     where it may write its output, as JSON
  ORK_ARTIFACTS       a folder for files that are to be kept (`ork artifacts RUN`); made for commands that name it
  ORK_INPUT_FILE      a file with its inputs as JSON; ORK_INPUT_JSON the same text when it is shorter than 32 KiB
  ORK_RUN_ID          its run; ORK_WORKFLOW_NAME the workflow
  ORK_TASK_NAME       its name; ORK_TASK_INDEX its place in the script, from 0; ORK_TASK_ID (also EXECUTION_ID) its id
  ORK_ITEM            which element of its list, from 1 (a task with ork.each)
  ORK_ATTEMPT         1 for the first attempt
  ORK_ATTEMPT_KEY     the mark by which Ork finds what an attempt started

Its folder is the script's (or the task's `cwd`), its stdin is /dev/null, its stdout and stderr go to its log.]] },
}

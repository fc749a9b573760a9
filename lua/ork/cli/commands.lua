-- SPDX-License-Identifier: MIT
-- The commands there are: name, usage, one line. Each lives in ork.cli.<name>; only the one that is asked for is loaded.
return {
  { "validate", "validate SCRIPT... [name=value ...]", "all mistakes of scripts at once, without running anything" },
  { "plan", "plan SCRIPT [NAME] [name=value ...]", "what a run would do, level by level" },
  { "runs", "runs [WORKFLOW]", "runs, newest first" },
  { "show", "show RUN [TASK]", "a run, or one of its tasks, in full" },
  { "tasks", "tasks RUN", "the tasks of a run" },
  { "logs", "logs RUN [TASK]", "what tasks wrote" },
  { "why", "why [RUN [TASK]]", "what exactly something waits for" },
  { "cancel", "cancel RUN...", "stop runs and kill what they have running" },
  { "pause", "pause RUN...", "start no new tasks; what runs may finish" },
  { "resume", "resume RUN...", "go on with paused runs, or with runs whose program died" },
  { "retry", "retry RUN", "run what failed, was skipped or cancelled again" },
  { "rerun", "rerun RUN [name=value ...]", "a new run with the params of an old one" },
  { "db", "db migrate|status|check", "the database itself" },
  { "version", "version", "the version of this program" },
  { "help", "help [COMMAND]", "this text, or a command's" },
}

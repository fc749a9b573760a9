-- SPDX-License-Identifier: MIT
-- The commands there are: name, usage, one line, group (run, look, fix, definitions, database, more: how `ork help` sorts
-- them). Each lives in ork.cli.<name>; only the one that is asked for is loaded.
return {
  { "validate", "validate SCRIPT... [name=value ...]", "all mistakes of scripts at once, without running anything", "definitions" },
  { "plan", "plan SCRIPT|NAME [name=value ...]", "what a run would do, level by level", "definitions" },
  { "apply", "apply SCRIPT... | NAME@VERSION", "keep workflows in the database, or go back to a version", "definitions" },
  { "workflows", "workflows", "the workflows that the database knows", "definitions" },
  { "versions", "versions NAME [VERSION [VERSION]]", "the versions of a workflow, and how they differ", "definitions" },
  { "run", "run NAME [name=value ...]", "an applied workflow, to its end", "run" },
  { "runs", "runs [WORKFLOW]", "runs, newest first", "look" },
  { "show", "show RUN [TASK]", "a run, or one of its tasks, in full", "look" },
  { "tasks", "tasks RUN", "the tasks of a run", "look" },
  { "logs", "logs RUN [TASK]", "what tasks wrote", "look" },
  { "why", "why [RUN [TASK]]", "what exactly something waits for", "look" },
  { "cancel", "cancel RUN...|FILTER", "stop runs and kill what they have running", "fix" },
  { "pause", "pause RUN...|FILTER", "start no new tasks; what runs may finish", "fix" },
  { "resume", "resume RUN...|FILTER", "go on with paused runs, or with runs whose program died", "fix" },
  { "retry", "retry RUN...|FILTER", "run what failed, was skipped or cancelled again", "fix" },
  { "rerun", "rerun RUN [name=value ...]", "a new run with the params of an old one", "fix" },
  { "repl", "repl [SCRIPT]", "a prompt: try workflows, start runs and look at them", "run" },
  { "pool", "pool [NAME SLOTS]", "the pools that limit how much runs at once", "database" },
  { "prune", "prune [--older-than D] [--keep N]", "remove finished runs and their logs", "database" },
  { "delete", "delete NAME", "remove a workflow with its runs and logs", "database" },
  { "db", "db migrate|status|check", "the database itself", "database" },
  { "completion", "completion bash|zsh", "what a shell needs to complete words after ork", "more" },
  { "version", "version", "the version of this program", "more" },
  { "help", "help [COMMAND|TOPIC]", "this text, or that of a command or topic", "more" },
}

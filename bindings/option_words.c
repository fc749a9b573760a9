/* SPDX-License-Identifier: MIT */
/* Options that exist, but elsewhere, or under another name: what people of other tools write, or look for at the wrong
 * table. Each row has the table it was written in and the whole hint. */
#include "options.h"
#include <string.h>

#define DEFAULT(key) "it is an option of tasks; for all of them: `defaults = { " key " = … }`"
#define OF_TASK "it is an option of a task: w:task(\"name\", { … })"
#define FIRST "the name is the first argument"
#define MAIL "`on_failure = function(run, ctx) … end` is called when a run has failed"
#define LIMIT "did you mean `limit`?"

static const struct {
    const char *table, *key, *hint;
} words[] = {
    {"workflow", "catchup", "write `schedule = { cron = …, catchup = … }`"},
    {"workflow", "command", OF_TASK},
    {"workflow", "cwd", DEFAULT("cwd")},
    {"workflow", "dag_id", FIRST},
    {"workflow", "depends_on", OF_TASK},
    {"workflow", "email", MAIL},
    {"workflow", "email_on_failure", MAIL},
    {"workflow", "env", DEFAULT("env")},
    {"workflow", "grace", DEFAULT("grace")},
    {"workflow", "inputs", OF_TASK},
    {"workflow", "jobs", "it is an option of the command, --jobs N; tasks of a run at once are `max_parallel`"},
    {"workflow", "mailto", MAIL},
    {"workflow", "max_runs", "did you mean `max_active_runs`?"},
    {"workflow", "name", FIRST},
    {"workflow", "on_failure_callback", MAIL},
    {"workflow", "on_success_callback", "`on_success = function(run, ctx) … end` does it"},
    {"workflow", "owner", "there is none; `tags = { … }` holds such words"},
    {"workflow", "pool", DEFAULT("pool")},
    {"workflow", "priority", DEFAULT("priority")},
    {"workflow", "retries", DEFAULT("retries")},
    {"workflow", "schedule_interval", "write `schedule = { cron = … }`"},
    {"workflow", "start_date", "a schedule begins when it is applied; runs for the time before: ork backfill"},
    {"workflow", "timeout", "of the whole run it is `run_timeout`, of each task `defaults = { timeout = … }`"},
    {"workflow", "timezone", "write `schedule = { cron = …, timezone = … }`"},
    {"workflow", "trigger_rule", DEFAULT("trigger_rule")},
    {"workflow", "tz", "write `schedule = { cron = …, timezone = … }`"},
    {"workflow", "when", OF_TASK},
    {"task", "do_xcom_push", "what a task gives is declared: `output_type = { … }`"},
    {"task", "email", MAIL},
    {"task", "email_on_failure", MAIL},
    {"task", "mailto", MAIL},
    {"task", "name", FIRST},
    {"task", "on_failure_callback", MAIL},
    {"task", "on_success_callback", "`on_success = function(task, ctx) … end`, or a task that depends on it, does it"},
    {"task", "owner", "there is none; `tags = { … }` of the workflow holds such words"},
    {"task", "python_callable", "write `python = \"FILE.py:FUNCTION\"`"},
    {"task", "schedule", "it is an option of the workflow"},
    {"task", "task_id", FIRST},
    {"retries", "count", LIMIT},
    {"retries", "max", LIMIT},
    {"retries", "retries", LIMIT},
    {"retries", "retry_delay", "did you mean `delay`?"},
    {"retries", "retry_exponential_backoff", "did you mean `factor`?"},
    {"retries", "max_retry_delay", "did you mean `max_delay`?"},
    {"retention", "age", "did you mean `days`?"},
    {"retention", "count", "did you mean `runs`?"},
    {"retention", "keep", "did you mean `runs`?"},
    {"retention", "max_age", "did you mean `days`?"},
    {"retention", "older_than", "did you mean `days`?"},
    {"retention", "size", "did you mean `bytes`?"},
    {"schedule", "interval", "write `every = \"1h\"`, or `cron = \"@daily\"`"},
    {"schedule", "run_timeout", "it is an option of the workflow"},
    {"schedule", "start_date", "a schedule begins when it is applied; runs for the time before: ork backfill"},
};

const char *ork_lua_option_word(const char *table, const char *key)
{
    if (strcmp(table, "defaults") == 0)
        table = "task";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].table, table) == 0 && strcmp(words[i].key, key) == 0)
            return words[i].hint;
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/* The list, and the parts of statements that follow from it. What is left out says who works on *this* database: its
 * schedulers, their slots, the owner of a run; nobody works on a copy yet. */
#include "store/tables.h"
#include "base/err.h"
#include "base/json.h"
#include <assert.h>
#include <string.h>

/* clang-format off */
#define ID(...) COLUMN_OF(ORK_COLUMN_ID, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define TIME(...) COLUMN_OF(ORK_COLUMN_TIME, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define JSON(...) COLUMN_OF(ORK_COLUMN_JSON, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define LIST(...) COLUMN_OF(ORK_COLUMN_LIST, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define BOOL(...) COLUMN_OF(ORK_COLUMN_BOOL, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define INT(...) COLUMN_OF(ORK_COLUMN_INT, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define REAL(...) COLUMN_OF(ORK_COLUMN_REAL, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define TEXT(...) COLUMN_OF(ORK_COLUMN_TEXT, __VA_ARGS__, ORK_COLUMN_KEEP, )
#define COLUMN_OF(kind, name, how, ...) {name, kind, how},

static const struct ork_store_column agents[] = {
    ID("id") TEXT("host") TEXT("boot_id") TEXT("socket")
};
static const struct ork_store_column pools[] = {
    TEXT("name") INT("slots")
};
static const struct ork_store_column workflows[] = {
    ID("id") TEXT("name") TEXT("description") TEXT("job_name") TEXT("region") TEXT("project")
    TEXT("executor_type") JSON("task_params") TIME("created_at") TIME("updated_at") TEXT("schedule")
    BOOL("schedule_enabled") TIME("last_scheduled_at") TIME("next_scheduled_at")
    ID("current_snapshot_id", ORK_COLUMN_LATE) TEXT("timezone") TEXT("catchup") TEXT("overlap")
    INT("jitter_seconds") TEXT("dst") INT("max_parallel") INT("max_active_runs") JSON("params_schema")
    TEXT("script_path") INT("current_version") JSON("schedule_options") TIME("fire_at") BOOL("fire_waits")
    TIME("schedule_off_at") JSON("schedule_note") TEXT("script_error")
};
static const struct ork_store_column workflow_tasks[] = {
    ID("id") ID("workflow_id") INT("task_index") TEXT("task_name") TEXT("executor_type") LIST("depends_on")
    JSON("params") TIME("created_at") JSON("signature")
};
static const struct ork_store_column workflow_snapshots[] = {
    ID("id") ID("workflow_id") TEXT("content_hash") JSON("tasks_json") TIME("created_at") JSON("options")
    JSON("source")
};
static const struct ork_store_column workflow_versions[] = {
    ID("workflow_id") INT("version") ID("snapshot_id") INT("tasks") TEXT("script_dir") TEXT("script_path")
    TIME("created_at") TIME("applied_at") TEXT("by")
};
static const struct ork_store_column runs[] = {
    ID("id") ID("workflow_id") TEXT("status") TEXT("triggered_by") TIME("started_at") TIME("finished_at")
    TEXT("error") TIME("created_at") ID("snapshot_id") JSON("params") INT("priority") TEXT("idempotency_key")
    TIME("scheduled_for") TIME("logical_at") REAL("run_timeout_seconds") ID("parent_task_id") ID("rerun_of")
    ID("scheduler_id", ORK_COLUMN_LEAVE) INT("tasks_total") INT("next_task_index") TEXT("script_dir")
    TEXT("script_path") INT("cancel_reason") INT("killed") JSON("output") TIME("deleted_at") JSON("part")
};
static const struct ork_store_column tasks[] = {
    ID("id") ID("run_id") INT("task_index") TEXT("status") INT("attempt") INT("attempts") INT("lost")
    TEXT("kind") TIME("dispatched_at") TIME("started_at") TIME("finished_at") TIME("retry_at")
    TEXT("task_name") TEXT("executor_type") TEXT("execution_name") TIME("created_at") INT("max_retries")
    INT("timeout_seconds") INT("map_index") ID("map_parent") TEXT("pool") INT("priority") TEXT("trigger_rule")
    LIST("depends_on") JSON("params") TEXT("error") JSON("output") TEXT("logs") INT("map_count") INT("map_first")
    JSON("map_items")
};
static const struct ork_store_column task_items[] = {
    ID("task_id") JSON("items")
};
static const struct ork_store_column task_attempts[] = {
    ID("task_id") INT("attempt") TEXT("status") TEXT("kind") INT("exit_code") INT("signal") TEXT("error")
    TEXT("execution_name") ID("agent_id") TEXT("host") ID("snapshot_id") TEXT("log_path") INT("log_bytes")
    TIME("started_at") TIME("finished_at") INT("user_ms") INT("system_ms") INT("max_rss_kb")
};
static const struct ork_store_column deferred_jobs[] = {
    ID("id") ID("task_id") TEXT("service_type") TEXT("job_id") JSON("job_data") TEXT("status") TEXT("error")
    TIME("created_at") TIME("started_at") TIME("last_polled_at") TIME("finished_at")
};
static const struct ork_store_column artifacts[] = {
    ID("task_id") TEXT("name") ID("run_id") INT("attempt") TEXT("hash") INT("bytes") TIME("created_at")
};
static const struct ork_store_column commands[] = {
    ID("id") ID("run_id") ID("task_id") TEXT("kind") JSON("args") TEXT("by") TIME("created_at")
    TIME("done_at") TEXT("outcome")
};
static const struct ork_store_column run_events[] = {
    ID("run_id") INT("seq") TIME("at") JSON("data")
};
static const struct ork_store_column run_remains[] = {
    ID("run_id") TEXT("dir") TIME("created_at")
};
/* clang-format on */

#define TABLE(name, keys)                                                                                              \
    {                                                                                                                  \
#name, name, sizeof name / sizeof *name, keys, false                                                           \
    }
#define LEFT(name)                                                                                                     \
    {                                                                                                                  \
        name, NULL, 0, 0, true                                                                                         \
    }
const struct ork_store_table ork_store_tables[] = {
    TABLE(agents, 1),
    TABLE(pools, 1),
    TABLE(workflows, 1),
    TABLE(workflow_tasks, 1),
    TABLE(workflow_snapshots, 1),
    TABLE(workflow_versions, 2),
    TABLE(runs, 1),
    TABLE(tasks, 1),
    TABLE(task_items, 1),
    TABLE(task_attempts, 2),
    TABLE(deferred_jobs, 1),
    TABLE(artifacts, 2),
    TABLE(commands, 1),
    TABLE(run_events, 2),
    TABLE(run_remains, 1),
    LEFT("schedulers"),
    LEFT("pool_use"),
    LEFT("copies"),
};
const size_t ork_store_tables_len = sizeof ork_store_tables / sizeof *ork_store_tables;

const struct ork_store_table *ork_store_table_find(const char *name)
{
    for (size_t i = 0; i < ork_store_tables_len; i++)
        if (strcmp(ork_store_tables[i].name, name) == 0)
            return &ork_store_tables[i];
    return NULL;
}

size_t ork_store_table_width(const struct ork_store_table *t)
{
    size_t width = 0;
    for (size_t i = 0; i < t->n; i++)
        width += t->cols[i].how != ORK_COLUMN_LEAVE;
    return width;
}

const struct ork_store_column *ork_store_table_column(const struct ork_store_table *t, size_t at)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->cols[i].how != ORK_COLUMN_LEAVE && at-- == 0)
            return &t->cols[i];
    assert(!"the table has no such column");
    return NULL;
}

void ork_store_table_columns(const struct ork_store_table *t, struct ork_buf *out)
{
    const char *sep = "";
    for (size_t i = 0; i < t->n; i++) {
        if (t->cols[i].how == ORK_COLUMN_LEAVE)
            continue;
        ork_buf_addf(out, "%s\"%s\"", sep, t->cols[i].name);
        sep = ", ";
    }
}

void ork_store_table_key(const struct ork_store_table *t, struct ork_buf *out)
{
    for (size_t i = 0; i < t->keys; i++)
        ork_buf_addf(out, "%s\"%s\"", i ? ", " : "", t->cols[i].name);
}

void ork_store_table_upsert(const struct ork_store_table *t, struct ork_buf *out)
{
    const char *sep = ") DO UPDATE SET ";
    ork_buf_adds(out, " ON CONFLICT (");
    ork_store_table_key(t, out);
    for (size_t i = t->keys; i < t->n; i++) {
        if (t->cols[i].how == ORK_COLUMN_LEAVE)
            continue;
        ork_buf_addf(out, "%s\"%s\" = excluded.\"%s\"", sep, t->cols[i].name, t->cols[i].name);
        sep = ", ";
    }
}

static int neutral_json(const char *p, size_t n, struct ork_buf *out, ork_err *err)
{
    json_t *value;
    int rc = ork_json_parse(p, n, &value, err);
    if (rc)
        return rc;
    rc = ork_json_write(value, out, err);
    json_decref(value);
    return rc;
}

int ork_store_neutral(enum ork_column_kind kind, const char *p, size_t n, struct ork_buf *out, ork_err *err)
{
    char time[32];
    int64_t ms;
    switch (kind) {
    case ORK_COLUMN_TIME:
        if (ork_time_parse(p, n, &ms, err))
            return ork_err_set(err, ORK_EDATA, "it holds \"%.*s\", which is no time", n < 40 ? (int)n : 40, p);
        ork_time_format(ms, time);
        ork_buf_adds(out, time);
        return 0;
    case ORK_COLUMN_JSON:
    case ORK_COLUMN_LIST:
        if (neutral_json(p, n, out, err)) {
            err->code = ORK_EDATA;
            return ork_err_wrap(err, "it holds no JSON that Ork reads");
        }
        return 0;
    default:
        ork_buf_add(out, p, n);
        return 0;
    }
}

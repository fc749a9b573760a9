/* SPDX-License-Identifier: MIT */
/* Runs that somebody else carries out, and the operator's side of schedules. `ork trigger` only leaves a row: the run
 * belongs to nobody until a scheduler that stays up claims it. The switch changes the row of a workflow; whoever serves
 * the database hears the bell. */
#include "core/due.h"
#include "engine/catalog.h"
#include "engine/engine.h"
#include <string.h>

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

struct leaving {
    struct ork_new_run row;
    char hash[65], *tasks, *path;
};

static int fill(ork_engine *e, ork_workflow *w, const struct ork_start_opts *o, struct leaving *l, ork_err *err)
{
    size_t len = 0;
    int rc = ork_inline_may_start(e, w, err);

    if (!rc)
        rc = ork_workflow_hash(w, l->hash, err);
    if (!rc)
        rc = ork_workflow_tasks_json(w, &l->tasks, &len, err);
    if (rc)
        return rc;
    l->path = ork_start_script_path(w);
    l->row = (struct ork_new_run){
        .id = ork_id_new(&e->ids),
        .workflow = w,
        .hash = {l->hash, 64},
        .tasks_json = {l->tasks, len},
        .options_json = text_of(ork_workflow_options_json(w)),
        .source_json = text_of(ork_workflow_source_json(w)),
        .workflow_id = ork_id_new(&e->ids),
        .snapshot_id = ork_id_new(&e->ids),
        .params = text_of(o->params ? o->params : "{}"),
        .triggered_by = text_of(o->triggered_by ? o->triggered_by : "manual"),
        .key = text_of(o->key),
        .script_dir = text_of(ork_workflow_dir(w)),
        .script_path = text_of(l->path),
        .priority = o->priority,
        .now_ms = ork_engine_now(e),
        .run_timeout_ms = ork_workflow_limits(w)->run_timeout_ms,
        .tasks_total = ork_workflow_len(w),
    };
    l->row.logical_ms = o->logical_ms ? o->logical_ms : l->row.now_ms;
    l->row.at = o->logical_ms != 0;
    l->row.scheduled_for_ms = o->scheduled ? l->row.logical_ms : 0;
    return 0;
}

/* Whoever takes the run up finds the pools as its definition has them; one that nobody declared has a single slot. */
static int declare_pools(ork_engine *e, const ork_workflow *w, ork_err *err)
{
    json_t *options = json_loads(ork_workflow_options_json(w), 0, NULL);
    const char *name;
    json_t *slots;
    int rc = 0;

    json_object_foreach(json_object_get(options, "pools"), name, slots)
    {
        struct ork_unit u = {.type = ORK_UNIT_POOL, .pool = {name, (uint32_t)json_integer_value(slots)}};
        if (!rc)
            rc = ork_ask(e, &u, 0, false, err);
    }
    json_decref(options);
    return rc;
}

int ork_run_trigger(ork_engine *e, ork_workflow *w, const struct ork_start_opts *o, struct ork_started *out,
                    ork_err *err)
{
    struct leaving l = {0};

    if (e->registered) /* what this program leaves it would have to take up itself */
        return ork_run_start(e, w, o, out, err);
    int rc = fill(e, w, o, &l, err);
    if (!rc)
        rc = declare_pools(e, w, err);
    if (!rc)
        rc = ork_ask(e, &(struct ork_unit){.type = ORK_UNIT_CREATE_RUN, .create = &l.row}, l.row.tasks_json.n, true,
                     err);
    if (!rc) {
        ork_id_format(&l.row.run_id, out->run_id);
        out->how = l.row.how == ORK_CREATED    ? ORK_STARTED_NEW
                   : l.row.how == ORK_FINISHED ? ORK_STARTED_FINISHED
                                               : ORK_STARTED_WATCHED;
    }
    ork_free(l.tasks);
    ork_free(l.path);
    return rc;
}

/* ---- the switch ---- */

static int find_row(ork_engine *e, const char *name, struct ork_rows **rows, ork_err *err)
{
    struct ork_param p[] = {ORK_P_TEXT(name), ORK_P_INT(0), ORK_P_TEXT(NULL), ORK_P_INT(1)};
    ork_id id;
    int rc = ork_store_query(e->store, ORK_Q_schedules_list, p, 4, rows, err);

    if (rc || ork_rows_len(*rows) > 0)
        return rc;
    ork_rows_free(*rows);
    *rows = NULL;
    rc = ork_catalog_find(e, name, &id, err);
    return rc ? rc
              : ork_err_set(
                    err, ORK_ESTATE,
                    "workflow `%s` has no schedule; its script gives it one: schedule = { cron = \"0 2 * * *\" }, "
                    "then `ork apply`",
                    name);
}

int ork_schedule_switch(ork_engine *e, const char *name, bool on, bool *changed, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_schedule *s = NULL;
    struct ork_schedule_put put = {.enabled = on, .expected_ms = -1, .now_ms = ork_engine_now(e)};
    int rc = find_row(e, name, &rows, err);

    if (rc)
        return rc;
    (void)ork_rows_id(rows, 0, "id", &put.workflow_id);
    *changed = (ork_rows_int(rows, 0, "schedule_enabled", 0) != 0) != on;
    if (on && *changed) { /* from now on: what passed while it was off is not caught up */
        rc = ork_schedules_parse(e, ork_rows_text(rows, 0, "schedule_options"), ork_rows_text(rows, 0, "schedule"), &s,
                                 err);
        if (!rc &&
            !ork_due_begin(s, put.workflow_id.b, sizeof(put.workflow_id.b), put.now_ms, &put.next_ms, &put.fire_ms))
            rc = ork_err_set(err, ORK_ESTATE, "the schedule of workflow `%s` has no time in the future", name);
        ork_schedule_free(s);
    }
    ork_rows_free(rows);
    if (rc || !*changed)
        return rc;
    return ork_ask(e, &(struct ork_unit){.type = ORK_UNIT_SCHEDULE, .schedule = &put}, 0, true, err);
}

int ork_script_error(ork_engine *e, const char *path, const char *text, ork_err *err)
{
    struct ork_unit u = {.type = ORK_UNIT_SCRIPT_ERROR, .script_error = {text_of(path), text_of(text)}};

    return ork_ask(e, &u, 0, false, err);
}

/* SPDX-License-Identifier: MIT */
/* REDEFINE: a run moves to another definition. One transaction decides whether it may (nobody lives on it, and it is as
 * the plan was made for), claims it, and leaves the wish that whoever has it goes on from: its tasks follow in commits
 * of their own, so of a very large run nobody waits long. */
#include "base/err.h"
#include "core/workflow.h"
#include "store/sqlite/sqlite.h"
#include <string.h>

static int move_run(struct ork_sqlite *s, struct ork_redefine *r, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_run_redefine);
    ork_stmt_id(&st, &r->run_id);
    ork_stmt_id(&st, &r->old_snapshot);
    ork_stmt_word(&st, ork_run_status_name(r->old_status));
    ork_stmt_id(&st, &r->snapshot_id);
    ork_stmt_text(&st, r->params);
    ork_stmt_text(&st, r->script_dir);
    ork_stmt_text(&st, r->script_path);
    if (r->run_timeout_ms > 0)
        ork_stmt_real(&st, (double)r->run_timeout_ms / 1000);
    else
        ork_stmt_null(&st);
    ork_stmt_int(&st, r->tasks_total);
    ork_stmt_int(&st, r->next_index);
    ork_stmt_id(&st, &s->me);
    ork_stmt_time(&st, r->now_ms);
    int rc = ork_stmt_step(&st, err);
    r->moved = rc == 1;
    if (rc == 1)
        ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

int ork_unit_redefine(struct ork_sqlite *s, struct ork_redefine *r, ork_err *err)
{
    struct ork_new_run c = {.hash = r->hash,
                            .tasks_json = r->tasks_json,
                            .options_json = r->options_json,
                            .source_json = r->source_json,
                            .snapshot_id = r->snapshot_id,
                            .now_ms = r->now_ms};
    struct ork_holding h;
    r->moved = false;
    memset(&r->owner, 0, sizeof r->owner);
    int rc = ork_sqlite_holding(s, &r->run_id, &h, err);
    if (rc || !h.found)
        return rc;
    if (!h.free && !h.mine) {
        r->owner = h.owner;
        return 0;
    }
    rc = ork_sqlite_snapshot(s, &c, &r->workflow_id, &r->snapshot_id, err);
    if (!rc)
        rc = move_run(s, r, err);
    return rc || !r->moved ? rc : ork_unit_command(&s->writer, &r->wish, err);
}

int ork_unit_items_again(struct ork_sqlite *s, const struct ork_items_again *t, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_items_again);
    ork_stmt_id(&st, &t->run_id);
    ork_stmt_int(&st, t->first);
    ork_stmt_int(&st, t->last);
    return ork_stmt_run(&st, err);
}

int ork_unit_task_park(struct ork_sqlite *s, const struct ork_task_park *t, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_task_park);
    ork_stmt_id(&st, &t->id);
    ork_stmt_int(&st, t->index);
    return ork_stmt_run(&st, err);
}

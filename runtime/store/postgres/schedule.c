/* SPDX-License-Identifier: MIT */
/* FIRE and SCHEDULE: when a schedule is due next, and the run it starts, change together. The workflow's row is locked
 * as it is looked at, so of two schedulers whose timers fire at once the second finds the next time already noted and
 * does nothing; killed in between, there is either no trace or both.
 *
 *   the row            an unfinished run of the schedule    then
 *   is not as it was   –                                    nothing (LOST)
 *   as it was          none, or it may run beside it        run and next time (RUN)
 *   as it was          there, alone                         next time only (PASSED)
 *   as it was          there, alone and wait                not armed until that run ends (WAITS); it wakes it
 * (schedule_wake) */
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <string.h>

struct stand {
    bool found, enabled, waits;
    int64_t next_ms; /* 0 none */
    ork_id snapshot;
};

static int look(struct ork_postgres *s, const ork_id *workflow, struct stand *out, ork_err *err)
{
    struct ork_stmt st;
    memset(out, 0, sizeof *out);
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_look);
    ork_stmt_id(&st, workflow);
    int rc = ork_stmt_ask(&st, err);
    if (rc > 0) {
        out->found = true;
        out->next_ms = ork_stmt_get_ms(&st, 0, 0);
        out->enabled = ork_stmt_get_int(&st, 0, 1) != 0;
        (void)ork_stmt_get_id(&st, 0, 2, &out->snapshot);
        out->waits = ork_stmt_get_int(&st, 0, 3) != 0;
    }
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

#define MOST_BUSY 100 /* runs that one step asks to end */

static int find_busy(struct ork_postgres *s, const ork_id *workflow, ork_id runs[MOST_BUSY], size_t *n, ork_err *err)
{
    struct ork_stmt st;
    *n = 0;
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_busy);
    ork_stmt_id(&st, workflow);
    int rc = ork_stmt_ask(&st, err);
    for (int i = 0; i < rc && *n < MOST_BUSY; i++)
        *n += ork_stmt_get_id(&st, i, 0, &runs[*n]);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int advance(struct ork_postgres *s, const struct ork_fire *f, int64_t done_ms, struct ork_text note,
                   ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_advance);
    ork_stmt_id(&st, &f->workflow_id);
    ork_stmt_time(&st, f->next_ms);
    ork_stmt_time(&st, f->next_ms ? f->fire_ms : 0);
    ork_stmt_time(&st, done_ms);
    ork_stmt_json(&st, note);
    ork_stmt_int(&st, f->queued);
    return ork_stmt_queue(&st, err);
}

static int wait(struct ork_postgres *s, const struct ork_fire *f, bool waited, const ork_id *runs, size_t n,
                ork_err *err)
{
    struct ork_stmt st;
    struct ork_idgen ids;
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_wait);
    ork_stmt_id(&st, &f->workflow_id);
    int rc = ork_stmt_queue(&st, err);
    ork_idgen_init(&ids, s->clock);
    for (size_t i = 0; !rc && f->cancel && !waited && i < n; i++) {
        static const char args[] = "{\"why\":\"its schedule is due again\"}", by[] = "schedule";
        struct ork_command_new c = {.id = ork_id_new(&ids),
                                    .run_id = runs[i],
                                    .kind = "cancel",
                                    .args = {args, sizeof args - 1},
                                    .by = {by, sizeof by - 1},
                                    .now_ms = f->now_ms};
        rc = ork_unit_command(s, &c, err);
    }
    return rc;
}

static int has_run(struct ork_postgres *s, const struct ork_fire *f, bool *found, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_run_by_key);
    ork_stmt_id(&st, &f->workflow_id);
    ork_stmt_text(&st, f->run->key);
    ork_stmt_time(&st, f->run->scheduled_for_ms);
    int rc = ork_stmt_ask(&st, err);
    *found = rc > 0;
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int start(struct ork_postgres *s, struct ork_fire *f, bool waited, ork_err *err)
{
    ork_id runs[MOST_BUSY];
    size_t n = 0;
    bool found = false;
    int rc = has_run(s, f, &found, err);
    if (!rc && found) {
        f->how = ORK_FIRE_EXISTS;
        return advance(s, f, f->run->scheduled_for_ms, (struct ork_text){NULL, 0}, err);
    }
    if (!rc && f->alone)
        rc = find_busy(s, &f->workflow_id, runs, &n, err);
    if (rc)
        return rc;
    if (n > 0) {
        f->busy = runs[0];
        f->how = f->wait ? ORK_FIRE_WAITS : ORK_FIRE_PASSED;
        return f->wait ? wait(s, f, waited, runs, n, err) : advance(s, f, 0, f->busy_note, err);
    }
    f->how = ORK_FIRE_RUN;
    rc = ork_unit_create_run(s, f->run, err);
    return rc ? rc : advance(s, f, f->run->scheduled_for_ms, f->note, err);
}

int ork_unit_fire(struct ork_postgres *s, struct ork_fire *f, ork_err *err)
{
    struct stand now;
    int rc = look(s, &f->workflow_id, &now, err);
    f->how = ORK_FIRE_LOST;
    if (rc || !now.found || !now.enabled || now.next_ms != f->expected_ms || !ork_id_eq(&now.snapshot, &f->snapshot_id))
        return rc;
    if (f->run)
        return start(s, f, now.waits, err);
    f->how = ORK_FIRE_MOVED;
    return advance(s, f, 0, f->note, err);
}

int ork_unit_schedule(struct ork_postgres *s, struct ork_schedule_put *p, ork_err *err)
{
    struct stand now;
    struct ork_stmt st;
    int rc = look(s, &p->workflow_id, &now, err);
    p->changed = !rc && now.found && (p->expected_ms < 0 || now.next_ms == p->expected_ms);
    if (rc || !p->changed)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_put);
    ork_stmt_id(&st, &p->workflow_id);
    if (p->enabled < 0)
        ork_stmt_null(&st);
    else
        ork_stmt_int(&st, p->enabled);
    ork_stmt_time(&st, p->next_ms);
    ork_stmt_time(&st, p->next_ms ? p->fire_ms : 0);
    ork_stmt_time(&st, p->now_ms);
    return ork_stmt_queue(&st, err);
}

int ork_pg_schedule_apply(struct ork_postgres *s, const struct ork_apply_item *it, const ork_id *workflow, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_apply);
    ork_stmt_id(&st, workflow);
    ork_stmt_json(&st, it->schedule);
    ork_stmt_time(&st, it->next_ms);
    ork_stmt_time(&st, it->next_ms ? it->fire_ms : 0);
    return ork_stmt_queue(&st, err);
}

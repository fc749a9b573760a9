/* SPDX-License-Identifier: MIT */
/* One step of one schedule: what core/due.h says is to be done becomes a run with its params, and both a conditional
 * operation (store, FIRE). What cannot be done is not tried again and again: the schedule rests, with a note that says
 * why, until it is applied, switched or checked anew. */
#include "core/due.h"
#include "engine/engine.h"
#include <string.h>

struct firing {
    struct ork_fire fire;
    struct ork_starting start; /* of its run */
    struct ork_due due;
    struct ork_schedule_put rearm;
    char *name, *params, *note, *busy_note, *script_dir, *script_path; /* owned */
    int64_t run_at_ms; /* the instant at which its run was to start: its time and its jitter */
};

static void firing_free(struct firing *f)
{
    json_decref(f->start.params);
    ork_workflow_unref(f->start.workflow);
    ork_free(f->name);
    ork_free(f->params);
    ork_free(f->note);
    ork_free(f->busy_note);
    ork_free(f->script_dir);
    ork_free(f->script_path);
    ork_free(f);
}

/* ---- notes: the last thing about a schedule that people should know ---- */

static char *note_of(const char *kind, int64_t now_ms, int64_t time_ms, uint32_t times, const char *text)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_addc(&b, '{');
    ork_doc_text(&b, "kind", kind);
    ork_doc_time(&b, "at", now_ms);
    if (time_ms)
        ork_doc_time(&b, "time", time_ms);
    if (times)
        ork_doc_int(&b, "times", times);
    ork_doc_text(&b, "text", text);
    ork_buf_addc(&b, '}');
    return ork_buf_steal(&b, NULL);
}

static void note_dropped(struct firing *f)
{
    const struct ork_due *d = &f->due;
    char first[32];
    struct ork_buf b = ORK_BUF_INIT;

    if (!d->dropped)
        return;
    ork_time_format(d->first_dropped_ms, first);
    ork_buf_addf(&b, "%s%u time%s from %s on had no run: %s", d->dropped == ORK_DROPPED_MOST ? "more than " : "",
                 d->dropped, d->dropped == 1 ? "" : "s", first,
                 d->run_ms ? "a newer one was due when it was looked at" : "nobody was there, and catchup is none");
    f->note = note_of("missed", f->fire.now_ms, d->first_dropped_ms, d->dropped, b.data);
    ork_buf_fini(&b);
}

/* ---- the run ---- */

static int open_definition(struct firing *f, ork_engine *e, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_TEXT(f->name), ORK_P_INT(0)};
    int rc = ork_store_query(e->store, ORK_Q_version_open, p, 2, &rows, err);

    if (rc)
        return rc;
    if (ork_rows_len(rows) == 0) {
        rc = ork_err_set(err, ORK_ENOTFOUND, "it has no current definition; `ork apply SCRIPT` gives it one");
    } else {
        const char *tasks = ork_rows_text(rows, 0, "tasks_json"), *dir = ork_rows_text(rows, 0, "script_dir"),
                   *path = ork_rows_text(rows, 0, "script_path");
        f->script_dir = dir ? ork_strdup(dir) : NULL;
        f->script_path = path ? ork_strdup(path) : NULL;
        rc = ork_workflow_load(f->name, tasks, strlen(tasks), ork_rows_text(rows, 0, "options"),
                               ork_rows_text(rows, 0, "source"), dir, &f->start.workflow, err);
    }
    ork_rows_free(rows);
    return rc;
}

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

static int make_run(struct firing *f, ork_engine *e, ork_err *err)
{
    int rc = open_definition(f, e, err);

    if (!rc)
        rc = ork_workflow_schedule_params(f->start.workflow, NULL, f->due.run_ms, &f->params, err);
    if (rc)
        return rc;
    const ork_workflow *w = f->start.workflow;
    f->start.engine = e;
    f->start.params = json_loads(f->params, 0, NULL);
    f->start.row = (struct ork_new_run){
        .id = ork_id_new(&e->ids),
        .rerun_workflow = f->fire.workflow_id,
        .rerun_snapshot = f->fire.snapshot_id,
        .params = text_of(f->params),
        .triggered_by = text_of("schedule"),
        .script_dir = text_of(f->script_dir),
        .script_path = text_of(f->script_path),
        .now_ms = f->fire.now_ms,
        .logical_ms = f->due.run_ms,
        .scheduled_for_ms = f->due.run_ms,
        .run_timeout_ms = ork_workflow_limits(w)->run_timeout_ms,
        .tasks_total = ork_workflow_len(w),
    };
    f->fire.run = &f->start.row;
    ork_start_pools(e, w);
    return 0;
}

/* ---- what became of it ---- */

static void tell(ork_engine *e, const struct firing *f)
{
    char time[32] = "none", run[ORK_ID_TEXT], next[32] = "never";

    if (f->due.run_ms)
        ork_time_format(f->due.run_ms, time);
    if (f->fire.next_ms)
        ork_time_format(f->fire.next_ms, next);
    switch (f->fire.how) {
    case ORK_FIRE_RUN:
        ork_id_format(&f->start.row.run_id, run);
        ork_log_info(&e->log, "schedule fired workflow=%s run=%s time=%s%s next=%s late_ms=%lld",
                     ORK_LOG_VALUE(f->name), run, time, f->due.caught_up ? " caught_up=true" : "", next,
                     (long long)(f->fire.now_ms - f->run_at_ms));
        break;
    case ORK_FIRE_EXISTS:
        ork_log_info(&e->log, "schedule's time has a run already workflow=%s time=%s next=%s", ORK_LOG_VALUE(f->name),
                     time, next);
        break;
    case ORK_FIRE_PASSED:
        ork_id_format(&f->fire.busy, run);
        ork_log_info(&e->log, "schedule's time passed over, its last run goes on workflow=%s time=%s run=%s next=%s",
                     f->name, time, run, next);
        break;
    case ORK_FIRE_WAITS:
        ork_id_format(&f->fire.busy, run);
        ork_log_info(&e->log, "schedule waits for its last run workflow=%s time=%s run=%s%s", ORK_LOG_VALUE(f->name),
                     time, run, f->fire.cancel ? " cancelled=true" : "");
        break;
    default:
        break;
    }
    if (f->fire.how != ORK_FIRE_LOST && f->fire.how != ORK_FIRE_WAITS && f->due.dropped)
        ork_log_warn(&e->log, "schedule missed %s%u times workflow=%s next=%s",
                     f->due.dropped == ORK_DROPPED_MOST ? "more than " : "", f->due.dropped, ORK_LOG_VALUE(f->name),
                     next);
}

static void on_rearmed(void *data, int code, const ork_err *err);

/* Its run could not be stored (a value of its params is refused): it goes on to the next time, with a note. */
static void pass_on(ork_engine *e, struct firing *f, const char *why)
{
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_SCHEDULE_NOTE, NULL, true);
    char *note = note_of("failed", ork_engine_now(e), f->due.run_ms, 0, why);

    f->rearm = (struct ork_schedule_put){.workflow_id = f->fire.workflow_id,
                                         .enabled = -1,
                                         .expected_ms = f->fire.expected_ms,
                                         .next_ms = f->fire.next_ms,
                                         .fire_ms = f->fire.fire_ms,
                                         .now_ms = f->fire.now_ms};
    u->schedule_note = (struct ork_schedule_note){f->fire.workflow_id, text_of(ork_commit_text(e, note))};
    ork_commit_unit(e, ORK_UNIT_SCHEDULE, NULL, true)->schedule = &f->rearm;
    ork_commit_answer(e, on_rearmed, f);
    ork_log_error(&e->log, "schedule failed workflow=%s error=%s", ORK_LOG_VALUE(f->name), ORK_LOG_VALUE(why));
}

static void on_fired(void *data, int code, const ork_err *err)
{
    struct firing *f = data;
    ork_engine *e = f->start.engine;

    if (code && !e->closing && !e->fenced) {
        pass_on(e, f, err ? err->msg : "it was not stored");
        return;
    }
    if (!code) {
        tell(e, f);
        if (f->fire.how == ORK_FIRE_RUN)
            (void)ork_start_begin(&f->start);
        if (f->fire.how == ORK_FIRE_WAITS && f->fire.cancel)
            ork_command_look(e);
    }
    firing_free(f);
    ork_fire_done(e, false);
}

/* ---- the step ---- */

static void set_overlap(struct firing *f, const struct ork_schedule *s)
{
    f->fire.alone = s->overlap != ORK_OVERLAP_ALLOW;
    /* caught-up runs come one after another: passing them over would catch up nothing */
    f->fire.wait = s->overlap == ORK_OVERLAP_QUEUE || s->overlap == ORK_OVERLAP_CANCEL_RUNNING ||
                   (s->catchup == ORK_CATCHUP_ALL && f->due.caught_up);
    f->fire.cancel = s->overlap == ORK_OVERLAP_CANCEL_RUNNING;
    if (f->fire.alone && !f->fire.wait)
        f->busy_note = note_of("passed", f->fire.now_ms, f->due.run_ms, 1, "its last run was still going on");
}

static void fail_step(struct firing *f, ork_engine *e, const char *why)
{
    ork_log_error(&e->log, "schedule failed workflow=%s error=%s", ORK_LOG_VALUE(f->name), ORK_LOG_VALUE(why));
    ork_free(f->note);
    f->note = note_of("failed", f->fire.now_ms, f->due.run_ms, 0, why);
    f->fire.run = NULL;
    f->due.dropped = 0;
    f->fire.next_ms = f->fire.next_ms ? f->fire.next_ms : f->fire.expected_ms;
}

static void on_rearmed(void *data, int code, const ork_err *err)
{
    struct firing *f = data;
    ork_engine *e = f->start.engine;

    (void)err;
    firing_free(f);
    ork_fire_done(e, code != 0);
}

/* Nothing is due before another instant: that one is noted (another program had another jitter, or another clock). */
static void rearm(ork_engine *e, struct firing *f)
{
    f->rearm = (struct ork_schedule_put){.workflow_id = f->fire.workflow_id,
                                         .enabled = -1,
                                         .expected_ms = f->fire.expected_ms,
                                         .next_ms = f->due.next_ms,
                                         .fire_ms = f->due.fire_ms,
                                         .now_ms = f->fire.now_ms};
    ork_commit_unit(e, ORK_UNIT_SCHEDULE, NULL, true)->schedule = &f->rearm;
    ork_commit_answer(e, on_rearmed, f);
}

void ork_fire_step(ork_engine *e, const struct ork_rows *rows, size_t row)
{
    struct firing *f = ork_zalloc(sizeof(*f));
    struct ork_schedule *s = NULL;
    const char *options = ork_rows_text(rows, row, "schedule_options");
    bool waited = ork_rows_int(rows, row, "fire_waits", 0) != 0;
    ork_err err = {0};

    f->name = ork_strdup(ork_rows_text(rows, row, "name"));
    f->start.engine = e;
    f->fire.now_ms = ork_engine_now(e);
    f->fire.expected_ms = ork_rows_time(rows, row, "next_scheduled_at");
    (void)ork_rows_id(rows, row, "id", &f->fire.workflow_id);
    (void)ork_rows_id(rows, row, "snapshot_id", &f->fire.snapshot_id);
    if (ork_schedules_parse(e, options, ork_rows_text(rows, row, "schedule"), &s, &err) != 0) {
        fail_step(f, e, err.msg); /* rests at the time it stands at: what is missing may come back */
        f->fire.fire_ms = 0;
    } else {
        ork_due_step(s, f->fire.workflow_id.b, sizeof(f->fire.workflow_id.b), f->fire.expected_ms, waited,
                     f->fire.now_ms, &f->due);
        if (!f->due.due) {
            rearm(e, f);
            ork_schedule_free(s);
            return;
        }
        f->fire.next_ms = f->due.next_ms;
        f->fire.fire_ms = f->due.fire_ms;
        f->fire.queued = waited && f->due.next_ms && f->due.fire_ms <= f->fire.now_ms;
        f->run_at_ms =
            f->due.run_ms + ork_schedule_jitter(s, f->fire.workflow_id.b, sizeof(f->fire.workflow_id.b), f->due.run_ms);
        note_dropped(f);
        if (f->due.run_ms && make_run(f, e, &err) != 0)
            fail_step(f, e, err.msg);
        set_overlap(f, s);
        f->fire.busy_note = text_of(f->busy_note);
    }
    f->fire.note = text_of(f->note);
    ork_schedule_free(s);
    ork_commit_unit(e, ORK_UNIT_FIRE, NULL, true)->fire = &f->fire;
    ork_commit_answer(e, on_fired, f);
}

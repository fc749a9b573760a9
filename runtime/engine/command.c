/* SPDX-License-Identifier: MIT */
/* Wishes about runs: cancel, kill, pause, resume, retry, and what is decided of an approval. Anyone may leave one as a
 * row; only the owner carries it out, and says so in the same commit that changes the run, so a crash in between means
 * it is carried out again, not forgotten. The table is the audit log. */
#include "engine/engine.h"
#include "engine/sub.h"
#include <string.h>
#include <unistd.h>

/* ---- carrying out ---- */

static bool is_decision(const char *kind)
{
    return strcmp(kind, "approve") == 0 || strcmp(kind, "reject") == 0;
}

static int step_retry(struct ork_active *a, const char *args, struct ork_buf *outcome)
{
    struct ork_event ev = {.type = ORK_EV_RETRY, .task = ORK_NO_TASK};
    json_t *o = args ? json_loads(args, 0, NULL) : NULL;
    const char *from = json_string_value(json_object_get(o, "from")),
               *only = json_string_value(json_object_get(o, "task"));
    const char *name = from ? from : only;
    int rc = 0;

    if (name && ork_active_task_find(a, name, &ev.task) != 0) {
        ork_buf_addf(outcome, "no task `%s` in this run", name);
        rc = ORK_ENOTFOUND;
    } else if (from && ork_run_is_item(&a->run, ev.task)) {
        ork_buf_addf(outcome, "not possible: `%s` is an item, and a run goes on from a task", name);
        rc = ORK_EINVAL;
    } else if (only && ork_run_is_item(&a->run, ev.task) && a->run.tasks[ev.task].status == ORK_TASK_SUCCESS) {
        ork_buf_addf(outcome, "not possible: `%s` succeeded", name);
        rc = ORK_ESTATE;
    } else if (name && a->run.outside && a->run.outside[ork_run_no(&a->run, ev.task)]) {
        ork_buf_addf(outcome, "not possible: `%s` is ", name);
        ork_part_why(a, outcome);
        rc = ORK_ESTATE;
    } else {
        ev.from = from != NULL;
        rc = ork_active_step(a, &ev);
        if (!rc) {
            ork_free(a->cancel_why);
            a->cancel_why = NULL;
        }
    }
    json_decref(o);
    return rc;
}

/* What is said with the first cancel is what the run ended of. */
static void keep_why(struct ork_active *a, const char *args)
{
    json_t *o = args ? json_loads(args, 0, NULL) : NULL;
    const char *why = json_string_value(json_object_get(o, "why"));

    if (why && !a->run.cancelling && !ork_run_is_final(a->run.status)) {
        ork_free(a->cancel_why);
        a->cancel_why = ork_strdup(why);
    }
    json_decref(o);
}

/* What becomes of a wish for a run that has ended. Who asks for a cancel again while it is being cancelled gets what he
 * asked for, whichever of the two wishes the end came from. */
static void tell_late(const char *kind, int status, struct ork_buf *outcome)
{
    bool cancels = strcmp(kind, "cancel") == 0 || strcmp(kind, "kill") == 0;

    if (cancels && status == ORK_RUN_CANCELLED)
        ork_buf_adds(outcome, "done");
    else
        ork_buf_addf(outcome, "too late: the run had ended (%s)", ork_run_status_name(status));
}

static void carry_out(struct ork_active *a, const char *kind, const char *args, struct ork_buf *outcome)
{
    struct ork_event ev = {.task = ORK_NO_TASK};
    int before = a->run.status, rc;

    if (is_decision(kind)) {
        ork_deferred_decide(a, *kind == 'a', args, outcome);
        return;
    }
    if (strcmp(kind, "cancel") == 0 || strcmp(kind, "kill") == 0) {
        ev.type = ORK_EV_CANCEL;
        ev.reason = ORK_CANCEL_USER;
        keep_why(a, args);
        rc = ork_active_step(a, &ev);
        if (!rc && strcmp(kind, "kill") == 0 && !a->run.killed && !a->closing)
            rc = ork_active_step(a, &ev);
        if (rc && a->run.killed && !ork_run_is_final(before))
            rc = 0; /* nothing more can be done than is being done */
    } else if (strcmp(kind, "pause") == 0) {
        ev.type = ORK_EV_PAUSE;
        rc = ork_active_step(a, &ev);
        if (!rc)
            ork_sub_tell(a, ORK_EV_PAUSE);
    } else if (strcmp(kind, "resume") == 0) {
        ev.type = ORK_EV_RESUME;
        rc = ork_active_step(a, &ev);
        if (!rc)
            ork_sub_tell(a, ORK_EV_RESUME);
    } else if (strcmp(kind, "retry") == 0) {
        rc = step_retry(a, args, outcome);
    } else {
        ork_buf_addf(outcome, "unknown kind");
        return;
    }
    if (outcome->len)
        return;
    if (!rc)
        ork_buf_adds(outcome, "done");
    else if (ork_run_is_final(before))
        tell_late(kind, before, outcome);
    else
        ork_buf_addf(outcome, "not possible: the run is %s", ork_run_status_name(before));
}

static void on_done_stored(void *data, int code, const ork_err *err)
{
    ork_engine *e = data;

    (void)code;
    (void)err;
    if (--e->commands_done == 0 && e->commands_again) {
        e->commands_again = false;
        ork_command_look(e);
    }
}

static void apply_row(ork_engine *e, const struct ork_rows *rows, size_t i)
{
    ork_id id, run;
    struct ork_buf outcome = ORK_BUF_INIT;

    if (!ork_rows_id(rows, i, "id", &id) || !ork_rows_id(rows, i, "run_id", &run))
        return;
    const char *kind = ork_rows_text(rows, i, "kind");
    if (strcmp(kind, ORK_WISH_COPY) == 0 || strcmp(kind, ORK_WISH_UPDATE) == 0)
        return; /* part of how its run begins, or goes on */
    struct ork_active *a = ork_active_find(e, &run);
    if (ork_handlers_is(kind)) {
        if (a && !a->update && !a->copy)
            ork_handlers_take(a, rows, i);
        return;
    }
    if (a && (a->update || a->copy))
        return; /* looked for again when its tasks are in place, and what it takes over is there */
    if (a && a->closing)
        tell_late(kind, a->run.status, &outcome);
    else if (a)
        carry_out(a, kind, ork_rows_text(rows, i, "args"), &outcome);
    else
        return; /* it ended meanwhile; the row stays for whoever claims it */
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_COMMAND_DONE, a, true);
    size_t n;
    char *text = ork_buf_steal(&outcome, &n);
    u->done = (struct ork_command_done){.id = id, .now_ms = ork_engine_now(e), .outcome = {text, n}};
    (void)ork_commit_text(e, text);
    e->commands_done++;
    ork_commit_call(e, on_done_stored, e);
}

/* A run that ended was claimed for a retry, and the retry was refused: back to nobody. Not one that was claimed after
 * the look began: its wish is for the next look. */
static void let_go_of_ended(ork_engine *e)
{
    struct ork_active *a, *tmp;

    HASH_ITER(hh, e->runs, a, tmp)
    {
        if (ork_run_is_final(a->run.status) && !a->closing && a->looks < e->looks && !ork_handlers_busy(e, &a->id))
            ork_active_release(a);
    }
}

static void on_commands(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;

    e->works--;
    e->commands_reading = false;
    if (code)
        ork_log_warn(&e->log, "cannot read commands: %s", err->msg);
    for (size_t i = 0; rows && i < ork_rows_len(rows); i++)
        apply_row(e, rows, i);
    ork_rows_free(rows);
    let_go_of_ended(e);
    if (e->commands_again && !e->commands_done) {
        e->commands_again = false;
        ork_command_look(e);
    }
    ork_engine_turn(e);
}

/* At most one read at a time, and never while a batch with COMMAND_DONE is on its way (it would be carried out twice).
 */
void ork_command_look(ork_engine *e)
{
    if (!e->registered || !e->runs || e->closing || e->fenced)
        return;
    if (e->commands_reading || e->commands_done) {
        e->commands_again = true;
        return;
    }
    e->commands_reading = true;
    e->looks++;
    e->works++;
    struct ork_param p[] = {ORK_P_ID(&e->scheduler)};
    ork_store_read(e->store, ORK_Q_commands_open, p, 1, on_commands, e);
}

void ork_engine_bell(void *data)
{
    ork_engine *e = data;

    e->bell_count++;
    ork_inline_wake(e, NULL);
    if (e->registered) {
        e->pool_wake = true;
        ork_command_look(e);
        ork_serve_rung(e, false);
        ork_sub_rung(e);
    }
    uv_stop(e->loop); /* whoever waits for a run of another owner looks again */
}

/* ---- leaving a wish ---- */

struct waiting {
    bool done;
    int code;
    ork_err err;
};

static void on_stored(void *data, int code, const ork_err *err)
{
    struct waiting *w = data;

    w->done = true;
    w->code = code;
    if (code && err)
        w->err = *err;
}

static void on_stored_alone(void *data, int code, const ork_err *err, size_t bad)
{
    (void)bad;
    on_stored(data, code, err);
}

static int store_command(ork_engine *e, const ork_id *run, const ork_id *task, const char *kind, const char *args,
                         ork_id *id, ork_err *err)
{
    struct waiting w = {0};
    struct ork_command_new cmd = {.run_id = *run, .task_id = *task, .kind = kind, .now_ms = ork_engine_now(e)};
    char by[64];
    int rc;

    *id = cmd.id = ork_id_new(&e->ids);
    (void)snprintf(by, sizeof(by), "cli:%d", (int)getuid());
    cmd.by = (struct ork_text){by, strlen(by)};
    if (args)
        cmd.args = (struct ork_text){args, strlen(args)};
    if (e->registered) {
        rc = ork_commit_possible(e, err);
        if (rc)
            return rc;
        struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_COMMAND, NULL, true);
        u->command = cmd;
        ork_commit_answer(e, on_stored, &w);
        rc = ork_engine_drive(e, &w.done, err);
    } else {
        struct ork_batch b = {0};
        ork_batch_add(&b, ORK_UNIT_COMMAND)->command = cmd;
        b.ring = true;
        ork_store_apply(e->store, &b, on_stored_alone, &w);
        rc = ork_engine_drive(e, &w.done, err);
        ork_batch_fini(&b);
    }
    if (!rc && w.code) {
        *err = w.err;
        rc = w.code;
    }
    return rc;
}

static int owner_of(ork_engine *e, const ork_id *run, int *status, bool *alive, bool *mine, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    ork_id owner;
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, err);

    if (rc)
        return rc;
    if (ork_rows_len(rows) == 0) {
        ork_rows_free(rows);
        return ork_err_set(err, ORK_ENOTFOUND, "no such run");
    }
    *status = ork_run_status_parse(ork_rows_text(rows, 0, "status"));
    *mine = *alive = false;
    if (ork_rows_id(rows, 0, "scheduler_id", &owner)) {
        *mine = e->registered && ork_id_eq(&owner, &e->scheduler);
        *alive = *mine || ork_store_owner_alive(e->store, &owner);
    }
    ork_rows_free(rows);
    return 0;
}

static int refuse_early(const char *kind, int status, ork_err *err)
{
    bool final = ork_run_is_final(status);

    if (strcmp(kind, "retry") == 0)
        return final ? 0
                     : ork_err_set(err, ORK_ESTATE, "the run is %s; only a run that ended can be retried",
                                   ork_run_status_name(status));
    if (final)
        return ork_err_set(err, ORK_ESTATE, "too late: the run had ended (%s)", ork_run_status_name(status));
    if (strcmp(kind, "pause") == 0 && status == ORK_RUN_PAUSED)
        return ork_err_set(err, ORK_ESTATE, "the run is paused already");
    return 0;
}

/* Is it paused, and the agent asked about all that had not started? */
static bool rests(const struct ork_active *a)
{
    if (a->run.status != ORK_RUN_PAUSED)
        return false;
    for (const struct ork_live *l = a->live; l; l = l->hh.next) {
        if (a->run.tasks[l->task].status == ORK_TASK_DISPATCHED)
            return false;
    }
    return ork_sub_rest(a);
}

/* What became of a wish. No answer yet and the run has ended: it ended before the wish was looked at, and whoever
 * claims it for a retry will write the same. */
static int read_outcome(ork_engine *e, const ork_id *run, const ork_id *command, const char *kind, char **outcome,
                        ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    struct ork_buf how = ORK_BUF_INIT;
    bool alive, mine;
    ork_id id;
    int status = 0, rc = ork_store_query(e->store, ORK_Q_commands_of_run, p, 1, &rows, err);

    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        const char *text = ork_rows_text(rows, i, "outcome");
        if (text && ork_rows_id(rows, i, "id", &id) && ork_id_eq(&id, command))
            ork_buf_adds(&how, text);
    }
    ork_rows_free(rows);
    if (!rc && how.len == 0)
        rc = owner_of(e, run, &status, &alive, &mine, err);
    if (!rc && how.len == 0 && ork_run_is_final(status))
        tell_late(kind, status, &how);
    else if (how.len == 0)
        ork_buf_adds(&how, "sent");
    size_t n;
    char *text = ork_buf_steal(&how, &n);
    if (!rc && outcome)
        *outcome = text;
    else
        ork_free(text);
    return rc;
}

/* Without a live owner cancel and pause are carried out by us: claim, carry out, wait until it took effect, let go.
 * What comes of the run meanwhile (its last task may end) decides the outcome. */
static int carry_out_here(ork_engine *e, const ork_id *id, const char *kind, ork_err *err)
{
    char text[ORK_ID_TEXT];
    bool pause = strcmp(kind, "pause") == 0;
    int status;

    ork_id_format(id, text);
    int rc = ork_start_claim(e, text, err);
    if (rc == ORK_ESTATE) /* it is bound to another host, whose next scheduler carries the wish out */
        return ORK_EBUSY;
    if (rc || !pause)
        return rc ? rc : ork_run_wait(e, text, -1, &status, err);
    for (;;) {
        struct ork_active *a = ork_active_find(e, id);
        if (!a || e->fenced)
            break;
        if (!a->closing && rests(a))
            ork_active_release(a);
        (void)ork_engine_step(e, true);
    }
    return e->fenced ? ork_run_wait(e, text, 0, &status, err) : 0;
}

int ork_run_command(ork_engine *e, const char *run_id, const char *kind, const char *args, char **outcome, ork_err *err)
{
    ork_id id, command, task = {{0}};
    int status = 0;
    bool alive = false, mine = false;
    ork_err own;
    int rc = ork_doc_parse_run(run_id, &id, err ? err : &own);

    if (!err)
        err = &own;
    if (!rc)
        rc = owner_of(e, &id, &status, &alive, &mine, err);
    if (!rc)
        rc = refuse_early(kind, status, err);
    if (!rc && !alive && (strcmp(kind, "retry") == 0 || strcmp(kind, "resume") == 0))
        rc = ork_inline_may_own(e, &id, err);
    if (!rc && is_decision(kind))
        rc = ork_deferred_may_decide(e, &id, args, &task, err);
    if (!rc)
        rc = store_command(e, &id, &task, kind, args, &command, err);
    if (rc)
        return rc;
    const char *how = "sent";
    if (mine) {
        ork_command_look(e);
        how = "done";
    } else if (!alive && (strcmp(kind, "cancel") == 0 || strcmp(kind, "kill") == 0 || strcmp(kind, "pause") == 0)) {
        rc = carry_out_here(e, &id, kind, err);
        if (!rc)
            return read_outcome(e, &id, &command, kind, outcome, err);
        if (rc == ORK_EBUSY) /* somebody came first: it is theirs to carry out now */
            rc = 0;
    }
    if (!rc && outcome)
        *outcome = ork_strdup(how);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* Runs that nobody carries out, as `ork serve` takes them up: new ones that `ork trigger` left, those of a program that
 * died or handed over, and those with an open wish. A shallow look (the bell rang) costs what has no owner; a deep one
 * (the start, the death of an owner) also asks whose owner is gone. Of every other owner the kernel tells us when it
 * dies (ork_engine_watch_owner).
 *
 * A claim is one conditional operation; of two schedulers one gets the run. A run that cannot be gone on with here (its
 * functions live in a program, its definition is damaged) is left or failed once, with a line in the log, and not
 * looked at again. */
#include "engine/engine.h"
#include "engine/sub.h"
#include "core/state.h"
#include <string.h>
#include <sys/stat.h>

#define MOST 100 /* of one kind, claimed in one commit */

static bool may_look(const ork_engine *e)
{
    return e->serve.on && !e->closing && !e->fenced && !e->ending;
}

/* ---- later ---- */

#define AGAIN_MS 1000 /* after the database could not be asked */

struct ork_claim_again {
    ork_id run;
    struct ork_claim_again *next;
};

static struct ork_claim_again *take_again(ork_engine *e)
{
    struct ork_claim_again *all = e->serve.claims_again;

    e->serve.claims_again = NULL;
    return all;
}

static void on_later(uv_timer_t *t)
{
    ork_engine *e = t->data;

    e->serve.later_ms = 0;
    for (struct ork_claim_again *c = take_again(e), *next; c; c = next) {
        next = c->next;
        ork_adopt_claim(e, &c->run);
        ork_free(c);
    }
    ork_adopt_look(e, true);
    ork_engine_turn(e);
}

/* A deep look in so many ms, or sooner if one is due already. Nobody rings when a host's time is over. */
static void look_later(ork_engine *e, int64_t ms)
{
    int64_t at = (int64_t)uv_now(e->loop) + ms;

    if (e->closing || (e->serve.later_ms && e->serve.later_ms <= at))
        return;
    e->serve.later_ms = at;
    uv_timer_start(&e->later, on_later, (uint64_t)ms, 0);
}

/* It cannot be asked about now. Who looks for runs finds it again; else it is remembered. */
static void claim_later(ork_engine *e, const ork_id *run)
{
    if (!e->serve.on && !e->closing) {
        struct ork_claim_again *c = ork_alloc(sizeof(*c));
        *c = (struct ork_claim_again){*run, e->serve.claims_again};
        e->serve.claims_again = c;
    }
    look_later(e, AGAIN_MS);
}

/* Whether a claim was stored, nobody knows: a run may be ours by its row without our having it. */
static void doubt(ork_engine *e, const ork_id *run)
{
    e->serve.doubt = true;
    claim_later(e, run);
}

static bool is_away(int code)
{
    return code == ORK_EIO || code == ORK_EBUSY || code == ORK_ETIMEDOUT || code == ORK_ECANCELLED;
}

/* ---- runs not to be tried again ---- */

static bool is_given_up(const ork_engine *e, const ork_id *run)
{
    struct ork_given_up *g = NULL;

    HASH_FIND(hh, e->serve.given_up, run, sizeof(*run), g);
    return g != NULL;
}

static void give_up(ork_engine *e, const ork_id *run, const char *why)
{
    char text[ORK_ID_TEXT];
    struct ork_given_up *g = ork_zalloc(sizeof(*g));

    g->run = *run;
    HASH_ADD(hh, e->serve.given_up, run, sizeof(g->run), g);
    ork_id_format(run, text);
    ork_log_warn(&e->log, "run is not taken up run=%s error=%s", text, ORK_LOG_VALUE(why));
}

void ork_adopt_fini(ork_engine *e)
{
    struct ork_given_up *g, *tmp;

    HASH_ITER(hh, e->serve.given_up, g, tmp)
    {
        HASH_DEL(e->serve.given_up, g);
        ork_free(g);
    }
    for (struct ork_claim_again *c = take_again(e), *next; c; c = next) {
        next = c->next;
        ork_free(c);
    }
}

/* ---- claiming ---- */

struct claiming {
    struct ork_claim claim;
    ork_engine *engine;
};

static void look_if_wanted(ork_engine *e)
{
    struct ork_serve *s = &e->serve;

    if (s->adopting || s->claims || !(s->adopt_again || s->deep_again))
        return;
    bool deep = s->deep_again;
    s->adopt_again = s->deep_again = false;
    ork_adopt_look(e, deep);
}

/* Its definition can never be read again: it fails, rather than being pending for ever. */
void ork_adopt_fail_run(ork_engine *e, const ork_id *run, const ork_err *err)
{
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_RUN, NULL, true);
    char *text = ork_strdup(err->msg);

    u->run = (struct ork_run_put){.id = *run,
                                  .status = ORK_RUN_FAILED,
                                  .finished_ms = ork_engine_now(e),
                                  .error = {ork_commit_text(e, text), strlen(text)},
                                  .release = true};
}

static void take_up(ork_engine *e, const struct ork_claim *c)
{
    char text[ORK_ID_TEXT];
    struct ork_active *a = NULL;
    ork_err why = {0};
    int rc = ork_recover_run(e, &c->run_id, NULL, &a, &why);

    ork_id_format(&c->run_id, text);
    if (!rc) {
        ork_log_info(&e->log, "run taken up run=%s workflow=%s status=%s", text,
                     ORK_LOG_VALUE(ork_workflow_name(a->workflow)), ork_run_status_name(c->status));
        ork_command_look(e);
    } else if (is_away(rc)) { /* its rows could not be read now; they say that it is ours */
        doubt(e, &c->run_id);
    } else {
        give_up(e, &c->run_id, why.msg);
        if (rc == ORK_ECORRUPT || rc == ORK_ESTATE || rc == ORK_EDEF || rc == ORK_EJSON)
            ork_adopt_fail_run(e, &c->run_id, &why);
    }
}

static void tell_bound(ork_engine *e, const struct ork_claim *c)
{
    char text[ORK_ID_TEXT];

    ork_id_format(&c->run_id, text);
    ork_log_info(&e->log, "run waits for its host run=%s host=%s", text, ORK_LOG_VALUE(c->host));
    if (c->bound_ms >= 0) /* else its scheduler there is watched */
        look_later(e, c->bound_ms + 50);
}

static void on_claimed(void *data, int code, const ork_err *err)
{
    struct claiming *c = data;
    ork_engine *e = c->engine;

    e->serve.claims--;
    if (code && code != ORK_EFENCED) {
        ork_log_warn(&e->log, "runs cannot be claimed error=%s", ORK_LOG_VALUE(err ? err->msg : ""));
        doubt(e, &c->claim.run_id);
    } else if (!code && c->claim.claimed && !ork_active_find(e, &c->claim.run_id)) {
        if (!e->closing) /* else it is free as soon as we are gone */
            take_up(e, &c->claim);
    } else if (!code && c->claim.bound) {
        tell_bound(e, &c->claim);
    }
    ork_pools_inherited(e, c->claim.left);
    ork_free(c);
    look_if_wanted(e);
}

/* May it be gone on with here? What its commands and modules are is in its folder, which another host may not have. */
static int may_take(ork_engine *e, const ork_id *run, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    struct stat st;
    int rc = ork_inline_may_own(e, run, err);

    if (rc || !ork_store_remote(e->store))
        return rc;
    rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, err);
    const char *dir = !rc && ork_rows_len(rows) ? ork_rows_text(rows, 0, "script_dir") : NULL;
    if (dir && stat(dir, &st) != 0)
        rc = ork_err_set(err, ORK_ENOTFOUND, "the folder of its script, %s, is not on this host", dir);
    ork_rows_free(rows);
    return rc;
}

void ork_adopt_claim(ork_engine *e, const ork_id *run)
{
    ork_err why = {0};

    if (e->closing || e->fenced || e->ending || ork_active_find(e, run) || is_given_up(e, run))
        return;
    int rc = may_take(e, run, &why);
    if (rc && is_away(rc))
        claim_later(e, run);
    else if (rc)
        give_up(e, run, why.msg);
    if (rc)
        return;
    struct claiming *c = ork_zalloc(sizeof(*c));
    c->engine = e;
    c->claim.run_id = *run;
    e->serve.claims++;
    ork_commit_unit(e, ORK_UNIT_CLAIM, NULL, true)->claim = &c->claim;
    ork_commit_answer(e, on_claimed, c);
}

static void claim_all(ork_engine *e, const struct ork_rows *rows, const char *col)
{
    ork_id id;

    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        if (ork_rows_id(rows, i, col, &id))
            ork_adopt_claim(e, &id);
    }
}

/* ---- looking: free runs, then free wishes, then owners, then (deep) what owners left ---- */

static void read_next(ork_engine *e, enum ork_query q, ork_read_cb cb)
{
    struct ork_param p[] = {ORK_P_INT(MOST)};
    bool limited = q == ORK_Q_runs_free || q == ORK_Q_commands_free;

    e->works++;
    ork_store_read(e->store, q, p, limited ? 1 : 0, cb, e);
}

static bool landed(ork_engine *e, int code, const ork_err *err, struct ork_rows *rows)
{
    e->works--;
    if (code) { /* whose bell was the last may have been this one */
        ork_log_warn(&e->log, "runs cannot be read error=%s", ORK_LOG_VALUE(err->msg));
        look_later(e, AGAIN_MS);
    }
    if (!code && may_look(e))
        return true;
    e->serve.adopting = false;
    ork_rows_free(rows);
    return false;
}

static void finish(ork_engine *e)
{
    e->serve.adopting = false;
    look_if_wanted(e);
    ork_engine_turn(e);
}

static void on_left(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;

    if (!landed(e, code, err, rows))
        return;
    claim_all(e, rows, "id");
    ork_rows_free(rows);
    finish(e);
}

/* What a task waits for goes with the run of that task. */
static void claim_left(ork_engine *e, const struct ork_rows *rows)
{
    ork_id id, parent;

    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        if (ork_rows_id(rows, i, "id", &id) &&
            !(ork_rows_id(rows, i, "parent_task_id", &parent) && ork_sub_is_awaited(e, &id)))
            ork_adopt_claim(e, &id);
    }
}

/* Live by its row: watched, so that we hear of its death; dead by its lock: what it had is claimed, which buries it. */
static void meet(ork_engine *e, const ork_id *owner, bool deep)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(owner)};
    ork_err why = {0};
    bool me = ork_id_eq(owner, &e->scheduler);

    if (me && !e->serve.doubt)
        return;
    if (!me && ork_store_owner_alive(e->store, owner)) {
        if (ork_engine_watch_owner(e, owner, &why) != 0)
            ork_log_warn(&e->log, "%s; if that ork dies its runs are noticed late", why.msg);
    } else if (deep) {
        int rc = ork_store_query(e->store, ORK_Q_runs_mine, p, 1, &rows, &why);
        if (rc)
            look_later(e, AGAIN_MS);
        else
            claim_left(e, rows);
        if (me)
            e->serve.doubt = rc != 0;
        ork_rows_free(rows);
    }
}

static void on_owners(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;
    ork_id id;

    if (!landed(e, code, err, rows))
        return;
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        if (ork_rows_id(rows, i, "id", &id))
            meet(e, &id, e->serve.deep);
    }
    ork_rows_free(rows);
    if (e->serve.deep)
        read_next(e, ORK_Q_runs_left, on_left);
    else
        finish(e);
}

static void on_wishes(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;
    ork_id id;

    if (!landed(e, code, err, rows))
        return;
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        if (ork_rows_id(rows, i, "run_id", &id) && ork_handlers_free(e, rows, i))
            ork_adopt_claim(e, &id);
    }
    ork_rows_free(rows);
    read_next(e, ORK_Q_schedulers_list, on_owners);
}

static void on_free(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;

    if (!landed(e, code, err, rows))
        return;
    claim_all(e, rows, "id");
    if (e->serve.claims && ork_rows_len(rows) == MOST)
        e->serve.adopt_again = true;
    ork_rows_free(rows);
    ork_engine_turn(e);
    read_next(e, ORK_Q_commands_free, on_wishes);
}

void ork_adopt_look(ork_engine *e, bool deep)
{
    struct ork_serve *s = &e->serve;

    if (!may_look(e))
        return;
    if (s->adopting || s->claims) {
        s->adopt_again = true;
        s->deep_again |= deep;
        return;
    }
    s->adopting = true;
    s->deep = deep;
    read_next(e, ORK_Q_runs_free, on_free);
}

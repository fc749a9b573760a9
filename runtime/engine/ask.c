/* SPDX-License-Identifier: MIT */
/* A question to the store that is answered by its commit: one conditional unit and its outcome. A scheduler's batches
 * are numbered and go one at a time, so there it joins the batch being collected; a program that owns nothing commits
 * it alone, without a fence. Either way a database that is full, away or read-only is the caller's error at once. */
#include "engine/catalog.h"

struct asked {
    bool done;
    int code;
    ork_err err;
};

static void on_answer(void *data, int code, const ork_err *err)
{
    struct asked *a = data;

    a->done = true;
    a->code = code;
    if (code && err)
        a->err = *err;
}

static void on_applied(void *data, int code, const ork_err *err, size_t bad_unit)
{
    (void)bad_unit;
    on_answer(data, code, err);
}

static int ask_alone(ork_engine *e, const struct ork_unit *unit, size_t bytes, bool rings, struct asked *a,
                     ork_err *err)
{
    struct ork_batch b = {0};

    *ork_batch_add(&b, unit->type) = *unit;
    b.bytes = bytes;
    b.ring = rings;
    ork_store_apply(e->store, &b, on_applied, a);
    int rc = ork_engine_drive(e, &a->done, err);
    ork_batch_fini(&b);
    return rc;
}

int ork_ask(ork_engine *e, const struct ork_unit *unit, size_t bytes, bool rings, ork_err *err)
{
    struct asked a = {0};
    int rc;

    if (e->flags & ORK_OPEN_READ)
        return ork_err_set(err, ORK_EREADONLY, "this database was opened for reading only");
    if (e->registered) {
        rc = ork_commit_possible(e, err);
        if (rc)
            return rc;
        *ork_commit_unit(e, unit->type, NULL, true) = *unit;
        e->current->batch.bytes += bytes;
        e->current->batch.ring |= rings;
        ork_commit_answer(e, on_answer, &a);
        rc = ork_engine_drive(e, &a.done, err);
    } else {
        rc = ask_alone(e, unit, bytes, rings, &a, err);
    }
    if (!rc && a.code) {
        if (err)
            *err = a.err;
        rc = a.code;
    }
    if (!rc && rings) /* nobody hears his own bell */
        ork_serve_rung(e, false);
    return rc;
}

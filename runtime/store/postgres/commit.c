/* SPDX-License-Identifier: MIT */
/* One batch, one transaction: BEGIN, fence, units, the ring, COMMIT. What needs no answer is sent in one piece with the
 * COMMIT, one round trip. An operation that looks before it decides waits for its answers within the transaction; so
 * all outcomes are known before COMMIT is sent, also if its own answer is then lost.
 *
 *   what fails                     then
 *   a row is there already         rolled back; once more by statements that look for it first
 *   a value is refused             rolled back; once more unit by unit, to say which
 *   locks (deadlock, timeout)      rolled back and tried again, a few times
 *   the fence (22012)              the row tells: this batch is stored already, or somebody took over
 *   the connection, before COMMIT  nothing is stored; once more on a new connection
 *   the connection, after COMMIT   in doubt: the row's last_batch tells, as soon as the server can be asked
 *
 * Law: a batch in doubt keeps its number. Nothing is sent under a number whose fate is not known. */
#include "base/err.h"
#include "base/hash.h"
#include "core/state.h"
#include "store/postgres/copy.h"
#include "store/postgres/postgres.h"
#include <string.h>

#define TRIES 5       /* against other transactions */
#define DOUBT_MS 3000 /* how long the answer to a COMMIT is looked for before the caller is told */

/* Units that only the registered owner may write; the others judge by the rows alone. */
static bool needs_owner(int type)
{
    switch (type) {
    case ORK_UNIT_COMMAND:
    case ORK_UNIT_CREATE_RUN:
    case ORK_UNIT_POOL:
    case ORK_UNIT_AGENT:
    case ORK_UNIT_APPLY:
    case ORK_UNIT_SWEEP:
    case ORK_UNIT_FORGET:
    case ORK_UNIT_DISCARD:
    case ORK_UNIT_SCHEDULE:
    case ORK_UNIT_SCHEDULE_NOTE:
    case ORK_UNIT_SCRIPT_ERROR:
        return false;
    default:
        return true;
    }
}

/* New runs, wishes, schedules, slots somebody waits for, and ends, which are as rare as new runs: commits that notify
 * go one after the other. */
static bool rings(const struct ork_unit *u)
{
    switch (u->type) {
    case ORK_UNIT_COMMAND:
        return true;
    case ORK_UNIT_CREATE_RUN:
        return u->create->how == ORK_CREATED || u->create->how == ORK_RESUMED;
    case ORK_UNIT_RUN:
        return u->run.release || ork_run_is_final(u->run.status);
    case ORK_UNIT_FREE_SLOTS:
        return u->free->wakes;
    case ORK_UNIT_FIRE:
        return u->fire->how == ORK_FIRE_RUN || (u->fire->how == ORK_FIRE_WAITS && u->fire->cancel);
    case ORK_UNIT_SCHEDULE:
        return u->schedule->changed;
    default:
        return false;
    }
}

/* Units after which a run looks different. */
static bool is_news(const struct ork_unit *u)
{
    return u->type == ORK_UNIT_EVENT || u->type == ORK_UNIT_RUN;
}

static int queue_plain(struct ork_postgres *s, int which, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, which);
    return ork_stmt_queue(&st, err);
}

static int queue_fence(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    if (!ork_pg_registered(s)) {
        int rc = queue_plain(s, ORK_S_copy_share, err);
        return rc ? rc : ork_pg_admit(s, NULL, err);
    }
    ork_stmt_begin(&st, &s->write, ORK_S_fence);
    ork_stmt_int(&st, (int64_t)s->last_batch + 1);
    ork_stmt_int(&st, (int64_t)s->seq);
    ork_stmt_id(&st, &s->me);
    return ork_stmt_queue(&st, err);
}

static int queue_rings(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    int rc = 0;
    if (s->ring) {
        ork_stmt_begin(&st, &s->write, ORK_S_ring);
        ork_stmt_word(&st, ORK_PG_CHANNEL);
        ork_stmt_word(&st, s->token);
        rc = ork_stmt_queue(&st, err);
    }
    if (!rc && s->news) {
        ork_stmt_begin(&st, &s->write, ORK_S_ring_lookers);
        ork_stmt_int(&st, ORK_PG_LOOKERS);
        ork_stmt_word(&st, ORK_PG_NEWS);
        ork_stmt_word(&st, s->token);
        rc = ork_stmt_queue(&st, err);
    }
    return rc;
}

/* one: each unit is answered before the next is sent, so that the one that fails is known. */
static int queue_units(struct ork_postgres *s, bool one, ork_err *err)
{
    ork_groups_clear(s->groups);
    for (size_t i = 0; i < s->batch->len; i++) {
        struct ork_unit *u = &s->batch->units[i];
        int rc;
        s->bad_unit = i;
        if (!ork_groups_add(s, u, &rc, err)) {
            rc = ork_groups_flush(s, err);
            if (!rc)
                rc = ork_unit_apply(s, u, err);
        }
        if (!rc && one) {
            rc = ork_groups_flush(s, err);
            if (!rc)
                rc = ork_link_settle(&s->write, err);
        }
        if (rc)
            return rc;
        s->ring = s->ring || rings(u);
        s->news = s->news || is_news(u);
    }
    s->bad_unit = SIZE_MAX;
    return ork_groups_flush(s, err);
}

static void roll_back(struct ork_postgres *s)
{
    ork_err own;
    if (!ork_link_is_up(&s->write))
        return;
    (void)ork_link_sync(&s->write, &own);
    if (!ork_link_is_up(&s->write))
        return;
    int rc = queue_plain(s, ORK_S_rollback, &own);
    if (!rc)
        rc = ork_link_sync(&s->write, &own);
    if (rc)
        ork_link_drop(&s->write);
}

/* *sent: COMMIT is on its way, so a lost connection leaves a doubt. */
static int transaction(struct ork_postgres *s, bool one, bool *sent, ork_err *err)
{
    *sent = false;
    s->bad_unit = SIZE_MAX;
    s->ring = s->batch->ring;
    s->news = false;
    int rc = queue_plain(s, ORK_S_begin, err);
    if (!rc)
        rc = queue_fence(s, err);
    if (!rc && one)
        rc = ork_link_settle(&s->write, err);
    if (!rc)
        rc = ork_pg_lock_pools(s, err);
    if (!rc)
        rc = queue_units(s, one, err);
    if (!rc)
        rc = queue_rings(s, err);
    if (!rc && !one) {
        rc = queue_plain(s, ORK_S_commit, err);
        *sent = !rc;
    }
    if (!rc && *sent)
        rc = ork_link_sync(&s->write, err);
    if (rc || one)
        roll_back(s);
    return rc;
}

/* Which unit the server refuses: a second pass, which stores nothing. */
static int find_culprit(struct ork_postgres *s, ork_err *err)
{
    ork_err why = *err;
    bool sent;
    if (s->batch->len == 1) {
        s->bad_unit = 0;
        return why.code;
    }
    int rc = transaction(s, true, &sent, &why);
    if (rc == ORK_EDATA)
        *err = why;
    else if (!rc)
        return ork_err_set(err, ORK_EBUSY, "the database refused a value that it takes now");
    return rc == ORK_EDATA ? rc : ork_err_set(err, rc, "%s", why.msg);
}

/* Which batch it is, and whether a refused unit has left it since. Its bytes alone would not do: of a later one
 * pointers may be the same, while its outcomes are not filled in. */
static uint64_t hash_of(const struct ork_batch *b)
{
    return ork_hash64(b->units, b->len * sizeof *b->units, b->mark);
}

/* After the fence refused, or the answer was lost: *stored this very batch is in the database. */
static int ask_stand(struct ork_postgres *s, bool *live, bool *stored, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_owner_stand);
    ork_stmt_id(&st, &s->me);
    int rc = ork_stmt_alone(&st, err);
    *live = rc > 0 && ork_stmt_get_int(&st, 0, 0);
    *stored = rc > 0 && (uint64_t)ork_stmt_get_int(&st, 0, 1) == s->last_batch + 1;
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int fenced(struct ork_postgres *s, bool mine, ork_err *err)
{
    bool live = false, stored = false;
    int rc = ask_stand(s, &live, &stored, err);
    if (rc)
        return rc;
    if (mine && live && stored)
        return 0;
    s->fenced = true;
    return ork_err_set(err, ORK_EFENCED,
                       "another scheduler took over the runs of this one; nothing of this change was stored");
}

/* A COMMIT whose answer was lost, perhaps of an earlier batch. *done: of this one, and it is stored. */
static int resolve(struct ork_postgres *s, bool *done, ork_err *err)
{
    bool live, stored, mine = s->doubt_hash == hash_of(s->batch);
    *done = false;
    if (!s->doubt)
        return 0;
    int rc = ask_stand(s, &live, &stored, err);
    if (rc)
        return rc;
    s->doubt = false;
    if (stored && mine)
        *done = true; /* counted by the caller */
    else if (stored)
        s->last_batch++;
    return 0;
}

static bool may_repeat(int rc, int tries, bool sent)
{
    return (rc == ORK_EBUSY && tries < TRIES) || (rc == ORK_EIO && !sent && tries < 2);
}

static int attempt(struct ork_postgres *s, bool *sent, ork_err *err)
{
    bool done;
    *sent = false;
    int rc = ork_pg_session(s, err);
    if (!rc)
        rc = resolve(s, &done, err);
    if (rc || done)
        return rc;
    rc = transaction(s, false, sent, err);
    if (rc == ORK_EDATA && s->write.repeated && !s->careful && ork_link_is_up(&s->write)) {
        s->careful = true;
        rc = transaction(s, false, sent, err);
    }
    if (rc == ORK_EDATA && ork_link_is_up(&s->write)) {
        s->careful = true; /* a row that is there already is not what was refused */
        rc = find_culprit(s, err);
    }
    if (rc == ORK_EFENCED)
        rc = ork_link_is_up(&s->write) ? fenced(s, false, err) : rc;
    if (rc && ork_link_is_up(&s->write))
        *sent = false; /* the server has said so itself */
    if (rc == ORK_EIO)
        ork_link_drop(&s->write); /* it is going down, or its plans are void */
    return rc;
}

static int store(struct ork_postgres *s, ork_err *err)
{
    uint64_t start = uv_hrtime() / 1000000;
    for (int tries = 0;; tries++) {
        bool sent;
        int rc = attempt(s, &sent, err);
        if (rc == ORK_EIO && sent && ork_pg_registered(s)) {
            s->doubt = true;
            s->doubt_hash = hash_of(s->batch);
        }
        bool again = s->doubt ? rc && uv_hrtime() / 1000000 - start < DOUBT_MS && !s->stopping
                              : may_repeat(rc, tries, sent && ork_pg_registered(s));
        if (!rc || rc == ORK_EFENCED || rc == ORK_ECANCELLED || !again)
            return rc;
        if (rc == ORK_EBUSY && ork_link_is_up(&s->write) && ork_pg_registered(s))
            ork_pg_beat(s); /* what waited for others is no sign of life to them */
        if (tries > 0)
            (void)ork_link_wait(&s->write, 50 * (tries < 10 ? tries : 10));
    }
}

static int check_units(struct ork_postgres *s, ork_err *err)
{
    if (s->flags & ORK_OPEN_READ)
        return ork_err_set(err, ORK_EREADONLY, "%s was opened for reading only", s->shown);
    if (s->fenced)
        return ork_err_set(err, ORK_EFENCED,
                           "another scheduler took over the runs of this one; nothing of this change was stored");
    for (size_t i = 0; i < s->batch->len && !ork_pg_registered(s); i++) {
        s->bad_unit = i;
        if (needs_owner(s->batch->units[i].type))
            return ork_err_set(err, ORK_ESTATE, "only a registered scheduler may write this");
    }
    return 0;
}

void ork_pg_commit(struct ork_postgres *s)
{
    s->bad_unit = SIZE_MAX;
    s->careful = false;
    s->code = check_units(s, &s->err);
    if (!s->code)
        s->code = store(s, &s->err);
    if (s->code == ORK_ECANCELLED)
        s->code = s->err.code = ORK_EIO;
    if (s->code)
        return;
    s->beaten = uv_now(s->loop);
    if (ork_pg_registered(s))
        s->last_batch++;
}

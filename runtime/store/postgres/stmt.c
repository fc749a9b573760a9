/* SPDX-License-Identifier: MIT */
/* Statements on a connection in pipeline mode. Answers come in the order of the questions; each question is noted, so
 * that an answer finds whose it was. Rows come in binary form: the server's time zone and the style of its dates are
 * nobody's business.
 *
 * Law: what libpq has read is used up before the socket is waited for, and what it could not send is sent while waiting
 * for answers; else both sides wait for each other. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "store/postgres/postgres.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ORK_S_COUNT] = {
#define X(name) [ORK_Q_##name] = #name,
    ORK_QUERIES(X)
#undef X
#define X(name) [ORK_S_##name] = #name,
        ORK_STATEMENTS(X)
#undef X
};

const char *ork_pg_name(int which)
{
    return names[which];
}

/* The embedded table is sorted by path. */
const char *ork_pg_sql(const char *name)
{
    size_t lo = 0, hi = ork_embed_queries_postgres_len, n = strlen(name);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const char *path = ork_embed_queries_postgres[mid].path;
        int d = strncmp(path, name, n);
        if (d == 0)
            d = strcmp(path + n, ".sql");
        if (d == 0)
            return ork_embed_queries_postgres[mid].start;
        if (d < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* ---- binding ---- */

void ork_stmt_begin(struct ork_stmt *s, struct ork_link *l, int which)
{
    s->link = l;
    s->which = which;
    s->at = s->rc = 0;
    s->res = NULL;
    s->sql = NULL;
    memset(s->owned, 0, sizeof s->owned);
}

void ork_stmt_begin_sql(struct ork_stmt *s, struct ork_link *l, const char *sql)
{
    ork_stmt_begin(s, l, ORK_S_select);
    s->sql = sql;
}

static void put(struct ork_stmt *s, const char *value, size_t n, int format)
{
    assert(s->at < ORK_PARAMS);
    s->values[s->at] = value;
    s->lengths[s->at] = (int)n;
    s->formats[s->at++] = format;
}

void ork_stmt_null(struct ork_stmt *s)
{
    put(s, NULL, 0, 0);
}

void ork_stmt_int(struct ork_stmt *s, int64_t v)
{
    char *at = s->small[s->at];
    put(s, at, (size_t)snprintf(at, sizeof *s->small, "%" PRId64, v), 0);
}

void ork_stmt_real(struct ork_stmt *s, double v)
{
    char *at = s->small[s->at];
    put(s, at, (size_t)snprintf(at, sizeof *s->small, "%.17g", v), 0);
}

void ork_stmt_id(struct ork_stmt *s, const ork_id *id)
{
    if (ork_id_is_zero(id))
        ork_stmt_null(s);
    else
        ork_stmt_uuid(s, id);
}

void ork_stmt_uuid(struct ork_stmt *s, const ork_id *id)
{
    char *at = s->small[s->at];
    memcpy(at, id->b, sizeof id->b);
    put(s, at, sizeof id->b, 1);
}

void ork_stmt_time(struct ork_stmt *s, int64_t ms)
{
    char *at = s->small[s->at];
    if (!ms) {
        ork_stmt_null(s);
        return;
    }
    ork_time_format(ms, at);
    put(s, at, strlen(at), 0);
}

void ork_stmt_word(struct ork_stmt *s, const char *text)
{
    put(s, text, text ? strlen(text) : 0, 0);
}

static bool checked(struct ork_stmt *s, struct ork_text text)
{
    ork_err why;
    if (!text.p) {
        ork_stmt_null(s);
        return false;
    }
    if (!s->rc && ork_utf8_check(text.p, text.n, &why))
        s->rc =
            ork_err_set(&s->why, ORK_EDATA, "the database takes UTF-8 texts without NUL only: parameter %d of %s: %s",
                        s->at + 1, names[s->which], why.msg);
    if (s->rc)
        ork_stmt_null(s);
    return !s->rc;
}

void ork_stmt_text(struct ork_stmt *s, struct ork_text text)
{
    if (checked(s, text))
        put(s, text.p, text.n, 1); /* the binary form of a text is the text, which need not end with a NUL */
}

void ork_stmt_json(struct ork_stmt *s, struct ork_text text)
{
    if (!checked(s, text))
        return;
    char *copy = ork_alloc(text.n + 1);
    copy[0] = 1; /* the version of jsonb's binary form */
    memcpy(copy + 1, text.p, text.n);
    s->owned[s->at] = copy;
    put(s, copy, text.n + 1, 1);
}

void ork_stmt_any(struct ork_stmt *s, struct ork_text text)
{
    if (!checked(s, text))
        return;
    char *copy = ork_strndup(text.p, text.n);
    s->owned[s->at] = copy;
    put(s, copy, text.n, 0);
}

void ork_stmt_bytes(struct ork_stmt *s, const void *p, size_t n)
{
    put(s, p, n, 1);
}

/* ---- sending ---- */

static void note(struct ork_link *l, int which, bool prepare)
{
    if (l->head == l->len)
        l->head = l->len = 0;
    ork_grow((void **)&l->queue, &l->cap, l->len + 1, sizeof *l->queue);
    l->queue[l->len++] = (struct ork_pending){which, prepare};
    l->unsent = true;
}

static int prepare(struct ork_link *l, int which, ork_err *err)
{
    const char *sql = ork_pg_sql(names[which]);
    if (!sql)
        return ork_err_set(err, ORK_EDB, "this build lacks the statement %s", names[which]);
    if (!PQsendPrepare(l->pg, names[which], sql, 0, NULL))
        return ork_link_fail(l, NULL, names[which], err);
    l->prepared[which] = 1;
    note(l, which, true);
    return 0;
}

static void forget_copies(struct ork_stmt *s)
{
    for (int i = 0; i < s->at; i++)
        ork_free(s->owned[i]);
    memset(s->owned, 0, sizeof s->owned);
}

static int send_it(struct ork_stmt *s, ork_err *err)
{
    struct ork_link *l = s->link;
    if (s->rc)
        return ork_err_set(err, s->rc, "%s", s->why.msg);
    if (!l->pg)
        return ork_err_set(err, ORK_EIO, "%s: the connection was lost", l->store->shown);
    int rc = s->sql || l->prepared[s->which] ? 0 : prepare(l, s->which, err);
    if (rc)
        return rc;
    int sent = s->sql ? PQsendQueryParams(l->pg, s->sql, s->at, NULL, s->values, s->lengths, s->formats, 1)
                      : PQsendQueryPrepared(l->pg, names[s->which], s->at, s->values, s->lengths, s->formats, 1);
    if (!sent)
        return ork_link_fail(l, NULL, names[s->which], err);
    note(l, s->which, false);
    return 0;
}

int ork_stmt_queue(struct ork_stmt *s, ork_err *err)
{
    int rc = send_it(s, err);
    forget_copies(s);
    return rc;
}

/* ---- answers ---- */

static int read_more(struct ork_link *l, ork_err *err)
{
    while (PQisBusy(l->pg)) {
        int rc = ork_link_wait(l, l->patience_ms);
        if (rc == ORK_ECANCELLED)
            return ork_err_set(err, rc, "%s: the connection was given up", l->store->shown);
        if (rc == ORK_ETIMEDOUT)
            return ork_err_set(err, ORK_EIO, "%s cannot be reached: no answer for %d s", l->store->shown,
                               l->patience_ms / 1000);
        if (rc || !PQconsumeInput(l->pg))
            return ork_link_fail(l, NULL, NULL, err);
    }
    return 0;
}

/* The answer to the oldest question; its failure is an error, also one that only follows from an earlier one. */
static int next_answer(struct ork_link *l, PGresult **out, struct ork_pending *of, ork_err *err)
{
    *out = NULL;
    assert(l->head < l->len);
    int rc = read_more(l, err);
    if (rc)
        return rc;
    PGresult *res = PQgetResult(l->pg);
    if (!res)
        return ork_link_fail(l, NULL, NULL, err);
    *of = l->queue[l->head++];
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(res);
        return of->which < 0 ? 0 : ork_err_set(err, ORK_EDB, "the server's answers are out of order");
    }
    bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (of->prepare && !good)
        l->prepared[of->which] = 0;
    if (!good)
        rc = status == PGRES_PIPELINE_ABORTED ? ORK_EDB : ork_link_fail(l, res, names[of->which], err);
    if (status == PGRES_PIPELINE_ABORTED)
        (void)ork_err_set(err, ORK_EDB, "an earlier statement failed");
    if (rc == ORK_EFENCED && of->which != ORK_S_fence)
        rc = err->code = ORK_EDATA; /* a division by zero elsewhere */
    PGresult *end = NULL;
    ork_err lost;
    if (read_more(l, &lost)) {
        PQclear(res);
        return rc ? rc : ork_err_set(err, lost.code, "%s", lost.msg);
    }
    end = PQgetResult(l->pg); /* NULL: the end of this one */
    PQclear(end);
    *out = res;
    return rc;
}

/* Reads `until` answers are left; keeps the last one when it is good. */
static int read_answers(struct ork_link *l, size_t left, PGresult **last, ork_err *err)
{
    int first = 0;
    while (l->pg && l->len - l->head > left) {
        PGresult *res;
        struct ork_pending of = {0};
        ork_err why;
        int rc = next_answer(l, &res, &of, &why);
        if (rc && !first)
            first = ork_err_set(err, rc, "%s", why.msg);
        if (PQstatus(l->pg) != CONNECTION_OK || rc == ORK_ECANCELLED || (rc && !res && rc == ORK_EIO)) {
            PQclear(res);
            ork_link_drop(l);
            return first ? first : ork_err_set(err, ORK_EIO, "%s: the connection was lost", l->store->shown);
        }
        if (last && l->len - l->head == left && !first)
            *last = res;
        else
            PQclear(res);
    }
    return first;
}

int ork_stmt_ask(struct ork_stmt *s, ork_err *err)
{
    int rc = ork_stmt_queue(s, err);
    if (rc)
        return rc;
    if (!PQsendFlushRequest(s->link->pg))
        return ork_link_fail(s->link, NULL, names[s->which], err);
    rc = read_answers(s->link, 0, &s->res, err);
    return rc ? rc : PQntuples(s->res);
}

int ork_link_settle(struct ork_link *l, ork_err *err)
{
    if (!l->pg)
        return ork_err_set(err, ORK_EIO, "%s: the connection was lost", l->store->shown);
    if (!PQsendFlushRequest(l->pg))
        return ork_link_fail(l, NULL, NULL, err);
    return read_answers(l, 0, NULL, err);
}

int ork_link_sync(struct ork_link *l, ork_err *err)
{
    if (!l->pg)
        return ork_err_set(err, ORK_EIO, "%s: the connection was lost", l->store->shown);
    if (!PQpipelineSync(l->pg))
        return ork_link_fail(l, NULL, NULL, err);
    note(l, -1, false);
    return read_answers(l, 0, NULL, err);
}

static int finish_alone(struct ork_stmt *s, ork_err *err)
{
    int rc;
    if (!PQpipelineSync(s->link->pg))
        return ork_link_fail(s->link, NULL, names[s->which], err);
    note(s->link, -1, false);
    rc = read_answers(s->link, 1, &s->res, err);
    ork_err own;
    int end = s->link->pg ? read_answers(s->link, 0, NULL, rc ? &own : err) : rc;
    if (rc || end) {
        ork_stmt_end(s);
        return rc ? rc : end;
    }
    return PQntuples(s->res);
}

int ork_stmt_alone(struct ork_stmt *s, ork_err *err)
{
    int rc = ork_stmt_queue(s, err);
    return rc ? rc : finish_alone(s, err);
}

int ork_stmt_select(struct ork_stmt *s, struct ork_link *l, const char *sql, ork_err *err)
{
    ork_stmt_begin(s, l, ORK_S_select);
    if (!l->pg || !PQsendQueryParams(l->pg, sql, 0, NULL, NULL, NULL, NULL, 1))
        return ork_link_fail(l, NULL, "reading", err);
    note(l, ORK_S_select, false);
    return finish_alone(s, err);
}

/* Multi-statement texts go by the simple protocol, which pipeline mode has not. */
int ork_link_exec(struct ork_link *l, const char *sql, ork_err *err)
{
    if (!l->pg || !PQexitPipelineMode(l->pg))
        return ork_link_fail(l, NULL, NULL, err);
    int rc = PQsendQuery(l->pg, sql) ? 0 : ork_link_fail(l, NULL, NULL, err);
    l->unsent = true;
    while (!rc && !(rc = read_more(l, err))) {
        PGresult *res = PQgetResult(l->pg);
        if (!res)
            break;
        ExecStatusType status = PQresultStatus(res);
        int bad = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY
                      ? 0
                      : ork_link_fail(l, res, NULL, err);
        PQclear(res);
        while (bad && PQstatus(l->pg) == CONNECTION_OK && (res = PQgetResult(l->pg)))
            PQclear(res);
        rc = bad;
    }
    if (PQstatus(l->pg) != CONNECTION_OK || !PQenterPipelineMode(l->pg))
        ork_link_drop(l);
    return rc;
}

void ork_stmt_end(struct ork_stmt *s)
{
    PQclear(s->res);
    s->res = NULL;
}

/* ---- cells ---- */

bool ork_stmt_is_null(const struct ork_stmt *s, int row, int col)
{
    return PQgetisnull(s->res, row, col);
}

int64_t ork_pg_int(const char *p, int n)
{
    uint64_t v = n > 0 && (p[0] & 0x80) ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | (uint8_t)p[i];
    return (int64_t)v;
}

int64_t ork_stmt_get_int(const struct ork_stmt *s, int row, int col)
{
    return PQgetisnull(s->res, row, col) ? 0 : ork_pg_int(PQgetvalue(s->res, row, col), PQgetlength(s->res, row, col));
}

bool ork_stmt_get_id(const struct ork_stmt *s, int row, int col, ork_id *out)
{
    memset(out, 0, sizeof *out);
    if (PQgetisnull(s->res, row, col) || PQgetlength(s->res, row, col) != sizeof out->b)
        return false;
    memcpy(out->b, PQgetvalue(s->res, row, col), sizeof out->b);
    return true;
}

/* Microseconds since 2000 in binary form; never before the millisecond they are in. */
int64_t ork_pg_ms(int64_t us)
{
    int64_t ms = us / 1000 - (us % 1000 < 0);
    return ms + ORK_PG_EPOCH_MS;
}

int64_t ork_stmt_get_ms(const struct ork_stmt *s, int row, int col)
{
    return PQgetisnull(s->res, row, col) ? 0 : ork_pg_ms(ork_stmt_get_int(s, row, col));
}

const char *ork_stmt_get_text(const struct ork_stmt *s, int row, int col)
{
    return PQgetisnull(s->res, row, col) ? NULL : PQgetvalue(s->res, row, col);
}

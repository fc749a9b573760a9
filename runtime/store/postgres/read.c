/* SPDX-License-Identifier: MIT */
/* Reads run on connections of their own, as many at once as the pool allows, and wait in order when all are busy. A
 * read that finds its connection dead (the server was restarted meanwhile) is asked once more on a new one: reading
 * twice changes nothing. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <string.h>

struct ork_request {
    struct ork_request *next;
    enum ork_query q;
    ork_read_cb cb;
    void *data;
    int code;
    ork_err err;
    struct ork_rows *rows;
    size_t n;
    struct ork_param params[]; /* texts follow */
};
struct ork_reader {
    struct ork_reader *next;
    struct ork_link link;
    struct ork_co *co; /* owned */
    bool idle;
};

/* Lists of runs differ by the index that fits. */
static int statement_of(enum ork_query q, const struct ork_param *params, size_t n)
{
    if (q != ORK_Q_runs_list || n < 2)
        return (int)q;
    bool workflow = params[0].type != ORK_CELL_NULL, status = params[1].type != ORK_CELL_NULL;
    return workflow && status ? ORK_S_runs_list_of_both
           : workflow         ? ORK_S_runs_list_of_workflow
           : status           ? ORK_S_runs_list_of_status
                              : (int)q;
}

static void bind_param(struct ork_stmt *st, const struct ork_param *p)
{
    switch (p->type) {
    case ORK_CELL_INT:
        ork_stmt_int(st, p->i);
        break;
    case ORK_CELL_TEXT:
        ork_stmt_any(st, (struct ork_text){p->p, p->n});
        break;
    case ORK_CELL_BLOB: {
        ork_id id = {{0}};
        if (p->n == sizeof id.b)
            memcpy(id.b, p->p, sizeof id.b);
        ork_stmt_uuid(st, &id);
        break;
    }
    default:
        ork_stmt_null(st);
    }
}

static int ask(struct ork_link *l, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
               ork_err *err)
{
    struct ork_stmt st;
    if (n > ORK_PARAMS)
        return ork_err_set(err, ORK_EINVAL, "query %d does not take %zu parameters", (int)q, n);
    ork_stmt_begin(&st, l, statement_of(q, params, n));
    for (size_t i = 0; i < n; i++)
        bind_param(&st, &params[i]);
    int rc = ork_stmt_alone(&st, err);
    if (rc >= 0)
        *out = ork_pg_rows(st.res);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int ask_again(struct ork_link *l, enum ork_query q, const struct ork_param *params, size_t n,
                     struct ork_rows **out, ork_err *err)
{
    for (int tries = 0;; tries++) {
        bool was_up = ork_link_is_up(l);
        int rc = was_up ? 0 : ork_link_open(l, ORK_PG_CALL_MS, err);
        if (!rc)
            rc = ask(l, q, params, n, out, err);
        if (rc == ORK_EIO)
            ork_link_drop(l);
        if (rc != ORK_EIO || !was_up || tries)
            return rc;
    }
}

/* ---- blocking ---- */

int ork_pg_here(struct ork_postgres *s, ork_err *err)
{
    if (ork_link_is_up(&s->here)) {
        /* What came meanwhile, an end of the connection too. */
        if (PQconsumeInput(s->here.pg) && ork_link_is_up(&s->here))
            return 0;
        ork_link_drop(&s->here);
    }
    return ork_link_open(&s->here, ORK_PG_CALL_MS, err);
}

int ork_pg_query(ork_store *store, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
                 ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    ork_err own;
    return ask_again(&s->here, q, params, n, out, err ? err : &own);
}

/* ---- in the background ---- */

void ork_pg_read_deliver(struct ork_postgres *s)
{
    struct ork_request *r;
    while (!s->in_call && (r = s->answered)) {
        s->answered = r->next;
        s->reads--;
        r->cb(r->data, r->code, r->code ? &r->err : NULL, r->rows);
        ork_free(r);
    }
    ork_pg_close_step(s);
}

static void answer(struct ork_postgres *s, struct ork_request *r)
{
    struct ork_request **at = &s->answered;
    while (*at)
        at = &(*at)->next;
    r->next = NULL;
    *at = r;
}

static struct ork_request *next_request(struct ork_postgres *s)
{
    struct ork_request *r = s->requests;
    if (!r)
        return NULL;
    s->requests = r->next;
    if (!s->requests)
        s->requests_tail = &s->requests;
    return r;
}

static void reader_main(void *data)
{
    struct ork_reader *me = data;
    struct ork_postgres *s = me->link.store;
    while (!s->stopping) {
        struct ork_request *r = next_request(s);
        if (r) {
            r->code = ask_again(&me->link, r->q, r->params, r->n, &r->rows, &r->err);
            answer(s, r);
            continue;
        }
        me->idle = true;
        (void)ork_link_idle(&me->link, -1);
        me->idle = false;
        if (me->link.pg && (!PQconsumeInput(me->link.pg) || !ork_link_is_up(&me->link)))
            ork_link_drop(&me->link);
    }
    me->idle = true;
}

static void after(struct ork_link *l)
{
    struct ork_postgres *s = l->store;
    if (s->answered && s->in_call)
        ork_pg_soon(s);
    else if (s->answered)
        ork_pg_read_deliver(s);
}

static void wake_reader(struct ork_postgres *s)
{
    struct ork_reader *r;
    for (r = s->readers; r; r = r->next) {
        if (r->idle) {
            ork_link_wake(&r->link);
            return;
        }
    }
    unsigned most = s->pool_size > 5 ? s->pool_size - 4 : 1;
    if (s->reader_count >= most)
        return;
    r = ork_zalloc(sizeof *r);
    ork_link_init(&r->link, s, "read", false);
    r->link.after = after;
    r->next = s->readers;
    s->readers = r;
    s->reader_count++;
    r->co = ork_co_new(reader_main, r);
    ork_co_resume(r->co);
    if (s->answered)
        ork_pg_soon(s);
}

static struct ork_request *copy_request(enum ork_query q, const struct ork_param *params, size_t n)
{
    size_t texts = 0;
    for (size_t i = 0; i < n; i++)
        texts += params[i].type == ORK_CELL_TEXT || params[i].type == ORK_CELL_BLOB ? params[i].n : 0;
    struct ork_request *r = ork_zalloc(sizeof *r + n * sizeof *params + texts);
    char *at = (char *)(r->params + n);
    for (size_t i = 0; i < n; i++) {
        r->params[i] = params[i];
        if ((params[i].type == ORK_CELL_TEXT || params[i].type == ORK_CELL_BLOB) && params[i].p) {
            memcpy(at, params[i].p, params[i].n);
            r->params[i].p = at;
            at += params[i].n;
        }
    }
    r->q = q;
    r->n = n;
    return r;
}

void ork_pg_read(ork_store *store, enum ork_query q, const struct ork_param *params, size_t n, ork_read_cb cb,
                 void *data)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct ork_request *r = copy_request(q, params, n);
    bool outer = s->in_call;
    r->cb = cb;
    r->data = data;
    *s->requests_tail = r;
    s->requests_tail = &r->next;
    s->reads++;
    s->in_call = true;
    wake_reader(s);
    s->in_call = outer;
}

void ork_pg_readers_stop(struct ork_postgres *s)
{
    for (struct ork_reader *r = s->readers; r; r = r->next)
        ork_link_wake(&r->link);
}

void ork_pg_readers_free(struct ork_postgres *s)
{
    for (struct ork_reader *r = s->readers, *next; r; r = next) {
        next = r->next;
        ork_link_fini(&r->link);
        ork_co_free(r->co);
        ork_free(r);
    }
    s->readers = NULL;
}

/* SPDX-License-Identifier: MIT */
/* The idea is told in handlers.h. A handler is a question asked of a run that is kept aside: what it needs to be asked
 * (definition, folder), out of every table, so the run may be claimed, tried again and removed meanwhile. */
#include "engine/handlers.h"
#include "engine/engine.h"
#include <string.h>

#define MOST_FAILED 100       /* that a handler is told of */
#define MOST_LOGS 20          /* with the end of their logs */
#define LOG_BYTES 4096u       /* of each */
#define OUTPUT_MAX (1u << 20) /* of a task, told to its handler */

struct ork_whole { /* a run, and those that its tasks are: who waits for its end waits for the handlers of all */
    ork_id run;
    unsigned users;
    UT_hash_handle hh;
};
struct ork_aside {
    ork_id run;
    struct ork_active *a;    /* counted; in no table */
    struct ork_whole *whole; /* counted */
    unsigned users;
    UT_hash_handle hh;
};
struct ork_handler {
    ork_id id; /* of its row */
    struct ork_aside *aside;
    ork_engine *engine;
    const char *kind;
    uint32_t task; /* ORK_NO_TASK: of the workflow */
    unsigned tries;
    UT_hash_handle hh;
};
struct ork_handlers {
    struct ork_handler *all;  /* hash by id */
    struct ork_aside *asides; /* hash by run */
    struct ork_whole *wholes; /* hash by run */
};

static const char *const kinds[] = {"on_success", "on_failure", "on_cancel"};

static const char *known(const char *kind) /* the static text; NULL: no handler */
{
    for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i], kind) == 0)
            return kinds[i];
    }
    return NULL;
}

bool ork_handlers_is(const char *kind)
{
    return known(kind) != NULL;
}

char *ork_handlers_log(const struct ork_active *a)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_addf(&b, "%s/logs/%s/handlers.log", a->engine->data_dir, a->text);
    return ork_buf_steal(&b, NULL);
}

/* ---- owing ------------------------------------------------------------------------------------ */

static bool has(const json_t *list, const char *kind)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        if (json_is_string(v) && strcmp(json_string_value(v), kind) == 0)
            return true;
    }
    return false;
}

static bool wants(struct ork_active *a, uint32_t task, const char *kind)
{
    if (task == ORK_NO_TASK)
        return has(ork_workflow_limits(a->workflow)->handlers, kind);
    if (ork_run_is_item(&a->run, task) || !(ork_run_def(&a->run, task)->flags & ORK_TASK_HANDLERS))
        return false;
    json_t *params = ork_active_params(a, task);
    bool yes = has(json_object_get(params, "handlers"), kind);
    json_decref(params);
    return yes;
}

static const char *kind_of(const struct ork_active *a, uint32_t task)
{
    if (task == ORK_NO_TASK)
        return a->run.status == ORK_RUN_SUCCESS     ? kinds[0]
               : a->run.status == ORK_RUN_FAILED    ? kinds[1]
               : a->run.status == ORK_RUN_CANCELLED ? kinds[2]
                                                    : NULL;
    int status = a->run.tasks[task].status;
    return status == ORK_TASK_SUCCESS     ? kinds[0]
           : status == ORK_TASK_FAILED    ? kinds[1]
           : status == ORK_TASK_CANCELLED ? kinds[2]
                                          : NULL;
}

void ork_handlers_owe(struct ork_active *a, uint32_t task)
{
    ork_engine *e = a->engine;
    const char *kind = kind_of(a, task);
    char me[ORK_ID_TEXT], id[ORK_ID_TEXT];

    if (!kind || !wants(a, task, kind))
        return;
    struct ork_command_new *c = &ork_commit_unit(e, ORK_UNIT_COMMAND, a, true)->command;
    ork_id_format(&e->scheduler, me);
    char *by = ork_strdup(me);
    *c = (struct ork_command_new){
        .id = ork_id_new(&e->ids), .run_id = a->id, .kind = kind, .by = {by, strlen(by)}, .now_ms = ork_engine_now(e)};
    if (task != ORK_NO_TASK) {
        struct ork_buf name = ORK_BUF_INIT;
        ork_buf_json(&name, ork_active_name(a, task), strlen(ork_active_name(a, task)));
        c->args.n = name.len;
        c->args.p = ork_commit_text(e, ork_buf_steal(&name, NULL));
        ork_active_task_id(a, task, &c->task_id);
    }
    ork_id_format(&c->id, id);
    (void)ork_commit_text(e, by);
    struct ork_after *x = ork_commit_after(e, ORK_AFTER_OWED, a, task);
    x->error = ork_strdup(id);
    x->waits = ork_strdup(kind);
}

/* ---- what a handler is told ------------------------------------------------------------------- */

static void set(json_t *o, const char *key, const char *text)
{
    if (text)
        json_object_set_new(o, key, json_string(text));
}

static void set_parsed(json_t *o, const char *key, const char *text)
{
    json_t *v = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    if (v)
        json_object_set_new(o, key, v);
}

static void set_time(json_t *o, const char *key, const struct ork_rows *rows, const char *column)
{
    char text[32];
    int64_t ms = ork_rows_time(rows, 0, column);

    if (!ms)
        return;
    ork_time_format(ms, text);
    set(o, key, text);
}

/* The end of what a task wrote, as it is kept in its row. */
static void set_log(json_t *o, const char *logs)
{
    size_t n = logs ? strlen(logs) : 0, skip = n > LOG_BYTES ? n - LOG_BYTES : 0, len;

    while (skip && skip < n && ((unsigned char)logs[skip] & 0xC0) == 0x80)
        skip++;
    if (n == 0)
        return;
    char *clean = ork_utf8_clean(logs + skip, n - skip, &len);
    json_object_set_new(o, "log", json_stringn(clean, len));
    ork_free(clean);
}

static int tell_base(ork_engine *e, const ork_id *run, json_t *o, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    char id[ORK_ID_TEXT];
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, err);

    if (!rc && ork_rows_len(rows) == 0)
        rc = ork_err_set(err, ORK_ENOTFOUND, "the run is gone from the database");
    if (!rc) {
        ork_id_format(run, id);
        set(o, "id", id);
        set(o, "workflow", ork_rows_text(rows, 0, "workflow"));
        set(o, "status", ork_rows_text(rows, 0, "status"));
        set(o, "error", ork_rows_text(rows, 0, "error"));
        set_parsed(o, "params", ork_rows_text(rows, 0, "params"));
        set_time(o, "started_at", rows, "started_at");
        set_time(o, "finished_at", rows, "finished_at");
        set_time(o, "scheduled_for", rows, "scheduled_for");
    }
    ork_rows_free(rows);
    return rc;
}

/* One that failed, of the document `task`; item: its name has the number behind. */
static void tell_failed(ork_engine *e, const char *run, const char *of, const json_t *task, json_t *list)
{
    struct ork_rows *rows = NULL;
    const char *name = json_string_value(json_object_get(task, "name"));
    json_t *o = json_object();
    ork_err err;

    set(o, "task", of ? of : name);
    if (json_object_get(task, "item"))
        json_object_set(o, "item", json_object_get(task, "item"));
    json_object_set(o, "attempt", json_object_get(task, "attempt"));
    set(o, "error", json_string_value(json_object_get(task, "error")));
    if (name && json_array_size(list) < MOST_LOGS && ork_doc_open_task(e, run, name, &rows, NULL, &err) == 0)
        set_log(o, ork_rows_text(rows, 0, "logs"));
    ork_rows_free(rows);
    json_array_append_new(list, o);
}

static json_t *parsed(int rc, struct ork_buf *b) /* a list; the buffer goes */
{
    json_t *list = rc ? NULL : json_loadb(b->data, b->len, 0, NULL);

    ork_buf_fini(b);
    return list ? list : json_array();
}

static int tell_run(ork_engine *e, const ork_id *run, json_t *o, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    char id[ORK_ID_TEXT];
    const json_t *task, *item;
    size_t i, k;
    int rc = tell_base(e, run, o, err);

    if (rc)
        return rc;
    ork_id_format(run, id);
    rc = ork_doc_tasks(e, run, "failed", -1, MOST_FAILED, &b, err);
    json_t *failed = parsed(rc, &b), *list = json_array();
    json_array_foreach(failed, i, task)
    {
        const char *name = json_string_value(json_object_get(task, "name"));
        int64_t left = MOST_FAILED - (int64_t)json_array_size(list);
        if (left <= 0)
            break;
        if (!json_object_get(task, "items")) {
            tell_failed(e, id, NULL, task, list);
            continue;
        }
        struct ork_buf of = ORK_BUF_INIT;
        json_t *items = parsed(ork_doc_items_page(e, run, name, "failed", -1, left, &of, err), &of);
        json_array_foreach(items, k, item) tell_failed(e, id, name, item, list);
        if (json_array_size(items) == 0) /* it failed before it had any */
            tell_failed(e, id, NULL, task, list);
        json_decref(items);
    }
    json_decref(failed);
    json_object_set_new(o, "failed", list);
    return rc;
}

static int tell_task(struct ork_active *a, uint32_t task, json_t *o, ork_err *err)
{
    struct ork_rows *rows = NULL, *attempts = NULL;
    json_t *run = json_object();
    int rc = tell_base(a->engine, &a->id, run, err);

    if (!rc)
        rc = ork_doc_open_task(a->engine, a->text, ork_active_name(a, task), &rows, &attempts, err);
    if (!rc) {
        const char *output = ork_rows_text(rows, 0, "output");
        size_t n = ork_rows_len(attempts);
        set(o, "name", ork_rows_text(rows, 0, "task_name"));
        set(o, "status", ork_rows_text(rows, 0, "status"));
        set(o, "error", ork_rows_text(rows, 0, "error"));
        set(o, "kind", ork_rows_text(rows, 0, "kind"));
        json_object_set_new(o, "attempt", json_integer(ork_rows_int(rows, 0, "attempt", 0)));
        if (n && ork_rows_int(attempts, n - 1, "exit_code", -1) >= 0)
            json_object_set_new(o, "exit_code", json_integer(ork_rows_int(attempts, n - 1, "exit_code", -1)));
        if (output && strlen(output) <= OUTPUT_MAX)
            set_parsed(o, "output", output);
        set_log(o, ork_rows_text(rows, 0, "logs"));
        json_object_set(o, "run", run);
    }
    json_decref(run);
    ork_rows_free(rows);
    ork_rows_free(attempts);
    return rc;
}

static int tell(struct ork_handler *h, char **text, size_t *len, ork_err *err)
{
    struct ork_active *a = h->aside->a;
    json_t *o = json_object();
    int rc = h->task == ORK_NO_TASK ? tell_run(a->engine, &a->id, o, err) : tell_task(a, h->task, o, err);

    if (!rc)
        rc = ork_json_text(o, text, len, err);
    json_decref(o);
    return rc;
}

/* ---- calling ---------------------------------------------------------------------------------- */

static struct ork_whole *whole_of(struct ork_active *a)
{
    struct ork_handlers *hs = a->engine->handlers;
    struct ork_whole *w = NULL;
    uint32_t task;

    while (!ork_id_is_zero(&a->parent_task) && ork_active_by_task(a->engine, &a->parent_task, &a, &task) == 0)
        ;
    HASH_FIND(hh, hs->wholes, &a->id, sizeof(a->id), w);
    if (!w) {
        w = ork_zalloc(sizeof(*w));
        w->run = a->id;
        HASH_ADD(hh, hs->wholes, run, sizeof(w->run), w);
    }
    w->users++;
    return w;
}

static struct ork_aside *aside_of(struct ork_active *a)
{
    struct ork_handlers *hs = a->engine->handlers;
    struct ork_aside *s = NULL;

    HASH_FIND(hh, hs->asides, &a->id, sizeof(a->id), s);
    if (!s) {
        s = ork_zalloc(sizeof(*s));
        s->run = a->id;
        s->a = ork_active_aside(a);
        s->whole = whole_of(a);
        HASH_ADD(hh, hs->asides, run, sizeof(s->run), s);
    }
    s->users++;
    return s;
}

static void forget(struct ork_handler *h)
{
    struct ork_handlers *hs = h->engine->handlers;
    struct ork_aside *s = h->aside;

    HASH_DEL(hs->all, h);
    ork_free(h);
    if (--s->users == 0) {
        HASH_DEL(hs->asides, s);
        if (--s->whole->users == 0) {
            HASH_DEL(hs->wholes, s->whole);
            ork_free(s->whole);
        }
        ork_active_drop(s->a);
        ork_free(s);
    }
}

static void on_stored(void *data, int code, const ork_err *err)
{
    struct ork_handler *h = data;
    ork_engine *e = h->engine;

    (void)code;
    (void)err;
    forget(h);
    ork_command_look(e);      /* a run that was claimed for this is let go */
    ork_inline_wake(e, NULL); /* whoever waits for the run looks again */
}

static void finish(struct ork_handler *h, const char *error)
{
    ork_engine *e = h->engine;
    struct ork_buf outcome = ORK_BUF_INIT;
    size_t n;

    if (error) {
        ork_buf_addf(&outcome, "failed: %s", error);
        ork_log_warn(&e->log, "a handler failed run=%s handler=%s%s%s error=%s", h->aside->a->text, h->kind,
                     h->task == ORK_NO_TASK ? "" : " task=",
                     h->task == ORK_NO_TASK ? "" : ork_active_name(h->aside->a, h->task), ORK_LOG_VALUE(error));
    } else {
        ork_buf_adds(&outcome, "done");
    }
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_COMMAND_DONE, NULL, true);
    char *text = ork_buf_steal(&outcome, &n);
    u->done = (struct ork_command_done){.id = h->id, .now_ms = ork_engine_now(e), .outcome = {text, n}};
    (void)ork_commit_text(e, text);
    ork_commit_answer(e, on_stored, h);
}

static void ask(struct ork_handler *h);

static void on_answer(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer)
{
    struct ork_handler *h = answer->data;

    (void)a;
    (void)task;
    (void)attempt;
    if (answer->error && answer->kind == ORK_KIND_LOST && ++h->tries < ORK_HANDLER_TRIES)
        ask(h);
    else
        finish(h, answer->error);
}

static void ask(struct ork_handler *h)
{
    struct ork_active *a = h->aside->a;
    char *text = NULL;
    size_t len = 0;
    ork_err err = {0};
    int rc = ork_active_files(a, &err);

    if (!rc)
        rc = tell(h, &text, &len, &err);
    if (rc) {
        finish(h, err.msg);
        return;
    }
    ork_question_ask(
        a, h->task, 0,
        &(struct ork_ask){
            .option = h->kind, .input = text, .input_len = len, .cb = on_answer, .data = h, .alone = h->tries > 0});
}

void ork_handlers_begin(struct ork_active *a, const ork_id *command, const char *kind, uint32_t task)
{
    ork_engine *e = a->engine;
    struct ork_handler *h = NULL;
    ork_err err;

    if (!e->handlers)
        e->handlers = ork_zalloc(sizeof(*e->handlers));
    HASH_FIND(hh, e->handlers->all, command, sizeof(*command), h);
    if (h || e->closing || e->ending || ork_question_may(a, &err) != 0) /* owed to who has the function */
        return;
    h = ork_zalloc(sizeof(*h));
    *h = (struct ork_handler){.id = *command, .engine = e, .kind = known(kind), .task = task};
    h->aside = aside_of(a);
    HASH_ADD(hh, e->handlers->all, id, sizeof(h->id), h);
    ask(h);
}

/* ---- those that another program owed ---------------------------------------------------------- */

/* Is it owed by another program that lives? Then we hear of its death. */
static bool is_in_hands(ork_engine *e, const struct ork_rows *rows, size_t i)
{
    const char *by = ork_rows_text(rows, i, "by");
    ork_id who;
    ork_err err;

    if (!by || ork_id_parse(by, strlen(by), &who) != 0 || ork_id_eq(&who, &e->scheduler) ||
        !ork_store_owner_alive(e->store, &who))
        return false;
    if (e->serve.on && ork_engine_watch_owner(e, &who, &err) != 0)
        ork_log_warn(&e->log, "%s; what that ork leaves is noticed late", err.msg);
    return true;
}

bool ork_handlers_left(ork_engine *e, const struct ork_rows *rows, size_t i)
{
    const char *by = ork_rows_text(rows, i, "by");
    ork_id who;

    return ork_handlers_is(ork_rows_text(rows, i, "kind")) && !is_in_hands(e, rows, i) &&
           !(by && ork_id_parse(by, strlen(by), &who) == 0 && ork_id_eq(&who, &e->scheduler));
}

void ork_handlers_take(struct ork_active *a, const struct ork_rows *rows, size_t i)
{
    uint32_t task = ORK_NO_TASK;
    ork_id id, of;

    if (!ork_rows_id(rows, i, "id", &id) || is_in_hands(a->engine, rows, i))
        return;
    if (ork_rows_id(rows, i, "task_id", &of)) {
        for (task = 0; task < a->run.n; task++) {
            ork_id mine;
            ork_active_task_id(a, task, &mine);
            if (ork_id_eq(&mine, &of))
                break;
        }
        if (task == a->run.n)
            task = ORK_NO_TASK; /* zero: of the workflow */
    }
    ork_handlers_begin(a, &id, ork_rows_text(rows, i, "kind"), task);
}

bool ork_handlers_free(ork_engine *e, const struct ork_rows *rows, size_t i)
{
    const char *kind = ork_rows_text(rows, i, "kind"), *by = ork_rows_text(rows, i, "by");
    ork_id who, owner;

    if (ork_rows_id(rows, i, "scheduler_id", &owner) &&
        (ork_id_eq(&owner, &e->scheduler) || ork_store_owner_alive(e->store, &owner)))
        return false; /* it is in somebody's hands, who looks at its wishes */
    if (!ork_handlers_is(kind))
        return true;
    bool mine = by && ork_id_parse(by, strlen(by), &who) == 0 && ork_id_eq(&who, &e->scheduler);
    return !mine && !is_in_hands(e, rows, i);
}

int ork_run_owed_json(ork_engine *e, const char *run_id, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    ork_id run, before = {0};
    int rc = ork_doc_parse_run(run_id, &run, err);

    if (!rc)
        rc = ork_store_query(e->store, ORK_Q_owed_within, (struct ork_param[]){ORK_P_ID(&run)}, 1, &rows, err);
    ork_buf_addc(&b, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        char id[ORK_ID_TEXT];
        if (!ork_rows_id(rows, i, "run_id", &run) || ork_id_eq(&run, &before) || is_in_hands(e, rows, i))
            continue;
        before = run;
        ork_id_format(&run, id);
        ork_buf_addf(&b, "%s\"%s\"", b.len > 1 ? "," : "", id);
    }
    ork_buf_addc(&b, ']');
    ork_rows_free(rows);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

/* ---- the whole -------------------------------------------------------------------------------- */

bool ork_handlers_busy(ork_engine *e, const ork_id *run)
{
    struct ork_aside *s = NULL;
    struct ork_whole *w = NULL;

    if (!e->handlers)
        return false;
    HASH_FIND(hh, e->handlers->asides, run, sizeof(*run), s);
    if (!s)
        HASH_FIND(hh, e->handlers->wholes, run, sizeof(*run), w);
    return s || w;
}

bool ork_handlers_any(const ork_engine *e)
{
    return e->handlers && e->handlers->all;
}

void ork_handlers_leave(ork_engine *e)
{
    for (struct ork_aside *s = e->handlers ? e->handlers->asides : NULL; s; s = s->hh.next)
        ork_question_leave(s->a);
}

void ork_handlers_fini(ork_engine *e)
{
    struct ork_handler *h, *tmp;

    if (!e->handlers)
        return;
    HASH_ITER(hh, e->handlers->all, h, tmp)
    forget(h);
    ork_free(e->handlers);
    e->handlers = NULL;
}

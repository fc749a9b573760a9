/* SPDX-License-Identifier: MIT */
/* rows store|bare URL SQL BATCHES: rows written to PostgreSQL by Ork's store, or by a bare loop over libpq that sends
 * the same statements (read from the folder SQL) with parameters that were made before the clock starts. Batches are
 * those of the engine, 2,000 rows each: tasks inserted, then dispatched (task and attempt), then ended (the same, with
 * output and the tail of the log). Prints the rows and the ns of the batches; each run wants a database of its own. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/state.h"
#include "core/workflow.h"
#include "store/postgres/array.h"
#include "store/store.h"
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 2000
#define NOW 1767225600000
#define TEXT(s) ((struct ork_text){(s), sizeof(s) - 1})

static const char output[] = "{\"rows\":12345,\"file\":\"/data/2026-01-01/part.csv\"}";
static const char tail[] = "reading /data/2026-01-01/part.csv\nread 12345 rows\nwritten\n";

static struct world {
    uv_loop_t loop;
    ork_store *store;
    ork_id me;
    uint64_t seq;
    ork_workflow *workflow;
    struct ork_new_run run;
    uint32_t tasks;
} x;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "rows: %s: %s\n", what, why);
    exit(1);
}

static double ns_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- the store's side ---- */

static void on_applied(void *data, int code, const ork_err *err, size_t bad)
{
    (void)bad;
    if (code)
        die("a batch", err->msg);
    *(bool *)data = true;
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

static void apply(struct ork_batch *b)
{
    bool done = false;
    ork_store_apply(x.store, b, on_applied, &done);
    while (!done)
        uv_run(&x.loop, UV_RUN_ONCE);
    ork_batch_clear(b);
}

static void define(uint32_t n)
{
    static const char params[] = "{\"command\":[\"/bin/true\"]}";
    struct ork_task_spec spec = {.params = params, .params_len = sizeof params - 1, .max_lost = 3, .pool_slots = 1};
    char name[16];
    ork_err err;
    if (ork_workflow_new("rows", &x.workflow, &err) < 0)
        die("workflow", err.msg);
    spec.name = name;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t no;
        spec.name_len = (size_t)snprintf(name, sizeof name, "t%u", i);
        if (ork_workflow_add(x.workflow, &spec, &no, &err) < 0)
            die("task", err.msg);
    }
    if (ork_workflow_seal(x.workflow, NULL, NULL))
        die("workflow", "it is refused");
}

static void prepare(const char *url, uint32_t n)
{
    static const struct ork_log log = {"rows", ORK_LOG_WARN, NULL, NULL};
    static struct ork_idgen ids;
    struct ork_batch b = {0};
    ork_err err;
    (void)uv_loop_init(&x.loop);
    struct ork_store_opts o = {&x.loop, &ork_clock_system, &log, ORK_OPEN_CREATE};
    if (ork_store_open(url, &o, &x.store, &err) || ork_store_register(x.store, "bench", NULL, &x.me, &x.seq, &err))
        die(url, err.msg);
    define(x.tasks = n);
    ork_idgen_init(&ids, &ork_clock_system);
    x.run = (struct ork_new_run){.id = ork_id_new(&ids),
                                 .workflow = x.workflow,
                                 .hash = TEXT("0000"),
                                 .tasks_json = TEXT("[]"),
                                 .options_json = TEXT("{}"),
                                 .source_json = TEXT("{}"),
                                 .params = TEXT("{}"),
                                 .triggered_by = TEXT("manual"),
                                 .now_ms = NOW,
                                 .logical_ms = NOW,
                                 .tasks_total = n};
    x.run.workflow_id = ork_id_new(&ids);
    x.run.snapshot_id = ork_id_new(&ids);
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &x.run;
    apply(&b);
    ork_batch_fini(&b);
}

static struct ork_task_put task_of(uint32_t no, bool ended)
{
    struct ork_task_put t = {
        .status = ended ? ORK_TASK_SUCCESS : ORK_TASK_DISPATCHED, .attempt = 1, .dispatched_ms = NOW};
    ork_task_id(&x.run.run_id, no, &t.id);
    if (ended) {
        t.started_ms = NOW + 1;
        t.finished_ms = NOW + 2;
        t.output = TEXT(output);
        t.logs = TEXT(tail);
        t.set_output = t.set_logs = true;
    }
    return t;
}

static struct ork_attempt_put attempt_of(const ork_id *task, bool ended)
{
    return (struct ork_attempt_put){.task_id = *task,
                                    .agent_id = x.me,
                                    .attempt = 1,
                                    .status = ended ? ORK_TASK_SUCCESS : ORK_TASK_DISPATCHED,
                                    .exit_code = ended ? 0 : -1,
                                    .host = TEXT("bench"),
                                    .snapshot_id = x.run.snapshot_id,
                                    .log_path = TEXT("/var/lib/ork/logs/run/12345.1.log"),
                                    .log_bytes = ended ? 60 : -1,
                                    .started_ms = ended ? NOW + 1 : 0,
                                    .finished_ms = ended ? NOW + 2 : 0,
                                    .user_ms = ended ? 1 : -1,
                                    .system_ms = ended ? 1 : -1,
                                    .max_rss_kb = ended ? 2000 : 0};
}

static size_t by_store(void)
{
    struct ork_batch b = {0};
    size_t rows = 0;
    for (uint32_t first = 0; first < x.tasks; first += BATCH, rows += BATCH) {
        ork_batch_add(&b, ORK_UNIT_TASKS)->tasks =
            (struct ork_tasks_insert){x.run.run_id, x.workflow, first, BATCH, NOW};
        apply(&b);
    }
    for (int ended = 0; ended < 2; ended++)
        for (uint32_t first = 0; first < x.tasks; first += BATCH / 2, rows += BATCH) {
            for (uint32_t i = first; i < first + BATCH / 2; i++) {
                struct ork_task_put t = task_of(i, ended);
                ork_batch_add(&b, ORK_UNIT_TASK)->task = t;
                ork_batch_add(&b, ORK_UNIT_ATTEMPT)->attempt = attempt_of(&t.id, ended);
            }
            apply(&b);
        }
    ork_batch_fini(&b);
    return rows;
}

/* ---- the bare side ---- */

#define COLUMNS 18
enum { INSERT, PUT, FINISH, ATTEMPT, KINDS };
/* clang-format off */
static const struct { const char *name, *types; } forms[KINDS] = {
    [INSERT] = {"tasks_add", "uuitttjiititz"},
    [PUT] = {"task_put", "utiiittt" "zzzz"},
    [FINISH] = {"task_finish", "utiiittt" "zzzz" "ojot"},
    [ATTEMPT] = {"attempt_put", "uittiittututbzzbbb"},
};
/* clang-format on */
struct rows {
    int kind;
    struct ork_array columns[COLUMNS];
};

static void clear(struct rows *r, int kind)
{
    static const char letters[] = "uitjbzo";
    static const int types[] = {ORK_PG_UUID, ORK_PG_INT4, ORK_PG_TEXT, ORK_PG_JSONB,
                                ORK_PG_INT8, ORK_PG_TIME, ORK_PG_BOOL};
    r->kind = kind;
    for (int i = 0; forms[kind].types[i]; i++)
        ork_array_clear(&r->columns[i], types[strchr(letters, forms[kind].types[i]) - letters]);
}

static void word(struct ork_array *a, struct ork_text t)
{
    ork_array_word(a, t.p, t.n);
}

static void number(struct ork_array *a, int64_t v, int64_t least)
{
    if (v >= least)
        ork_array_int(a, v);
    else
        ork_array_null(a);
}

static void add_new(struct rows *r, uint32_t no)
{
    struct ork_array *c = r->columns;
    char name[16];
    ork_id id;
    ork_task_id(&x.run.run_id, no, &id);
    ork_array_id(c++, &id);
    ork_array_id(c++, &x.run.run_id);
    ork_array_int(c++, no);
    ork_array_word(c++, name, (size_t)snprintf(name, sizeof name, "t%u", no));
    word(c++, TEXT("process"));
    word(c++, TEXT("{}"));
    word(c++, TEXT("{\"command\":[\"/bin/true\"]}"));
    ork_array_int(c++, 0);
    ork_array_null(c++);
    ork_array_null(c++);
    ork_array_int(c++, 0);
    ork_array_null(c++);
    ork_array_time(c, NOW);
}

static void add_task(struct rows *r, const struct ork_task_put *t)
{
    struct ork_array *c = r->columns;
    const char *status = ork_task_status_name(t->status);
    ork_array_id(c++, &t->id);
    ork_array_word(c++, status, strlen(status));
    for (int i = 0; i < 3; i++)
        ork_array_int(c++, i == 0 ? t->attempt : 0);
    for (int i = 0; i < 3; i++)
        ork_array_null(c++);
    ork_array_time(c++, t->dispatched_ms);
    ork_array_time(c++, t->started_ms);
    ork_array_time(c++, t->finished_ms);
    ork_array_null(c++);
    if (r->kind == PUT)
        return;
    ork_array_bool(c++, true);
    word(c++, t->output);
    ork_array_bool(c++, true);
    word(c, t->logs);
}

static void add_attempt(struct rows *r, const struct ork_attempt_put *a)
{
    struct ork_array *c = r->columns;
    const char *status = ork_task_status_name(a->status);
    ork_array_id(c++, &a->task_id);
    ork_array_int(c++, a->attempt);
    ork_array_word(c++, status, strlen(status));
    ork_array_null(c++);
    number(c++, a->exit_code, 0);
    for (int i = 0; i < 3; i++)
        ork_array_null(c++);
    ork_array_id(c++, &a->agent_id);
    word(c++, a->host);
    ork_array_id(c++, &a->snapshot_id);
    word(c++, a->log_path);
    number(c++, a->log_bytes, 0);
    ork_array_time(c++, a->started_ms);
    ork_array_time(c++, a->finished_ms);
    number(c++, a->user_ms, 0);
    number(c++, a->system_ms, 0);
    number(c, a->max_rss_kb, 1);
}

/* Two statements for each batch of changes, one for each of new rows; kind -1: none. */
struct pair {
    struct rows of[2];
};

static struct pair *encode(size_t *n)
{
    size_t inserts = x.tasks / BATCH, changes = x.tasks / (BATCH / 2);
    struct pair *all = ork_zalloc((inserts + 2 * changes) * sizeof *all), *p = all;
    for (size_t b = 0; b < inserts; b++, p++) {
        clear(&p->of[0], INSERT);
        p->of[1].kind = -1;
        for (uint32_t i = 0; i < BATCH; i++)
            add_new(&p->of[0], (uint32_t)b * BATCH + i);
    }
    for (int ended = 0; ended < 2; ended++)
        for (size_t b = 0; b < changes; b++, p++) {
            clear(&p->of[0], ended ? FINISH : PUT);
            clear(&p->of[1], ATTEMPT);
            for (uint32_t i = 0; i < BATCH / 2; i++) {
                struct ork_task_put t = task_of((uint32_t)b * (BATCH / 2) + i, ended);
                struct ork_attempt_put a = attempt_of(&t.id, ended);
                add_task(&p->of[0], &t);
                add_attempt(&p->of[1], &a);
            }
        }
    *n = (size_t)(p - all);
    return all;
}

static char *read_sql(const char *folder, const char *name)
{
    char path[512], *text = ork_zalloc(1 << 16);
    (void)snprintf(path, sizeof path, "%s/%s.sql", folder, name);
    FILE *f = fopen(path, "r");
    if (!f || fread(text, 1, (1 << 16) - 1, f) == 0)
        die(path, "it cannot be read");
    (void)fclose(f);
    return text;
}

static PGconn *connect_bare(const char *url, const char *folder)
{
    static const char *const names[] = {"begin",    "commit",      "fence",      "tasks_add",
                                        "task_put", "task_finish", "attempt_put"};
    PGconn *c = PQconnectdb(url);
    char *settings = read_sql(folder, "settings");
    const char *values[] = {"true", "bench"};
    PGresult *r = PQexecParams(c, settings, 2, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        die(url, PQerrorMessage(c));
    PQclear(r);
    ork_free(settings);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *sql = read_sql(folder, names[i]);
        PQclear(PQprepare(c, names[i], sql, 0, NULL));
        ork_free(sql);
    }
    if (!PQenterPipelineMode(c))
        die(url, PQerrorMessage(c));
    return c;
}

static void send_rows(PGconn *c, struct rows *r)
{
    const char *values[COLUMNS];
    int lengths[COLUMNS], formats[COLUMNS], n = 0;
    for (; forms[r->kind].types[n]; n++) {
        struct ork_text a = ork_array_finish(&r->columns[n]);
        values[n] = a.p;
        lengths[n] = (int)a.n;
        formats[n] = 1;
    }
    (void)PQsendQueryPrepared(c, forms[r->kind].name, n, values, lengths, formats, 1);
}

static void batch_bare(PGconn *c, size_t no, struct pair *p)
{
    char number_text[24], seq[24], me[ORK_ID_TEXT];
    const char *fence[] = {number_text, seq, me};
    PGresult *r;
    (void)snprintf(number_text, sizeof number_text, "%zu", no);
    (void)snprintf(seq, sizeof seq, "%" PRIu64, x.seq);
    ork_id_format(&x.me, me);
    (void)PQsendQueryPrepared(c, "begin", 0, NULL, NULL, NULL, 1);
    (void)PQsendQueryPrepared(c, "fence", 3, fence, NULL, NULL, 1);
    for (int i = 0; i < 2; i++)
        if (p->of[i].kind >= 0)
            send_rows(c, &p->of[i]);
    (void)PQsendQueryPrepared(c, "commit", 0, NULL, NULL, NULL, 1);
    (void)PQpipelineSync(c);
    for (bool over = false; !over;) {
        r = PQgetResult(c);
        ExecStatusType status = PQresultStatus(r);
        over = status == PGRES_PIPELINE_SYNC;
        if (r && !over && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
            die("a batch", PQerrorMessage(c));
        PQclear(r);
    }
}

static size_t by_libpq(PGconn *c, struct pair *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        batch_bare(c, i + 2, &all[i]); /* the run was batch 1 */
    return n * BATCH;
}

int main(int argc, char **argv)
{
    size_t rows, n = 0;
    bool bare = argc == 5 && strcmp(argv[1], "bare") == 0, closed = false;
    if (argc != 5)
        return 2;
    prepare(argv[2], (uint32_t)strtoul(argv[4], NULL, 10) * BATCH);
    struct pair *all = bare ? encode(&n) : NULL;
    PGconn *c = bare ? connect_bare(argv[2], argv[3]) : NULL;
    double began = ns_now();
    rows = bare ? by_libpq(c, all, n) : by_store();
    printf("%zu %.0f\n", rows, ns_now() - began);
    PQfinish(c);
    if (bare)
        return 0; /* the store's own count of its batches is of the past */
    ork_store_close(x.store, on_closed, &closed);
    while (!closed)
        uv_run(&x.loop, UV_RUN_ONCE);
    return 0;
}

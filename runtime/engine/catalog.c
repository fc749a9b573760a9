/* SPDX-License-Identifier: MIT */
/* Definitions that stay in the database: applied, listed, opened, gone back to. Which version is current and which
 * number comes next is decided by the store inside one commit (store/sqlite/apply.c); here definitions become what it
 * stores, and its answers documents. */
#include "engine/catalog.h"
#include "base/path.h"
#include "core/due.h"
#include <string.h>
#include <unistd.h>

#define MOST_NAMED 1000 /* workflows that a suggestion is picked from */

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

/* ---- finding ---- */

static int workflows(ork_engine *e, const char *name, bool applied, const char *after, int64_t limit,
                     struct ork_rows **rows, ork_err *err)
{
    struct ork_param p[] = {ORK_P_TEXT(name), ORK_P_INT(applied), ORK_P_TEXT(after), ORK_P_INT(limit)};

    return ork_store_query(e->store, ORK_Q_workflows_list, p, 4, rows, err);
}

static int unknown(ork_engine *e, const char *name, ork_err *err)
{
    struct ork_rows *rows = NULL;
    const char *names[MOST_NAMED + 1] = {NULL};
    int rc = workflows(e, NULL, false, NULL, MOST_NAMED, &rows, err);

    if (rc)
        return rc;
    size_t n = ork_rows_len(rows);
    for (size_t i = 0; i < n; i++)
        names[i] = ork_rows_text(rows, i, "name");
    const char *near = ork_suggest(name, names);
    if (n == 0)
        rc = ork_err_set(err, ORK_ENOTFOUND,
                         "no workflow `%s`: this database has none yet; `ork apply SCRIPT` makes some", name);
    else
        rc = ork_err_set(err, ORK_ENOTFOUND,
                         near ? "no workflow `%s`; did you mean `%s`?" : "no workflow `%s`; `ork workflows` lists them",
                         name, near);
    ork_rows_free(rows);
    return rc;
}

int ork_catalog_find(ork_engine *e, const char *name, ork_id *id, ork_err *err)
{
    struct ork_rows *rows = NULL;
    int rc = workflows(e, name, false, NULL, 1, &rows, err);

    if (rc)
        return rc;
    if (ork_rows_len(rows) == 0 || !ork_rows_id(rows, 0, "id", id))
        rc = unknown(e, name, err);
    ork_rows_free(rows);
    return rc;
}

/* "1, 2, 3 and 5"; of many the newest. */
static void list_numbers(const struct ork_rows *rows, struct ork_buf *b)
{
    size_t n = ork_rows_len(rows), shown = n < 10 ? n : 10;

    ork_buf_adds(b, n > shown ? "…, " : "");
    for (size_t i = shown; i-- > 0;)
        ork_buf_addf(b, "%lld%s", (long long)ork_rows_int(rows, i, "version", 0), i > 1 ? ", " : i == 1 ? " and " : "");
}

/* Why there is no such version of a name, or none that is current. */
static int no_version(ork_engine *e, const char *name, uint32_t version, ork_err *err)
{
    struct ork_rows *rows = NULL, *known = NULL;
    struct ork_param p[] = {ORK_P_TEXT(name)};
    struct ork_buf b = ORK_BUF_INIT;
    ork_id id;
    int rc = ork_catalog_find(e, name, &id, err);

    if (!rc)
        rc = ork_store_query(e->store, ORK_Q_versions_list, p, 1, &rows, err);
    if (!rc)
        rc = workflows(e, name, false, NULL, 1, &known, err);
    if (rc) {
        ork_rows_free(rows);
        return rc;
    }
    size_t n = ork_rows_len(rows);
    const char *script = ork_rows_len(known) ? ork_rows_text(known, 0, "script_path") : NULL;
    list_numbers(rows, &b);
    if (n == 0)
        rc = ork_err_set(err, ORK_ENOTFOUND, "workflow `%s` is known by its runs only; to keep it: ork apply %s", name,
                         script ? script : "SCRIPT");
    else if (version)
        rc = ork_err_set(err, ORK_ENOTFOUND, "workflow `%s` has no version %u; it has %s", name, version, b.data);
    else
        rc = ork_err_set(err, ORK_ENOTFOUND,
                         "workflow `%s` is not applied any more; `ork apply %s@%lld` brings back its newest version",
                         name, name, (long long)ork_rows_int(rows, 0, "version", 0));
    ork_buf_fini(&b);
    ork_rows_free(rows);
    ork_rows_free(known);
    return rc;
}

int ork_workflow_open(ork_engine *e, const char *name, uint32_t version, ork_workflow **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_TEXT(name), ORK_P_INT(version)};
    int rc = ork_store_query(e->store, ORK_Q_version_open, p, 2, &rows, err);

    if (rc)
        return rc;
    if (ork_rows_len(rows) == 0) {
        rc = no_version(e, name, version, err);
    } else {
        const char *tasks = ork_rows_text(rows, 0, "tasks_json");
        rc = ork_workflow_load(name, tasks, strlen(tasks), ork_rows_text(rows, 0, "options"),
                               ork_rows_text(rows, 0, "source"), ork_rows_text(rows, 0, "script_dir"), out, err);
    }
    ork_rows_free(rows);
    return rc;
}

/* ---- applying ---- */

struct made { /* owned texts of one definition */
    char hash[65], *tasks, *path, *schedule;
};

/* Its schedule and the next time from now; the seed of jitter is the workflow's id, which a new one has not yet: what
 * it is armed to is put right when it is looked at. */
static int fill_schedule(ork_engine *e, const ork_workflow *w, char **text, struct ork_apply_item *it, ork_err *err)
{
    json_t *options = json_loads(ork_workflow_options_json(w), 0, NULL), *option = json_object_get(options, "schedule");
    struct ork_schedule *s = NULL;
    size_t len;
    int rc = option ? ork_json_text(option, text, &len, err) : 0;

    json_decref(options);
    if (rc || !*text)
        return rc;
    it->schedule = text_of(*text);
    rc = ork_schedules_parse(e, *text, NULL, &s, err);
    if (rc)
        return rc;
    if (!ork_due_begin(s, it->workflow_id.b, sizeof(it->workflow_id.b), ork_engine_now(e), &it->next_ms, &it->fire_ms))
        rc = ork_err_set(err, ORK_EDEF, "the schedule of workflow `%s` has no time in the future", it->name);
    ork_schedule_free(s);
    return rc;
}

static int check_tasks(const ork_workflow *w, ork_err *err)
{
    for (uint32_t i = 0; i < ork_workflow_len(w); i++) {
        if (ork_workflow_def(w, i)->executor == ORK_EXEC_INLINE)
            return ork_err_set(err, ORK_EDEF,
                               "task `%s` of workflow `%s` is a function of the program that defines it; the database "
                               "cannot keep it, so it cannot be applied",
                               ork_workflow_task_name(w, i), ork_workflow_name(w));
    }
    return 0;
}

static int fill(ork_engine *e, ork_workflow *w, struct made *m, struct ork_apply_item *it, ork_err *err)
{
    size_t len = 0;
    int rc = check_tasks(w, err);

    if (!rc)
        rc = ork_workflow_hash(w, m->hash, err);
    if (!rc)
        rc = ork_workflow_tasks_json(w, &m->tasks, &len, err);
    if (rc)
        return rc;
    m->path = ork_start_script_path(w);
    *it = (struct ork_apply_item){
        .what = ORK_APPLY_PUT,
        .name = ork_workflow_name(w),
        .workflow_id = ork_id_new(&e->ids),
        .snapshot_id = ork_id_new(&e->ids),
        .hash = {m->hash, 64},
        .tasks_json = {m->tasks, len},
        .options_json = text_of(ork_workflow_options_json(w)),
        .source_json = text_of(ork_workflow_source_json(w)),
        .script_dir = text_of(ork_workflow_dir(w)),
        .script_path = text_of(m->path),
        .tasks = ork_workflow_len(w),
    };
    return fill_schedule(e, w, &m->schedule, it, err);
}

static void write_number(struct ork_buf *b, const char *key, uint32_t version)
{
    if (version)
        ork_doc_int(b, key, version);
    else
        ork_doc_raw(b, key, NULL);
}

static char *write_outcomes(const struct ork_apply *a)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_addc(&b, '[');
    for (size_t i = 0; i < a->n; i++) {
        const struct ork_apply_item *it = &a->items[i];
        ork_buf_adds(&b, i ? ",{" : "{");
        ork_doc_text(&b, "workflow", it->name);
        write_number(&b, "was", it->was);
        write_number(&b, "version", it->is);
        ork_doc_raw(&b, "removed", it->what == ORK_APPLY_REMOVE && !it->missing ? "true" : "false");
        ork_buf_addc(&b, '}');
    }
    ork_buf_addc(&b, ']');
    return ork_buf_steal(&b, NULL);
}

static int ask_apply(ork_engine *e, struct ork_apply *a, ork_err *err)
{
    char by[32];
    size_t bytes = 0;

    (void)snprintf(by, sizeof(by), "cli:%d", (int)getuid());
    a->by = text_of(by);
    a->now_ms = ork_engine_now(e);
    for (size_t i = 0; i < a->n; i++)
        bytes += a->items[i].tasks_json.n + a->items[i].source_json.n;
    return ork_ask(e, &(struct ork_unit){.type = ORK_UNIT_APPLY, .apply = a}, bytes, true, err);
}

int ork_workflow_apply(ork_engine *e, ork_workflow *const *w, size_t n, const char *remove, char **out, ork_err *err)
{
    json_t *gone = NULL;
    int rc = remove ? ork_json_parse(remove, strlen(remove), &gone, err) : 0;

    if (rc)
        return rc;
    size_t all = n + json_array_size(gone);
    struct ork_apply a = {.items = ork_zalloc((all + 1) * sizeof(*a.items)), .n = all};
    struct made *made = ork_zalloc((n + 1) * sizeof(*made));
    for (size_t i = 0; !rc && i < n; i++)
        rc = fill(e, w[i], &made[i], &a.items[i], err);
    for (size_t i = n; !rc && i < all; i++) {
        json_t *o = json_array_get(gone, i - n);
        const char *name = json_string_value(json_object_get(o, "workflow"));
        if (!name)
            rc = ork_err_set(err, ORK_EINVAL, "what is to be removed has no name");
        a.items[i] = (struct ork_apply_item){
            .what = ORK_APPLY_REMOVE,
            .name = name,
            .version = (uint32_t)json_integer_value(json_object_get(o, "version")),
        };
    }
    if (!rc && all)
        rc = ask_apply(e, &a, err);
    if (!rc)
        *out = write_outcomes(&a);
    for (size_t i = 0; i < n; i++) {
        ork_free(made[i].tasks);
        ork_free(made[i].path);
        ork_free(made[i].schedule);
    }
    ork_free(made);
    ork_free(a.items);
    json_decref(gone);
    return rc;
}

int ork_workflow_activate(ork_engine *e, const char *name, uint32_t version, uint32_t *was, ork_err *err)
{
    struct ork_apply_item it = {.what = ORK_APPLY_BACK, .name = name, .version = version};
    ork_workflow *w = NULL;
    char *schedule = NULL;
    int rc = ork_workflow_open(e, name, version, &w, err); /* a version never changes */

    if (!rc)
        rc = fill_schedule(e, w, &schedule, &it, err);
    if (!rc)
        rc = ask_apply(e, &(struct ork_apply){.items = &it, .n = 1}, err);
    ork_workflow_unref(w);
    ork_free(schedule);
    if (!rc && it.missing)
        return no_version(e, name, version, err);
    if (!rc && was)
        *was = it.was;
    return rc;
}

/* ---- lists ---- */

static void write_last(const struct ork_rows *r, size_t i, struct ork_buf *b)
{
    ork_id id;
    char text[ORK_ID_TEXT];

    ork_doc_key(b, "last_run");
    if (!ork_rows_id(r, i, "last_id", &id)) {
        ork_buf_adds(b, "null");
        return;
    }
    ork_id_format(&id, text);
    ork_buf_addc(b, '{');
    ork_doc_text(b, "id", text);
    ork_doc_text(b, "status", ork_rows_text(r, i, "last_status"));
    ork_doc_time(b, "created_at", ork_rows_time(r, i, "last_at"));
    ork_buf_addc(b, '}');
}

static void write_workflow(const struct ork_rows *r, size_t i, struct ork_buf *b)
{
    ork_buf_adds(b, i ? ",{" : "{");
    ork_doc_text(b, "name", ork_rows_text(r, i, "name"));
    ork_doc_text(b, "description", ork_rows_text(r, i, "description"));
    ork_doc_raw(b, "applied", ork_rows_int(r, i, "current_version", 0) ? "true" : "false");
    ork_doc_maybe_int(b, "version", r, i, "current_version");
    ork_doc_int(b, "versions", ork_rows_int(r, i, "versions", 0));
    ork_doc_maybe_int(b, "tasks", r, i, "tasks");
    ork_doc_text(b, "script_path", ork_rows_text(r, i, "script_path"));
    ork_doc_text(b, "schedule", ork_rows_text(r, i, "schedule"));
    ork_doc_text(b, "timezone", ork_rows_text(r, i, "timezone"));
    const struct ork_cell *retention = ork_rows_get(r, i, "retention"); /* 0: false, as SQLite gives it */
    ork_doc_raw(b, "retention", retention->type == ORK_CELL_INT ? "false" : ork_rows_text(r, i, "retention"));
    ork_doc_time(b, "created_at", ork_rows_time(r, i, "created_at"));
    ork_doc_time(b, "applied_at", ork_rows_time(r, i, "applied_at"));
    ork_doc_int(b, "runs", ork_rows_int(r, i, "runs", 0));
    ork_doc_int(b, "unfinished_runs", ork_rows_int(r, i, "unfinished", 0));
    write_last(r, i, b);
    ork_buf_addc(b, '}');
}

int ork_workflows_json(ork_engine *e, const char *filter, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    json_t *f = NULL;
    int rc = filter ? ork_json_parse(filter, strlen(filter), &f, err) : 0;

    if (!rc) {
        json_t *limit = json_object_get(f, "limit");
        rc = workflows(e, json_string_value(json_object_get(f, "name")), json_is_true(json_object_get(f, "applied")),
                       json_string_value(json_object_get(f, "after")),
                       json_is_integer(limit) ? json_integer_value(limit) : -1, &rows, err);
    }
    ork_buf_addc(&b, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++)
        write_workflow(rows, i, &b);
    ork_buf_addc(&b, ']');
    ork_rows_free(rows);
    json_decref(f);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

int ork_workflow_versions_json(ork_engine *e, const char *name, char **out, ork_err *err)
{
    struct ork_rows *r = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    struct ork_param p[] = {ORK_P_TEXT(name)};
    ork_id id;
    int rc = ork_catalog_find(e, name, &id, err);

    if (!rc)
        rc = ork_store_query(e->store, ORK_Q_versions_list, p, 1, &r, err);
    if (rc)
        return rc;
    ork_buf_addc(&b, '[');
    for (size_t i = 0; i < ork_rows_len(r); i++) {
        ork_buf_adds(&b, i ? ",{" : "{");
        ork_doc_int(&b, "version", ork_rows_int(r, i, "version", 0));
        ork_doc_raw(&b, "current", ork_rows_int(r, i, "current", 0) ? "true" : "false");
        ork_doc_text(&b, "hash", ork_rows_text(r, i, "hash"));
        ork_doc_int(&b, "tasks", ork_rows_int(r, i, "tasks", 0));
        ork_doc_int(&b, "runs", ork_rows_int(r, i, "runs", 0));
        ork_doc_text(&b, "script_path", ork_rows_text(r, i, "script_path"));
        ork_doc_time(&b, "created_at", ork_rows_time(r, i, "created_at"));
        ork_doc_time(&b, "applied_at", ork_rows_time(r, i, "applied_at"));
        ork_doc_text(&b, "by", ork_rows_text(r, i, "by"));
        ork_buf_addc(&b, '}');
    }
    ork_buf_addc(&b, ']');
    ork_rows_free(r);
    *out = ork_buf_steal(&b, NULL);
    return 0;
}

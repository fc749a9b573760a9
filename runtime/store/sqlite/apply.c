/* SPDX-License-Identifier: MIT */
/* APPLY: which definition a workflow's name stands for. What is current is looked up, and the next number given, inside
 * the transaction: of two who apply at once the second sees what the first has done, and finds its own content either
 * current already (nothing to do), among the versions (its number again), or new (the next number).
 *
 *   content of the definition      becomes
 *   is current                     the same version; where it came from is noted
 *   has a number                   current under that number
 *   is new                         a version with the next number */
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include <string.h>

struct present {
    ork_id workflow, snapshot; /* snapshot: of the current version */
    uint32_t version;          /* 0 none */
    bool found;
};

static int look(struct ork_sqlite *s, const char *name, struct present *p, ork_err *err)
{
    struct ork_stmt st;
    memset(p, 0, sizeof *p);
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_current);
    ork_stmt_text(&st, (struct ork_text){name, strlen(name)});
    int rc = ork_stmt_step(&st, err);
    if (rc != 1)
        return rc;
    p->found = ork_stmt_get_id(&st, 0, &p->workflow);
    p->version = (uint32_t)sqlite3_column_int64(st.st, 1);
    (void)ork_stmt_get_id(&st, 2, &p->snapshot);
    ork_stmt_end(&st);
    return 0;
}

/* The number a snapshot has, 0 none. */
static int number_of(struct ork_sqlite *s, const ork_id *workflow, const ork_id *snapshot, uint32_t *version,
                     ork_err *err)
{
    struct ork_stmt st;
    *version = 0;
    ork_stmt_begin(&st, &s->writer, ORK_S_version_find);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    int rc = ork_stmt_step(&st, err);
    if (rc != 1)
        return rc;
    *version = (uint32_t)sqlite3_column_int64(st.st, 0);
    ork_stmt_end(&st);
    return 0;
}

static int insert_version(struct ork_sqlite *s, const struct ork_apply *a, struct ork_apply_item *it,
                          const ork_id *workflow, const ork_id *snapshot, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_version_insert);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    ork_stmt_int(&st, it->tasks);
    ork_stmt_text(&st, it->script_dir);
    ork_stmt_text(&st, it->script_path);
    ork_stmt_time(&st, a->now_ms);
    ork_stmt_text(&st, a->by);
    int rc = ork_stmt_step(&st, err);
    if (rc != 1)
        return rc < 0 ? rc : ork_err_set(err, ORK_EDB, "a new version got no number");
    it->is = (uint32_t)sqlite3_column_int64(st.st, 0);
    return ork_stmt_run(&st, err);
}

static int touch(struct ork_sqlite *s, const struct ork_apply *a, const struct ork_apply_item *it,
                 const ork_id *workflow, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_version_touch);
    ork_stmt_id(&st, workflow);
    ork_stmt_int(&st, it->is);
    ork_stmt_text(&st, it->script_dir);
    ork_stmt_text(&st, it->script_path);
    ork_stmt_time(&st, a->now_ms);
    ork_stmt_text(&st, a->by);
    return ork_stmt_run(&st, err);
}

static int make_current(struct ork_sqlite *s, const struct ork_apply *a, const struct ork_apply_item *it,
                        const ork_id *workflow, const ork_id *snapshot, struct ork_text script_path, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_apply);
    ork_stmt_id(&st, workflow);
    ork_stmt_int(&st, it->is);
    ork_stmt_id(&st, snapshot);
    ork_stmt_text(&st, script_path);
    ork_stmt_time(&st, a->now_ms);
    int rc = ork_stmt_run(&st, err);
    if (rc)
        return rc;
    if (it->is != it->was) {
        ork_stmt_begin(&st, &s->writer, ORK_S_workflow_tasks_delete);
        ork_stmt_id(&st, workflow);
        rc = ork_stmt_run(&st, err);
    }
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_tasks_insert);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    ork_stmt_time(&st, a->now_ms);
    rc = ork_stmt_run(&st, err);
    return rc ? rc : ork_sqlite_schedule_apply(s, it, workflow, err);
}

static int insert_workflow(struct ork_sqlite *s, const struct ork_apply *a, const struct ork_apply_item *it,
                           ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_insert);
    ork_stmt_id(&st, &it->workflow_id);
    ork_stmt_text(&st, (struct ork_text){it->name, strlen(it->name)});
    ork_stmt_text(&st, it->options_json);
    ork_stmt_id(&st, &it->snapshot_id);
    ork_stmt_text(&st, it->script_path);
    ork_stmt_time(&st, a->now_ms);
    return ork_stmt_run(&st, err);
}

static int get_snapshot(struct ork_sqlite *s, const struct ork_apply *a, const struct ork_apply_item *it,
                        const ork_id *workflow, ork_id *snapshot, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_snapshot_find);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, it->hash);
    int rc = ork_stmt_step(&st, err);
    if (rc < 0)
        return rc;
    if (rc == 1 && ork_stmt_get_id(&st, 0, snapshot)) {
        ork_stmt_end(&st);
        return 0;
    }
    *snapshot = it->snapshot_id;
    ork_stmt_begin(&st, &s->writer, ORK_S_snapshot_insert);
    ork_stmt_id(&st, snapshot);
    ork_stmt_id(&st, workflow);
    ork_stmt_text(&st, it->hash);
    ork_stmt_text(&st, it->tasks_json);
    ork_stmt_text(&st, it->options_json);
    ork_stmt_text(&st, it->source_json);
    ork_stmt_time(&st, a->now_ms);
    return ork_stmt_run(&st, err);
}

static int put(struct ork_sqlite *s, const struct ork_apply *a, struct ork_apply_item *it, ork_err *err)
{
    struct present p;
    ork_id snapshot;
    int rc = look(s, it->name, &p, err);
    if (!rc && !p.found) {
        rc = insert_workflow(s, a, it, err);
        p.workflow = it->workflow_id;
    }
    if (!rc)
        rc = get_snapshot(s, a, it, &p.workflow, &snapshot, err);
    if (!rc)
        rc = number_of(s, &p.workflow, &snapshot, &it->is, err);
    if (rc)
        return rc;
    it->was = p.version;
    rc = it->is ? touch(s, a, it, &p.workflow, err) : insert_version(s, a, it, &p.workflow, &snapshot, err);
    return rc ? rc : make_current(s, a, it, &p.workflow, &snapshot, it->script_path, err);
}

static int back(struct ork_sqlite *s, const struct ork_apply *a, struct ork_apply_item *it, ork_err *err)
{
    struct present p;
    struct ork_stmt st;
    ork_id snapshot;
    char path[4096] = "";
    int rc = look(s, it->name, &p, err);
    if (rc)
        return rc;
    it->was = it->is = p.version;
    it->missing = true;
    if (!p.found)
        return 0;
    ork_stmt_begin(&st, &s->writer, ORK_S_version_get);
    ork_stmt_id(&st, &p.workflow);
    ork_stmt_int(&st, it->version);
    rc = ork_stmt_step(&st, err);
    if (rc != 1)
        return rc;
    it->missing = !ork_stmt_get_id(&st, 0, &snapshot);
    const char *script = (const char *)sqlite3_column_text(st.st, 1);
    if (script && strlen(script) < sizeof path)
        memcpy(path, script, strlen(script) + 1);
    ork_stmt_end(&st);
    if (it->missing)
        return 0;
    it->is = it->version;
    if (it->is == it->was)
        return 0;
    rc = touch(s, a, it, &p.workflow, err);
    struct ork_text from = {path[0] ? path : NULL, strlen(path)};
    return rc ? rc : make_current(s, a, it, &p.workflow, &snapshot, from, err);
}

static int take_away(struct ork_sqlite *s, const struct ork_apply *a, struct ork_apply_item *it, ork_err *err)
{
    struct present p;
    struct ork_stmt st;
    int rc = look(s, it->name, &p, err);
    if (rc)
        return rc;
    it->was = it->is = p.version;
    it->missing = !p.version || (it->version && it->version != p.version);
    if (it->missing)
        return 0;
    it->is = 0;
    ork_stmt_begin(&st, &s->writer, ORK_S_workflow_unapply);
    ork_stmt_id(&st, &p.workflow);
    ork_stmt_time(&st, a->now_ms);
    return ork_stmt_run(&st, err);
}

int ork_unit_apply_definitions(struct ork_sqlite *s, struct ork_apply *a, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < a->n; i++) {
        struct ork_apply_item *it = &a->items[i];
        it->missing = false;
        rc = it->what == ORK_APPLY_PUT    ? put(s, a, it, err)
             : it->what == ORK_APPLY_BACK ? back(s, a, it, err)
                                          : take_away(s, a, it, err);
    }
    return rc;
}

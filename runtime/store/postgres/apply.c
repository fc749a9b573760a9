/* SPDX-License-Identifier: MIT */
/* APPLY: which definition a workflow's name stands for. The workflow's row is locked before what is current is looked
 * up and the next number given: of two who apply at once the second sees what the first has done, and finds its own
 * content either current already (nothing to do), among the versions (its number again), or new (the next number).
 * Several workflows are locked in the order of their names, so that two who apply the same never wait for each other.
 *
 *   content of the definition      becomes
 *   is current                     the same version; where it came from is noted
 *   has a number                   current under that number
 *   is new                         a version with the next number */
#include "base/alloc.h"
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <stdlib.h>
#include <string.h>

struct present {
    ork_id workflow, snapshot; /* snapshot: of the current version */
    uint32_t version;          /* 0 none */
    bool found;
};

static int lock(struct ork_postgres *s, const char *name, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_lock);
    ork_stmt_text(&st, (struct ork_text){name, strlen(name)});
    return ork_stmt_queue(&st, err);
}

static int look(struct ork_postgres *s, const char *name, struct present *p, ork_err *err)
{
    struct ork_stmt st;
    memset(p, 0, sizeof *p);
    int rc = lock(s, name, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_current);
    ork_stmt_text(&st, (struct ork_text){name, strlen(name)});
    rc = ork_stmt_ask(&st, err);
    if (rc > 0) {
        p->found = ork_stmt_get_id(&st, 0, 0, &p->workflow);
        p->version = (uint32_t)ork_stmt_get_int(&st, 0, 1);
        (void)ork_stmt_get_id(&st, 0, 2, &p->snapshot);
    }
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

/* The first number of a statement's first row; 0 without one. */
static int ask_number(struct ork_stmt *st, uint32_t *out, ork_err *err)
{
    int rc = ork_stmt_ask(st, err);
    *out = rc > 0 ? (uint32_t)ork_stmt_get_int(st, 0, 0) : 0;
    ork_stmt_end(st);
    return rc < 0 ? rc : 0;
}

/* The number a snapshot has, 0 none. */
static int number_of(struct ork_postgres *s, const ork_id *workflow, const ork_id *snapshot, uint32_t *version,
                     ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_version_find);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    return ask_number(&st, version, err);
}

static int insert_version(struct ork_postgres *s, const struct ork_apply *a, struct ork_apply_item *it,
                          const ork_id *workflow, const ork_id *snapshot, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_version_insert);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    ork_stmt_int(&st, it->tasks);
    ork_stmt_text(&st, it->script_dir);
    ork_stmt_text(&st, it->script_path);
    ork_stmt_time(&st, a->now_ms);
    ork_stmt_text(&st, a->by);
    int rc = ask_number(&st, &it->is, err);
    return rc || it->is ? rc : ork_err_set(err, ORK_EDB, "a new version got no number");
}

static int touch(struct ork_postgres *s, const struct ork_apply *a, const struct ork_apply_item *it,
                 const ork_id *workflow, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_version_touch);
    ork_stmt_id(&st, workflow);
    ork_stmt_int(&st, it->is);
    ork_stmt_text(&st, it->script_dir);
    ork_stmt_text(&st, it->script_path);
    ork_stmt_time(&st, a->now_ms);
    ork_stmt_text(&st, a->by);
    return ork_stmt_queue(&st, err);
}

static int make_current(struct ork_postgres *s, const struct ork_apply *a, const struct ork_apply_item *it,
                        const ork_id *workflow, const ork_id *snapshot, struct ork_text script_path, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_apply);
    ork_stmt_id(&st, workflow);
    ork_stmt_int(&st, it->is);
    ork_stmt_id(&st, snapshot);
    ork_stmt_text(&st, script_path);
    ork_stmt_time(&st, a->now_ms);
    int rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    if (it->is != it->was) {
        ork_stmt_begin(&st, &s->write, ORK_S_workflow_tasks_delete);
        ork_stmt_id(&st, workflow);
        rc = ork_stmt_queue(&st, err);
    }
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_tasks_insert);
    ork_stmt_id(&st, workflow);
    ork_stmt_id(&st, snapshot);
    ork_stmt_time(&st, a->now_ms);
    rc = ork_stmt_queue(&st, err);
    return rc ? rc : ork_pg_schedule_apply(s, it, workflow, err);
}

static int put(struct ork_postgres *s, const struct ork_apply *a, struct ork_apply_item *it, ork_err *err)
{
    struct ork_new_run c = {.hash = it->hash,
                            .tasks_json = it->tasks_json,
                            .options_json = it->options_json,
                            .source_json = it->source_json,
                            .snapshot_id = it->snapshot_id,
                            .now_ms = a->now_ms};
    struct present p;
    ork_id snapshot;
    int rc = look(s, it->name, &p, err);
    if (!rc && !p.found) {
        rc = ork_pg_workflow(s, &it->workflow_id, it->name, it->options_json, it->script_path, a->now_ms, &p.workflow,
                             err);
        if (!rc) /* somebody may have been quicker, and gone further */
            rc = look(s, it->name, &p, err);
    }
    if (!rc)
        rc = ork_pg_snapshot(s, &c, &p.workflow, &snapshot, err);
    if (!rc)
        rc = number_of(s, &p.workflow, &snapshot, &it->is, err);
    if (rc)
        return rc;
    it->was = p.version;
    rc = it->is ? touch(s, a, it, &p.workflow, err) : insert_version(s, a, it, &p.workflow, &snapshot, err);
    return rc ? rc : make_current(s, a, it, &p.workflow, &snapshot, it->script_path, err);
}

static int back(struct ork_postgres *s, const struct ork_apply *a, struct ork_apply_item *it, ork_err *err)
{
    struct present p;
    struct ork_stmt st;
    ork_id snapshot;
    int rc = look(s, it->name, &p, err);
    if (rc)
        return rc;
    it->was = it->is = p.version;
    it->missing = true;
    if (!p.found)
        return 0;
    ork_stmt_begin(&st, &s->write, ORK_S_version_get);
    ork_stmt_id(&st, &p.workflow);
    ork_stmt_int(&st, it->version);
    rc = ork_stmt_ask(&st, err);
    it->missing = rc <= 0 || !ork_stmt_get_id(&st, 0, 0, &snapshot);
    const char *script = it->missing ? NULL : ork_stmt_get_text(&st, 0, 1);
    ORK_CLEANUP(ork_free_cleanup) char *path = script ? ork_strdup(script) : NULL;
    ork_stmt_end(&st);
    if (it->missing)
        return rc < 0 ? rc : 0;
    it->is = it->version;
    if (it->is == it->was)
        return 0;
    rc = touch(s, a, it, &p.workflow, err);
    struct ork_text from = {path, path ? strlen(path) : 0};
    return rc ? rc : make_current(s, a, it, &p.workflow, &snapshot, from, err);
}

static int take_away(struct ork_postgres *s, const struct ork_apply *a, struct ork_apply_item *it, ork_err *err)
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
    ork_stmt_begin(&st, &s->write, ORK_S_workflow_unapply);
    ork_stmt_id(&st, &p.workflow);
    ork_stmt_time(&st, a->now_ms);
    return ork_stmt_queue(&st, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int lock_all(struct ork_postgres *s, const struct ork_apply *a, ork_err *err)
{
    const char **all = ork_alloc((a->n + 1) * sizeof *all);
    int rc = 0;
    for (size_t i = 0; i < a->n; i++)
        all[i] = a->items[i].name;
    qsort(all, a->n, sizeof *all, by_name);
    for (size_t i = 0; !rc && i < a->n; i++)
        rc = lock(s, all[i], err);
    ork_free(all);
    return rc;
}

int ork_unit_apply_definitions(struct ork_postgres *s, struct ork_apply *a, ork_err *err)
{
    int rc = a->n > 1 ? lock_all(s, a, err) : 0;
    for (size_t i = 0; !rc && i < a->n; i++) {
        struct ork_apply_item *it = &a->items[i];
        it->missing = false;
        rc = it->what == ORK_APPLY_PUT    ? put(s, a, it, err)
             : it->what == ORK_APPLY_BACK ? back(s, a, it, err)
                                          : take_away(s, a, it, err);
    }
    return rc;
}

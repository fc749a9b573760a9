/* SPDX-License-Identifier: MIT */
/* Artifacts in the database, and their documents. */
#include "engine/artifact.h"
#include "engine/engine.h"
#include <string.h>
#include <sys/stat.h>

void ork_artifacts_put(struct ork_active *a, const struct ork_live *l, const struct ork_artifacts *list)
{
    ork_engine *e = a->engine;

    for (size_t i = 0; i < list->len; i++) {
        struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_ARTIFACT, a, true);
        char *name = ork_strdup(list->items[i].name), *hash = ork_strdup(list->items[i].hash);
        u->artifact = (struct ork_artifact_put){.run_id = a->id,
                                                .attempt = l->attempt,
                                                .name = {name, strlen(name)},
                                                .hash = {hash, strlen(hash)},
                                                .bytes = list->items[i].bytes,
                                                .now_ms = ork_engine_now(e)};
        ork_active_task_id(a, l->task, &u->artifact.task_id);
        (void)ork_commit_text(e, name);
        (void)ork_commit_text(e, hash);
    }
}

/* Where its content is; NULL: not on this machine. Owned. */
static char *path_of(ork_engine *e, const char *run, const char *hash)
{
    struct ork_buf b = ORK_BUF_INIT;
    struct stat st;

    ork_buf_addf(&b, "%s/logs/%s/artifacts/%s", e->data_dir, run, hash);
    if (stat(b.data, &st) == 0)
        return ork_buf_steal(&b, NULL);
    ork_buf_clear(&b);
    ork_buf_addf(&b, "%s/artifacts/%.2s/%s", e->data_dir, hash, strlen(hash) > 2 ? hash + 2 : "");
    if (stat(b.data, &st) == 0)
        return ork_buf_steal(&b, NULL);
    ork_buf_fini(&b);
    return NULL;
}

static int open_run(ork_engine *e, const char *run_id, const char *name, char text[ORK_ID_TEXT], struct ork_rows **rows,
                    ork_err *err)
{
    ork_id id;
    struct ork_rows *run = NULL;
    int rc = ork_doc_open_run(e, run_id, &id, &run, err);

    ork_rows_free(run);
    if (rc)
        return rc;
    ork_id_format(&id, text);
    struct ork_param p[] = {ORK_P_ID(&id), ORK_P_TEXT(name)};
    return ork_store_query(e->store, ORK_Q_artifacts_of_run, p, 2, rows, err);
}

int ork_artifacts_json(ork_engine *e, const char *run_id, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    char run[ORK_ID_TEXT];
    int rc = open_run(e, run_id, NULL, run, &rows, err);

    ork_buf_addc(&b, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        const char *hash = ork_rows_text(rows, i, "hash");
        ORK_CLEANUP(ork_free_cleanup) char *path = path_of(e, run, hash);
        ork_buf_adds(&b, i ? ",{" : "{");
        ork_doc_text(&b, "task", ork_rows_text(rows, i, "task_name"));
        ork_doc_text(&b, "name", ork_rows_text(rows, i, "name"));
        ork_doc_int(&b, "attempt", ork_rows_int(rows, i, "attempt", 0));
        ork_doc_int(&b, "bytes", ork_rows_int(rows, i, "bytes", 0));
        ork_doc_text(&b, "sha256", hash);
        ork_doc_time(&b, "created_at", ork_rows_time(rows, i, "created_at"));
        ork_doc_text(&b, "path", path);
        ork_buf_addc(&b, '}');
    }
    ork_buf_addc(&b, ']');
    ork_rows_free(rows);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

static int choose(ork_engine *e, const char *run, const struct ork_rows *rows, const char *task, const char *name,
                  char **path, ork_err *err)
{
    size_t found = 0, at = 0;
    const char *other = NULL;
    char short_id[9];
    ork_id id;

    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        const char *of = ork_rows_text(rows, i, "task_name");
        if (task && strcmp(task, of) != 0)
            continue;
        other = found++ ? of : NULL;
        at = found == 1 ? i : at;
    }
    if (ork_id_parse(run, strlen(run), &id) == 0)
        ork_id_short(&id, short_id);
    else
        (void)snprintf(short_id, sizeof(short_id), "RUN");
    if (found == 0)
        return ork_err_set(err, ORK_ENOTFOUND, "%s%s%s left no artifact `%s`; `ork artifacts %s` lists what there is",
                           task ? "task `" : "the run", task ? task : "", task ? "`" : "", name, short_id);
    if (found > 1)
        return ork_err_set(err, ORK_EAMBIGUOUS,
                           "%zu tasks left an artifact `%s`, `%s` and `%s` among them; name one by --task", found, name,
                           ork_rows_text(rows, at, "task_name"), other);
    *path = path_of(e, run, ork_rows_text(rows, at, "hash"));
    return *path ? 0
                 : ork_err_set(err, ORK_ENOTFOUND,
                               "the content of `%s` is not in %s: artifacts stay on the machine, and in the data "
                               "directory, of who ran the task",
                               name, e->data_dir);
}

int ork_artifact_path(ork_engine *e, const char *run_id, const char *task, const char *name, char **path, ork_err *err)
{
    struct ork_rows *rows = NULL;
    char run[ORK_ID_TEXT];
    int rc = open_run(e, run_id, name, run, &rows, err);

    if (!rc)
        rc = choose(e, run, rows, task, name, path, err);
    ork_rows_free(rows);
    return rc;
}

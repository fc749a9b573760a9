/* SPDX-License-Identifier: MIT */
/* From the params of a Python task to argv and environment, and from what its runner left to a failure. */
#include "engine/python.h"
#include "engine/result.h"
#include "base/path.h"
#include "engine/engine.h"
#include <string.h>
#include <unistd.h>

#define RUNNER "run_task.py"

bool ork_python_is(const ork_workflow *w, uint32_t task)
{
    return ork_workflow_def(w, task)->executor == ORK_EXEC_PYTHON;
}

/* ---- where it lives ---- */

static bool holds(const char *folder, const char *name)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_path_join(folder, name);

    return access(path, F_OK) == 0;
}

/* The nearest folder, from this one up, that is a project; NULL: none is. */
static char *find_project(const char *folder)
{
    char *at = ork_strdup(folder);

    while (!holds(at, "pyproject.toml") && !holds(at, "uv.lock")) {
        char *up = ork_path_dirname(at);
        bool top = strcmp(up, at) == 0 || strcmp(up, ".") == 0;
        ork_free(at);
        at = up;
        if (top) {
            ork_free(at);
            return NULL;
        }
    }
    return at;
}

static bool in_path(const char *path, const char *program)
{
    for (const char *at = path; at && *at;) {
        size_t n = strcspn(at, ":");
        ORK_CLEANUP(ork_buf_fini) struct ork_buf file = ORK_BUF_INIT;
        ork_buf_add(&file, at, n);
        ork_buf_addf(&file, "/%s", program);
        if (n && access(file.data, X_OK) == 0)
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

/* A variable as the task will see it: its own `env` wins. */
static const char *variable(const struct ork_argv *v, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = v->envc; i > 0; i--) {
        const char *each = v->env[i - 1];
        if (strncmp(each, name, n) == 0 && (each[n] == '=' || !each[n]))
            return each[n] ? each + n + 1 : NULL;
    }
    return getenv(name);
}

/* ---- argv and environment ---- */

static const char *text_of(const json_t *params, const char *key)
{
    const char *s = json_string_value(json_object_get(params, key));

    return s && *s ? s : NULL;
}

static void add(char ***list, size_t *n, size_t *cap, char *word_take)
{
    ork_grow((void **)list, cap, *n + 2, sizeof(**list));
    (*list)[(*n)++] = word_take;
    (*list)[*n] = NULL;
}

static char *pair(const char *name, const char *value, const char *more)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_addf(&b, "%s=%s", name, value);
    if (more && *more)
        ork_buf_addf(&b, ":%s", more);
    return ork_buf_steal(&b, NULL);
}

/* What it is told, before the task's own `env`. */
static void add_environment(struct ork_argv *v, const json_t *params, const char *file, const char *root)
{
    char **own = v->env;
    size_t own_len = v->envc, cap = 0, n = 0;
    const char *module = text_of(params, "task_module"), *function = text_of(params, "task_function");
    char *path = pair("PYTHONPATH", root, variable(v, "PYTHONPATH"));

    v->env = NULL;
    add(&v->env, &n, &cap, file ? pair("ORK_TASK_FILE", file, NULL) : pair("ORK_TASK_MODULE", module, NULL));
    add(&v->env, &n, &cap, pair("ORK_TASK_FUNCTION", function ? function : "main", NULL));
    for (size_t i = 0; i < own_len; i++)
        add(&v->env, &n, &cap, own[i]);
    add(&v->env, &n, &cap, path);
    v->envc = n;
    ork_free(own);
}

static void set_argv(struct ork_argv *v, const char *runner, const char *project)
{
    size_t n = 0, cap = 0;

    for (size_t i = 0; i < v->argc; i++)
        ork_free(v->argv[i]);
    ork_free(v->argv);
    v->argv = NULL;
    if (project) {
        const char *const words[] = {"uv", "run", "--project", project};
        for (size_t i = 0; i < 4; i++)
            add(&v->argv, &n, &cap, ork_strdup(words[i]));
    }
    add(&v->argv, &n, &cap, ork_strdup("python3"));
    add(&v->argv, &n, &cap, ork_strdup("-u")); /* what it prints is in its log at once, in order */
    add(&v->argv, &n, &cap, ork_strdup(runner));
    v->argc = n;
}

int ork_python_command(struct ork_active *a, const json_t *params, const struct ork_scope *s, struct ork_argv *out,
                       ork_err *err)
{
    ork_engine *e = a->engine;
    const char *base = a->script_dir ? a->script_dir : e->cwd, *file = text_of(params, "task_file");
    const char *given = text_of(params, "python_path"); /* the original's snapshots have one */

    if (!file && !text_of(params, "task_module"))
        return ork_err_set(err, ORK_EDEF, "the task names neither a Python file nor a module");
    if (!e->python_runner) {
        int rc = ork_python_find(RUNNER, &e->python_runner, err);
        if (rc)
            return rc;
    }
    json_t *like = json_copy((json_t *)(uintptr_t)params);
    json_object_set_new(like, "command", json_pack("[s]", "python3"));
    int rc = ork_expr_command(like, s, out, err);
    json_decref(like);
    if (rc)
        return rc;
    ORK_CLEANUP(ork_free_cleanup) char *path = file ? ork_path_join(base, file) : NULL;
    ORK_CLEANUP(ork_free_cleanup) char *folder = path ? ork_path_dirname(path) : ork_strdup(base);
    ORK_CLEANUP(ork_free_cleanup) char *own = given ? ork_path_join(base, given) : NULL;
    ORK_CLEANUP(ork_free_cleanup) char *project = find_project(own ? own : folder);
    add_environment(out, params, path, own ? own : project ? project : folder);
    set_argv(out, e->python_runner, project && in_path(variable(out, "PATH"), "uv") ? project : NULL);
    return 0;
}

/* ---- failures ---- */

bool ork_python_failure(const struct ork_result *r, struct ork_event *ev, struct ork_buf *why)
{
    const json_t *told = json_object_get(r->told, "ork_failure");
    const char *message = json_string_value(json_object_get(told, "message"));
    const char *word = json_string_value(json_object_get(told, "kind"));
    int kind = word ? ork_kind_parse(word) : -1;

    if (!message || kind <= 0 || r->exit.reason != ORK_EXIT_NORMAL || r->exit.signal)
        return false;
    ev->failure.kind = kind;
    if (!json_is_true(json_object_get(told, "retry")))
        ev->retry_after_ms = -1;
    ork_buf_adds(why, message);
    return true;
}

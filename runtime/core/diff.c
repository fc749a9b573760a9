/* SPDX-License-Identifier: MIT */
/* What differs between two definitions, by task name: told as a person would, "extract: command, retries". Tasks are
 * compared as the texts they are stored as; only those that differ are parsed. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/textdiff.h"
#include "core/workflow_priv.h"
#include <string.h>

/* Stored keys by the names of the options that make them; NULL: the key's own name, "": no option of its own. */
static const struct {
    const char *key, *option;
} words[] = {
    {"task_bindings", "inputs"},    {"task_binding", "inputs"}, {"max_retries", "retries"},
    {"timeout_seconds", "timeout"}, {"timeout_ms", "timeout"},  {"queue_timeout_ms", "queue_timeout"},
    {"grace_ms", "grace"},          {"pool_slots", "pool"},     {"run_timeout_ms", "run_timeout"},
    {"library_path", "library"},    {"task_file", "python"},    {"task_module", "python"},
    {"task_function", "python"},    {"output", "output_type"}, /* of a signature: as Python writes it */
};

static const char *option_of(const char *key)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].key, key) == 0)
            return words[i].option;
    }
    return key;
}

static void add_once(json_t *list, const char *text)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        if (strcmp(json_string_value(v), text) == 0)
            return;
    }
    (void)json_array_append_new(list, json_string(text));
}

/* Keys of which one object has not what the other has. */
static void differing_keys(const char *a, const char *b, json_t *list)
{
    json_t *x = a ? json_loads(a, 0, NULL) : NULL, *y = b ? json_loads(b, 0, NULL) : NULL;
    const char *key;
    json_t *v;
    json_object_foreach(x, key, v)
    {
        if (!json_equal(v, json_object_get(y, key)))
            add_once(list, option_of(key));
    }
    json_object_foreach(y, key, v)
    {
        if (!json_object_get(x, key))
            add_once(list, option_of(key));
    }
    json_decref(x);
    json_decref(y);
}

struct side {
    const ork_workflow *w;
    struct ork_buf params, depends; /* of the task that is compared */
};

static int fill(struct side *s, uint32_t no, ork_err *err)
{
    ork_buf_clear(&s->params);
    ork_buf_clear(&s->depends);
    ork_workflow_depends_json(s->w, no, &s->depends);
    return ork_workflow_params_json(s->w, no, &s->params, err);
}

static const char *signature(const ork_workflow *w, uint32_t no)
{
    const struct ork_task_def *d = ork_workflow_def(w, no);
    return d->signature ? ork_workflow_text(w, d->signature) : "";
}

/* Keys of a task that is in both; NULL: none. */
static int compare_task(struct side *a, uint32_t i, struct side *b, uint32_t j, json_t **keys, ork_err *err)
{
    const char *from = signature(a->w, i), *to = signature(b->w, j);
    int rc = fill(a, i, err);
    if (!rc)
        rc = fill(b, j, err);
    if (rc)
        return rc;
    *keys = NULL;
    bool executor = strcmp(ork_workflow_executor(a->w, i), ork_workflow_executor(b->w, j)) != 0;
    bool depends = strcmp(a->depends.data, b->depends.data) != 0, params = strcmp(a->params.data, b->params.data) != 0;
    if (!executor && !depends && !params && strcmp(from, to) == 0)
        return 0;
    *keys = json_array();
    if (executor)
        add_once(*keys, "executor");
    if (params)
        differing_keys(a->params.data, b->params.data, *keys);
    differing_keys(*from ? from : NULL, *to ? to : NULL, *keys);
    if (depends)
        add_once(*keys, "depends_on");
    return 0;
}

static int compare_tasks(const ork_workflow *from, const ork_workflow *to, json_t *tasks, ork_err *err)
{
    struct side a = {.w = from}, b = {.w = to};
    json_t *added = json_array(), *removed = json_array(), *changed = json_array(), *keys;
    uint32_t before = 0;
    bool moved = false;
    int rc = 0;
    for (uint32_t j = 0; !rc && j < ork_workflow_len(to); j++) {
        const char *name = ork_workflow_task_name(to, j);
        uint32_t i = ork_names_find(from, name, strlen(name));
        if (i == ORK_NO_NAME) {
            (void)json_array_append_new(added, json_string(name));
            continue;
        }
        moved |= i < before;
        before = i;
        rc = compare_task(&a, i, &b, j, &keys, err);
        if (!rc && keys)
            (void)json_array_append_new(changed, json_pack("{s:s,s:o}", "name", name, "keys", keys));
    }
    for (uint32_t i = 0; !rc && i < ork_workflow_len(from); i++) {
        const char *name = ork_workflow_task_name(from, i);
        if (ork_names_find(to, name, strlen(name)) == ORK_NO_NAME)
            (void)json_array_append_new(removed, json_string(name));
    }
    (void)json_object_set_new(tasks, "added", added);
    (void)json_object_set_new(tasks, "removed", removed);
    (void)json_object_set_new(tasks, "changed", changed);
    (void)json_object_set_new(tasks, "moved", json_boolean(moved));
    ork_buf_fini(&a.params);
    ork_buf_fini(&a.depends);
    ork_buf_fini(&b.params);
    ork_buf_fini(&b.depends);
    return rc;
}

static void add_file(json_t *files, const char *path, const json_t *from, const json_t *to)
{
    struct ork_buf diff = ORK_BUF_INIT;
    ork_text_diff(json_string_value(from), json_string_value(to), &diff);
    const char *change = !from ? "added" : !to ? "removed" : "changed";
    (void)json_array_append_new(
        files, json_pack("{s:s,s:s,s:s}", "path", path, "change", change, "diff", diff.data ? diff.data : ""));
    ork_buf_fini(&diff);
}

static json_t *compare_files(const json_t *from, const json_t *to)
{
    json_t *files = json_array(), *a = json_object_get(from, "files"), *b = json_object_get(to, "files"), *v;
    const char *path;
    json_object_foreach(a, path, v)
    {
        if (!json_equal(v, json_object_get(b, path)))
            add_file(files, path, v, json_object_get(b, path));
    }
    json_object_foreach(b, path, v)
    {
        if (!json_object_get(a, path))
            add_file(files, path, NULL, v);
    }
    return files;
}

/* The sources beside the files: which modules elsewhere, which script is the main one. */
static json_t *compare_modules(const json_t *from, const json_t *to)
{
    json_t *names = json_array(), *a = json_object_get(from, "modules"), *b = json_object_get(to, "modules"), *v;
    const char *name;
    json_object_foreach(a, name, v)
    {
        if (!json_equal(v, json_object_get(b, name)))
            add_once(names, name);
    }
    json_object_foreach(b, name, v)
    {
        if (!json_object_get(a, name))
            add_once(names, name);
    }
    return names;
}

static json_t *source_of(const ork_workflow *w)
{
    return w->source ? json_loads(w->source, 0, NULL) : NULL;
}

int ork_workflow_diff_json(const ork_workflow *from, const ork_workflow *to, char **out, ork_err *err)
{
    if (!from->sealed || !to->sealed)
        return ork_err_set(err, ORK_ESTATE, "a definition that is not complete cannot be compared");
    json_t *doc = json_object(), *tasks = json_object(), *options = json_array();
    json_t *a = source_of(from), *b = source_of(to);
    int rc = compare_tasks(from, to, tasks, err);
    differing_keys(from->options, to->options, options);
    (void)json_object_set_new(doc, "tasks", tasks);
    (void)json_object_set_new(doc, "options", options);
    (void)json_object_set_new(doc, "files", compare_files(a, b));
    (void)json_object_set_new(doc, "modules", compare_modules(a, b));
    json_decref(a);
    json_decref(b);
    if (!rc) {
        size_t n;
        rc = ork_json_text(doc, out, &n, err);
    }
    json_decref(doc);
    return rc;
}

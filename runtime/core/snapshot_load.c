/* SPDX-License-Identifier: MIT */
/* The inverse of snapshot.c: a stored definition becomes a sealed one again. The list is cut into its entries by
 * looking at quotes and brackets only, and each entry is parsed on its own and forgotten, so a million tasks need no
 * tree of a million tasks. Law: what the database holds is not trusted; a damaged snapshot is ORK_ECORRUPT with the
 * place. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/workflow_priv.h"
#include <string.h>

struct slice {
    const char *p;
    size_t n;
};
struct entries {
    struct slice *items; /* owned; of borrowed text */
    size_t len, cap;
};

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* p stands on an entry; the comma or bracket behind it, or end when the text is torn. Whether the entry itself is right
 * is for the parser to say: what it takes as one value is one entry here. */
static const char *skip_entry(const char *p, const char *end)
{
    bool quoted = false;

    for (size_t depth = 0; p < end; p++) {
        if (quoted) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                quoted = false;
        } else if (*p == '"') {
            quoted = true;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (depth == 0 && (*p == ',' || *p == ']')) {
            return p;
        } else if (*p == '}' || *p == ']') {
            depth -= depth > 0;
        }
    }
    return end;
}

static void add_entry(struct entries *list, const char *p, size_t n)
{
    void *items = list->items;

    ork_grow(&items, &list->cap, list->len + 1, sizeof(*list->items));
    list->items = items;
    list->items[list->len++] = (struct slice){p, n};
}

static int cut(const char *text, size_t len, struct entries *list, ork_err *err)
{
    const char *end = text + len, *p = skip_blanks(text, end);

    if (p == end || *p != '[')
        return ork_err_set(err, ORK_ECORRUPT, "wanted a list of tasks");
    p = skip_blanks(p + 1, end);
    if (p < end && *p == ']')
        return 0; /* sealing tells that there are no tasks */
    while (p < end) {
        const char *behind = skip_entry(p, end);
        if (behind == end)
            break;
        add_entry(list, p, (size_t)(behind - p));
        p = skip_blanks(behind + 1, end);
        if (*behind == ']')
            return p == end ? 0 : ork_err_set(err, ORK_ECORRUPT, "there is text behind the list of tasks");
    }
    return ork_err_set(err, ORK_ECORRUPT, "the list of tasks is torn after entry %zu", list->len);
}

static int parse_entry(const struct entries *list, size_t i, json_t **row, ork_err *err)
{
    int rc = ork_json_parse(list->items[i].p, list->items[i].n, row, err);

    if (rc == 0 && !json_is_object(*row)) {
        rc = ork_err_set(err, ORK_ECORRUPT, "wanted an object, got a %s", ork_json_type_name(*row));
        json_decref(*row);
    }
    return rc < 0 ? ork_err_wrap(err, "entry %zu", i) : 0;
}

/* Its task_index; its place in the list when it has none. SIZE_MAX: no such number. */
static size_t index_of(const json_t *row, size_t place, size_t n)
{
    const json_t *index = json_object_get(row, "task_index");

    if (!index)
        return place;
    json_int_t at = json_is_integer(index) ? json_integer_value(index) : -1;
    return at < 0 || (size_t)at >= n ? SIZE_MAX : (size_t)at;
}

/* By task_index. Rare: we write them in order, and so did the original. */
static int sort_entries(struct entries *list, ork_err *err)
{
    struct slice *sorted = ork_zalloc(list->len * sizeof(*sorted));
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < list->len; i++) {
        json_t *row;
        if ((rc = parse_entry(list, i, &row, err)) < 0)
            break;
        size_t at = index_of(row, i, list->len);
        if (at == SIZE_MAX || sorted[at].p)
            rc = ork_err_set(err, ORK_ECORRUPT, "entry %zu: task_index is not a number of its own from 0", i);
        else
            sorted[at] = list->items[i];
        json_decref(row);
    }
    memcpy(list->items, sorted, rc == 0 ? list->len * sizeof(*sorted) : 0);
    ork_free(sorted);
    return rc;
}

static int load_tasks(ork_workflow *w, struct entries *list, ork_err *err)
{
    bool sorted = false;

    for (size_t i = 0; i < list->len;) {
        json_t *row;
        int rc = parse_entry(list, i, &row, err);
        if (rc < 0)
            return rc;
        if (index_of(row, i, list->len) != i && !sorted) {
            json_decref(row); /* those before it are where they belong */
            if ((rc = sort_entries(list, err)) < 0)
                return rc;
            sorted = true;
            continue;
        }
        rc = ork_snapshot_task(w, row, err);
        json_decref(row);
        if (rc < 0)
            return rc;
        i++;
    }
    return 0;
}

struct first_problem {
    ork_err *err;
    bool told;
};

static void keep_first(void *data, const char *code, uint32_t task, const char *text)
{
    struct first_problem *f = data;

    (void)code, (void)task;
    if (!f->told)
        ork_err_set(f->err, ORK_ECORRUPT, "%s", text);
    f->told = true;
}

static int load_list(ork_workflow *w, const char *text, size_t len, ork_err *err)
{
    struct entries list = {0};
    int rc = cut(text, len, &list, err);

    if (rc == 0)
        rc = load_tasks(w, &list, err);
    ork_free(list.items);
    struct first_problem first = {.err = err};
    if (rc == 0 && ork_workflow_seal(w, keep_first, &first))
        rc = ORK_ECORRUPT;
    return rc;
}

int ork_workflow_load(const char *name, const char *tasks_json, size_t len, const char *options_json,
                      const char *source_json, const char *dir, ork_workflow **out, ork_err *err)
{
    ork_workflow *w;
    int rc = ork_workflow_create(name, true, &w, err);

    if (rc < 0)
        return rc;
    if (options_json && *options_json)
        rc = ork_workflow_options(w, options_json, strlen(options_json), err);
    if (rc == 0)
        rc = ork_workflow_source(w, source_json, source_json ? strlen(source_json) : 0, dir, err);
    if (rc == 0)
        rc = load_list(w, tasks_json, len, err);
    if (rc < 0) {
        rc = ork_err_wrap(err, "stored definition of workflow `%s`", name);
        ork_workflow_unref(w);
        return rc;
    }
    *out = w;
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Can a value of one type be used where another is wanted? Asked while a script loads, for references whose ends are
 * both declared. Whatever cannot be known before the run (any, open objects, undeclared fields) passes: the check at
 * run time has the last word. */
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"

static int assign(const json_t *to, const json_t *from, const struct ork_type_path *path, int depth, ork_err *err);

static int refuse(const json_t *to, const json_t *from, const struct ork_type_path *path, const char *why, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;

    ork_type_path_text(path, &text);
    ork_buf_adds(&text, text.len ? ": wanted " : "wanted ");
    ork_type_brief(to, &text);
    ork_buf_adds(&text, ", the reference gives ");
    ork_type_brief(from, &text);
    ork_buf_adds(&text, why);
    return ork_err_set(err, ORK_ETYPE, "%s", text.data);
}

static bool is_any(const struct ork_type_view *t)
{
    return t->shape == ORK_TYPE_SCALAR && t->scalar == ORK_SCALAR_ANY;
}

static bool scalar_fits(enum ork_scalar to, enum ork_scalar from)
{
    return to == from || (to == ORK_SCALAR_FLOAT && from == ORK_SCALAR_INT) ||
           (to == ORK_SCALAR_TZ && from == ORK_SCALAR_UTC);
}

static int assign_object(const struct ork_type_view *to, const struct ork_type_view *from,
                         const struct ork_type_path *path, int depth, ork_err *err)
{
    const char *key;
    const json_t *field;

    if (json_object_size(from->fields) == 0)
        return 0; /* open */
    json_object_foreach((json_t *)to->fields, key, field)
    {
        struct ork_type_path at = {.up = path, .key = key};
        const json_t *given = json_object_get(from->fields, key);
        struct ork_type_view t = ork_type_view_of(field);
        if (!given && ork_type_view_takes_null(&t))
            continue;
        if (!given) {
            ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
            ork_type_path_text(&at, &text);
            return ork_err_set(err, ORK_ETYPE, "%s: the reference gives no such field", text.data);
        }
        int rc = assign(field, given, &at, depth + 1, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int assign(const json_t *to, const json_t *from, const struct ork_type_path *path, int depth, ork_err *err)
{
    struct ork_type_view t = ork_type_view_of(to), f = ork_type_view_of(from);

    if (depth > ORK_JSON_DEPTH)
        return ork_err_set(err, ORK_ETOOBIG, "the type is nested more than %d levels deep", ORK_JSON_DEPTH);
    if (t.shape == ORK_TYPE_BAD || f.shape == ORK_TYPE_BAD)
        return ork_err_set(err, ORK_EDEF, "not a type");
    if (is_any(&t) || is_any(&f))
        return 0;
    if (t.shape != f.shape)
        return refuse(to, from, path, "", err);
    if (f.optional && !t.optional)
        return refuse(to, from, path, ", which may be null", err);
    if (t.shape == ORK_TYPE_SCALAR)
        return scalar_fits(t.scalar, f.scalar) ? 0 : refuse(to, from, path, "", err);
    if (t.shape == ORK_TYPE_LIST) {
        struct ork_type_path at = {.up = path, .key = NULL, .index = 0};
        return assign(t.item, f.item, &at, depth + 1, err);
    }
    return assign_object(&t, &f, path, depth, err);
}

int ork_type_assignable(const json_t *to, const json_t *from, ork_err *err)
{
    struct ork_type_path root = {.key = ""};

    return assign(to, from, &root, 0, err);
}

/* SPDX-License-Identifier: MIT */
/* The list a task is done for, and how many of its items may fail. Law: what is no list is told with what it is, and a
 * list that is too long with what to do; neither becomes an empty one. An empty object is one, as in types: Lua has one
 * value for both. */
#include "core/expr_internal.h"
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

/* "params.parts", or what stands there instead of a reference. */
static void name_of(const json_t *expr, struct ork_buf *out)
{
    const json_t *body;

    if (ork_expr_form_of(expr, &body) == ORK_EXPR_REF)
        ork_expr_ref_name(expr, out);
    else
        ork_buf_adds(out, "what it got");
}

bool ork_expr_is_empty_object(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 0;
}

static int list_of(const json_t *expr, const struct ork_scope *s, const char *in, json_t **out, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf name = ORK_BUF_INIT, shown = ORK_BUF_INIT;
    int rc = ork_expr_eval(expr, s, false, out, err);

    if (rc < 0 || json_is_array(*out))
        return rc;
    if (ork_expr_is_empty_object(*out)) {
        json_decref(*out);
        *out = json_array();
        return 0;
    }
    name_of(expr, &name);
    ork_type_value_text(*out, &shown);
    json_decref(*out);
    *out = NULL;
    return ork_err_set(err, ORK_ETYPE, "%s wants a list, but %.200s is %.120s", in, name.data, shown.data);
}

static int too_many(const json_t *over, size_t count, size_t most, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf name = ORK_BUF_INIT;

    name_of(over, &name);
    return ork_err_set(
        err, ORK_ETOOBIG,
        "%.200s has %zu items, ork.each takes at most %zu: make a list of lists of it, and give each item "
        "several to do",
        json_object_get(over, "product") ? "the product" : name.data, count, most);
}

struct factors {
    const char **names;
    json_t **lists;
    size_t n, count;
};

static int evaluate(const json_t *product, const struct ork_scope *s, struct factors *f, ork_err *err)
{
    const char *key;
    const json_t *expr;

    f->count = 1;
    json_object_foreach((json_t *)product, key, expr)
    {
        int rc = list_of(expr, s, "ork.product", &f->lists[f->n], err);
        if (rc < 0)
            return rc;
        f->names[f->n] = key;
        size_t len = json_array_size(f->lists[f->n++]);
        f->count = len && f->count > SIZE_MAX / len ? SIZE_MAX : f->count * len;
    }
    return 0;
}

static json_t *multiply(const struct factors *f)
{
    json_t *all = json_array();

    for (size_t i = 0; i < f->count; i++) {
        json_t *one = json_object();
        size_t rest = i;
        for (size_t k = f->n; k-- > 0;) {
            size_t len = json_array_size(f->lists[k]);
            json_object_set_nocheck(one, f->names[k], json_array_get(f->lists[k], rest % len));
            rest /= len;
        }
        json_array_append_new(all, one);
    }
    return all;
}

static int product_of(const json_t *over, const json_t *product, const struct ork_scope *s, size_t most, json_t **items,
                      ork_err *err)
{
    const size_t n = json_object_size(product);
    struct factors f = {.names = ork_zalloc((n + 1) * sizeof(*f.names)),
                        .lists = ork_zalloc((n + 1) * sizeof(*f.lists))};
    int rc = evaluate(product, s, &f, err);

    if (rc == 0 && f.count > most)
        rc = too_many(over, f.count, most, err);
    if (rc == 0)
        *items = multiply(&f);
    for (size_t i = 0; i < n; i++)
        json_decref(f.lists[i]);
    ork_free(f.names);
    ork_free(f.lists);
    return rc;
}

int ork_expr_items(const json_t *each, const struct ork_scope *s, size_t most, json_t **items, ork_err *err)
{
    const json_t *over = json_object_get(each, "over"), *product = json_object_get(over, "product");

    *items = NULL;
    if (json_is_object(product))
        return product_of(over, product, s, most, items, err);
    int rc = list_of(over, s, "ork.each", items, err);
    if (rc == 0 && json_array_size(*items) > most) {
        rc = too_many(over, json_array_size(*items), most, err);
        json_decref(*items);
        *items = NULL;
    }
    return rc;
}

size_t ork_expr_max_failed(const json_t *each, size_t count)
{
    const json_t *most = json_object_get(each, "max_failed");

    if (json_is_string(most)) {
        double percent = strtod(json_string_value(most), NULL);
        return (size_t)((double)count * percent / 100 + 1e-9);
    }
    return json_is_integer(most) && json_integer_value(most) > 0 ? (size_t)json_integer_value(most) : 0;
}

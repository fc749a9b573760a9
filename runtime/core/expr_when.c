/* SPDX-License-Identifier: MIT */
/* The comparison of `when`. Follows Lua, the language it is written in: only null and false are not truthy, 1
 * equals 1.0, texts are ordered by bytes, and ordering different types is a mistake that is told, not an answer. */
#include "core/expr_internal.h"
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

/* Exact: a double cannot hold every integer, so the integer is compared with the whole part, then the fraction decides.
 */
static int compare_int_real(json_int_t i, double d)
{
    if (d >= 9223372036854775808.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    json_int_t whole = (json_int_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole;
    return (rest < 0) - (rest > 0);
}

static int compare_numbers(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return (json_integer_value(a) > json_integer_value(b)) - (json_integer_value(a) < json_integer_value(b));
    if (json_is_integer(a))
        return compare_int_real(json_integer_value(a), json_real_value(b));
    if (json_is_integer(b))
        return -compare_int_real(json_integer_value(b), json_real_value(a));
    return (json_real_value(a) > json_real_value(b)) - (json_real_value(a) < json_real_value(b));
}

static int compare_strings(const json_t *a, const json_t *b)
{
    size_t n = json_string_length(a), m = json_string_length(b);
    int c = memcmp(json_string_value(a), json_string_value(b), n < m ? n : m);

    return c ? c : (n > m) - (n < m);
}

static bool equal(const json_t *a, const json_t *b, int depth)
{
    const char *key;
    const json_t *value;

    if (a == b)
        return true;
    if (depth > ORK_JSON_DEPTH)
        return false;
    if (json_is_number(a) && json_is_number(b))
        return compare_numbers(a, b) == 0;
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_string(a))
        return compare_strings(a, b) == 0;
    if (json_is_array(a)) {
        if (json_array_size(a) != json_array_size(b))
            return false;
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!equal(json_array_get(a, i), json_array_get(b, i), depth + 1))
                return false;
        return true;
    }
    if (json_is_object(a)) {
        if (json_object_size(a) != json_object_size(b))
            return false;
        json_object_foreach((json_t *)a, key, value)
        {
            const json_t *other = json_object_get(b, key);
            if (!other || !equal(value, other, depth + 1))
                return false;
        }
    }
    return true; /* null, true, false have no inside */
}

bool ork_expr_equal(const json_t *a, const json_t *b)
{
    return equal(a, b, 0);
}

/* "tasks.a.output.x is "abc"", or just the value when it was written there. */
static void describe(const json_t *expr, const json_t *value, struct ork_buf *out)
{
    if (json_object_get(expr, "ref")) {
        ork_expr_ref_name(expr, out);
        ork_buf_adds(out, " is ");
    }
    ork_type_value_text(value, out);
}

static int refuse(const json_t *when, const json_t *left, const json_t *right, const char *op, const char *why,
                  ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;

    ork_buf_addf(&text, "`%s` %s: ", op, why);
    describe(json_object_get(when, "left"), left, &text);
    ork_buf_adds(&text, ", on the right ");
    describe(json_object_get(when, "right"), right, &text);
    return ork_err_set(err, ORK_ETYPE, "%s", text.data);
}

enum op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OP_TRUTHY, OP_NONE };
static const char *const ops[] = {"==", "~=", "<", "<=", ">", ">=", "in", "truthy", NULL};

static int compare(const json_t *when, enum op op, const json_t *a, const json_t *b, bool *result, ork_err *err)
{
    int c;

    if (op == OP_EQ || op == OP_NE) {
        *result = ork_expr_equal(a, b) == (op == OP_EQ);
        return 0;
    }
    if (op == OP_IN) {
        if (!json_is_array(b) && !ork_expr_is_empty_object(b))
            return refuse(when, a, b, ops[op], "wants a list on the right", err);
        *result = false;
        for (size_t i = 0; i < json_array_size(b) && !*result; i++)
            *result = ork_expr_equal(a, json_array_get(b, i));
        return 0;
    }
    if (json_is_number(a) && json_is_number(b))
        c = compare_numbers(a, b);
    else if (json_is_string(a) && json_is_string(b))
        c = compare_strings(a, b);
    else
        return refuse(when, a, b, ops[op], "orders two numbers or two texts", err);
    *result = op == OP_LT ? c < 0 : op == OP_LE ? c <= 0 : op == OP_GT ? c > 0 : c >= 0;
    return 0;
}

static int find_op(const json_t *when, enum op *op, ork_err *err)
{
    const char *word = json_string_value(json_object_get(when, "op"));

    if (!word)
        return ork_err_set(err, ORK_EDEF, "{\"op\", \"left\", \"right\"} is wanted");
    for (*op = OP_EQ; *op < OP_NONE; (*op)++)
        if (strcmp(ops[*op], word) == 0)
            break;
    if (*op == OP_NONE)
        return ork_err_set(err, ORK_EDEF, "unknown comparison `%.40s`; there are == ~= < <= > >= in%s", word,
                           strcmp(word, "!=") == 0 ? "; not equal is `~=`" : "");
    if (!json_object_get(when, "left") || !json_object_get(when, "right") != (*op == OP_TRUTHY))
        return ork_err_set(err, ORK_EDEF, "`%s` wants %s", ops[*op],
                           *op == OP_TRUTHY ? "left and no right" : "left and right");
    return 0;
}

int ork_expr_when(const json_t *when, const struct ork_scope *s, bool optional, bool *result, ork_err *err)
{
    unsigned flags = ORK_EXPR_NULL_OK | (optional ? ORK_EXPR_MISSING_OK : 0);
    json_t *left = NULL, *right = NULL;
    enum op op = OP_NONE;
    int rc = find_op(when, &op, err);

    if (rc < 0)
        return rc;
    rc = ork_expr_eval_flags(json_object_get(when, "left"), s, flags, &left, err);
    if (rc == 0 && op == OP_TRUTHY) {
        *result = !json_is_null(left) && !json_is_false(left);
    } else if (rc == 0) {
        rc = ork_expr_eval_flags(json_object_get(when, "right"), s, flags, &right, err);
        if (rc == 0)
            rc = compare(when, op, left, right, result, err);
    }
    json_decref(left);
    json_decref(right);
    return rc;
}

/* SPDX-License-Identifier: MIT */
/* Random trees into everything that takes trees of users or databases: no crash, no leak, no read of freed memory (run
 * it under the sanitizers), an error text exactly on failure, and what succeeds can be written as JSON. The trees are
 * made of the words the readers look for, so they get far. ORK_FUZZ_ROUNDS and ORK_FUZZ_SEED change the round. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/expr.h"
#include "core/lib_json.h"
#include "core/params.h"
#include "core/types.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13; /* xorshift64 */
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % n;
}

static const char *const words[] = {
    "str",
    "int",
    "int?",
    "float",
    "bool",
    "date?",
    "datetime_utc",
    "datetime_tz",
    "datetime_notz",
    "any",
    "?",
    "string",
    "a",
    "b",
    "rows",
    "tasks",
    "tasks.a.output",
    "tasks.a.output.b",
    "tasks.b.status",
    "params.a",
    "input.b",
    "this.a",
    "output",
    "params",
    "..",
    "",
    "%Y-%m-%d",
    "%",
    "%Q",
    "2026-11-01",
    "2026-11-01T02:00:00Z",
    "2026-11-01T02:00:00.5+00:00",
    "today",
    "-3d",
    "==",
    "in",
    "truthy",
    "<",
    "1.5",
    "[1]",
    "ä€😀",
    "\xff\xfe",
    "A=B",
    "x y",
    "null",
    "true",
};
static const char *const keys[] = {
    "const",   "ref",   "text",     "list",        "object", "date",          "secret",
    "a",       "b",     "rows",     "x y",         "",       "offset_ms",     "format",
    "command", "shell", "args",     "env",         "cwd",    "task_bindings", "task_binding",
    "when",    "op",    "left",     "right",       "type",   "default",       "choices",
    "min",     "max",   "required", "description", "A=B",
};

static json_t *scalar(void)
{
    static const double reals[] = {0.0,   -0.0,  1.0, 1.5, 1e20, -9223372036854775808.0, 9223372036854775808.0,
                                   1e308, 5e-324};
    static const json_int_t ints[] = {0, 1, -1, 12, INT64_MAX, INT64_MIN, 9007199254740993, -86400000};

    switch (rnd(10)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean((int)rnd(2));
    case 2:
    case 3:
        return json_integer(ints[rnd(COUNT(ints))]);
    case 4:
        return json_real(reals[rnd(COUNT(reals))]);
    case 5:
        return json_stringn_nocheck("a\0b", 3);
    default:
        return json_string_nocheck(words[rnd(COUNT(words))]);
    }
}

static json_t *random_tree(int depth)
{
    uint32_t what = depth <= 0 ? 0 : rnd(10);

    if (what < 3)
        return scalar();
    if (what < 5) {
        json_t *list = json_array();
        for (uint32_t n = rnd(4); n > 0; n--)
            json_array_append_new(list, random_tree(depth - 1));
        return list;
    }
    json_t *object = json_object();
    for (uint32_t n = what < 8 ? 1 : rnd(5); n > 0; n--)
        json_object_set_new_nocheck(object, keys[rnd(COUNT(keys))], random_tree(depth - 1));
    return object;
}

/* A command that has the right outer form, so that the inside is reached. */
static json_t *random_params(void)
{
    json_t *params = random_tree(5), *command = random_tree(3);

    if (!json_is_object(params)) {
        json_decref(params);
        params = json_object();
    }
    if (rnd(3)) {
        command = rnd(2) ? json_pack("[s,o]", "x", command) : json_pack("{s:s,s:[o]}", "shell", "x", "args", command);
        json_object_set_new(params, "command", command);
    } else {
        json_object_set_new_nocheck(params, "command", command);
    }
    if (rnd(2))
        json_object_set_new(params, "env", json_pack("{s:o}", "A", random_tree(3)));
    return params;
}

static json_t *random_when(void)
{
    static const char *const ops[] = {"==", "~=", "<", "<=", ">", ">=", "in", "truthy", "!="};
    json_t *left = rnd(2) ? scalar() : random_tree(3),
           *right = rnd(2) ? scalar() : json_pack("{s:o}", "const", random_tree(2));
    json_t *when = json_pack("{s:s,s:o}", "op", ops[rnd(COUNT(ops))], "left", left);

    if (rnd(8))
        json_object_set_new(when, "right", right);
    else
        json_decref(right);
    return when;
}

static json_t *random_schema(void)
{
    static const char *const types[] = {"str", "int",    "int?", "float", "date", "datetime_utc", "datetime_notz?",
                                        "any", "integer"};
    static const char *const optional[] = {"default", "min", "max", "choices", "required", "description", "typo"};
    json_t *schema = json_object();

    for (uint32_t n = 1 + rnd(3); n > 0; n--) {
        json_t *p = json_pack("{s:o}", "type", rnd(6) ? json_string(types[rnd(COUNT(types))]) : random_tree(2));
        for (size_t i = 0; i < COUNT(optional); i++) {
            if (rnd(4))
                continue;
            json_t *v = rnd(4) ? scalar() : random_tree(2);
            json_object_set_new(p, optional[i], i == 3 ? json_pack("[o,o]", v, scalar()) : v);
        }
        json_object_set_new(schema, keys[7 + rnd(3)], p);
    }
    return schema;
}

static void check_outcome(int rc, const ork_err *err)
{
    if (rc == 0)
        return;
    assert_true(rc < 0);
    assert_int_equal(rc, err->code);
    assert_true(err->msg[0] != 0);
    assert_true(memchr(err->msg, 0, sizeof err->msg) != NULL);
}

static void fuzz_expr(const struct ork_scope *s, const json_t *expr)
{
    ork_err err = {0};
    json_t *value = NULL;
    bool result;
    struct ork_buf out = ORK_BUF_INIT;

    int rc = ork_expr_eval(expr, s, rnd(2), &value, &err);
    check_outcome(rc, &err);
    if (rc == 0) {
        assert_non_null(value);
        memset(&err, 0, sizeof err);
        check_outcome(ork_expr_text(value, &out, &err), &err);
    }
    json_decref(value);
    memset(&err, 0, sizeof err);
    check_outcome(ork_expr_when(expr, s, rnd(2), &result, &err), &err);
    ork_buf_clear(&out);
    ork_expr_ref_name(expr, &out);
    ork_buf_fini(&out);
}

static void add_name(void *data, const char *task, const char *what)
{
    assert_non_null(task);
    assert_non_null(what);
    ork_buf_adds(data, task);
}

static void fuzz_command(const struct ork_scope *s, const json_t *params)
{
    ork_err err = {0};
    struct ork_argv argv;
    struct ork_buf names = ORK_BUF_INIT;
    int rc = ork_expr_command(params, s, &argv, &err);

    check_outcome(rc, &err);
    if (rc == 0) {
        assert_true(argv.argc > 0 && argv.argv[0][0] && !argv.argv[argv.argc]);
        for (size_t i = 0; i < argv.envc; i++)
            assert_true(argv.env[i][0] && argv.env[i][0] != '=');
    }
    ork_argv_fini(&argv);
    ork_expr_each_task(params, add_name, &names);
    ork_expr_params_each_task(params, add_name, &names);
    ork_buf_fini(&names);
}

static void fuzz_types(const json_t *type, const json_t *other, const json_t *value)
{
    static const char *const texts[] = {"",          "3",    "-3d",  "today",      "true", "[1,2]",
                                        "{\"a\":1}", "null", "\xff", "2026-11-01", "1e5"};
    ork_err err = {0};
    struct ork_buf out = ORK_BUF_INIT;
    bool known;

    int rc = ork_type_check(type, &err);
    check_outcome(rc, &err);
    ork_type_text(type, &out);
    assert_true(out.len > 0);
    ork_buf_fini(&out);
    (void)ork_type_field(type, "a", &known);

    json_t *before = json_deep_copy(value), *old = json_incref((json_t *)value), *now = json_incref(old);
    memset(&err, 0, sizeof err);
    int fits = ork_type_apply(type, &now, "output", &err);
    check_outcome(fits, &err);
    assert_true(json_equal(old, before));
    if (fits == 0 && rc == 0) { /* what fits, fits again, unchanged */
        json_t *again = json_incref(now);
        assert_int_equal(ork_type_apply(type, &again, "output", &err), 0);
        assert_ptr_equal(again, now);
        json_decref(again);
    }
    json_decref(before);
    json_decref(old);
    json_decref(now);

    memset(&err, 0, sizeof err);
    check_outcome(ork_type_assignable(type, other, &err), &err);
    if (rc == 0)
        assert_int_equal(ork_type_assignable(type, type, &err), 0);

    json_t *typed = NULL;
    memset(&err, 0, sizeof err);
    rc = ork_type_from_text(type, texts[rnd(COUNT(texts))], (struct ork_moment){.ms = INT64_C(1793498523456)}, &typed,
                            &err);
    check_outcome(rc, &err);
    json_decref(typed);
}

static void count(void *data, const char *code, uint32_t task, const char *text)
{
    assert_non_null(code);
    assert_int_equal(task, UINT32_MAX);
    assert_true(text[0] != 0);
    ++*(size_t *)data;
}

static void fuzz_when(const struct ork_scope *s)
{
    json_t *when = random_when();
    bool result;
    ork_err err = {0};

    check_outcome(ork_expr_when(when, s, rnd(2), &result, &err), &err);
    json_decref(when);
}

static void fuzz_params(const json_t *schema, const json_t *given, bool typed)
{
    ork_err err = {0};
    json_t *out = NULL;
    size_t told = 0, n = ork_params_check(schema, count, &told);

    assert_int_equal(n, told);
    told = 0;
    int rc = ork_params_complete(schema, typed ? NULL : given, typed ? given : NULL,
                                 (struct ork_moment){.ms = INT64_C(1793498523456)}, count, &told, &out, &err);
    check_outcome(rc, &err);
    assert_int_equal(rc == 0, out != NULL);
    if (rc == 0)
        assert_int_equal(told, 0);
    json_decref(out);
}

static void test_random(void **state)
{
    (void)state;
    const char *rounds_text = getenv("ORK_FUZZ_ROUNDS"), *seed_text = getenv("ORK_FUZZ_SEED");
    long rounds = rounds_text ? atol(rounds_text) : 20000;

    seed = seed_text ? strtoull(seed_text, NULL, 10) | 1 : UINT64_C(0x9e3779b97f4a7c15);
    for (long i = 0; i < rounds; i++) {
        json_t *world = json_pack("{s:o,s:o,s:{s:o,s:o},s:{s:s}}", "params", random_tree(3), "input", random_tree(3),
                                  "output", "a", random_tree(4), "b", random_tree(2), "secret", "a", "hush");
        struct ork_scope s = scope_of(world);
        json_t *expr = random_tree(6), *params = random_params(), *type = random_tree(4), *value = random_tree(4);
        fuzz_expr(&s, expr);
        fuzz_command(&s, params);
        fuzz_types(type, expr, value);
        fuzz_when(&s);
        fuzz_params(type, value, rnd(2));
        json_t *schema = random_schema(), *given = json_pack("{s:o,s:o}", "a", scalar(), "rows", scalar());
        fuzz_params(schema, given, rnd(2));
        fuzz_params(schema, NULL, false);
        json_decref(schema);
        json_decref(given);
        json_decref(value);
        json_decref(type);
        json_decref(params);
        json_decref(expr);
        json_decref(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

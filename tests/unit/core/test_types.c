/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/err.h"
#include "core/lib_json.h"
#include "core/types.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1793498523456) /* 2026-11-01T02:02:03.456Z */
#define AT_NOW ((struct ork_moment){.ms = NOW})

static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *type, *msg; /* NULL: it is one */
    } cases[] = {
        {"'str'", NULL},
        {"'int?'", NULL},
        {"'any'", NULL},
        {"['date']", NULL},
        {"['?',['datetime_utc']]", NULL},
        {"['?','str']", NULL},
        {"{'a':'int','b c':[{'x':['?',{'y':'bool'}]}]}", NULL},
        {"{}", NULL},
        {"'string'", "unknown type \"string\"; write `str`"},
        {"'integer'", "write `int`"},
        {"'boolean'", "write `bool`"},
        {"'number'", "write `float`"},
        {"'datetime'", "write `datetime_utc`"},
        {"'String'", "write `str`"},
        {"'string?'", "write `str`"},
        {"'strr'", "did you mean `str`?"},
        {"'Int?'", "did you mean `int?`?"},
        {"'date_time_utc'", "did you mean `datetime_utc`?"},
        {"'list'", "a list, { \"str\" }"},
        {"'zzzzzzzz'", "types are str int float bool date"},
        {"''", "types are"},
        {"'?'", "types are"},
        {"{'rows':'int','parts':['strng']}", "parts[1]: unknown type \"strng\"; did you mean `str`?"},
        {"{'a':{'b c':'integer'}}", "a[\"b c\"]: unknown type \"integer\""},
        {"[]", "exactly one element type"},
        {"['int','str']", "exactly one element type"},
        {"['?',['a','b']]", "exactly one"},
        {"['?',5]", "not a type: 5"},
        {"{'a':null}", "a: not a type: null"},
        {"12", "not a type: 12"},
        {"true", "not a type: true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *type = tree(cases[i].type);
        ork_err err = {0};
        int rc = ork_type_check(type, &err);
        if (rc != (cases[i].msg ? ORK_EDEF : 0))
            fail_msg("%s: %d %s", cases[i].type, rc, err.msg);
        if (cases[i].msg)
            assert_contains(err.msg, cases[i].msg);
        json_decref(type);
    }
    assert_int_equal(ork_type_check(NULL, NULL), ORK_EDEF);
}

static void test_apply(void **state)
{
    (void)state;
    static const struct {
        const char *type, *value, *result; /* result: canonical value, or the message */
    } cases[] = {
        {"'int'", "10", "10"},
        {"'int'", "10.0", "10"},
        {"'int'", "-9223372036854775808.0", "-9223372036854775808"},
        {"'int'", "9223372036854775808.0", "!out: wanted int, got 9223372036854776000.0"},
        {"'int'", "10.5", "!out: wanted int, got 10.5"},
        {"'int'", "'10'", "!out: wanted int, got \"10\""},
        {"'int'", "true", "!out: wanted int, got true"},
        {"'float'", "10", "10.0"},
        {"'float'", "1.5", "1.5"},
        {"'float'", "9007199254740993", "!out: wanted float, got 9007199254740993, which a float cannot hold exactly"},
        {"'float'", "9223372036854775807", "!out: wanted float"},
        {"'float'", "'1'", "!out: wanted float, got \"1\""},
        {"'bool'", "false", "false"},
        {"'bool'", "0", "!out: wanted bool, got 0"},
        {"'str'", "'x'", "\"x\""},
        {"'str'", "12", "!out: wanted str, got 12"},
        {"'str'", "null", "!out: wanted str, got null; an optional type takes null: \"T?\""},
        {"'str?'", "null", "null"},
        {"'str?'", "'x'", "\"x\""},
        {"'str?'", "5", "!out: wanted str?, got 5"},
        {"'any'", "null", "null"},
        {"'any'", "{'a':[1]}", "{\"a\":[1]}"},
        {"'date'", "'2026-02-28'", "\"2026-02-28\""},
        {"'date'", "'2024-02-29'", "\"2024-02-29\""},
        {"'date'", "'2026-02-29'", "!out: wanted date (such as 2026-11-01), got \"2026-02-29\""},
        {"'date'", "'1900-02-29'", "!out: wanted date"},
        {"'date'", "'2000-02-29'", "\"2000-02-29\""},
        {"'date'", "'2026-13-01'", "!out: wanted date"},
        {"'date'", "'2026-1-01'", "!out: wanted date"},
        {"'date'", "'2026-11-01T00:00:00Z'", "!out: wanted date"},
        {"'date'", "20261101", "!out: wanted date"},
        {"'datetime_notz'", "'2026-11-01T02:00:00'", "\"2026-11-01T02:00:00\""},
        {"'datetime_notz'", "'2026-11-01T02:00:00.123456789'", "\"2026-11-01T02:00:00.123456789\""},
        {"'datetime_notz'", "'2026-11-01T02:00:00Z'", "!out: wanted datetime_notz"},
        {"'datetime_notz'", "'2026-11-01T02:00:00-01:00'", "!out: wanted datetime_notz"},
        {"'datetime_notz'", "'2026-11-01T02:00:00.'", "!out: wanted datetime_notz"},
        {"'datetime_notz'", "'2026-11-01 02:00:00'", "!out: wanted datetime_notz"},
        {"'datetime_tz'", "'2026-11-01T02:00:00+01:00'", "\"2026-11-01T02:00:00+01:00\""},
        {"'datetime_tz'", "'2026-11-01T02:00:00.5Z'", "\"2026-11-01T02:00:00.5Z\""},
        {"'datetime_tz'", "'2026-11-01T02:00:00'", "!out: wanted datetime_tz"},
        {"'datetime_tz'", "'2026-11-01T24:00:00Z'", "!out: wanted datetime_tz"},
        {"'datetime_tz'", "'2026-11-01T02:60:00Z'", "!out: wanted datetime_tz"},
        {"'datetime_tz'", "'2026-11-01T02:00:00+01'", "!out: wanted datetime_tz"},
        {"'datetime_tz'", "'2026-11-01T02:00:00+01:00x'", "!out: wanted datetime_tz"},
        {"'datetime_utc'", "'2026-11-01T02:00:00Z'", "\"2026-11-01T02:00:00Z\""},
        {"'datetime_utc'", "'2026-11-01T02:00:00.25+00:00'", "\"2026-11-01T02:00:00.25Z\""},
        {"'datetime_utc'", "'2026-11-01T02:00:00+01:00'", "!out: wanted datetime_utc"},
        {"'datetime_utc'", "'2026-11-01T02:00:00-00:00'", "!out: wanted datetime_utc"},
        {"'datetime_utc'", "'+00:00'", "!out: wanted datetime_utc"},
        {"['int']", "[1,2.0,3]", "[1,2,3]"},
        {"['int']", "[]", "[]"},
        {"['int']", "{}", "[]"},
        {"['int']", "{'a':1}", "!out: wanted [int], got an object"},
        {"['int']", "'x'", "!out: wanted [int], got \"x\""},
        {"['str']", "['a','b',12]", "!out[3]: wanted str, got 12"},
        {"['?',['int']]", "null", "null"},
        {"['?',['int']]", "[1.0]", "[1]"},
        {"{'rows':'int'}", "{'rows':2.0,'more':1.0}", "{\"more\":1.0,\"rows\":2}"},
        {"{'rows':'int','dir':'str?','x':'any'}", "{'rows':2}", "{\"dir\":null,\"rows\":2,\"x\":null}"},
        {"{'rows':'int'}", "{}", "!out.rows: missing, wanted int"},
        {"{'rows':'int'}", "[]", "!out: wanted {rows: int}, got an empty list"},
        {"{'rows':'int'}", "null", "!out: wanted {rows: int}, got null"},
        {"{}", "{'a':1}", "{\"a\":1}"},
        {"{}", "1", "!out: wanted {}, got 1"},
        {"{'a':{'b c':['int']}}", "{'a':{'b c':[1,'x']}}", "!out.a[\"b c\"][2]: wanted int, got \"x\""},
        {"{'parts':['str']}", "{'parts':['a','b',12]}", "!out.parts[3]: wanted str, got 12"},
        {"'strange'", "1", "!unknown type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *type = tree(cases[i].type), *value = tree(cases[i].value), *old = json_incref(value);
        ork_err err = {0};
        int rc = ork_type_apply(type, &value, "out", &err);
        bool refused = *cases[i].result == '!';
        if ((rc < 0) != refused)
            fail_msg("%s %s: %d %s", cases[i].type, cases[i].value, rc, err.msg);
        if (refused)
            assert_contains(err.msg, cases[i].result + 1);
        else
            assert_string_equal(text_of(value), cases[i].result);
        if (refused)
            assert_ptr_equal(value, old);
        json_t *again = tree(cases[i].value);
        assert_true(json_equal(old, again));
        json_decref(again);
        json_decref(old);
        json_decref(value);
        json_decref(type);
    }
}

/* A conversion for one reader is not seen by another, and what did not change is shared, not copied. */
static void test_apply_shares(void **state)
{
    (void)state;
    json_t *type = tree("{'a':['int'],'b':['int']}"), *value = tree("{'a':[1.0],'b':[1]}"), *old = json_incref(value);

    assert_int_equal(ork_type_apply(type, &value, "x", NULL), 0);
    assert_ptr_not_equal(value, old);
    assert_string_equal(text_of(old), "{\"a\":[1.0],\"b\":[1]}");
    assert_string_equal(text_of(value), "{\"a\":[1],\"b\":[1]}");
    assert_ptr_equal(json_object_get(value, "b"), json_object_get(old, "b"));
    json_decref(old);
    json_decref(value);
    json_decref(type);
}

static void test_depth(void **state)
{
    (void)state;
    json_t *type = json_string("int"), *value = json_integer(1);
    ork_err err;

    for (int i = 0; i < ORK_JSON_DEPTH + 50; i++) {
        type = json_pack("[o]", type);
        value = json_pack("[o]", value);
        int expected = i + 1 <= ORK_JSON_DEPTH ? 0 : ORK_ETOOBIG;
        assert_int_equal(ork_type_check(type, &err), expected);
        assert_int_equal(ork_type_apply(type, &value, "out", &err), expected);
        assert_int_equal(ork_type_assignable(type, type, &err), expected);
    }
    struct ork_buf out = ORK_BUF_INIT;
    ork_type_text(type, &out);
    assert_contains(out.data, "[?]");
    ork_buf_fini(&out);
    json_decref(type);
    json_decref(value);

    type = json_string("int");
    for (int i = 0; i < 3000; i++)
        type = json_pack("[s,o]", "?", type);
    assert_int_equal(ork_type_check(type, &err), ORK_EDEF);
    json_decref(type);
}

static void test_assignable(void **state)
{
    (void)state;
    static const struct {
        const char *to, *from, *msg; /* NULL: yes */
    } cases[] = {
        {"'int'", "'int'", NULL},
        {"'int?'", "'int'", NULL},
        {"'int?'", "'int?'", NULL},
        {"'int'", "'int?'", "may be null"},
        {"'float'", "'int'", NULL},
        {"'int'", "'float'", "wanted int, the reference gives float"},
        {"'datetime_tz'", "'datetime_utc'", NULL},
        {"'datetime_utc'", "'datetime_tz'", "wanted datetime_utc"},
        {"'str'", "'date'", "wanted str"},
        {"'any'", "{'a':'int'}", NULL},
        {"'int'", "'any'", NULL},
        {"['float']", "['int']", NULL},
        {"['int']", "['str']", "[1]: wanted int, the reference gives str"},
        {"['int']", "'int'", "wanted [int], the reference gives int"},
        {"['?',['int']]", "['int']", NULL},
        {"{'a':'int'}", "{'a':'int','b':'str'}", NULL},
        {"{'a':'int'}", "{'b':'str'}", "a: the reference gives no such field"},
        {"{'a':'int?','b':'any'}", "{'c':'str'}", NULL},
        {"{'a':'int'}", "{}", NULL},
        {"{}", "{'a':'int'}", NULL},
        {"{'a':{'b':'int'}}", "{'a':{'b':'str'}}", "a.b: wanted int"},
        {"{'a':'int'}", "['int']", "wanted {a: int}, the reference gives [int]"},
        {"'strng'", "'str'", "not a type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *to = tree(cases[i].to), *from = tree(cases[i].from);
        ork_err err = {0};
        int rc = ork_type_assignable(to, from, &err);
        if ((rc < 0) != (cases[i].msg != NULL))
            fail_msg("%s <- %s: %d %s", cases[i].to, cases[i].from, rc, err.msg);
        if (cases[i].msg)
            assert_contains(err.msg, cases[i].msg);
        json_decref(to);
        json_decref(from);
    }
}

static void test_field(void **state)
{
    (void)state;
    static const struct {
        const char *type, *field, *found; /* NULL: none */
        bool known;
    } cases[] = {
        {"{'a':'int'}", "a", "\"int\"", true},
        {"{'a':'int'}", "b", NULL, true},
        {"['?',{'a':['str']}]", "a", "[\"str\"]", true},
        {"{}", "a", NULL, false},
        {"'any'", "a", NULL, false},
        {"'any?'", "a", NULL, false},
        {"'int'", "a", NULL, true},
        {"['int']", "a", NULL, true},
        {"5", "a", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *type = tree(cases[i].type);
        bool known = !cases[i].known;
        const json_t *found = ork_type_field(type, cases[i].field, &known);
        assert_int_equal(known, cases[i].known);
        if (cases[i].found)
            assert_string_equal(text_of(found), cases[i].found);
        else
            assert_null(found);
        json_decref(type);
    }
    json_t *optional = tree("'int?'"), *plain = tree("'int'"), *list = tree("['?',['int']]");
    assert_true(ork_type_is_optional(optional) && ork_type_is_optional(list) && !ork_type_is_optional(plain));
    json_decref(optional);
    json_decref(plain);
    json_decref(list);
}

static void test_from_text(void **state)
{
    (void)state;
    static const struct {
        const char *type, *text, *result; /* as in test_apply */
    } cases[] = {
        {"'str'", "3", "\"3\""},
        {"'str'", "", "\"\""},
        {"'str?'", "null", "\"null\""},
        {"'int'", "3", "3"},
        {"'int'", "-3", "-3"},
        {"'int'", "+3", "3"},
        {"'int'", "9223372036854775807", "9223372036854775807"},
        {"'int'", "9223372036854775808", "!wanted int, got \"9223372036854775808\""},
        {"'int'", "3x", "!wanted int, got \"3x\""},
        {"'int'", " 3", "!wanted int"},
        {"'int'", "", "!wanted int, got \"\""},
        {"'int'", "-", "!wanted int"},
        {"'int'", "0x10", "!wanted int"},
        {"'int?'", "", "null"},
        {"'int?'", "null", "null"},
        {"'float'", "3", "3.0"},
        {"'float'", "-1.5e3", "-1500.0"},
        {"'float'", "+2.5", "2.5"},
        {"'float'", "nan", "!wanted float"},
        {"'float'", "inf", "!wanted float"},
        {"'float'", "[1]", "!wanted float"},
        {"'bool'", "true", "true"},
        {"'bool'", "No", "false"},
        {"'bool'", "1", "true"},
        {"'bool'", "maybe", "!wanted bool (true or false), got \"maybe\""},
        {"'date'", "2026-02-03", "\"2026-02-03\""},
        {"'date'", "today", "\"2026-11-01\""},
        {"'date'", "yesterday", "\"2026-10-31\""},
        {"'date'", "tomorrow", "\"2026-11-02\""},
        {"'date'", "-3d", "\"2026-10-29\""},
        {"'date'", "+1w", "\"2026-11-08\""},
        {"'date'", "-3h", "\"2026-10-31\""},
        {"'date'", "2026-02-30", "!wanted date (such as 2026-11-01, today"},
        {"'date'", "-3x", "!wanted date"},
        {"'date'", "--3d", "!wanted date"},
        {"'date'", "-99999999d", "!outside the years"},
        {"'date'", "2026-11-01T00:00:00Z", "!wanted date"},
        {"'datetime_utc'", "now", "\"2026-11-01T02:02:03.456Z\""},
        {"'datetime_utc'", "today", "\"2026-11-01T00:00:00.000Z\""},
        {"'datetime_utc'", "-1h", "\"2026-11-01T01:02:03.456Z\""},
        {"'datetime_utc'", "2026-11-01T02:00:00Z", "\"2026-11-01T02:00:00Z\""},
        {"'datetime_utc'", "2026-11-01T02:00:00+02:00", "\"2026-11-01T00:00:00.000Z\""},
        {"'datetime_utc'", "2026-11-01 02:00:00", "\"2026-11-01T02:00:00Z\""},
        {"'datetime_utc'", "2026-11-01", "\"2026-11-01T00:00:00Z\""},
        {"'datetime_utc'", "soon", "!wanted datetime_utc"},
        {"'datetime_tz'", "2026-11-01T02:00:00+02:00", "\"2026-11-01T02:00:00+02:00\""},
        {"'datetime_tz'", "2026-11-01", "\"2026-11-01T00:00:00Z\""},
        {"'datetime_notz'", "2026-11-01 02:00:00", "\"2026-11-01T02:00:00\""},
        {"'datetime_notz'", "now", "\"2026-11-01T02:02:03.456\""},
        {"'datetime_notz'", "2026-11-01T02:00:00Z", "!wanted datetime_notz"},
        {"['int']", "[1, 2.0]", "[1,2]"},
        {"['int']", "1,2", "!as JSON, such as"},
        {"['int']", "['a']", "!as JSON"},
        {"['int']", "[true]", "![1]: wanted int, got true"},
        {"['?',['int']]", "", "null"},
        {"{'a':'int'}", "{\"a\": 1}", "{\"a\":1}"},
        {"{'a':'int'}", "{\"b\": 1}", "!a: missing"},
        {"'any'", "{\"b\": 1}", "{\"b\":1}"},
        {"'any'", "plain text", "\"plain text\""},
        {"'any'", "5", "5"},
        {"'str'", "\xff", "!UTF-8"},
        {"'strr'", "x", "!unknown type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *type = tree(cases[i].type), *value = NULL;
        ork_err err = {0};
        int rc = ork_type_from_text(type, cases[i].text, AT_NOW, &value, &err);
        if ((rc < 0) != (*cases[i].result == '!'))
            fail_msg("%s \"%s\": %d %s", cases[i].type, cases[i].text, rc, err.msg);
        if (rc < 0) {
            assert_null(value);
            assert_contains(err.msg, cases[i].result + 1);
        } else {
            assert_string_equal(text_of(value), cases[i].result);
        }
        json_decref(value);
        json_decref(type);
    }
}

static void test_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"'str?'", "str?"},
        {"{'rows':'int','parts':['str']}", "{rows: int, parts: [str]}"},
        {"['?',{'a b':'any'}]", "{\"a b\": any}?"},
        {"['?',['?','int?']]", "int?"},
        {"{}", "{}"},
        {"7", "?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_buf out = ORK_BUF_INIT;
        json_t *type = tree(cases[i][0]);
        ork_type_text(type, &out);
        assert_string_equal(out.data, cases[i][1]);
        ork_buf_fini(&out);
        json_decref(type);
    }
}

/* What stands there is shown, but never a page of it, and never half a character. */
static void test_long_messages(void **state)
{
    (void)state;
    struct ork_buf text = ORK_BUF_INIT;
    for (int i = 0; i < 1000; i++)
        ork_buf_adds(&text, "ä");
    json_t *type = json_string("int"), *value = json_string(text.data);
    ork_err err;

    assert_int_equal(ork_type_apply(type, &value, "output", &err), ORK_ETYPE);
    assert_true(strlen(err.msg) < 120);
    assert_contains(err.msg, "ä…");
    assert_int_equal(ork_utf8_check(err.msg, strlen(err.msg), NULL), 0);
    assert_int_equal(ork_type_from_text(type, text.data, AT_NOW, &(json_t *){NULL}, &err), ORK_ETYPE);
    assert_int_equal(ork_utf8_check(err.msg, strlen(err.msg), NULL), 0);
    assert_true(strlen(err.msg) < 160);
    json_decref(value);
    json_decref(type);

    type = json_object();
    for (int i = 0; i < 300; i++) {
        char key[24];
        snprintf(key, sizeof key, "field_%d", i);
        json_object_set_new(type, key, json_string("int"));
    }
    value = json_true();
    assert_int_equal(ork_type_apply(type, &value, "output", &err), ORK_ETYPE);
    assert_contains(err.msg, "…, got true");
    json_decref(type);
    ork_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),     cmocka_unit_test(test_apply),      cmocka_unit_test(test_apply_shares),
        cmocka_unit_test(test_depth),     cmocka_unit_test(test_assignable), cmocka_unit_test(test_field),
        cmocka_unit_test(test_from_text), cmocka_unit_test(test_text),       cmocka_unit_test(test_long_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

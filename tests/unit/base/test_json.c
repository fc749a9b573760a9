/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/json.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <locale.h>
#include <string.h>

static char *repeat(const char *open, size_t n, const char *middle, const char *close)
{
    struct ork_buf b = ORK_BUF_INIT;
    for (size_t i = 0; i < n; i++)
        ork_buf_adds(&b, open);
    ork_buf_adds(&b, middle);
    for (size_t i = 0; i < n; i++)
        ork_buf_adds(&b, close);
    return ork_buf_steal(&b, NULL);
}

static void test_canonical(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"null", "null"},
        {" true ", "true"},
        {"false", "false"},
        {"\"x\"", "\"x\""},
        {"{}", "{}"},
        {"[]", "[]"},
        {"[ 1 , [ ] , { } ]", "[1,[],{}]"},
        {"{\"b\":1,\"a\":2,\"\":3,\"aa\":4,\"B\":5}", "{\"\":3,\"B\":5,\"a\":2,\"aa\":4,\"b\":1}"},
        {"{\"\\u00e4\":1,\"z\":2,\"\xf0\x9f\x98\x80\":3,\"\xef\xbf\xbd\":4}",
         "{\"z\":2,\"\xc3\xa4\":1,\"\xef\xbf\xbd\":4,\"\xf0\x9f\x98\x80\":3}"},
        {"\"\\u0041\\/\\n\\u001f\\ud83d\\ude00\"", "\"A/\\n\\u001f\xf0\x9f\x98\x80\""},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"-0", "0"},
        {"-0.0", "0.0"},
        {"0.0", "0.0"},
        {"1.0", "1.0"},
        {"1E2", "100.0"},
        {"1e20", "100000000000000000000.0"},
        {"1e-7", "0.0000001"},
        {"[1,1.0]", "[1,1.0]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *v, *w;
        ork_err err = {0};
        char *text, *again;
        size_t len;
        assert_int_equal(ork_json_parse(cases[i][0], strlen(cases[i][0]), &v, &err), 0);
        assert_int_equal(ork_json_text(v, &text, &len, &err), 0);
        assert_string_equal(text, cases[i][1]);
        assert_int_equal(len, strlen(text));
        assert_int_equal(ork_json_parse(text, len, &w, &err), 0);
        assert_int_equal(ork_json_text(w, &again, NULL, &err), 0);
        assert_string_equal(again, text);
        ork_free(text);
        ork_free(again);
        json_decref(v);
        json_decref(w);
    }
}

static void test_refused(void **state)
{
    (void)state;
#define T(text) text, sizeof(text) - 1
    static const struct {
        const char *text;
        size_t len;
        const char *says; /* part of the message */
    } cases[] = {
        {T(""), "empty"},
        {T(" "), "line 1"},
        {T("{\"a\":1,\"a\":2}"), "duplicate"},
        {T("{\"x\":[{\"a\":1,\"a\":1}]}"), "duplicate"},
        {T("\"a\\u0000b\""), "U+0000"},
        {T("{\"args\":[1,{\"name\":\"a\\u0000\"}]}"), "args[2].name: the character U+0000"},
        {T("{\"a\\u0000\":1}"), "U+0000"},
        {T("\"a\0b\""), "line 1"},
        {T("\"\\ud800\""), "surrogate"},
        {T("\"\\udc00x\""), "surrogate"},
        {T("\"\\ud800\\u0041\""), "surrogate"},
        {T("\"\xed\xa0\x80\""), "line 1"},
        {T("\"\xff\""), "0xff"},
        {T("\"\xc0\x80\""), "line 1"},
        {T("9223372036854775808"), "64 bits"},
        {T("-9223372036854775809"), "64 bits"},
        {T("123456789012345678901234567890"), "64 bits"},
        {T("1e309"), "1.8e308"},
        {T("-1e400"), "1.8e308"},
        {T("NaN"), "line 1"},
        {T("Infinity"), "line 1"},
        {T("0x10"), "line 1"},
        {T("01"), "line 1"},
        {T("1 2"), "line 1"},
        {T("[1,]"), "line 1"},
        {T("{\"a\":\n 1,\n}"), "line 3"},
        {T("{a:1}"), "line 1"},
        {T("[1"), "too early"},
        {T("\"abc"), "too early"},
        {T("tru"), "line 1"},
        {T("// x\n1"), "line 1"},
        {T("'a'"), "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *v = NULL;
        ork_err err = {0};
        int rc = ork_json_parse(cases[i].text, cases[i].len, &v, &err);
        if (rc != ORK_EJSON || !strstr(err.msg, cases[i].says))
            print_error("%s: %d \"%s\", wanted \"%s\"\n", cases[i].text, rc, err.msg, cases[i].says);
        assert_int_equal(rc, ORK_EJSON);
        assert_non_null(strstr(err.msg, cases[i].says));
        assert_null(v);
    }
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *open, *middle, *close;
        size_t n;
        int rc;
    } cases[] = {
        {"[", "1", "]", ORK_JSON_DEPTH, 0},        {"[", "1", "]", ORK_JSON_DEPTH + 1, ORK_EJSON},
        {"{\"a\":", "1", "}", ORK_JSON_DEPTH, 0},  {"{\"a\":", "1", "}", ORK_JSON_DEPTH + 1, ORK_EJSON},
        {"[", "", "]", 100000, ORK_EJSON},         {"[", "", "", 1000000, ORK_EJSON},
        {"{\"a\":[", "1", "]}", 50000, ORK_EJSON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = repeat(cases[i].open, cases[i].n, cases[i].middle, cases[i].close), *out;
        json_t *v = NULL;
        ork_err err = {0};
        assert_int_equal(ork_json_parse(text, strlen(text), &v, &err), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_int_equal(ork_json_text(v, &out, NULL, &err), 0);
            assert_string_equal(out, text);
            ork_free(out);
            json_t *deeper = json_array();
            json_array_append_new(deeper, v);
            assert_int_equal(ork_json_text(deeper, &out, NULL, &err), ORK_EJSON);
            json_decref(deeper);
        } else {
            assert_non_null(strstr(err.msg, "200 levels"));
        }
        ork_free(text);
    }
}

/* What only trees made by hand can hold; what was written before stays. */
static void test_writer_refuses(void **state)
{
    (void)state;
    json_t *root = json_object(), *list = json_array(), *o = json_object();
    json_object_set_new(root, "items", list);
    json_array_append_new(list, json_integer(1));
    json_array_append_new(list, o);
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_adds(&b, "kept");
    json_t *bad[] = {json_stringn("a\0b", 3), json_string_nocheck("\xff"), json_string_nocheck("\xed\xa0\x80")};
    static const char *const says[] = {"items[2].name: the character U+0000", "items[2].name: the text is not UTF-8",
                                       "UTF-8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ork_err err = {0};
        json_object_set_new(o, "name", bad[i]);
        assert_int_equal(ork_json_write(root, &b, &err), ORK_EJSON);
        assert_non_null(strstr(err.msg, says[i]));
        assert_string_equal(b.data, "kept");
    }
    json_object_del(o, "name");
    json_object_setn_new_nocheck(o, "\xff", 1, json_null());
    assert_int_equal(ork_json_write(root, &b, NULL), ORK_EJSON);
    assert_int_equal(ork_json_write(NULL, &b, NULL), ORK_EJSON);
    ork_buf_fini(&b);
    json_decref(root);
}

static void test_many_keys(void **state)
{
    (void)state;
    for (int n = 1; n <= 200; n += 7) {
        json_t *o = json_object(), *back;
        char key[16], *text;
        size_t len;
        for (int i = 0; i < n; i++) {
            snprintf(key, sizeof key, "k%03d", (i * 83 + 5) % 211);
            json_object_set_new(o, key, json_integer(i));
        }
        assert_int_equal(ork_json_text(o, &text, &len, NULL), 0);
        assert_int_equal(ork_json_parse(text, len, &back, NULL), 0);
        const char *last = "";
        for (void *it = json_object_iter(back); it;
             it = json_object_iter_next(back, it)) { /* jansson keeps the order of the text */
            assert_true(strcmp(last, json_object_iter_key(it)) < 0);
            last = json_object_iter_key(it);
        }
        assert_true(json_equal(o, back));
        json_decref(back);
        json_decref(o);
        ork_free(text);
    }
}

static void test_type_names(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"1", "integer"}, {"1.5", "float"},    {"\"\"", "string"},
                                           {"null", "null"}, {"true", "boolean"}, {"false", "boolean"},
                                           {"[]", "list"},   {"{}", "object"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *v;
        assert_int_equal(ork_json_parse(cases[i][0], strlen(cases[i][0]), &v, NULL), 0);
        assert_string_equal(ork_json_type_name(v), cases[i][1]);
        json_decref(v);
    }
}

static void test_utf8_check(void **state)
{
    (void)state;
    ork_err err = {0};
    assert_int_equal(ork_utf8_check("", 0, &err), 0);
    assert_int_equal(ork_utf8_check("a\xc3\xa4", 3, &err), 0);
    assert_int_equal(ork_utf8_check("a\xc3\xa4", 2, &err), ORK_EJSON);
    assert_non_null(strstr(err.msg, "byte 1 (0xc3)"));
    assert_int_equal(ork_utf8_check("ab\0c", 4, &err), ORK_EJSON);
    assert_non_null(strstr(err.msg, "U+0000 at byte 2"));
    assert_int_equal(ork_utf8_check("\xed\xb0\x80", 3, &err), ORK_EJSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),      cmocka_unit_test(test_refused),   cmocka_unit_test(test_depth),
        cmocka_unit_test(test_writer_refuses), cmocka_unit_test(test_many_keys), cmocka_unit_test(test_type_names),
        cmocka_unit_test(test_utf8_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

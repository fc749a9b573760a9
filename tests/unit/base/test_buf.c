/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_append(void **state)
{
    (void)state;
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_clear(&b);
    ork_buf_add(&b, NULL, 0);
    assert_string_equal(b.data, "");
    ork_buf_adds(&b, "ab");
    ork_buf_addc(&b, 'c');
    ork_buf_addf(&b, "%d-%s", 12, "x");
    ork_buf_add(&b, "\0z", 2);
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.data, "abc12-x\0z", 10);
    ork_buf_clear(&b);
    assert_string_equal(b.data, "");
    size_t len = 9;
    char *s = ork_buf_steal(&b, &len);
    assert_int_equal(len, 0);
    assert_string_equal(s, "");
    ork_free(s);
    s = ork_buf_steal(&b, NULL);
    assert_string_equal(s, "");
    ork_free(s);
}

/* Every length around every boundary: the NUL is there and nothing is lost. */
static void test_growth(void **state)
{
    (void)state;
    char text[301];
    memset(text, 'x', 300);
    text[300] = '\0';
    struct ork_buf all = ORK_BUF_INIT;
    size_t sum = 0;
    for (int n = 0; n <= 300; n++) {
        struct ork_buf b = ORK_BUF_INIT;
        ork_buf_addf(&b, "%.*s", n, text);
        assert_int_equal(b.len, n);
        assert_int_equal(b.data[n], 0);
        assert_true(b.cap > b.len);
        ork_buf_fini(&b);
        ork_buf_addf(&all, "%.*s", n, text);
        sum += (size_t)n;
        assert_int_equal(strlen(all.data), sum);
    }
    memset(ork_buf_reserve(&all, 1000), 'y', 1000);
    ork_buf_fini(&all);
    assert_null(all.data);
}

static void test_json_strings(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\""},
        {"\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\""},
        {"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\""},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"a\0b", 3,
         "\"a\xef\xbf\xbd"
         "b\""},
        {"a\xff"
         "b\xc3",
         4,
         "\"a\xef\xbf\xbd"
         "b\xef\xbf\xbd\""},
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc3\"", 2, "\"\xef\xbf\xbd\\\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_buf b = ORK_BUF_INIT;
        ork_buf_json(&b, cases[i].in, cases[i].n);
        assert_string_equal(b.data, cases[i].out);
        ork_buf_fini(&b);
    }
}

static void test_utf8_sequences(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t n, len;
    } cases[] = {
        {"a", 1, 1},
        {"\x7f", 1, 1},
        {"\x80", 1, 0},
        {"\xc0\x80", 2, 0},
        {"\xc1\xbf", 2, 0},
        {"\xc2\x80", 2, 2},
        {"\xc2", 1, 0},
        {"\xc2\x41", 2, 0},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xe0\xa0\x80", 3, 3},
        {"\xed\x9f\xbf", 3, 3},
        {"\xed\xa0\x80", 3, 0},
        {"\xef\xbf\xbf", 3, 3},
        {"\xe2\x82", 2, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xf0\x90\x80", 3, 0},
        {"\xf0\x90\x80\x41", 4, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(ork_utf8_len(cases[i].s, cases[i].n), cases[i].len);
}

static void test_arena(void **state)
{
    (void)state;
    struct ork_arena a;
    uint32_t off[1000];
    char text[16];
    ork_arena_init(&a);
    assert_string_equal(ork_arena_str(&a, 0), "");
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(text, sizeof text, "name_%d", i);
        assert_int_equal(ork_arena_add(&a, text, (size_t)n, &off[i], NULL), 0);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "name_%d", i);
        assert_string_equal(ork_arena_str(&a, off[i]), text);
    }
    uint32_t empty = 9;
    assert_int_equal(ork_arena_add(&a, "", 0, &empty, NULL), 0);
    assert_int_equal(empty, 0);
    ork_err err;
    assert_int_equal(ork_arena_add(&a, text, UINT32_MAX, &empty, &err), ORK_ETOOBIG);
    ork_arena_fini(&a);
}

static void test_grow(void **state)
{
    (void)state;
    void *items = NULL;
    size_t cap = 0;
    ork_grow(&items, &cap, 1, sizeof(int));
    assert_int_equal(cap, 8);
    memset(items, 1, cap * sizeof(int));
    ork_grow(&items, &cap, 8, sizeof(int));
    assert_int_equal(cap, 8);
    ork_grow(&items, &cap, 100, sizeof(int));
    assert_int_equal(cap, 128);
    assert_int_equal(((char *)items)[8 * sizeof(int) - 1], 1);
    ork_free(items);
    ork_free(NULL);
    ORK_CLEANUP(ork_free_cleanup) char *s = ork_strndup("abcdef", 3);
    assert_string_equal(s, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),         cmocka_unit_test(test_growth), cmocka_unit_test(test_json_strings),
        cmocka_unit_test(test_utf8_sequences), cmocka_unit_test(test_arena),  cmocka_unit_test(test_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

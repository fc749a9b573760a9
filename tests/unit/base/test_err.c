/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static void test_table_is_complete_and_distinct(void **state)
{
    (void)state;
#define X(name, value, symbol, text, exit_code, http, retryable)                                                       \
    assert_string_equal(ork_err_symbol(name), symbol);                                                                 \
    assert_string_equal(ork_err_text(name), text);                                                                     \
    assert_int_equal(ork_err_exit_code(name), exit_code);                                                              \
    assert_string_equal(#name, "ORK_" symbol);
    ORK_ERRORS(X)
#undef X
    assert_string_equal(ork_err_symbol(-9999), "EUNKNOWN");
    assert_string_equal(ork_err_symbol(0), "EUNKNOWN");
    assert_non_null(ork_err_text(17));
    assert_int_equal(ork_err_exit_code(0), 0);
    assert_int_equal(ork_err_exit_code(-9999), 3);
}

static void test_set_and_wrap(void **state)
{
    (void)state;
    ork_err err;
    assert_int_equal(ork_err_set(&err, ORK_ENOTFOUND, "run %s", "abcd"), ORK_ENOTFOUND);
    assert_string_equal(err.msg, "run abcd");
    assert_int_equal(ork_err_wrap(&err, "cannot show %d", 7), ORK_ENOTFOUND);
    assert_string_equal(err.msg, "cannot show 7: run abcd");
    assert_int_equal(err.code, ORK_ENOTFOUND);
    assert_int_equal(ork_err_set(&err, ORK_EIO, "%s, again", err.msg), ORK_EIO);
    assert_string_equal(err.msg, "cannot show 7: run abcd, again");
    ork_err_set(&err, ORK_EIO, "line\n\n");
    assert_string_equal(err.msg, "line");
}

static void test_null_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(ork_err_set(NULL, ORK_EDB, "x"), ORK_EDB);
    assert_true(ork_err_wrap(NULL, "x") < 0);
    assert_int_equal(ork_err_errno(NULL, ENOENT, "x"), ORK_ENOTFOUND);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    ork_err err;
    char text[2000];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 3);
    for (int shift = 0; shift < 2; shift++) {
        ork_err_set(&err, ORK_EIO, "%s%s", shift ? "x" : "", text);
        size_t n = strlen(err.msg);
        assert_true(n < sizeof err.msg && n > sizeof err.msg - 8);
        assert_string_equal(err.msg + n - 3, "\xe2\x80\xa6");
        assert_int_equal((unsigned char)err.msg[n - 5], 0xc3);
        assert_int_equal((unsigned char)err.msg[n - 4], 0xa4);
    }
    ork_err_set(&err, ORK_EIO, "%s", "end");
    ork_err_wrap(&err, "%s", text);
    assert_true(strlen(err.msg) < sizeof err.msg);
}

static void test_errno(void **state)
{
    (void)state;
    static const struct {
        int errnum, code;
    } cases[] = {{EACCES, ORK_EACCESS},   {EPERM, ORK_EACCESS}, {ENOSPC, ORK_ENOSPC},
                 {EDQUOT, ORK_ENOSPC},    {EFBIG, ORK_ENOSPC},  {EROFS, ORK_EREADONLY},
                 {ENOENT, ORK_ENOTFOUND}, {EIO, ORK_EIO},       {ELOOP, ORK_EIO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ork_err err;
        assert_int_equal(ork_err_errno(&err, cases[i].errnum, "cannot open %s", "f"), cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(strncmp(err.msg, "cannot open f: ", 15), 0);
        assert_string_equal(err.msg + 15, strerror(cases[i].errnum));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_complete_and_distinct),
        cmocka_unit_test(test_set_and_wrap),
        cmocka_unit_test(test_null_is_accepted),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

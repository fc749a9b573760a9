/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct seen {
    int count, level;
    char line[4096];
};
static void keep(void *data, int level, const char *line)
{
    struct seen *s = data;
    s->count++;
    s->level = level;
    snprintf(s->line, sizeof s->line, "%s", line);
}

static void test_levels_and_form(void **state)
{
    (void)state;
    struct seen s = {0};
    struct ork_log log = {"engine", ORK_LOG_WARN, keep, &s};
    ork_log_info(&log, "dropped");
    ork_log_debug(&log, "dropped");
    assert_int_equal(s.count, 0);
    ork_log_warn(&log, "run lost run=%s tasks=%d", "abcd", 3);
    assert_int_equal(s.level, ORK_LOG_WARN);
    assert_string_equal(s.line, "warning engine: run lost run=abcd tasks=3");
    ork_log_error(&log, "bad text=%s", "a\nerror engine: forged\x1b[0m");
    assert_string_equal(s.line, "error engine: bad text=a error engine: forged [0m");
    char big[3000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    ork_log_error(&log, "%s.", big);
    assert_int_equal(strlen(s.line), strlen("error engine: ") + sizeof big);
    assert_int_equal(s.count, 3);
}

static void test_values(void **state)
{
    static const char *const cases[][2] = {
        {"01a20b-x.y", "01a20b-x.y"},
        {"größer", "größer"},
        {"", "\"\""},
        {"exit code 2", "\"exit code 2\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"C:\\x", "\"C:\\\\x\""},
        {"one\ntwo\tthree\r", "\"one\\ntwo\\tthree\\r\""},
        {"\x1b[31m\x7f", "\"\\u001b[31m\\u007f\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(ORK_LOG_VALUE(cases[i][0]), cases[i][1]);
    assert_string_equal(ORK_LOG_VALUE(NULL), "\"\"");

    struct seen s = {0};
    struct ork_log log = {"engine", ORK_LOG_WARN, keep, &s};
    ork_log_warn(&log, "bad a=%s b=%s", ORK_LOG_VALUE("x\" c=\"forged"), ORK_LOG_VALUE("y"));
    assert_string_equal(s.line, "warning engine: bad a=\"x\\\" c=\\\"forged\" b=y");
}

/* Whatever is cut off, the value stays text and its quote closes. */
static void test_long_values(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char text[4 * ORK_LOG_VALUE_SIZE] = "", out[ORK_LOG_VALUE_SIZE];
        memset(text, ' ', shift + 1);
        for (size_t n = shift + 1; n + 4 < sizeof text; n += 3)
            memcpy(text + n, "€", 4);
        size_t len = strlen(ork_log_value(out, text));
        assert_in_range(len, ORK_LOG_VALUE_SIZE - 20, ORK_LOG_VALUE_SIZE - 1);
        assert_string_equal(out + len - 7, "€…\"");
        memset(text, '\n', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        len = strlen(ork_log_value(out, text));
        assert_string_equal(out + len - 6, "\\n…\"");
        memset(text, 'x', sizeof text - 1);
        assert_string_equal(out + strlen(ork_log_value(out, text)) - 5, "x…\"");
    }
}

static void test_stderr(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    struct ork_log log = {.name = NULL, .level = ORK_LOG_DEBUG};
    ork_log_debug(&log, "x=%d", 1);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    char text[100];
    ssize_t n = read(ends[0], text, sizeof text);
    close(ends[0]);
    assert_int_equal(n, 15);
    assert_memory_equal(text, "debug ork: x=1\n", 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels_and_form), cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_long_values), cmocka_unit_test(test_stderr)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

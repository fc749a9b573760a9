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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels_and_form), cmocka_unit_test(test_stderr)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

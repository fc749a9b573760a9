/* SPDX-License-Identifier: MIT */
#include <ork/ork.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static const char *const words[] = {"command",     "depends_on", "description", "env",      "cwd",
                                    "inputs",      "input_type", "output_type", "retries",  "timeout",
                                    "run_timeout", "when",       "pool",        "priority", "status",
                                    "a",           "b",          "x1",          "",         NULL};

static void test_table(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"comand", "command"},
        {"commnad", "command"},
        {"COMMAND", "command"},
        {"depend_on", "depends_on"},
        {"dependson", "depends_on"},
        {"desc", "description"},
        {"retry", "retries"},
        {"statsu", "status"},
        {"evn", "env"},
        {"wehn", "when"},
        {"outputtype", "output_type"},
        {"timeuot", "timeout"},
        {"x2", "x1"},
        {"hwne", NULL}, /* half of it is wrong, and the beginning */
        {"c", NULL},    /* one letter for another is no typing mistake */
        {"", NULL},
        {"zzzzzz", NULL},
        {"completely_different", NULL},
        {"status", "status"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = ork_suggest(cases[i][0], words);
        if ((got == NULL) != (cases[i][1] == NULL))
            print_error("%s: %s\n", cases[i][0], got ? got : "nothing");
        if (cases[i][1])
            assert_string_equal(got, cases[i][1]);
        else
            assert_null(got);
    }
}

static void test_limits(void **state)
{
    (void)state;
    char long_word[400], name[201];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    memset(name, 'a', 200);
    name[200] = '\0';
    const char *const list[] = {long_word, name, NULL}, *const none[] = {NULL};
    assert_null(ork_suggest(long_word, list));
    name[7] = 'b';
    char near[201];
    memcpy(near, name, sizeof near);
    near[190] = 'c';
    assert_ptr_equal(ork_suggest(near, list), name);
    assert_null(ork_suggest("a", none));
    const char *const ties[] = {"clean_a", "clean_b", NULL};
    assert_ptr_equal(ork_suggest("clean_c", ties), ties[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "core/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void runs_move_as_documented(void **state)
{
    static const char *const moves[] = {
        "pending running", "pending paused",   "pending failed",    "pending cancelled", "running paused",
        "running success", "running failed",   "running cancelled", "paused running",    "paused success",
        "paused failed",   "paused cancelled", "success running",   "failed running",    "cancelled running",
    };
    size_t found = 0;

    (void)state;
    for (int from = 0; from < 6; from++)
        for (int to = 0; to < 6; to++)
            found += ork_run_may_move(from, to);
    assert_int_equal(found, sizeof(moves) / sizeof(*moves));
    for (size_t i = 0; i < found; i++) {
        char from[16], to[16];
        assert_int_equal(sscanf(moves[i], "%15s %15s", from, to), 2);
        assert_true(ork_run_may_move(ork_run_status_parse(from), ork_run_status_parse(to)));
    }
}

static void tasks_move_as_documented(void **state)
{
    static const char *const moves[] = {
        "pending paused",     "pending dispatched", "pending success",   "pending failed",       "pending cancelled",
        "pending skipped",    "paused pending",     "paused cancelled",  "paused skipped",       "dispatched pending",
        "dispatched running", "dispatched success", "dispatched failed", "dispatched cancelled", "running pending",
        "running success",    "running failed",     "running cancelled", "success pending",      "failed pending",
        "cancelled pending",  "skipped pending",
    };
    size_t found = 0;

    (void)state;
    for (int from = 0; from < 8; from++)
        for (int to = 0; to < 8; to++)
            found += ork_task_may_move(from, to);
    assert_int_equal(found, sizeof(moves) / sizeof(*moves));
    for (size_t i = 0; i < found; i++) {
        char from[16], to[16];
        assert_int_equal(sscanf(moves[i], "%15s %15s", from, to), 2);
        assert_true(ork_task_may_move(ork_task_status_parse(from), ork_task_status_parse(to)));
    }
}

static void final_is_left_only_by_a_retry(void **state)
{
    (void)state;
    for (int from = 0; from < 6; from++)
        for (int to = 0; ork_run_is_final(from) && to < 6; to++)
            assert_int_equal(ork_run_may_move(from, to), to == ORK_RUN_RUNNING);
    for (int from = 0; from < 8; from++)
        for (int to = 0; ork_task_is_final(from) && to < 8; to++)
            assert_int_equal(ork_task_may_move(from, to), to == ORK_TASK_PENDING);
}

static void words_are_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        assert_int_equal(ork_run_status_parse(ork_run_status_name(i)), i);
    for (int i = 0; i < 8; i++)
        assert_int_equal(ork_task_status_parse(ork_task_status_name(i)), i);
    for (int i = 0; i <= ORK_KIND_CANCELLED; i++)
        assert_int_equal(ork_kind_parse(ork_kind_name(i)), i);
    for (int i = 0; i <= ORK_RULE_ONE_SUCCESS; i++)
        assert_int_equal(ork_rule_parse(ork_rule_name(i)), i);
    assert_string_equal(ork_kind_name(ORK_KIND_REJECTED), "rejected");
    assert_string_equal(ork_rule_name(ORK_RULE_ONE_FAILED), "one_failed");
}

static void what_is_outside_is_nothing(void **state)
{
    static const char *const words[] = {"nonsense", "Pending", "pending ", NULL};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ork_run_status_parse(words[i]), -1);
        assert_int_equal(ork_task_status_parse(words[i]), -1);
        assert_int_equal(ork_kind_parse(words[i]), -1);
        assert_int_equal(ork_rule_parse(words[i]), -1);
    }
    static const int numbers[] = {-1, 99};
    for (size_t i = 0; i < 2; i++) {
        assert_null(ork_run_status_name(numbers[i]));
        assert_null(ork_task_status_name(numbers[i]));
        assert_null(ork_kind_name(numbers[i]));
        assert_null(ork_rule_name(numbers[i]));
        assert_false(ork_run_may_move(numbers[i], 0) || ork_run_may_move(0, numbers[i]));
        assert_false(ork_task_may_move(numbers[i], 0) || ork_task_may_move(0, numbers[i]));
        assert_false(ork_run_is_final(numbers[i]) || ork_task_is_final(numbers[i]));
    }
}

static void diagrams_are_the_tables(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    ork_state_mermaid(out);
    fclose(out);
    const char *tasks = strstr(strstr(text, "stateDiagram-v2") + 1, "stateDiagram-v2");
    assert_non_null(tasks);
    for (int from = 0; from < 8; from++) {
        char line[64];
        for (int to = 0; to < 8; to++) {
            snprintf(line, sizeof(line), "    %s --> %s\n", ork_task_states[from].name, ork_task_states[to].name);
            assert_int_equal(strstr(tasks, line) != NULL, ork_task_may_move(from, to));
        }
        snprintf(line, sizeof(line), "    %s --> [*]\n", ork_task_states[from].name);
        assert_int_equal(strstr(tasks, line) != NULL, ork_task_is_final(from));
        assert_true(strlen(ork_task_states[from].comment) > 10);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_move_as_documented),       cmocka_unit_test(tasks_move_as_documented),
        cmocka_unit_test(final_is_left_only_by_a_retry), cmocka_unit_test(words_are_read_back),
        cmocka_unit_test(what_is_outside_is_nothing),    cmocka_unit_test(diagrams_are_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

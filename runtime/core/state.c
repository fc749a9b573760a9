/* SPDX-License-Identifier: MIT */
/* The tables of allowed moves and the words of the public header.
 * Law: nothing else in Ork lists statuses; a move that is not here does not happen. A final status is left only by a
 * retry. */
#include "core/state.h"
#include <string.h>

#define B(status) (1u << (status))

const struct ork_state_row ork_run_states[6] = {
    [ORK_RUN_PENDING] = {"pending", B(ORK_RUN_RUNNING) | B(ORK_RUN_PAUSED) | B(ORK_RUN_FAILED) | B(ORK_RUN_CANCELLED),
                         false, "created; its tasks are being stored, or no scheduler took it yet"},
    [ORK_RUN_RUNNING] = {"running", B(ORK_RUN_PAUSED) | B(ORK_RUN_SUCCESS) | B(ORK_RUN_FAILED) | B(ORK_RUN_CANCELLED),
                         false, "tasks start as their dependencies end"},
    [ORK_RUN_PAUSED] = {"paused", B(ORK_RUN_RUNNING) | B(ORK_RUN_SUCCESS) | B(ORK_RUN_FAILED) | B(ORK_RUN_CANCELLED),
                        false, "nothing new starts; what runs may finish"},
    [ORK_RUN_SUCCESS] = {"success", B(ORK_RUN_RUNNING), true, "every task ended, none failed"},
    [ORK_RUN_FAILED] = {"failed", B(ORK_RUN_RUNNING), true,
                        "every task ended, at least one failed, or the run took too long"},
    [ORK_RUN_CANCELLED] = {"cancelled", B(ORK_RUN_RUNNING), true, "stopped by a person; every process of it is dead"},
};

const struct ork_state_row ork_task_states[8] = {
    [ORK_TASK_PENDING] = {"pending",
                          B(ORK_TASK_PAUSED) | B(ORK_TASK_DISPATCHED) | B(ORK_TASK_SUCCESS) | B(ORK_TASK_FAILED) |
                              B(ORK_TASK_CANCELLED) | B(ORK_TASK_SKIPPED),
                          false, "waits for dependencies, a slot, or the time of its retry"},
    [ORK_TASK_PAUSED] = {"paused", B(ORK_TASK_PENDING) | B(ORK_TASK_CANCELLED) | B(ORK_TASK_SKIPPED), false,
                         "held back by a person until the run is resumed"},
    [ORK_TASK_DISPATCHED] = {"dispatched",
                             B(ORK_TASK_PENDING) | B(ORK_TASK_RUNNING) | B(ORK_TASK_SUCCESS) | B(ORK_TASK_FAILED) |
                                 B(ORK_TASK_CANCELLED),
                             false, "handed over; starts when a slot is free there"},
    [ORK_TASK_RUNNING] = {"running",
                          B(ORK_TASK_PENDING) | B(ORK_TASK_SUCCESS) | B(ORK_TASK_FAILED) | B(ORK_TASK_CANCELLED), false,
                          "an attempt is under way"},
    [ORK_TASK_SUCCESS] = {"success", B(ORK_TASK_PENDING), true, "ended well; its output is stored"},
    [ORK_TASK_FAILED] = {"failed", B(ORK_TASK_PENDING), true, "ended badly and will not be tried again by itself"},
    [ORK_TASK_CANCELLED] = {"cancelled", B(ORK_TASK_PENDING), true,
                            "stopped, or never started because the run was stopped"},
    [ORK_TASK_SKIPPED] = {"skipped", B(ORK_TASK_PENDING), true,
                          "its rule can no longer come true, or its `when` was false"},
};

static const char *const kinds[] = {"",      "exit",   "signal", "timeout",  "spawn",  "lost",     "error",
                                    "input", "output", "remote", "rejected", "policy", "cancelled"};
static const char *const rules[] = {"all_success", "none_failed", "all_done",   "always",
                                    "all_failed",  "one_failed",  "one_success"};

#define LEN(a) ((int)(sizeof(a) / sizeof(*(a))))

bool ork_run_may_move(int from, int to)
{
    return from >= 0 && from < LEN(ork_run_states) && to >= 0 && to < LEN(ork_run_states) &&
           (ork_run_states[from].next & B(to));
}

bool ork_task_may_move(int from, int to)
{
    return from >= 0 && from < LEN(ork_task_states) && to >= 0 && to < LEN(ork_task_states) &&
           (ork_task_states[from].next & B(to));
}

bool ork_run_is_final(int status)
{
    return status >= 0 && status < LEN(ork_run_states) && ork_run_states[status].final;
}

bool ork_task_is_final(int status)
{
    return status >= 0 && status < LEN(ork_task_states) && ork_task_states[status].final;
}

const char *ork_run_status_name(int status)
{
    return status >= 0 && status < LEN(ork_run_states) ? ork_run_states[status].name : NULL;
}

const char *ork_task_status_name(int status)
{
    return status >= 0 && status < LEN(ork_task_states) ? ork_task_states[status].name : NULL;
}

const char *ork_kind_name(int kind)
{
    return kind >= 0 && kind < LEN(kinds) ? kinds[kind] : NULL;
}

const char *ork_rule_name(int rule)
{
    return rule >= 0 && rule < LEN(rules) ? rules[rule] : NULL;
}

static int find(const char *const *words, int len, const char *name)
{
    for (int i = 0; name && i < len; i++)
        if (strcmp(words[i], name) == 0)
            return i;
    return -1;
}

static int find_state(const struct ork_state_row *rows, int len, const char *name)
{
    for (int i = 0; name && i < len; i++)
        if (strcmp(rows[i].name, name) == 0)
            return i;
    return -1;
}

int ork_run_status_parse(const char *name)
{
    return find_state(ork_run_states, LEN(ork_run_states), name);
}

int ork_task_status_parse(const char *name)
{
    return find_state(ork_task_states, LEN(ork_task_states), name);
}

int ork_kind_parse(const char *name)
{
    return find(kinds, LEN(kinds), name);
}

int ork_rule_parse(const char *name)
{
    return find(rules, LEN(rules), name);
}

static void mermaid(FILE *out, const struct ork_state_row *rows, int len)
{
    fputs("stateDiagram-v2\n    [*] --> pending\n", out);
    for (int from = 0; from < len; from++) {
        for (int to = 0; to < len; to++)
            if (rows[from].next & B(to))
                fprintf(out, "    %s --> %s\n", rows[from].name, rows[to].name);
        if (rows[from].final)
            fprintf(out, "    %s --> [*]\n", rows[from].name);
    }
}

void ork_state_mermaid(FILE *out)
{
    mermaid(out, ork_run_states, LEN(ork_run_states));
    fputc('\n', out);
    mermaid(out, ork_task_states, LEN(ork_task_states));
}

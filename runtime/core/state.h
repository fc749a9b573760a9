/* SPDX-License-Identifier: MIT */
/* The state machines of runs and tasks, as tables: which moves are allowed, which states are final, and the sentence
 * that explains each. The only place that knows; the diagram in ARCHITECTURE.md and the CHECK constraints are tested
 * against it. */
#ifndef ORK_CORE_STATE_H
#define ORK_CORE_STATE_H
#include <ork/ork.h>
#include <stdio.h>

struct ork_state_row {
    const char *name;
    uint32_t next; /* bits 1u << status */
    bool final;
    const char *comment;
};
extern const struct ork_state_row ork_run_states[6];  /* by enum ork_run_status */
extern const struct ork_state_row ork_task_states[8]; /* by enum ork_task_status */

bool ork_run_may_move(int from, int to);
bool ork_task_may_move(int from, int to);
bool ork_run_is_final(int status);
bool ork_task_is_final(int status);
void ork_state_mermaid(FILE *out); /* the two diagrams, for ARCHITECTURE.md */
#endif

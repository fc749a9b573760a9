/* SPDX-License-Identifier: MIT */
/* Functions of scripts beside a task's own: short calls in a worker whose answer decides something. They are calls like
 * any other (engine/call.h), of an attempt that is in no table: nothing of them is stored, a crash asks again.
 *
 * Laws: a question has a time limit; it is answered once, or dropped and never; nobody's slot is held meanwhile. */
#ifndef ORK_ENGINE_QUESTION_H
#define ORK_ENGINE_QUESTION_H
#include "engine/call.h"

struct ork_active;

struct ork_answer {   /* borrowed for the callback */
    const char *json; /* what was returned; NULL: nothing */
    size_t len;
    const char *error; /* it failed of that; NULL: it did not */
    int kind;          /* enum ork_kind, of a failure */
    bool final;        /* that will not change by asking again */
    int64_t after_ms;  /* of a failure: when to ask again; 0: it did not say */
};
typedef void (*ork_answer_cb)(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer);

#define ORK_QUESTION_MS 60000 /* its time, where its asker has no other (0) */

/* Asks the function that stands at `option` (static: "when", "wait.poll") of a task. input: taken, JSON. What it prints
 * goes to the attempt's log. One at a time per task and option. */
void ork_question_ask(struct ork_active *a, uint32_t task, uint32_t attempt, const char *option, char *input,
                      size_t input_len, int64_t timeout_ms, ork_answer_cb cb);
/* The task's inputs as JSON text, which the caller frees; params and what they refer to were fetched (inputs.c). */
int ork_question_input(struct ork_active *a, uint32_t task, uint32_t attempt, const json_t *params, char **text,
                       size_t *len, ork_err *err) ORK_MUSTCHECK;
void ork_question_drop(struct ork_active *a, uint32_t task, const char *option); /* there may be none */
bool ork_question_open(const struct ork_active *a, uint32_t task, const char *option);
void ork_question_end(struct ork_call *c, const struct ork_inline_result *r); /* by ork_call_end */
void ork_question_leave(struct ork_active *a);                                /* all: nobody takes answers any more */
void ork_question_free(struct ork_active *a);                                 /* all, after leaving */
#endif

/* SPDX-License-Identifier: MIT */
/* Functions of scripts beside a task's own: short calls in a worker, or in the host program whose own
 * they are, whose answer decides something. They are calls like
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
    const char *error;      /* it failed of that; NULL: it did not */
    int kind;               /* enum ork_kind, of a failure */
    const char *code;       /* the user's own word, of a failure; NULL none */
    bool final;             /* that will not change by asking again */
    int64_t retry_after_ms; /* > 0: a wish of the failure */
    void *data;             /* the asker's */
};
typedef void (*ork_answer_cb)(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer);

#define ORK_QUESTION_MS 60000 /* its time, where its asker has no other (0) */

struct ork_ask {
    const char *option; /* static: where the function stands: "when", "wait.poll" */
    char *input;        /* taken: JSON */
    size_t input_len;
    int64_t timeout_ms; /* 0: ORK_QUESTION_MS */
    bool alone;         /* with nothing else in its worker */
    bool secret;        /* values that the attempt masks are in its input: what it prints is searched for them */
    ork_answer_cb cb;
    void *data;
};
/* Asks a function of a task, or of the workflow (ORK_NO_TASK). What it prints goes to the attempt's log. One at a time
 * per task and option. */
void ork_question_ask(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_ask *ask);
/* The task's inputs as JSON text, which the caller frees; params and what they refer to were fetched (inputs.c). */
int ork_question_input(struct ork_active *a, uint32_t task, uint32_t attempt, const json_t *params, char **text,
                       size_t *len, ork_err *err) ORK_MUSTCHECK;
/* Can functions of this run be asked here? ESTATE: they live in another program. */
int ork_question_may(const struct ork_active *a, ork_err *err) ORK_MUSTCHECK;
void ork_question_drop(struct ork_active *a, uint32_t task, const char *option); /* there may be none */
bool ork_question_open(const struct ork_active *a, uint32_t task, const char *option);
void ork_question_end(struct ork_call *c, const struct ork_inline_result *r); /* by ork_call_end */
void ork_question_leave(struct ork_active *a);                                /* all: nobody takes answers any more */
void ork_question_free(struct ork_active *a);                                 /* all, after leaving */
#endif

/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_DRIVE_H
#define TESTS_LIB_DRIVE_H
#include "core/lib_graph.h"
#include "core/run.h"

extern struct ork_run run;
extern struct ork_effects fx;
extern ork_workflow *flow;

void begin(const struct task *tasks, const char *options);
const char *drive(const char *events); /* separated by ';'; fails the test when one is refused or the books are wrong */
void refused(const char *event, int code); /* and without effects */
int end(void **state);                     /* teardown */

#define AFTER(events, want)                                                                                            \
    do {                                                                                                               \
        const char *got_ = drive(events);                                                                              \
        if (strcmp(got_, want) != 0)                                                                                   \
            fail_msg("line %d, after `%s`:\n got    %s\n wanted %s", __LINE__, events, got_, want);                    \
    } while (0)
#endif

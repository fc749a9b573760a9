/* SPDX-License-Identifier: MIT */
/* Workflows whose tasks are functions of a script, which workers of the real program call. */
#pragma once
#include "lib_engine.h"

/* A workflow `w` with its script, which defines tasks by `w:task(…)`; what stands before and after that is added. */
ork_workflow *scripted(const char *text);
/* A task of it, as the script defines it too. */
uint32_t called(ork_workflow *f, const char *name, const char *deps);
uint32_t called_with(ork_workflow *f, struct ork_task_spec spec, const char *deps);
/* Processes of workers of this program; kills the `nth` of them when it is not negative. */
unsigned workers(int nth);

/* SPDX-License-Identifier: MIT */
/* Python functions as tasks: a process like that of a command, which is always the same program, run_task.py, told by
 * its environment what to call. In a project (a folder with pyproject.toml or uv.lock at or above the file) it runs by
 * `uv run` when there is a `uv`, else by python3. What failed around and in the function it tells in $ORK_OUTPUT_FILE.
 */
#ifndef ORK_ENGINE_PYTHON_H
#define ORK_ENGINE_PYTHON_H
#include "core/expr.h"

struct ork_active;
struct ork_result;
struct ork_event;

bool ork_python_is(const ork_workflow *w, uint32_t task);
/* As ork_expr_command, for params with task_file or task_module. ORK_ENOTFOUND: run_task.py is not there. */
int ork_python_command(struct ork_active *a, const json_t *params, const struct ork_scope *s, struct ork_argv *out,
                       ork_err *err) ORK_MUSTCHECK;
/* It ended with an exit code other than 0: kind, text and whether it may be tried again, as it says itself. false: it
 * says nothing, so its exit code does. */
bool ork_python_failure(const struct ork_result *r, struct ork_event *ev, struct ork_buf *why);
#endif

/* SPDX-License-Identifier: MIT */
/* `python = "file.py:function"`, and what the hints of that function say of the task's types. */
#ifndef ORK_BINDINGS_PYTHON_H
#define ORK_BINDINGS_PYTHON_H
#include "task.h"

void ork_lua_read_python(struct ork_lua_reader *r, int idx, const char *path, void *out);
/* Before `inputs` are read: the parameters of its function as input_type, where none is declared. Without `python`
 * nothing. */
void ork_lua_python_first(struct ork_lua_reader *r, struct ork_lua_task *t);
void ork_lua_judge_python(struct ork_lua_reader *r, struct ork_lua_task *t); /* once everything was read */

/* The functions of a file as inspect_task.py tells them, {"functions": …} or {"error": TEXT, "line": N}; borrowed,
 * until the next look. NULL: no python3 is there, or nobody may ask it here. (python_look.c) */
const struct json_t *ork_lua_python_look(struct ork_lua_ctx *ctx, const char *file);
/* core.python_home(folder | false, files) -> the folder before: where files are, and those that will be asked for.
 * false: nobody is asked. (python_look.c) */
int ork_lua_python_home(lua_State *L);
void ork_lua_python_fini(struct ork_lua_ctx *ctx);
#endif

/* SPDX-License-Identifier: MIT */
/* `workflow = other`: a task that is a run of another workflow. */
#ifndef ORK_BINDINGS_SUB_H
#define ORK_BINDINGS_SUB_H
#include "task.h"

#define ORK_LUA_SUB_DEPTH 16 /* workflows within each other */

/* Before the options are read: the params of the other workflow are the types of `inputs`. [-0, +0, m] */
void ork_lua_sub_prepare(struct ork_lua_reader *r, struct ork_lua_task *t);
void ork_lua_read_workflow(struct ork_lua_reader *r, int idx, const char *path, void *out);
void ork_lua_judge_workflow(struct ork_lua_reader *r, struct ork_lua_task *t); /* once everything was read */
/* The task has its number; the workflow's userdata is at 1, the options at 3. */
void ork_lua_sub_keep(lua_State *L, struct ork_lua_def *d, struct ork_lua_def *other, uint32_t task);
/* Seals what tasks of d run and puts it into its options; what is wrong is among the problems of d. */
void ork_lua_sub_seal(lua_State *L, struct ork_lua_def *d);
int ork_lua_sub_inner(lua_State *L);        /* core.inner(workflow) -> the workflows that its tasks run */
int ork_lua_workflow_returns(lua_State *L); /* w:returns{ … } (returns.c) */
#endif

/* SPDX-License-Identifier: MIT */
/* Readers of workflow options that have a file of their own. */
#ifndef ORK_BINDINGS_WORKFLOW_H
#define ORK_BINDINGS_WORKFLOW_H
#include "task.h"

void ork_lua_workflow_options(struct ork_lua_reader *r); /* all of them, into r->def (workflow_options.c) */
void ork_lua_read_params(struct ork_lua_reader *r, int idx, const char *path, void *out);    /* params.c */
void ork_lua_read_retention(struct ork_lua_reader *r, int idx, const char *path, void *out); /* retention.c */
void ork_lua_read_schedule(struct ork_lua_reader *r, int idx, const char *path, void *out);  /* schedule.c */
/* {name: E} of constants and dates, for schedule.params; the caller json_decref's. NULL and a mistake when it is none.
 */
struct json_t *ork_lua_read_date_or_constant(struct ork_lua_reader *r, int idx, const char *path);
#endif

/* SPDX-License-Identifier: MIT */
/* Params of workflows: the schema (docs/internals/json.md, "options": params) checked, and values completed by it.
 * The public face is ork_workflow_params; here the same on trees.
 *
 * A param without a default whose type takes no null is required; `required` says it for the others too. Problem codes:
 * "param_schema" (a mistake of the script), "param_unknown", "param_missing", "param_type", "param_choice",
 * "param_range". */
#ifndef ORK_CORE_PARAMS_H
#define ORK_CORE_PARAMS_H
#include "base/json.h"
#include "core/moment.h"

/* Mistakes of a schema: unknown keys, types, defaults, choices and bounds that do not fit. Returns how many; NULL
 * schema: none. */
size_t ork_params_check(const json_t *schema, ork_problem_cb on_problem, void *data);
/* given {name: value} and texts {name: "as typed"} may be NULL; a text wins over a value. Unchanged when it fails.
 * ORK_EDEF: the schema is at fault; else ORK_EINVAL. err holds the first mistake, on_problem (may be NULL) gets all. */
int ork_params_complete(const json_t *schema, const json_t *given, const json_t *texts, struct ork_moment logical,
                        ork_problem_cb on_problem, void *data, json_t **out, ork_err *err) ORK_MUSTCHECK;
/* ork_workflow_params at a moment whose zone is known. */
int ork_workflow_params_at(const ork_workflow *w, const char *given, const char *texts, struct ork_moment logical,
                           ork_problem_cb on_problem, void *data, char **out, ork_err *err) ORK_MUSTCHECK;
#endif

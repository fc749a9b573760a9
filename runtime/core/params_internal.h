/* SPDX-License-Identifier: MIT */
/* What params.c and params_check.c share. */
#ifndef ORK_CORE_PARAMS_INTERNAL_H
#define ORK_CORE_PARAMS_INTERNAL_H
#include "core/params.h"

/* Collects mistakes: the first one is kept, all are passed on. */
struct ork_param_sink {
    ork_problem_cb on_problem; /* NULL: count only */
    void *data;
    size_t n;
    bool schema; /* the script is at fault */
    ork_err first;
};
void ork_param_problem(struct ork_param_sink *s, const char *code, const char *fmt, ...) ORK_PRINTF(3, 4);

/* The type of P, NULL if it has none; a word or list in the place of P is its type. */
const json_t *ork_param_type(const json_t *p);
/* The value P gives under `key` (default, min, max): evaluated at `logical` and fitted to `type`; *out NULL when there
 * is none. */
int ork_param_value(const json_t *p, const char *key, const json_t *type, const char *name, struct ork_moment logical,
                    json_t **out, ork_err *err) ORK_MUSTCHECK;
bool ork_param_required(const json_t *p);
/* Has the type an order, so that min and max mean something? */
bool ork_param_ordered(const json_t *type);
/* Order of two values that fit the type; -1 0 1. Both are not null. */
int ork_param_compare(const json_t *type, const json_t *a, const json_t *b);
/* choices, min and max against a value that fits its type. */
void ork_param_limits(struct ork_param_sink *s, const char *code_choice, const char *code_range, const json_t *p,
                      const char *name, const json_t *value, struct ork_moment logical);
#endif

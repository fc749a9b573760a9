/* SPDX-License-Identifier: MIT */
/* What the files expr*.c share. */
#ifndef ORK_CORE_EXPR_INTERNAL_H
#define ORK_CORE_EXPR_INTERNAL_H
#include "core/expr.h"

enum ork_expr_form {
    ORK_EXPR_BAD,
    ORK_EXPR_PLAIN, /* a scalar that stands for itself */
    ORK_EXPR_CONST,
    ORK_EXPR_REF,
    ORK_EXPR_TEXT,
    ORK_EXPR_LIST,
    ORK_EXPR_OBJECT,
    ORK_EXPR_DATE,
    ORK_EXPR_SECRET
};
/* Form, and in *body what stands under its key; the expression itself when it is PLAIN or BAD. */
enum ork_expr_form ork_expr_form_of(const json_t *expr, const json_t **body);

#define ORK_EXPR_MISSING_OK 1u /* a reference without a value is null */
#define ORK_EXPR_NULL_OK 2u    /* a null that stands there is a value */
#define ORK_EXPR_SECRET_OK 4u  /* the result goes into an environment and is never stored */
int ork_expr_eval_flags(const json_t *expr, const struct ork_scope *s, unsigned flags, json_t **out,
                        ork_err *err) ORK_MUSTCHECK;

/* As `==` of when: by value, 1 equals 1.0; trees deeper than ORK_JSON_DEPTH are not equal. */
bool ork_expr_equal(const json_t *a, const json_t *b);
bool ork_expr_is_empty_object(const json_t *value); /* an empty list where one is wanted: Lua's {} is either */

#define ORK_REF_PARTS 64
/* A reference taken apart; texts are borrowed from its JSON or from `copy`. */
struct ork_ref {
    const char *what, *task;         /* as for ork_scope.root */
    const char *part[ORK_REF_PARTS]; /* all names as written */
    size_t n, path;                  /* names; the first one that is a field of the root */
    char *copy;                      /* owned */
    json_t *made;                    /* owned: the value, when it is made of those of items */
};
int ork_ref_init(struct ork_ref *r, const json_t *body, ork_err *err) ORK_MUSTCHECK;
void ork_ref_fini(struct ork_ref *r);
/* *out: borrowed, until ork_ref_fini; NULL when it has no value and flags allow that. */
int ork_ref_resolve(struct ork_ref *r, const struct ork_scope *s, unsigned flags, const json_t **out,
                    ork_err *err) ORK_MUSTCHECK;
#endif

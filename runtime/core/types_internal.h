/* SPDX-License-Identifier: MIT */
/* What the files types*.c and params.c share. */
#ifndef ORK_CORE_TYPES_INTERNAL_H
#define ORK_CORE_TYPES_INTERNAL_H
#include "core/types.h"

enum ork_scalar {
    ORK_SCALAR_STR,
    ORK_SCALAR_INT,
    ORK_SCALAR_FLOAT,
    ORK_SCALAR_BOOL,
    ORK_SCALAR_DATE,
    ORK_SCALAR_NOTZ,
    ORK_SCALAR_TZ,
    ORK_SCALAR_UTC,
    ORK_SCALAR_ANY,
    ORK_SCALAR_NONE /* no such word */
};
const char *ork_scalar_name(enum ork_scalar scalar);
const char *ork_scalar_example(enum ork_scalar scalar); /* "2026-11-01"; NULL where the name says it all */

/* A type taken apart, one level; pointers are borrowed from it. */
struct ork_type_view {
    enum { ORK_TYPE_BAD, ORK_TYPE_SCALAR, ORK_TYPE_LIST, ORK_TYPE_OBJECT } shape;
    bool optional;
    enum ork_scalar scalar; /* SCALAR */
    const json_t *item;     /* LIST: type of the elements */
    const json_t *fields;   /* OBJECT: name → type; empty: open, any object */
};
/* BAD when it is no type at this level; what is inside is not looked at. */
struct ork_type_view ork_type_view_of(const json_t *type);
bool ork_type_view_takes_null(const struct ork_type_view *t); /* optional, or any */

/* Where we are in a tree; lives on the stack of the recursion, made into text only for an error. */
struct ork_type_path {
    const struct ork_type_path *up; /* NULL: this is the root and key its name, perhaps empty */
    const char *key;                /* NULL: index counts */
    size_t index;
};
void ork_type_path_text(const struct ork_type_path *p, struct ork_buf *out);
bool ork_type_is_word(const char *s); /* [A-Za-z_][A-Za-z0-9_]* */

/* A value for a message: short, never more than about 60 bytes of it. */
void ork_type_value_text(const json_t *value, struct ork_buf *out);
/* As ork_type_text, cut for a message. */
void ork_type_brief(const json_t *type, struct ork_buf *out);

/* Do the bytes have exactly the form of this kind of time (DATE NOTZ TZ UTC), and does the day exist? */
bool ork_type_time_valid(enum ork_scalar kind, const char *s);
/* Instant of a text that is valid for its kind; NOTZ as if it were UTC. For comparing. */
int ork_type_time_ms(enum ork_scalar kind, const char *s, int64_t *ms, ork_err *err) ORK_MUSTCHECK;
/* As typed on a command line: the exact form, "2026-11-01 12:00:00", a date alone, now, today, yesterday, tomorrow,
 * -3d. */
int ork_type_time_from_text(enum ork_scalar kind, const char *s, struct ork_moment now, json_t **out,
                            ork_err *err) ORK_MUSTCHECK;
#endif

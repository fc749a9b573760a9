/* SPDX-License-Identifier: MIT */
/* Types of params, inputs and outputs (forms: docs/internals/json.md, "types").
 *
 * Rules, the same for params, inputs and outputs:
 *  - int takes 10.0 and makes it 10; float takes 10 and makes it 10.0 (refused when a double cannot hold the integer
 * exactly); nothing else is converted between kinds: "10" is no int, 1 is no bool;
 *  - dates and times are texts in one form each (types_time.c); datetime_utc takes +00:00 and makes it Z;
 *  - a list takes the empty object as the empty list: Lua and lua-cjson cannot tell them apart;
 *  - an object must have the declared fields; one that takes null (T?, any) may be missing and is then added as null,
 * so a declared field can always be referred to; fields that are not declared are kept as they are;
 *  - {} is the open object: any fields.
 * Lists count from 0 in messages, as JSON paths do. Nothing goes deeper than ORK_JSON_DEPTH: ORK_ETOOBIG. */
#ifndef ORK_CORE_TYPES_H
#define ORK_CORE_TYPES_H
#include "base/json.h"
#include "core/moment.h"

/* Is it a type at all? ORK_EDEF: names the path, what stands there and the word that was meant ("string" → "str"). */
int ork_type_check(const json_t *type, ork_err *err) ORK_MUSTCHECK;
/* Does the value fit? *value may be replaced by its lossless conversion; the tree it was is not changed (values are
 * shared). ORK_ETYPE: `output.parts[2]: wanted str, got 12`; root names the whole, "output". On failure *value is as
 * before. */
int ork_type_apply(const json_t *type, json_t **value, const char *root, ork_err *err) ORK_MUSTCHECK;
/* Can a value of type `from` be used where `to` is wanted? Equal types can; also T for T?, int for float, datetime_utc
 * for datetime_tz, anything from and to any and {}, lists and objects by their parts (more fields than wanted are
 * fine). ORK_ETYPE: why not. */
int ork_type_assignable(const json_t *to, const json_t *from, ork_err *err) ORK_MUSTCHECK;
/* Type of a field of an object type (through optional), NULL when it has none; *known: false when the type is any or
 * open. */
const json_t *ork_type_field(const json_t *type, const char *field, bool *known);
/* A value typed on the command line ("3", "true", "today", "-3d", JSON for lists and objects) as the type wants it.
 * Times typed without a zone are UTC. For an optional type that is not str an empty text and "null" are null. */
int ork_type_from_text(const json_t *type, const char *text, struct ork_moment now, json_t **out,
                       ork_err *err) ORK_MUSTCHECK;
void ork_type_text(const json_t *type, struct ork_buf *out); /* "{rows: int, parts: [str]}" for messages */
bool ork_type_is_optional(const json_t *type);
#endif

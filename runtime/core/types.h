/* SPDX-License-Identifier: MIT */
/* Types of params, inputs and outputs (forms: docs/internals/json.md, "types"). */
#ifndef ORK_CORE_TYPES_H
#define ORK_CORE_TYPES_H
#include "base/json.h"

/* Is it a type at all? Errors name the path, what stands there and the word that was meant ("string" → "str"). */
int ork_type_check(const json_t *type, ork_err *err) ORK_MUSTCHECK;
/* Does the value fit? Lossless conversion happens in place: int takes 10.0, float takes 10; so *value may be replaced. Error: `output.parts[2]: wanted str, got 12`. */
int ork_type_apply(const json_t *type, json_t **value, const char *root, ork_err *err) ORK_MUSTCHECK;
/* Can a value of type `from` be used where `to` is wanted? Reason in err. */
int ork_type_assignable(const json_t *to, const json_t *from, ork_err *err) ORK_MUSTCHECK;
/* Type of a field of an object type (through optional), NULL when it has none; *known: false when the type is any or open. */
const json_t *ork_type_field(const json_t *type, const char *field, bool *known);
/* A value typed on the command line ("3", "true", "today", "-3d", JSON for lists and objects) as the type wants it. */
int ork_type_from_text(const json_t *type, const char *text, int64_t now_ms, json_t **out, ork_err *err) ORK_MUSTCHECK;
void ork_type_text(const json_t *type, struct ork_buf *out); /* "{rows: int, parts: [str]}" for messages */
bool ork_type_is_optional(const json_t *type);
#endif

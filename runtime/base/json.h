/* SPDX-License-Identifier: MIT */
/* The one codec: jansson parses and holds the tree, the canonical writer here is the only writer (parse and text:
 * ork.h). Canonical: keys sorted by bytes, no blanks, floats shortest that read back, with a point and without
 * exponent, -0.0 as 0.0; so equal values are equal texts on every backend (jsonb rewrites 1e20 and 1E2:
 * docs/internals/json.md). */
#ifndef ORK_BASE_JSON_H
#define ORK_BASE_JSON_H
#include "base/buf.h"
#include <jansson.h>

#define ORK_JSON_DEPTH 200

int ork_json_write(const json_t *value, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
/* Appends a float in canonical form; ORK_EJSON for NaN and infinities. */
int ork_json_write_real(double v, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
const char *ork_json_type_name(const json_t *v); /* "string" "integer" "float" "boolean" "null" "list" "object" */
/* ORK_EJSON unless the bytes are UTF-8 without U+0000 and surrogates; names the offset. */
int ork_utf8_check(const char *s, size_t n, ork_err *err) ORK_MUSTCHECK;
#endif

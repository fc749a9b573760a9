/* SPDX-License-Identifier: MIT */
/* JSON in tests: ' stands for ". */
#ifndef TESTS_CORE_LIB_JSON_H
#define TESTS_CORE_LIB_JSON_H
#include "base/json.h"
#include "core/expr.h"

json_t *tree(const char *text);       /* fails the test when it is no JSON; the caller's */
const char *text_of(const json_t *v); /* canonical; valid for three more calls */
void assert_contains(const char *text, const char *part);
/* {"params":…,"input":…,"this":…,"output":{task:…},"status":{task:…},"secret":{name:…}}; the clock stands at
 * 2026-11-01T02:02:03.456Z. */
struct ork_scope scope_of(json_t *all);
#endif

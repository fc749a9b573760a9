/* SPDX-License-Identifier: MIT */
/* What ork.h says about types, params and hashes, for those who read definitions and see only that header. */
#include "base/hash.h"
#include "core/params.h"
#include "core/types.h"

int ork_type_valid(const json_t *type, ork_err *err)
{
    return ork_type_check(type, err);
}

int ork_type_convert(const json_t *type, json_t **value, const char *root, ork_err *err)
{
    return ork_type_apply(type, value, root, err);
}

int ork_type_fits(const json_t *to, const json_t *from, ork_err *err)
{
    return ork_type_assignable(to, from, err);
}

size_t ork_workflow_params_valid(const json_t *params, ork_problem_cb on_problem, void *data)
{
    return ork_params_check(params, on_problem, data);
}

void ork_sha256_text(const void *p, size_t n, char out[65])
{
    ork_sha256_hex(p, n, out);
}

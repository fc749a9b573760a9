/* SPDX-License-Identifier: MIT */
/* What ork.h says about types, params and hashes, for those who read definitions and see only that header. */
#include "base/buf.h"
#include "base/hash.h"
#include "core/params.h"
#include "core/types.h"
#include <string.h>

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

void ork_type_show(const json_t *type, char out[100])
{
    struct ork_buf text = ORK_BUF_INIT;

    ork_type_text(type, &text);
    if (text.len >= 100) { /* at a character */
        text.len = 96;
        while ((text.data[text.len] & 0xc0) == 0x80)
            text.len--;
        text.data[text.len] = 0;
        ork_buf_adds(&text, "…");
    }
    memcpy(out, text.len ? text.data : "", text.len + 1);
    ork_buf_fini(&text);
}

size_t ork_workflow_params_valid(const json_t *params, ork_problem_cb on_problem, void *data)
{
    return ork_params_check(params, on_problem, data);
}

void ork_sha256_text(const void *p, size_t n, char out[65])
{
    ork_sha256_hex(p, n, out);
}

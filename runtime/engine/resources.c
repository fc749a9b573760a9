/* SPDX-License-Identifier: MIT */
/* The idea is told in resources.h. */
#include "engine/resources.h"
#include "engine/engine.h"

void ork_resources_read(const json_t *params, struct ork_resources *out)
{
    const json_t *o = json_object_get(params, "resources");

    *out = (struct ork_resources){.memory = json_integer_value(json_object_get(o, "memory")),
                                  .cpu_ms = json_integer_value(json_object_get(o, "cpu_ms"))};
}

void ork_resources_spent(const struct ork_resources *r, struct ork_buf *out)
{
    char span[32];

    ork_duration_format(r->cpu_ms, span);
    ork_buf_addf(out, "it took more than %s of CPU time (resources)", span);
}

/* SPDX-License-Identifier: MIT */
/* What a task may take of memory and CPU time: limits of each of its processes, or of its function, which is then alone
 * in its worker. In params: "resources":{"cpu_ms":N,"memory":BYTES}. */
#ifndef ORK_ENGINE_RESOURCES_H
#define ORK_ENGINE_RESOURCES_H
#include "base/buf.h"
#include <jansson.h>
#include <stdint.h>

struct ork_resources {
    int64_t memory, cpu_ms; /* bytes, milliseconds; 0: as much as there is */
};
void ork_resources_read(const json_t *params, struct ork_resources *out);
void ork_resources_spent(const struct ork_resources *r, struct ork_buf *out); /* why it was ended */
#endif

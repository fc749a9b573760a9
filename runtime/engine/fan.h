/* SPDX-License-Identifier: MIT */
/* Tasks that are done once per element of a list: their items, and what those left. */
#ifndef ORK_ENGINE_FAN_H
#define ORK_ENGINE_FAN_H
#include "store/store.h"

struct ork_active;

/* fan.c: tasks that are done once per element of a list */
bool ork_fan_is(const struct ork_active *a, uint32_t task); /* it is such a task */
/* "clean/17": 17, and how long the task's name is; 0: no item's name. Each item has one name: digits, no zero first. */
uint32_t ork_fan_number(const char *name, size_t *task_len);
void ork_fan_expand(struct ork_active *a, uint32_t task);    /* ready and judged: its list becomes its items */
json_t *ork_fan_params(struct ork_active *a, uint32_t item); /* a new reference; without the list */
const json_t *ork_fan_item(const struct ork_active *a, uint32_t item); /* borrowed element */
const char *ork_fan_over(const json_t *params);                  /* the input that is an element; NULL: done once */
bool ork_fan_counted(const struct ork_active *a, uint32_t item); /* one of task_count = n */
void ork_fan_put(struct ork_active *a, uint32_t task, struct ork_task_put *put); /* what items have beside */
void ork_fan_unmapped(struct ork_active *a, uint32_t task);
char *ork_fan_failed(const struct ork_active *a, uint32_t task); /* owned: how many failed, and which first */
int ork_fan_load(struct ork_active *a, uint32_t task, const ork_id *id, int64_t started_ms, ork_err *err) ORK_MUSTCHECK;
/* rerun --from: the items of a task of another run, with their results. false: it has none there. */
bool ork_fan_copy(struct ork_active *a, uint32_t task, const ork_id *run);
void ork_fan_free(struct ork_active *a);

/* gather.c: what the items of a task left, in their order: outputs, or with `results` objects of item, status, output,
 * error. cb once, perhaps at once; list: borrowed, NULL when it failed. The task has items, and is final. */
typedef void (*ork_gather_cb)(void *data, json_t *list, int code, const ork_err *err);
void ork_gather(struct ork_active *a, uint32_t task, bool results, ork_gather_cb done, void *data);
void ork_gather_forget(struct ork_active *a, uint32_t task); /* it is not final any more, or otherwise */
const char *ork_gather_absent(int parent); /* status of an item without a row, of a task that is `parent` */
#endif

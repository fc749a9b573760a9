/* SPDX-License-Identifier: MIT */
/* Inside `ork doctor`: a list of findings, and the checks that add to it. */
#ifndef ORK_ENGINE_DOCTOR_H
#define ORK_ENGINE_DOCTOR_H
#include "base/buf.h"
#include <ork/ork.h>

enum ork_finding { ORK_FINDING_OK, ORK_FINDING_WARNING, ORK_FINDING_PROBLEM };

struct ork_doctor {
    const struct ork_engine_opts *opts; /* borrowed */
    char *data_dir;                     /* owned; NULL: there is no database yet */
    char *room;                         /* owned: an empty folder for trying things, in data_dir; NULL none */
    uint32_t jobs;
    struct ork_buf checks; /* JSON objects, comma between */
    bool problem;
    bool full; /* nothing can be written in data_dir: what fails there says nothing else */
};

/* Adds a finding. hint: what to do, NULL when there is nothing to do. */
void ork_doctor_add(struct ork_doctor *d, enum ork_finding state, const char *name, const char *hint, const char *fmt,
                    ...) ORK_PRINTF(5, 6);

/* Each adds one finding or more. */
void ork_doctor_system(struct ork_doctor *d); /* doctor_system.c: kernel, subreaper, PDEATHSIG */
void ork_doctor_limits(struct ork_doctor *d); /* doctor_limits.c: descriptors, processes, memory */
void ork_doctor_place(struct ork_doctor *d);  /* doctor_place.c: data directory, disk, locks, notices; makes d->room */
void ork_doctor_agent(struct ork_doctor *d);  /* doctor_agent.c: the program, and a process run by it */
/* doctor_lock.c: who keeps the SQLite file locked, if somebody does. False: so that not even reading is possible. */
bool ork_doctor_lock(struct ork_doctor *d, const char *path);
/* doctor_data.c: the database, clock, orphaned runs, leftovers; fills d->data_dir. */
void ork_doctor_data(struct ork_doctor *d);
#endif

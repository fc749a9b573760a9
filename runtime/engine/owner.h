/* SPDX-License-Identifier: MIT */
/* What can be seen of the process that carries a run out. Reads /proc; any thread. */
#ifndef ORK_ENGINE_OWNER_H
#define ORK_ENGINE_OWNER_H
#include "engine/engine.h"

/* Is it on this host and stopped (Ctrl-Z, SIGSTOP)? A stopped one keeps its runs and does nothing. */
bool ork_owner_stopped(const ork_engine *e, const char *host, int64_t pid);
/* Is there a process with this number here? Numbers are used again: for words, not for decisions. */
bool ork_owner_process_seen(const ork_engine *e, const char *host, int64_t pid);
#endif

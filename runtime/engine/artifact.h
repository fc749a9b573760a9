/* SPDX-License-Identifier: MIT */
/* Files that attempts leave to be kept.
 *
 *   the attempt's folder or ctx.artifact ──► logs/<run>/artifacts/<hash> ──► (the commit of the result) a row with the
 *                                             └─ the same file as artifacts/ab/cdef…       name, hash and size
 *
 * A content is one file with several names: one in artifacts/, by which the next of the same content finds it, and one
 * per run that needs it. So the file system counts who needs it: when a run's folder is removed, a content that only
 * artifacts/ names any more goes, too.
 *
 * Laws: the bytes, and the run's name of them, are on the disk before the row that tells of them; what an attempt left
 * goes only after that row is stored; only the run's own name is relied on (a removal of another run may take the name
 * in artifacts/ away at any time); links are never followed. */
#ifndef ORK_ENGINE_ARTIFACT_H
#define ORK_ENGINE_ARTIFACT_H
#include <ork/ork.h>
#include <stdatomic.h>

#define ORK_ARTIFACTS_MOST 100          /* of an attempt */
#define ORK_ARTIFACTS_BYTES (1ll << 30) /* of an attempt, all together */
#define ORK_ARTIFACT_NAME_MAX 255

struct ork_artifact {
    char *name; /* owned */
    char hash[65];
    int64_t bytes;
};
struct ork_artifacts {
    struct ork_artifact *items; /* owned */
    size_t len, cap;
    int64_t bytes;
};

/* A relative path in UTF-8 without `.`, `..`, empty parts and control characters? */
int ork_artifact_name_check(const char *name, ork_err *err) ORK_MUSTCHECK;
/* All that any thread may do: keeps the file under that name for the run whose log folder is run_dir (…/logs/<run>).
 * ours: nobody writes to the file any more, so that it need not be copied. stop: nobody wants it any more; NULL: never.
 * The same name again replaces the first. */
int ork_artifact_keep(const char *run_dir, const char *path, const char *name, bool ours, const atomic_bool *stop,
                      struct ork_artifacts *list, ork_err *err) ORK_MUSTCHECK;
int ork_artifacts_room(const struct ork_artifacts *list, const char *name, ork_err *err) ORK_MUSTCHECK; /* for it? */
/* All files in an attempt's folder, which stays. */
int ork_artifacts_take(const char *run_dir, const char *folder, bool ours, struct ork_artifacts *list,
                       ork_err *err) ORK_MUSTCHECK;
void ork_artifacts_add(struct ork_artifacts *list, const char *name, const char *hash, int64_t bytes);
void ork_artifacts_fini(struct ork_artifacts *list);
void ork_artifacts_remove(const char *folder); /* of an attempt, with what is in it */
/* The folder …/logs/<run>/artifacts is about to go: what only it and artifacts/ name goes. */
void ork_artifacts_leave(const char *run_dir);

struct ork_active;
struct ork_live;
char *ork_artifact_folder(const char *log_path); /* of an attempt; owned */
void ork_artifacts_put(struct ork_active *a, const struct ork_live *l, const struct ork_artifacts *list); /* rows */
#endif

/* SPDX-License-Identifier: MIT */
/* A client with its real agent in a folder of its own. Everything the agent says is recorded; tests wait for what they
 * need (and fail after WAIT_S) instead of sleeping. */
#ifndef ORK_TEST_RIG_H
#define ORK_TEST_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "exec/agent/proto.h"
#include "exec/process/agent.h"

#define WAIT_S 30

enum seen_what {
    SEEN_READY,
    SEEN_STARTED,
    SEEN_EXITED,
    SEEN_RECALLED,
    SEEN_STATE,
    SEEN_CLAIMED,
    SEEN_STUCK,
    SEEN_REFUSED,
    SEEN_DOWN
};
struct seen {
    enum seen_what what;
    struct ork_attempt_key key;
    ork_id id; /* run, or the agent */
    struct ork_exit x;
    char text[800]; /* error; boot id */
    int state;
    int32_t pid;
};
struct rig {
    uv_loop_t loop;
    uv_timer_t limit;
    char dir[64]; /* the data folder; agent in dir/agent */
    char agent_dir[256];
    ork_agent *agent;
    uint64_t seq;
    uint32_t jobs;
    struct seen *seen;
    size_t seen_len, seen_cap, from; /* waits look at events from `from` on */
    bool closed;
    pid_t owner;
};

int rig_setup(void **state); /* *state: a rig with an open client, jobs 4, seq 1; the agent lingers 100 ms */
int rig_teardown(
    void **state); /* closes the client and waits until the agent has ended; fails when it left processes */
void rig_open(struct rig *r);
void rig_close(struct rig *r);
void rig_wait_agent_gone(struct rig *r);
pid_t rig_agent_pid(struct rig *r);
int rig_connect(struct rig *r);                  /* a blocking socket to the agent, the caller's */
char *rig_path(struct rig *r, const char *name); /* dir/name; a static buffer, the last 8 stay valid */
char *rig_read(const char *path);                /* file as text, caller frees; "" when missing */

ork_id id_of(unsigned n);
struct ork_attempt_key key_of(unsigned n);
struct ork_spawn sh(struct rig *r, unsigned n, const char *command); /* attempt n of run 1; log in dir/n.log */
void run_sh(struct rig *r, unsigned n, const char *command);         /* claim run 1, spawn */

const struct seen *wait_for(struct rig *r, enum seen_what what, const struct ork_attempt_key *key); /* key NULL: any */
const struct ork_exit *wait_exit(struct rig *r, unsigned n);
const struct seen *find_seen(struct rig *r, enum seen_what what, const struct ork_attempt_key *key);
size_t count_seen(struct rig *r, enum seen_what what);
void wait_file(struct rig *r, const char *path); /* until it exists and is not empty (inotify) */
int read_pid(const char *path);
bool pid_alive(int pid);     /* not a zombie */
void wait_pid_gone(int pid); /* by pidfd */
size_t open_fds(pid_t pid);

/* A task with all the shapes of descendants: a child, a pipeline, a session of its own, one below such a session, one
 * without the environment's mark. Each reports its pid in a file of the task's folder. */
#define MANY                                                                                                           \
    "sh report child & sh report piped | cat & setsid sh report escaped & "                                            \
    "setsid sh -c 'sh report nested & sleep 1000' & env -i /bin/sh report bare & "
#define MANY_LEN 5
void wait_many(struct rig *r, int pids[MANY_LEN]); /* until all run */
void all_dead(const int pids[MANY_LEN]);

/* A raw connection. */
struct raw {
    int fd;
    struct ork_wr out;
    uint8_t in[1 << 16];
    size_t len;
};
void raw_open(struct raw *w, struct rig *r, uint32_t protocol, uint32_t jobs, uint64_t seq); /* says HELLO */
void raw_send(struct raw *w);
void raw_claim(struct raw *w, unsigned run);
void raw_spawn(struct raw *w, unsigned run, unsigned n, struct rig *r, const char *command);
void raw_key(struct raw *w, enum ork_frame_type type, unsigned n);
struct ork_rd raw_next(struct raw *w, uint32_t *type); /* the next frame; type 0: the agent closed */
struct ork_rd raw_wait(struct raw *w, uint32_t type);  /* skips others */
void raw_close(struct raw *w);
#endif

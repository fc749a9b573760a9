/* SPDX-License-Identifier: MIT */
/* What the parts of ork-agent share. One thread, one `struct ork_agentd`, no callbacks: loop.c turns, everything else
 * is called by it.
 *
 *   socket ─► conn ─► request ─► claim / queue ─► spawn ─► attempt ─► reap ─► ending ─► attempt_finish ─► conn
 *                                       each START, PID, EXIT, ACK, CLAIM goes to the journal first
 *
 * Times: `mono` are milliseconds of CLOCK_MONOTONIC (awake time), `_ms` stored ones are wall clock. */
#ifndef ORK_EXEC_AGENT_AGENT_H
#define ORK_EXEC_AGENT_AGENT_H
#include "exec/agent/proto.h"
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/types.h>

/* ---- table.c: hash table of embedded nodes, chained, doubling ---- */

struct ork_node {
    struct ork_node *next;
    uint32_t hash;
};
struct ork_table {
    struct ork_node **slots; /* owned */
    uint32_t cap, len;       /* cap: power of two or 0 */
};
uint32_t ork_hash_bytes(const void *p, size_t n);
void ork_table_add(struct ork_table *t, struct ork_node *n, uint32_t hash);
void ork_table_remove(struct ork_table *t, struct ork_node *n);
struct ork_node *ork_table_first(const struct ork_table *t, uint32_t hash); /* then ->next; compare hash and key */
#define ork_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* ---- the nouns ---- */

struct ork_conn;
struct ork_owner;

/* A run some scheduler claimed. Lives while it is claimed by a connection, has attempts, or is remembered for its seq.
 */
struct ork_claim {
    struct ork_node node;
    ork_id run;
    uint64_t seq;          /* highest that claimed */
    struct ork_conn *conn; /* gets its messages; NULL: nobody */
    TAILQ_HEAD(, ork_attempt) attempts;
    TAILQ_ENTRY(ork_claim) in_conn; /* while conn; else in agentd.orphans */
};

/* Environment a client sent once; shared by its queued tasks. */
struct ork_base {
    uint32_t refs;
    mode_t umask;
    uint32_t limits_set; /* bit per RLIMIT_*: differs from the agent's own */
    struct rlimit limits[RLIM_NLIMITS];
    uint8_t *payload; /* owned; cwd and env point into it */
    const char *cwd;
    uint32_t envc;
    const char **env; /* owned array */
};

struct ork_member {
    pid_t pid;
    uint64_t start; /* ork_proc.start: tells it from a later owner of the number */
};
enum ork_attempt_state { ATTEMPT_QUEUED, ATTEMPT_RUNNING, ATTEMPT_EXITED };
enum ork_attempt_phase { PHASE_RUN, PHASE_TERM, PHASE_KILL };

struct ork_attempt {
    struct ork_node by_key, by_pid;
    struct ork_wire_key key;
    struct ork_claim *claim;
    TAILQ_ENTRY(ork_attempt) in_claim;
    uint8_t state, phase;
    bool in_pids; /* by_pid is in the table */
    bool keep_children;
    bool too_long;  /* its arguments are no frame's size, so no program's either */
    bool main_done; /* wait4 has given its status (or it was of an earlier agent) */
    bool recovered; /* started by an earlier agent */
    bool has_slot;  /* counts as running */
    bool stuck_told;
    bool term_due; /* SIGTERM goes at the end of the turn */
    /* queued */
    struct ork_owner *owner; /* while queued, and while it has a slot */
    struct ork_base *base;
    uint8_t *blob; /* owned payload of SPAWN; what follows points into it */
    const char *cwd;
    const char **argv; /* owned, NULL-terminated, two free places before it */
    const char **env;  /* owned */
    uint32_t argc, envc;
    int32_t priority;
    uint32_t heap_pos; /* 1-based; 0 outside */
    uint64_t arrival;
    /* running */
    char *log_path; /* owned */
    int64_t timeout_ms, grace_ms;
    int64_t cpu_ms, memory;      /* of each of its processes; 0 none */
    int64_t born_boot_ms;        /* CLOCK_BOOTTIME around vfork: tells a recycled pid */
    int64_t deadline;            /* mono; timeout, end of grace or next look; 0 none */
    int64_t kill_since, look_ms; /* PHASE_KILL: begin, distance of looks */
    TAILQ_ENTRY(ork_attempt) in_running;
    struct ork_member *members; /* owned: seen alive at the last look */
    uint32_t members_len, members_cap;
    int status; /* of wait4 */
    /* the result; reason is set when an ending begins */
    struct ork_wire_exit exit;
    char *error; /* owned; NULL none */
};

/* A client's queue; outlives its connection until it is empty and nothing of it runs. */
struct ork_owner {
    TAILQ_ENTRY(ork_owner) next;
    struct ork_conn *conn; /* NULL: gone */
    uint32_t jobs, running;
    struct ork_attempt **heap; /* owned */
    uint32_t len, cap;
};

struct ork_conn {
    TAILQ_ENTRY(ork_conn) next;
    int fd;
    bool hello, dead, want_out, foreign /* speaks another version */;
    uint64_t seq;
    struct ork_owner *owner; /* after HELLO */
    struct ork_base *base;
    TAILQ_HEAD(, ork_claim) claims;
    uint8_t *in; /* owned */
    size_t in_len, in_cap;
    struct ork_wr out;
    size_t out_off;
    bool urgent;        /* something in `out` may not wait */
    uint32_t held;      /* exits in `out` */
    int64_t held_since; /* mono of the oldest message that may wait */
};

struct ork_journal {
    int fd;
    off_t off, size;
    struct ork_wr buf; /* records since the last flush */
    bool bad;          /* cannot be written; rewritten whole when it can */
    int64_t retry_at, retry_ms;
    size_t claims_len; /* bytes of claims at the last rewrite */
};

struct ork_agentd {
    const char *dir;
    int dir_fd, lock_fd, epoll_fd, listen_fd, signal_fd, null_fd, children_fd;
    pid_t pid;
    uid_t uid;
    ork_id id;
    char boot_id[40];
    uint64_t pid_ns;
    int64_t linger_ms, idle_since; /* idle_since 0: not idle */
    int64_t mono;                  /* of this turn */
    char oom_adj[16];              /* of tasks; "" where it cannot be set */
    bool draining, stop;
    bool term_due, kill_due; /* some attempt waits for its signals */
    struct ork_journal journal;
    struct ork_table attempts, pids, claims;
    TAILQ_HEAD(, ork_attempt) running; /* state RUNNING, also without a slot */
    uint32_t ending;                   /* running attempts whose phase is not RUN */
    TAILQ_HEAD(, ork_claim) orphans;   /* claims without a connection, oldest first */
    uint32_t orphans_len;
    TAILQ_HEAD(, ork_owner) owners;
    TAILQ_HEAD(, ork_conn) conns;
    uint32_t slots, slots_used, queued;
    uint64_t arrivals;
    uint64_t unacked;
};

/* ---- main.c, log.c ---- */
int64_t ork_now_mono(void);
int64_t ork_now_wall(void);
int64_t ork_now_boot(void);
void ork_note(struct ork_agentd *a, const char *fmt, ...)
    ORK_PRINTF(2, 3);                                  /* a line in <dir>/log, at most 2 × 256 KiB */
void *ork_mem(void *old, size_t n);                    /* realloc that never fails */
char *ork_text(const char *fmt, ...) ORK_PRINTF(1, 2); /* owned by the caller */

/* ---- loop.c ---- */
int ork_loop_open(struct ork_agentd *a, char **why); /* socket, signals, epoll; 0 or -1 */
void ork_loop_run(struct ork_agentd *a);             /* until nothing is left to do */

/* ---- conn.c ---- */
void ork_conn_accept(struct ork_agentd *a);
void ork_conn_ready(struct ork_agentd *a, struct ork_conn *c, uint32_t events);
void ork_conn_flush_all(struct ork_agentd *a);   /* sends what need not wait; frees dead ones */
int64_t ork_conn_deadline(struct ork_agentd *a); /* when held messages must go; 0 none */
struct ork_wr *ork_conn_begin(struct ork_conn *c,
                              enum ork_frame_type type); /* one frame; urgent but for STARTED and EXITED */
void ork_conn_end(struct ork_agentd *a, struct ork_conn *c);
void ork_conn_say_started(struct ork_agentd *a, struct ork_attempt *t);
void ork_conn_say_exited(struct ork_agentd *a, struct ork_attempt *t);
void ork_conn_say_key(struct ork_agentd *a, struct ork_conn *c, enum ork_frame_type type, const struct ork_wire_key *k);
void ork_conn_say_run(struct ork_agentd *a, struct ork_conn *c, enum ork_frame_type type, const ork_id *run);
void ork_conn_say_draining(struct ork_agentd *a, struct ork_conn *c);
void ork_conn_say_stuck(struct ork_agentd *a, struct ork_attempt *t, pid_t pid);

/* ---- request.c ---- */
int ork_request_handle(struct ork_agentd *a, struct ork_conn *c, uint32_t type, const uint8_t *p,
                       size_t n); /* -1: protocol broken */
void ork_base_unref(struct ork_base *b);

/* ---- claim.c ---- */
struct ork_claim *ork_claim_find(struct ork_agentd *a, const ork_id *run);
struct ork_claim *ork_claim_get(struct ork_agentd *a, const ork_id *run);           /* made when new */
bool ork_claim_take(struct ork_agentd *a, struct ork_claim *k, struct ork_conn *c); /* false: refused, and told so */
void ork_claim_drop_conn(struct ork_agentd *a, struct ork_conn *c);
void ork_claim_release(struct ork_agentd *a, struct ork_claim *k); /* forgets it when nothing needs it */

/* ---- attempt.c ---- */
struct ork_attempt *ork_attempt_find(struct ork_agentd *a, const struct ork_wire_key *k);
struct ork_attempt *ork_attempt_new(struct ork_agentd *a, const struct ork_wire_key *k, struct ork_claim *claim);
struct ork_attempt *ork_attempt_by_pid(struct ork_agentd *a, pid_t pid);
void ork_attempt_set_pid(struct ork_agentd *a, struct ork_attempt *t, pid_t pid);
void ork_attempt_start(struct ork_agentd *a, struct ork_attempt *t);  /* has its slot */
void ork_attempt_finish(struct ork_agentd *a, struct ork_attempt *t); /* exit.reason is set: journal, message */
void ork_attempt_free_slot(struct ork_agentd *a, struct ork_attempt *t);
void ork_attempt_drop_blob(struct ork_attempt *t);
void ork_attempt_free(struct ork_agentd *a, struct ork_attempt *t);
void ork_attempt_key_text(const struct ork_wire_key *k, char out[64]); /* "<task hex>.<k>" */

/* ---- queue.c ---- */
struct ork_owner *ork_owner_new(struct ork_agentd *a, struct ork_conn *c, uint32_t jobs);
void ork_owner_drop_conn(struct ork_agentd *a, struct ork_owner *o);
void ork_owner_unused(struct ork_agentd *a, struct ork_owner *o); /* freed when nobody needs it */
void ork_queue_add(struct ork_agentd *a, struct ork_owner *o, struct ork_attempt *t);
void ork_queue_remove(struct ork_agentd *a, struct ork_attempt *t); /* stays with its owner no longer */
void ork_queue_start(struct ork_agentd *a);                         /* fills the free slots */
void ork_queue_slots(struct ork_agentd *a);                         /* clients changed */

/* ---- spawn.c ---- */
pid_t ork_spawn_attempt(struct ork_agentd *a, struct ork_attempt *t,
                        char **error); /* -1: *error says why; caller frees */

/* ---- proc.c ---- */
struct ork_proc {
    pid_t pid, ppid, sid;
    char state;
    uint64_t start;         /* clock ticks after boot */
    struct ork_attempt *of; /* NULL: no attempt's */
};
struct ork_procs {
    struct ork_proc *items; /* owned; by pid */
    uint32_t len, cap;
};
/* Lists all processes and finds the attempt of each: by session, environment mark or parent. `everywhere`: also outside
 * the agent's own tree. */
void ork_procs_list(struct ork_agentd *a, struct ork_procs *ps, bool everywhere);
void ork_procs_fini(struct ork_procs *ps);
bool ork_proc_alive(const struct ork_proc *p); /* not a zombie */
bool ork_proc_read(pid_t pid, struct ork_proc *out);
bool ork_proc_mark(pid_t pid, struct ork_wire_key *out); /* ORK_ATTEMPT_KEY in its environment */
int ork_proc_signal(const struct ork_proc *p, int sig);  /* 0 or errno; never hits a recycled pid */

/* ---- reap.c, ending.c ---- */
void ork_reap(struct ork_agentd *a);
void ork_ending_begin(struct ork_agentd *a, struct ork_attempt *t, int reason, int64_t grace_ms); /* kill, timeout */
void ork_ending_act(struct ork_agentd *a);       /* sends the signals of this turn's kills and timeouts */
void ork_ending_leftovers(struct ork_agentd *a); /* after main processes ended: attempts with main_done in PHASE_RUN */
void ork_ending_gone(struct ork_agentd *a, pid_t pid); /* a process was reaped */
void ork_ending_look(struct ork_agentd *a);            /* after reaping: finishes or kills on */
void ork_ending_timers(struct ork_agentd *a);
int64_t ork_ending_deadline(struct ork_agentd *a);
void ork_ending_all(struct ork_agentd *a); /* the agent was told to stop: kill everything, all is lost */

/* ---- journal.c, recover.c ---- */
int ork_journal_create(struct ork_agentd *a); /* writes what memory holds; 0 or -1 (bad) */
void ork_journal_start(struct ork_agentd *a, const struct ork_attempt *t);
void ork_journal_pid(struct ork_agentd *a, const struct ork_attempt *t);
void ork_journal_exit(struct ork_agentd *a, const struct ork_attempt *t);
void ork_journal_ack(struct ork_agentd *a, const struct ork_wire_key *k);
void ork_journal_claim(struct ork_agentd *a, const struct ork_claim *k);
void ork_journal_release(struct ork_agentd *a, const ork_id *run);
void ork_journal_flush(struct ork_agentd *a);
enum ork_record { RECORD_START = 1, RECORD_PID, RECORD_EXIT, RECORD_ACK, RECORD_CLAIM, RECORD_RELEASE };
struct ork_record_head {
    uint32_t crc; /* of the rest, payload included */
    uint16_t len; /* with this head */
    uint16_t type;
};
struct ork_journal_head {
    char magic[8];
    ork_id agent;
    char boot_id[40];
    uint64_t pid_ns;
    uint32_t zero, crc;
};
#define ORK_JOURNAL_MAGIC "ORKJRNL1"
#define ORK_JOURNAL_NAME "journal1"
void ork_recover(struct ork_agentd *a); /* reads the old journal, sweeps */
#endif

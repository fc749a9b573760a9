/* SPDX-License-Identifier: MIT */
/* What the parts of the agent's client share.
 *
 *   IDLE ── first claim ─► CONNECT ─► HELLO ─► READY       lost: back to CONNECT while runs are claimed
 *                           │ nobody there
 *                           └─► STARTING ─► CONNECT        failed: on_down, CONNECT again after a growing pause
 *
 * The client knows the claimed runs and nothing of tasks: after each connection it says HELLO and claims them again,
 * and the agent tells what it holds. What is asked while no agent is connected waits in `waiting` and follows the
 * claims. */
#ifndef ORK_EXEC_PROCESS_CLIENT_H
#define ORK_EXEC_PROCESS_CLIENT_H
#include "exec/process/agent.h"
#include "exec/process/link.h"

#define ORK_ELDERS 4 /* agents of other versions that still finish their tasks */

enum ork_client_state { CLIENT_IDLE, CLIENT_CONNECT, CLIENT_STARTING, CLIENT_HELLO, CLIENT_READY };

struct ork_client_claim {
    ork_id run;
    uint32_t awaited; /* bit per link that has not said CLAIMED yet; 0: nothing asked or all answered */
};

/* An attempt an elder holds until it is acknowledged; open: not reported as ended. */
struct ork_elder_key {
    struct ork_wire_key key;
    bool open;
};

/* An agent of another version: drained, asked for the runs' old attempts, gone when they are done. */
struct ork_elder {
    struct ork_link *link; /* NULL: free place */
    int version;
    struct ork_elder_key *keys; /* owned */
    size_t keys_len, keys_cap;
};

struct ork_agent {
    struct ork_agent_opts o; /* dir and program owned */
    char *socket;            /* owned */
    char *cwd;               /* owned: of tasks that give none */
    int dir_fd;
    enum ork_client_state state;
    uv_timer_t timer;     /* next try; limit of the handshake */
    uv_prepare_t prepare; /* end of a turn: sends what was queued */
    struct ork_link *link;
    struct ork_birth *birth; /* while STARTING */
    struct ork_wr waiting;   /* frames asked for while not connected */
    struct ork_elder elders[ORK_ELDERS];
    struct ork_client_claim *claims; /* owned, sorted by run */
    size_t claims_len, claims_cap;
    uint32_t failures; /* in a row */
    int handles;       /* of uv, not yet closed */
    bool closing;
    void (*on_closed)(void *data);
    void *on_closed_data;
};

/* agent.c */
struct ork_wr *
ork_client_out(struct ork_agent *a); /* the connection's queue, or `waiting`; sent at the end of the turn */
void ork_client_claimed(struct ork_agent *a, const ork_id *run, int number);
void ork_client_frame(struct ork_agent *a, struct ork_link *l, uint32_t type, struct ork_rd *r);
void ork_client_handle_gone(void *client); /* one uv handle is closed */
struct ork_client_claim *ork_client_find(struct ork_agent *a, const ork_id *run, size_t *at);
void ork_client_forget(struct ork_agent *a, const ork_id *run);

/* connect.c */
void ork_client_wake(struct ork_agent *a); /* a run is claimed: connect if nobody is on it */
void ork_client_ref(struct ork_agent *a);  /* the loop is kept alive by claimed runs only */
void ork_client_stop(struct ork_agent *a);

/* hello.c */
void ork_client_hello(const struct ork_agent *a, struct ork_wr *w);

/* elder.c */
void ork_elders_find(struct ork_agent *a); /* connects to agents of other versions in the folder */
void ork_elders_claim(struct ork_agent *a, struct ork_client_claim *c);
/* One of them answers for it: *out is its queue. */
bool ork_elders_hold(struct ork_agent *a, const struct ork_wire_key *k, bool forget, struct ork_wr **out);
void ork_elders_note(struct ork_agent *a, struct ork_link *l, const struct ork_wire_key *k, bool open);
void ork_elders_flush(struct ork_agent *a);
void ork_elders_close(struct ork_agent *a);
#endif

/* SPDX-License-Identifier: MIT */
/* A network that fails on demand: a TCP proxy in a thread, in front of the test's server. */
#ifndef TESTS_UNIT_STORE_LIB_PROXY_H
#define TESTS_UNIT_STORE_LIB_PROXY_H

enum proxy_mode {
    PROXY_PASS,
    PROXY_REFUSE, /* new connections end at once */
    PROXY_HOLD,   /* nothing passes any more; connections stay open */
    /* once, then PASS */
    PROXY_CUT_AFTER_COMMIT,     /* the server gets the COMMIT and answers; the answer is lost with the connection */
    PROXY_CUT_BEFORE_COMMIT,    /* of what holds the COMMIT only a part arrives, then the connection is lost */
    PROXY_CUT_AFTER_THEN_REFUSE /* … and no other can be made, until PASS */
};
struct proxy;
struct proxy *proxy_start(int to_port);
int proxy_port(const struct proxy *p);
void proxy_set(struct proxy *p, enum proxy_mode mode);
void proxy_cut(struct proxy *p);                         /* all connections, now */
int proxy_cuts(struct proxy *p);                         /* how often it did what was asked for once */
char *proxy_url(const struct proxy *p, const char *url); /* the same database, through it */
void proxy_stop(struct proxy *p);
#endif

/* SPDX-License-Identifier: MIT */
/* A PostgreSQL server of the test's own: initdb in a temporary folder, a socket there and a free port on the loopback,
 * stopped by its pid when the program ends, however it ends. Never a server that somebody else started. */
#ifndef TESTS_UNIT_STORE_LIB_CLUSTER_H
#define TESTS_UNIT_STORE_LIB_CLUSTER_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

const char *cluster_missing(void); /* why there can be none here; NULL: there can */
void cluster_start(void);          /* once; fails the test program */
int cluster_port(void);
const char *cluster_dir(void);
pid_t cluster_pid(void);
/* Starts it again after it was stopped (cluster_stop), on the same data and port. */
void cluster_stop(int sig);
void cluster_restart(void);

char *cluster_standby(const char *name); /* a copy that follows, read-only; the URL of that database there */
void cluster_standby_stop(void);

char *cluster_database(const char *name);                /* made if it is not there: migrated, empty; its URL */
char *cluster_raw(const char *name);                     /* the same without Ork's tables */
int64_t cluster_count(const char *url, const char *sql); /* first column of the first row, -1 without one */
void cluster_exec(const char *url, const char *sql);
char *cluster_text(const char *url, const char *sql); /* first column of all rows, a line each */
void *cluster_hold(const char *url, const char *sql); /* a session that has done that, and stays */
int cluster_notices(void *session, int expected);     /* got since it was asked last; waits (10 s) for so many */
void cluster_release(void *session);
void cluster_wait_old(void); /* until the server is old enough that a scheduler may be declared dead */
void cluster_wait(const char *url, const char *sql, int64_t n); /* until it counts so; looks again and again */
#endif

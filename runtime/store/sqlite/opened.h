/* SPDX-License-Identifier: MIT */
/* Which files this process has open as databases, by device and number; all threads. */
#ifndef ORK_STORE_SQLITE_OPENED_H
#define ORK_STORE_SQLITE_OPENED_H
#include <stdbool.h>
#include <sys/types.h>

struct ork_opened {
    dev_t dev;
    ino_t ino;
    bool yes; /* false: nothing is held */
};

/* Between the two nobody else enters: the file may be looked at, and what is found holds when it is opened. */
void ork_opened_lock(void);
void ork_opened_unlock(void);
/* Under the lock: holds it once more if it is open here. */
bool ork_opened_again(struct ork_opened *h, dev_t dev, ino_t ino);
void ork_opened_begin(struct ork_opened *h, dev_t dev, ino_t ino); /* under the lock; it is not open here */
void ork_opened_end(struct ork_opened *h); /* takes the lock; after SQLite has closed the file */
#endif

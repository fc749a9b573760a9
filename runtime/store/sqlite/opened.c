/* SPDX-License-Identifier: MIT */
/* POSIX locks belong to a process: closing any descriptor of a file drops all that the process has on it. When a
 * program opened its database a second time and the file was looked at first, SQLite's locks of the first were gone
 * without a word; the next program to close it took the log of changes for nobody's, and the file was damaged. So a
 * file that is open here is not opened to be looked at. SQLite itself shares its descriptors for the same reason. */
#include "store/sqlite/opened.h"
#include "base/alloc.h"
#include <ork/ork.h>
#include <pthread.h>

struct file {
    dev_t dev;
    ino_t ino;
    unsigned stores; /* that have it open */
    struct file *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files; /* under the lock; few */

void ork_opened_lock(void)
{
    (void)pthread_mutex_lock(&lock);
}

void ork_opened_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static struct file **find(dev_t dev, ino_t ino)
{
    struct file **f = &files;

    while (*f && ((*f)->dev != dev || (*f)->ino != ino))
        f = &(*f)->next;
    return f;
}

bool ork_opened_again(struct ork_opened *h, dev_t dev, ino_t ino)
{
    struct file *f = *find(dev, ino);

    if (!f)
        return false;
    f->stores++;
    *h = (struct ork_opened){dev, ino, true};
    return true;
}

void ork_opened_begin(struct ork_opened *h, dev_t dev, ino_t ino)
{
    struct file *f = ork_zalloc(sizeof *f);

    *f = (struct file){dev, ino, 1, files};
    files = f;
    *h = (struct ork_opened){dev, ino, true};
}

void ork_opened_end(struct ork_opened *h)
{
    if (!h->yes)
        return;
    h->yes = false;
    ork_opened_lock();
    struct file **at = find(h->dev, h->ino), *f = *at;
    if (f && --f->stores == 0) {
        *at = f->next;
        ork_free(f);
    }
    ork_opened_unlock();
}

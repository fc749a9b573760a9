/* SPDX-License-Identifier: MIT */
/* Log folders of removed runs. The rows are gone before: a crash leaves a folder that nobody refers to and its note in
 * run_remains, and the next removal takes it up. Folders are emptied by uv's threads, a few at a time, so that neither
 * the loop nor the memory feels a hundred thousand of them. Nothing outside a run's own folder is touched: links are
 * removed, never followed. */
#include "engine/artifact.h"
#include "engine/catalog.h"
#include "base/path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_ONCE 64 /* folders of one job */
#define JOBS 4
#define DEEPEST 16

struct ork_remains_job {
    uv_work_t work;
    struct ork_remains *m; /* borrowed */
    size_t n;
    struct folder {
        ork_id run;
        char *dir; /* owned; NULL: only the data directory's */
        bool left; /* not all of it could be removed */
    } folders[AT_ONCE];
    int64_t bytes;
    bool measure;
    const char *data_dir, *database; /* borrowed from the engine; database NULL: no file */
};

/* Does a file NAME with NAME-turn beside it lie there, which is not our database? Then this is where its logs are. */
static bool is_home_of_another(const char *dir, const char *database)
{
    struct stat mine = {0}, st;
    bool found = false;
    DIR *d = opendir(dir);

    if (database)
        (void)stat(database, &mine);
    for (struct dirent *x = d ? readdir(d) : NULL; x && !found; x = readdir(d)) {
        size_t n = strlen(x->d_name), mark = strlen("-turn");
        if (n <= mark || strcmp(x->d_name + n - mark, "-turn") != 0)
            continue;
        x->d_name[n - mark] = '\0';
        found = fstatat(dirfd(d), x->d_name, &st, 0) == 0 && (st.st_ino != mine.st_ino || st.st_dev != mine.st_dev);
    }
    if (d)
        (void)closedir(d);
    return found;
}

/* A copied database (of a project's folder, to a server) remembers where the original has its logs: they are not ours
 * to remove. Written elsewhere under another data directory, they are. */
static bool is_ours(const struct ork_remains_job *j, const char *dir)
{
    char *logs = ork_path_dirname(dir), *data = ork_path_dirname(logs);
    bool ours = !is_home_of_another(data, j->database);

    ork_free(data);
    ork_free(logs);
    return ours;
}

/* 0, or an errno. */
static int empty(int parent, const char *name, bool measure, int depth, int64_t *bytes)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), bad = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    DIR *d = depth < DEEPEST ? fdopendir(fd) : NULL;
    if (!d) {
        (void)close(fd);
        return ELOOP;
    }
    for (struct dirent *x = readdir(d); x; x = readdir(d)) {
        struct stat st;
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        if (fstatat(fd, x->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* somebody else removed it */
        int why = 0;
        if (S_ISDIR(st.st_mode))
            why = empty(fd, x->d_name, measure, depth + 1, bytes);
        else if (!measure && unlinkat(fd, x->d_name, 0) != 0 && errno != ENOENT)
            why = errno;
        if (!why && S_ISREG(st.st_mode))
            *bytes += st.st_size;
        bad = bad ? bad : why;
    }
    (void)closedir(d);
    if (!bad && !measure && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        bad = errno;
    return bad;
}

static void on_pool(uv_work_t *w)
{
    struct ork_remains_job *j = w->data;

    for (size_t i = 0; i < j->n; i++) {
        struct folder *f = &j->folders[i];
        struct ork_buf own = ORK_BUF_INIT;
        char id[ORK_ID_TEXT];
        ork_id_format(&f->run, id);
        ork_buf_addf(&own, "%s/logs/%s", j->data_dir, id);
        if (!j->measure)
            ork_artifacts_leave(own.data);
        f->left = empty(AT_FDCWD, own.data, j->measure, 0, &j->bytes) != 0;
        if (f->dir && strcmp(f->dir, own.data) != 0 && is_ours(j, f->dir)) {
            if (!j->measure)
                ork_artifacts_leave(f->dir);
            f->left |= empty(AT_FDCWD, f->dir, j->measure, 0, &j->bytes) != 0;
        }
        ork_buf_fini(&own);
    }
}

static void after_pool(uv_work_t *w, int status)
{
    struct ork_remains_job *j = w->data;
    struct ork_remains *m = j->m;

    (void)status;
    m->works--;
    m->bytes += j->bytes;
    for (size_t i = 0; i < j->n; i++) {
        if (j->folders[i].left) {
            m->left++;
        } else if (!m->measure) {
            ork_grow((void **)&m->done, &m->done_cap, m->done_len + 1, sizeof(*m->done));
            m->done[m->done_len++] = j->folders[i].run;
        }
        ork_free(j->folders[i].dir);
    }
    ork_free(j);
}

static void start(struct ork_remains_job *j)
{
    j->work.data = j;
    j->m->works++;
    (void)uv_queue_work(j->m->engine->loop, &j->work, on_pool, after_pool);
    ork_remains_wait(j->m, JOBS - 1);
}

void ork_remains_add(struct ork_remains *m, const ork_id *run, char *dir)
{
    if (!m->next) {
        m->next = ork_zalloc(sizeof(*m->next));
        m->next->m = m;
        m->next->measure = m->measure;
        m->next->data_dir = m->engine->data_dir;
        m->next->database = ork_store_path(m->engine->store);
    }
    m->next->folders[m->next->n++] = (struct folder){.run = *run, .dir = dir};
    if (m->next->n == AT_ONCE) {
        struct ork_remains_job *j = m->next;
        m->next = NULL;
        start(j);
    }
}

void ork_remains_wait(struct ork_remains *m, unsigned most)
{
    uv_ref((uv_handle_t *)&m->engine->check);
    while (m->works > most)
        uv_run(m->engine->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&m->engine->check);
}

void ork_remains_finish(struct ork_remains *m)
{
    if (m->next) {
        struct ork_remains_job *j = m->next;
        m->next = NULL;
        start(j);
    }
    ork_remains_wait(m, 0);
}

void ork_remains_fini(struct ork_remains *m)
{
    ork_remains_finish(m);
    ork_free(m->done);
    m->done = NULL;
}

/* SPDX-License-Identifier: MIT */
/* ork-agent DIR [FD]: starts, watches and buries the processes of tasks for the schedulers of one data directory.
 *
 * Started by the client (runtime/exec/process) when no agent answers; not by people. One per directory: whoever gets
 * the lock serves, the others end at once. On FD it says how its birth went: 'R' ready, 'L' another has the lock, 'E'
 * and a sentence. It ends by itself some seconds after the last task and the last client, the socket removed under the
 * lock. */
#include "exec/agent/agent.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINGER_MS 10000
#define OOM_ADJ 300

static void tell(int fd, char what, const char *text)
{
    char line[512];
    int n = snprintf(line, sizeof line, "%c%s", what, text);

    if (fd >= 0 && write(fd, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1) < 0)
        errno = 0; /* whoever started us is gone; we serve the others */
    if (fd >= 0)
        close(fd);
}

/* Nothing of whoever started us stays: session, directory, mask, signals, descriptors, soft limits. */
static void shed(int keep_fd)
{
    struct sigaction sa;
    int fd;

    setsid();
    umask(077);
    if (chdir("/") < 0)
        errno = 0;
    memset(&sa, 0, sizeof sa);
    for (int s = 1; s < NSIG; s++) {
        sa.sa_handler = s == SIGPIPE || s == SIGXFSZ ? SIG_IGN : SIG_DFL;
        sigaction(s, &sa, NULL);
    }
    /* glibc keeps the first two real-time signals for itself and leaves them ignored in what posix_spawn starts; its
     * sigaction refuses them, the kernel does not. All zero is SIG_DFL in the kernel's struct (32 bytes), too. */
    for (int s = 32; s <= 33; s++) {
        const uint64_t zero[4] = {0};
        syscall(SYS_rt_sigaction, s, zero, NULL, sizeof(uint64_t));
    }
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit l;

        if (i == RLIMIT_STACK || getrlimit((__rlimit_resource_t)i, &l) < 0)
            continue;
        l.rlim_cur = l.rlim_max;
        setrlimit((__rlimit_resource_t)i, &l);
    }
    if (keep_fd > 3)
        close_range(3, (unsigned)keep_fd - 1, 0);
    close_range(keep_fd >= 3 ? (unsigned)keep_fd + 1 : 3, ~0u, 0);
    while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd < 3)
        ; /* 0, 1, 2 are taken, whoever started us */
    close(fd);
}

static void read_text(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, cap - 1);

    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

static int open_dir(struct ork_agentd *a, char **why)
{
    char name[16];
    int null_fd;

    mkdir(a->dir, 0700);
    a->dir_fd = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (a->dir_fd < 0 || null_fd < 0) {
        *why = ork_text("cannot open `%s`: %s", a->dir_fd < 0 ? a->dir : "/dev/null", strerror(errno));
        return -1;
    }
    a->null_fd = null_fd;
    dup2(null_fd, 0);
    dup2(null_fd, 1);
    snprintf(name, sizeof name, ORK_PROTO_LOCK "%d", ORK_PROTO);
    a->lock_fd = openat(a->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (a->lock_fd < 0) {
        *why = ork_text("cannot make the lock in `%s`: %s", a->dir, strerror(errno));
        return -1;
    }
    return 0;
}

static int know_self(struct ork_agentd *a, char **why)
{
    const char *linger = getenv("ORK_AGENT_LINGER_MS");
    struct stat ns;
    char adj[16];
    int base, error_fd;

    if (getrandom(a->id.b, sizeof a->id.b, 0) != sizeof a->id.b) {
        *why = ork_text("no random numbers: %s", strerror(errno));
        return -1;
    }
    a->id.b[6] = (uint8_t)((a->id.b[6] & 0x0f) | 0x40); /* UUID v4 */
    a->id.b[8] = (uint8_t)((a->id.b[8] & 0x3f) | 0x80);
    a->pid = getpid();
    a->uid = geteuid();
    read_text("/proc/sys/kernel/random/boot_id", a->boot_id, sizeof a->boot_id);
    a->pid_ns = stat("/proc/self/ns/pid", &ns) == 0 ? ns.st_ino : 0;
    a->linger_ms = linger && *linger ? atoll(linger) : LINGER_MS;
    a->slots = 1;
    read_text("/proc/self/oom_score_adj", adj, sizeof adj);
    base = atoi(adj) + OOM_ADJ;
    if (*adj)
        snprintf(a->oom_adj, sizeof a->oom_adj, "%d", base > 1000 ? 1000 : base);
    prctl(PR_SET_NAME, "ork-agent");
    error_fd = openat(a->dir_fd, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (error_fd >= 0) {
        dup2(error_fd, 2);
        close(error_fd);
    }
    return 0;
}

static void init(struct ork_agentd *a, const char *dir)
{
    memset(a, 0, sizeof *a);
    a->dir = dir;
    a->journal.fd = -1;
    TAILQ_INIT(&a->running);
    TAILQ_INIT(&a->orphans);
    TAILQ_INIT(&a->owners);
    TAILQ_INIT(&a->conns);
}

static int serve(struct ork_agentd *a, int tell_fd)
{
    char name[16], *why = NULL;

    if (open_dir(a, &why) < 0) {
        tell(tell_fd, 'E', why);
        return 1;
    }
    if (flock(a->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        tell(tell_fd, 'L', "");
        return 0;
    }
    if (know_self(a, &why) == 0) {
        a->mono = ork_now_mono();
        ork_recover(a);
        ork_journal_create(a);
    }
    if (why || ork_loop_open(a, &why) < 0) {
        ork_note(a, "%s", why);
        tell(tell_fd, 'E', why);
        return 1;
    }
    tell(tell_fd, 'R', "");
    ork_loop_run(a);
    snprintf(name, sizeof name, ORK_PROTO_SOCKET "%d", ORK_PROTO);
    unlinkat(a->dir_fd, name, 0);
    return 0;
}

int main(int argc, char **argv)
{
    static struct ork_agentd agent;
    int tell_fd = argc > 2 ? atoi(argv[2]) : -1;

    if (argc == 2 && !strcmp(argv[1], "--version")) {
        printf("ork-agent %s, protocol %d\n", ork_version(), ORK_PROTO);
        return 0;
    }
    if (argc < 2 || argv[1][0] != '/') {
        fprintf(stderr,
                "ork-agent %s: starts and watches the processes of tasks. `ork` starts it when needed;\n"
                "usage: ork-agent ABSOLUTE_DIRECTORY [READY_FD]\n",
                ork_version());
        return 2;
    }
    shed(tell_fd);
    init(&agent, argv[1]);
    return serve(&agent, tell_fd);
}

/* SPDX-License-Identifier: MIT */
/* `ork`: prepares the process and hands the arguments to ork.cli.main. */
#include "script/host.h"
#include "script/init.h"
#include "script/worker.h"
#include <errno.h>
#include <fcntl.h>
#include <ork/ork.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* A program started with a standard descriptor closed would get its database as fd 1 and write messages into it. */
static int open_standard_fds(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct lua_State *L;
    int code;

    ork_init_take_over();
    if (open_standard_fds() < 0)
        return ork_err_exit_code(ORK_EENV);
    if (ork_worker_is(argc, argv))
        return ork_worker_main(argc, argv);
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write(2), not the end of a run */
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a full disk to the database, not the end of the program; tasks
                                 get the default back */
    L = ork_host_new();
    if (!L) {
        fputs("ork: not enough memory to start\n", stderr);
        return ork_err_exit_code(ORK_EENV);
    }
    code = ork_host_main(L, "ork.cli.main", argc, argv);
    ork_host_end(L);
    return code;
}

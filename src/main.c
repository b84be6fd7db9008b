// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>

#include "cli/commands.h"

int main(int argc, char **argv) {
    // Keys and tokens are in memory: no core of it, and no debugger of another process of the user.
    prctl(PR_SET_DUMPABLE, 0);
    // Pages come and go: their memory goes back to the system at once, and stays off the heap.
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_ARENA_MAX, 2);
    // Writing to a pipe without a reader, or past a limit on file sizes, is an error to be handled.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return commands_main(argc, argv);
}

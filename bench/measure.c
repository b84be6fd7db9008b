// SPDX-License-Identifier: Apache-2.0
// Runs a program and says what it cost. A small program of its own, because the kernel counts the
// memory of whoever starts a program as the program's, up to the moment of its exec.
//
//   measure REPORT PROGRAM [ARGUMENT ...]
//
// REPORT gets one line of JSON: status, user and system CPU and elapsed time in seconds, peak
// memory in bytes.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

static int report(const char *path, int status, int64_t elapsed_ms, const struct rusage *usage) {
    FILE *file = fopen(path, "w");
    if (!file) return 1;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    fprintf(file,
            "{\"status\":%d,\"user_s\":%.6f,\"system_s\":%.6f,\"elapsed_s\":%.3f,"
            "\"peak_bytes\":%ld}\n",
            code, seconds(usage->ru_utime), seconds(usage->ru_stime), (double)elapsed_ms / 1000,
            usage->ru_maxrss * 1024);
    return fclose(file) ? 1 : 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: measure REPORT PROGRAM [ARGUMENT ...]\n");
        return 2;
    }
    int64_t began = time_mono_ms();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status;
    struct rusage usage;
    while (pid > 0 && wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR) pid = -1;
    if (pid < 0) {
        perror("measure");
        return 1;
    }
    return report(argv[1], status, time_mono_ms() - began, &usage);
}

// SPDX-License-Identifier: Apache-2.0
// The begin of the process is told in ticks since the machine's; the machine's own begin is not in
// sight where only processes are (ProcSubset=pid), so it is reckoned back from now.
#include "daemon/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/time.h"

enum { STAT_BYTES = 4096, FIELD_STARTED = 22, FIELD_VIRTUAL = 23, FIELD_RESIDENT = 24 };

static int64_t cpu_ms(void) {
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used)) return 0;
    int64_t us = used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 + us / 1000;
}

// This one not among them: it is open only to look.
static int64_t count_fds(void) {
    DIR *all = opendir("/proc/self/fd");
    int64_t n = -1;
    if (!all) return -1;
    for (const struct dirent *e; (e = readdir(all));) n += e->d_name[0] != '.';
    closedir(all);
    return n;
}

static int64_t max_fds(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY) return -1;
    return (int64_t)limit.rlim_cur;
}

// The numbered field of proc(5)'s stat; the second one, in brackets, may hold anything.
static int64_t field(struct str stat, int number) {
    size_t end = stat.n;
    while (end > 0 && stat.p[end - 1] != ')') end--;
    struct str rest = str_trim(str_sub(stat, end, stat.n));
    int64_t value;
    for (int i = 3; i < number; i++) (void)str_split(&rest, ' ');
    return parse_i64(str_split(&rest, ' '), &value) ? value : -1;
}

static int64_t uptime_ms(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_BOOTTIME, &t)) return -1;
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void read_stat(struct process_stats *ret, struct str stat) {
    int64_t resident = field(stat, FIELD_RESIDENT);
    int64_t started = field(stat, FIELD_STARTED);
    int64_t up_ms = uptime_ms();
    ret->virtual_bytes = field(stat, FIELD_VIRTUAL);
    if (resident >= 0) ret->resident_bytes = resident * sysconf(_SC_PAGESIZE);
    if (started >= 0 && up_ms >= 0)
        ret->started_ms = time_now_ms() - up_ms + started * 1000 / sysconf(_SC_CLK_TCK);
}

void process_stats(struct process_stats *ret) {
    char text[STAT_BYTES];
    *ret = (struct process_stats){.cpu_ms = cpu_ms(),
                                  .resident_bytes = -1,
                                  .virtual_bytes = -1,
                                  .open_fds = count_fds(),
                                  .max_fds = max_fds()};
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n > 0) read_stat(ret, (struct str){text, (size_t)n});
}

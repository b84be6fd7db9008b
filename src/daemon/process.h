// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H
// What the system says of this process, from /proc and getrusage(2). Any thread.

#include <stdint.h>

struct process_stats {
    int64_t cpu_ms;
    int64_t resident_bytes, virtual_bytes; // -1: not known
    int64_t open_fds, max_fds;             // -1: not known
    int64_t started_ms;                    // wall clock; 0: not known
};
void process_stats(struct process_stats *ret);

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_HEARTBEAT_H
#define DAEMON_HEARTBEAT_H
// What systemd hears while the program runs: that the loop turns, for its watchdog, and a line of
// how it is when that has changed. Both come from timers of the loop, so that a loop that hangs is
// noticed. Where nobody listens, nothing is done. Loop thread.

#include "base/error.h"

struct heartbeat;
struct loop;
struct metrics_world;
struct notify;

struct heartbeat_opts {
    struct loop *loop;
    const struct notify *notify;                        // borrowed
    void (*look)(void *ctx, struct metrics_world *ret); // as in daemon/metrics.h
    void *ctx;
};

int heartbeat_new(struct heartbeat **ret, const struct heartbeat_opts *opts) MUST_USE; // 0; -errno
struct heartbeat *heartbeat_free(struct heartbeat *h); // NULL-safe; returns NULL
DEFINE_AUTO_FREE(heartbeat)

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H
// Telling systemd how we are: the protocol of sd_notify(3), a datagram to $NOTIFY_SOCKET. Without
// that variable everything here does nothing. Loop thread only.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct notify {
    int fd; // -1: nobody listens
};

struct notify notify_open(void);
void notify_close(struct notify *n);

// `state` is one or more lines such as "READY=1". Never fails the caller.
void notify_send(const struct notify *n, const char *state);

// READY, STOPPING, and the begin of a reload (with the monotonic stamp that Type=notify-reload
// wants).
void notify_ready(const struct notify *n);
void notify_stopping(const struct notify *n);
void notify_reloading(const struct notify *n);

// The line that `systemctl status` shows; what cannot be in a line is left out. False: it was not
// taken. Neither this nor the watchdog's message ever blocks.
bool notify_status(const struct notify *n, struct str text);
void notify_watchdog(const struct notify *n);

// How often the watchdog wants to hear of us, in milliseconds (half of $WATCHDOG_USEC); 0: never.
int64_t notify_watchdog_ms(void);

#endif

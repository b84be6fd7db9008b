// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"

enum { STATUS_BYTES = 512 };

// A name that begins with @ is in the abstract namespace: its first byte is NUL.
static int connect_to(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct str path = str_from(name);
    if (path.n == 0 || path.n >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path, path.p, path.n);
    if (path.p[0] == '@') address.sun_path[0] = '\0';

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n);
    if (connect(fd, (const struct sockaddr *)&address, length) == 0) return fd;
    close(fd);
    return -1;
}

struct notify notify_open(void) {
    const char *name = getenv("NOTIFY_SOCKET");
    return (struct notify){.fd = name ? connect_to(name) : -1};
}

void notify_close(struct notify *n) {
    if (n->fd >= 0) close(n->fd);
    n->fd = -1;
}

void notify_send(const struct notify *n, const char *state) {
    if (n->fd >= 0) (void)!send(n->fd, state, strlen(state), MSG_NOSIGNAL);
}

void notify_ready(const struct notify *n) { notify_send(n, "READY=1"); }
void notify_stopping(const struct notify *n) { notify_send(n, "STOPPING=1"); }

void notify_reloading(const struct notify *n) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    char state[64];
    int64_t stamp_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, stamp_us);
    notify_send(n, state);
}

// The loop does not wait for a reader who is behind.
static bool send_if_room(const struct notify *n, const char *state, size_t bytes) {
    return n->fd >= 0 && send(n->fd, state, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void notify_watchdog(const struct notify *n) {
    static const char state[] = "WATCHDOG=1";
    (void)send_if_room(n, state, sizeof state - 1);
}

bool notify_status(const struct notify *n, struct str text) {
    char state[STATUS_BYTES] = "STATUS=";
    size_t at = strlen(state);
    for (size_t i = 0; i < text.n && at < sizeof state; i++)
        if (text.p[i] != '\n' && text.p[i] != '\0') state[at++] = text.p[i];
    return send_if_room(n, state, at);
}

static bool is_for_us(void) {
    const char *text = getenv("WATCHDOG_PID");
    int64_t pid;
    if (!text) return true;
    return parse_i64(str_from(text), &pid) && pid == (int64_t)getpid();
}

int64_t notify_watchdog_ms(void) {
    const char *text = getenv("WATCHDOG_USEC");
    int64_t period_us;
    if (!text || !is_for_us() || !parse_i64(str_from(text), &period_us) || period_us <= 0) return 0;
    int64_t half_ms = period_us / 2000;
    return half_ms > 0 ? half_ms : 1;
}

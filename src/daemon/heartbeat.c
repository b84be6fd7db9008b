// SPDX-License-Identifier: Apache-2.0
#include "daemon/heartbeat.h"

#include <errno.h>

#include "base/time.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "loop/loop.h"

enum { STATUS_EVERY_MS = 5 * TIME_SECOND_MS, STATUS_MAX_BYTES = 4096 };

struct heartbeat {
    struct heartbeat_opts opts;
    struct loop_timer *watchdog, *status;
    struct buf told; // the line that was told last
};

static void on_watchdog(void *ctx) {
    struct heartbeat *h = ctx;
    notify_watchdog(h->opts.notify);
    loop_timer_set(h->watchdog, notify_watchdog_ms());
}

static void on_status(void *ctx) {
    struct heartbeat *h = ctx;
    struct metrics_world world;
    AUTO_FINI(buf) struct buf line = buf_make(STATUS_MAX_BYTES);
    h->opts.look(h->opts.ctx, &world);
    metrics_write_status(&line, &world);
    bool news = !line.error && !str_eq(buf_str(&line), buf_str(&h->told));
    if (news && notify_status(h->opts.notify, buf_str(&line))) {
        buf_reset(&h->told);
        buf_add_str(&h->told, buf_str(&line));
    }
    loop_timer_set(h->status, STATUS_EVERY_MS);
}

int heartbeat_new(struct heartbeat **ret, const struct heartbeat_opts *opts) {
    AUTO(heartbeat) struct heartbeat *h = mem_new(sizeof *h);
    if (!h) return -ENOMEM;
    h->opts = *opts;
    h->told = buf_make(STATUS_MAX_BYTES);
    int e = loop_timer_new(&h->watchdog, opts->loop, on_watchdog, h);
    if (!e) e = loop_timer_new(&h->status, opts->loop, on_status, h);
    if (e) return e;
    bool heard = opts->notify->fd >= 0;
    if (heard && notify_watchdog_ms() > 0) loop_timer_set(h->watchdog, 0);
    if (heard) loop_timer_set(h->status, 0);
    *ret = TAKE(h);
    return 0;
}

struct heartbeat *heartbeat_free(struct heartbeat *h) {
    if (!h) return NULL;
    loop_timer_free(h->watchdog);
    loop_timer_free(h->status);
    buf_fini(&h->told);
    free(h);
    return NULL;
}

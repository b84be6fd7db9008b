// SPDX-License-Identifier: Apache-2.0
// The server's thread posts a letter and waits; the loop reads it, makes the text, and wakes the
// waiter. Only what is asked for is made. When the loop has not come by in time, the letter stays
// in the box, and until it is read others are refused at once instead of waiting in a row.
#include "daemon/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "api/monitor.h"
#include "base/table.h"
#include "base/time.h"
#include "daemon/metrics-internal.h"
#include "loop/mailbox.h"

enum { TEXT_MAX_BYTES = 64 << 20, KEEP_BYTES = 256 << 10 };

struct metrics {
    struct metrics_opts opts;
    struct mailbox *mailbox;
    struct monitor *monitor;
    struct letter letter;

    bool has_locks;
    pthread_mutex_t mutex; // over everything below
    pthread_cond_t made;   // by the monotonic clock
    int64_t asked, answered;
    int64_t since_mono_ms;  // of the oldest question that is not answered; 0: none
    enum monitor_page page; // that is asked for
    int status;
    struct buf text;
    bool closing;
};

// ---- on the loop

static int make_page(const struct metrics_world *w, enum monitor_page page, struct buf *out) {
    if (page == MONITOR_METRICS) return metrics_write(out, w) ? 503 : 200;
    if (page == MONITOR_READY) return metrics_is_ready(out, w) ? 200 : 503;
    buf_addz(out, "ok\n");
    return 200;
}

// The text is made under the lock: only he who has asked could want it.
static void on_letter(struct letter *l) {
    struct metrics *m = TABLE_ITEM(l, struct metrics, letter);
    struct metrics_world world = {.watch = NULL};
    m->opts.look(m->opts.ctx, &world);
    pthread_mutex_lock(&m->mutex);
    buf_shrink(&m->text, KEEP_BYTES);
    buf_reset(&m->text);
    m->status = make_page(&world, m->page, &m->text);
    if (m->text.error) m->status = 503;
    m->answered = m->asked;
    m->since_mono_ms = 0;
    pthread_cond_broadcast(&m->made);
    pthread_mutex_unlock(&m->mutex);
}

// ---- on the server's thread

static void wait_for_answer(struct metrics *m, int64_t number) {
    int64_t due = m->since_mono_ms + METRICS_PATIENCE_MS;
    const struct timespec until = {.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000};
    int e = 0;
    while (m->answered < number && !m->closing && e != ETIMEDOUT)
        e = pthread_cond_timedwait(&m->made, &m->mutex, &until);
}

static int take_answer(struct metrics *m, int64_t number, struct buf *ret_body) {
    if (m->answered < number) {
        buf_addz(ret_body, m->closing ? "ending\n" : "the program is held up\n");
        return 503;
    }
    if (m->text.error) buf_addz(ret_body, "no memory\n");
    else buf_add_str(ret_body, buf_str(&m->text));
    return m->status;
}

static int on_asked(void *ctx, enum monitor_page page, struct buf *ret_body) {
    struct metrics *m = ctx;
    pthread_mutex_lock(&m->mutex);
    int64_t number = ++m->asked;
    m->page = page;
    if (!m->since_mono_ms) m->since_mono_ms = time_mono_ms();
    if (!m->closing) mailbox_post(m->mailbox, &m->letter);
    wait_for_answer(m, number);
    int status = take_answer(m, number, ret_body);
    pthread_mutex_unlock(&m->mutex);
    return status;
}

// ---- begin and end

static int init_locks(struct metrics *m) {
    pthread_condattr_t monotonic;
    int e = -pthread_mutex_init(&m->mutex, NULL);
    if (e) return e;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    e = -pthread_cond_init(&m->made, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (e) pthread_mutex_destroy(&m->mutex);
    m->has_locks = e == 0;
    return e;
}

static int start(struct metrics *m, struct fault *fault) {
    const struct monitor_opts opts = {.address = m->opts.address, .answer = on_asked, .ctx = m};
    int e = init_locks(m);
    if (!e) e = mailbox_new(&m->mailbox, m->opts.loop);
    return e ? e : monitor_new(&m->monitor, &opts, fault);
}

int metrics_new(struct metrics **ret, const struct metrics_opts *opts, struct fault *fault) {
    AUTO(metrics) struct metrics *m = mem_new(sizeof *m);
    if (!m) return -ENOMEM;
    m->opts = *opts;
    m->letter.read = on_letter;
    m->text = buf_make(TEXT_MAX_BYTES);
    struct fault why = {{0}};
    int e = start(m, &why);
    if (e)
        return fault_set(fault, e, "metrics.address: %s", why.text[0] ? why.text : error_text(e));
    m->opts.address = NULL;
    log_info(opts->log, "metrics.listening", KV_STR("address", monitor_address(m->monitor)));
    *ret = TAKE(m);
    return 0;
}

static void close_up(struct metrics *m) {
    pthread_mutex_lock(&m->mutex);
    m->closing = true;
    pthread_cond_broadcast(&m->made);
    pthread_mutex_unlock(&m->mutex);
}

struct metrics *metrics_free(struct metrics *m) {
    if (!m) return NULL;
    if (m->has_locks) close_up(m);
    monitor_free(m->monitor);
    mailbox_free(m->mailbox);
    buf_fini(&m->text);
    if (m->has_locks) {
        pthread_cond_destroy(&m->made);
        pthread_mutex_destroy(&m->mutex);
    }
    free(m);
    return NULL;
}

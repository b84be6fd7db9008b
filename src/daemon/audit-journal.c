// SPDX-License-Identifier: Apache-2.0
// Two batches: one is filled while the other is being written. A batch that could not be written is
// tried again until it is, in front of everything that came later. The thread says nothing itself;
// it wakes the loop, which logs and passes the news on.
#include "daemon/audit-journal.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "loop/loop.h"
#include "store/journal.h"

enum {
    RETRY_MS = 1000,
    LAST_TRIES = 3,
    KEEP_BYTES = 256 << 10,
    BATCH_MAX_BYTES = 2 * AUDIT_JOURNAL_MAX_BYTES
};

struct batch {
    struct buf bytes; // documents, one after the other
    struct buf ends;  // size_t, of each
    size_t n;
};

struct audit_journal {
    struct audit_journal_opts opts;
    struct loop_watch *watch;
    int wake_fd; // eventfd; -1: none
    pthread_t thread;
    bool runs;
    const char *complaint; // that was logged; the loop's own

    pthread_mutex_t mutex; // over everything below
    pthread_cond_t cond;   // there is something to do; by the monotonic clock, as
    pthread_cond_t room;   // a batch has been written, or cannot be
    struct batch filling, writing;
    int64_t first_mono_ms; // when the first document of `filling` came
    bool stopping, failing, full;
    int64_t refused;
    bool written;       // since the loop looked last
    struct fault fault; // for failing
};

// ---- batches

static void batch_fini(struct batch *b) {
    buf_fini(&b->bytes);
    buf_fini(&b->ends);
}

static void batch_empty(struct batch *b) {
    buf_shrink(&b->bytes, KEEP_BYTES);
    buf_shrink(&b->ends, KEEP_BYTES);
    b->n = 0;
}

// False: there is no memory; the batch is as it was.
static bool batch_add(struct batch *b, struct str document) {
    size_t end = b->bytes.n + document.n;
    if (!buf_reserve(&b->bytes, document.n) || !buf_reserve(&b->ends, sizeof end)) {
        b->bytes.error = b->ends.error = 0;
        return false;
    }
    buf_add_str(&b->bytes, document);
    buf_add(&b->ends, &end, sizeof end);
    b->n++;
    return true;
}

static int batch_write(const struct batch *b, struct store *store, struct fault *fault) {
    AUTO_MEM struct str *documents = mem_new_array(b->n, sizeof *documents);
    size_t at = 0;
    if (!documents) return fault_set(fault, -ENOMEM, "%s", error_text(-ENOMEM));
    for (size_t i = 0; i < b->n; i++) {
        size_t end;
        memcpy(&end, b->ends.p + i * sizeof end, sizeof end);
        documents[i] = (struct str){b->bytes.p + at, end - at};
        at = end;
    }
    return journal_append(store, documents, b->n, fault);
}

// ---- the loop's side

// What stands in the way now, as a dotted name; NULL: nothing.
static const char *trouble(const struct audit_journal *j) {
    if (j->failing) return "gate.audit_failed";
    return j->full ? "gate.audit_full" : NULL;
}

static void report(struct audit_journal *j, const char *now, const struct fault *fault) {
    const struct log *lg = j->opts.log;
    if (now == j->complaint) return;
    j->complaint = now;
    if (!now) log_info(lg, "gate.audit_recovered");
    else
        log_error(lg, now, KV_STR("reason", fault->text[0] ? fault->text : "too much waits"),
                  KV_STR("help", "the gate refuses requests that it cannot audit"));
}

static void on_wake(void *ctx, int ready) {
    struct audit_journal *j = ctx;
    uint64_t times;
    (void)ready;
    if (read(j->wake_fd, &times, sizeof times) < 0) return;
    pthread_mutex_lock(&j->mutex);
    const char *now = trouble(j);
    struct fault fault = j->fault;
    bool written = j->written;
    j->written = false;
    pthread_mutex_unlock(&j->mutex);
    report(j, now, &fault);
    if (written) j->opts.appended(j->opts.ctx);
}

static void wake_loop(struct audit_journal *j) {
    const uint64_t once = 1;
    if (write(j->wake_fd, &once, sizeof once) < 0) return; // it is awake already
}

// ---- the thread; it holds the mutex but for writing

static void wait_until(struct audit_journal *j, pthread_cond_t *cond, int64_t mono_ms) {
    const struct timespec until = {.tv_sec = mono_ms / 1000,
                                   .tv_nsec = mono_ms % 1000 * (TIME_SECOND_MS * 1000)};
    pthread_cond_timedwait(cond, &j->mutex, &until);
}

// Until there is enough, or the oldest has waited long enough. False: the end has come.
static bool wait_for_documents(struct audit_journal *j) {
    while (j->filling.n == 0 && !j->stopping) pthread_cond_wait(&j->cond, &j->mutex);
    while (!j->stopping && j->filling.n < AUDIT_JOURNAL_BATCH) {
        int64_t due = j->first_mono_ms + AUDIT_JOURNAL_WAIT_MS;
        if (time_mono_ms() >= due) break;
        wait_until(j, &j->cond, due);
    }
    return j->filling.n > 0;
}

static void turn_over(struct audit_journal *j) {
    struct batch full = j->filling;
    j->filling = j->writing;
    j->writing = full;
}

static int write_once(struct audit_journal *j, struct fault *fault) {
    pthread_mutex_unlock(&j->mutex);
    int r = batch_write(&j->writing, j->opts.store, fault);
    pthread_mutex_lock(&j->mutex);
    return r;
}

// Outcomes: true; false: the end has come and it cannot be written.
static bool write_batch(struct audit_journal *j) {
    struct fault fault = {{0}};
    for (int tries = 1; write_once(j, &fault); tries++) {
        int64_t due = time_mono_ms() + RETRY_MS;
        j->failing = true;
        j->fault = fault;
        pthread_cond_broadcast(&j->room);
        wake_loop(j);
        if (j->stopping && tries >= LAST_TRIES) return false;
        while (!j->stopping && time_mono_ms() < due) wait_until(j, &j->cond, due);
    }
    batch_empty(&j->writing);
    j->failing = j->full = false;
    j->fault.text[0] = '\0';
    j->written = true;
    pthread_cond_broadcast(&j->room);
    wake_loop(j);
    return true;
}

static void *run(void *ctx) {
    struct audit_journal *j = ctx;
    pthread_mutex_lock(&j->mutex);
    while (wait_for_documents(j)) {
        turn_over(j);
        if (!write_batch(j)) break;
    }
    pthread_mutex_unlock(&j->mutex);
    return NULL;
}

// ---- taking documents

static bool has_room(const struct audit_journal *j, struct str document) {
    return j->filling.bytes.n + j->writing.bytes.n + document.n <= AUDIT_JOURNAL_MAX_BYTES;
}

static void wait_for_room(struct audit_journal *j, struct str document) {
    if (has_room(j, document) || document.n > AUDIT_JOURNAL_MAX_BYTES) return;
    int64_t until = time_mono_ms() + AUDIT_JOURNAL_PATIENCE_MS;
    while (!j->failing && !j->stopping && !has_room(j, document) && time_mono_ms() < until)
        wait_until(j, &j->room, until);
}

static bool take(struct audit_journal *j, struct str document) {
    wait_for_room(j, document);
    if (j->failing || j->stopping) return false;
    if (!has_room(j, document) || !batch_add(&j->filling, document)) {
        if (!j->full) wake_loop(j);
        j->full = true;
        return false;
    }
    if (j->filling.n == 1) j->first_mono_ms = time_mono_ms();
    if (j->filling.n == 1 || j->filling.n == AUDIT_JOURNAL_BATCH) pthread_cond_signal(&j->cond);
    return true;
}

bool audit_journal_add(void *journal, struct str document) {
    struct audit_journal *j = journal;
    pthread_mutex_lock(&j->mutex);
    bool taken = take(j, document);
    j->refused += !taken;
    pthread_mutex_unlock(&j->mutex);
    return taken;
}

void audit_journal_stats(struct audit_journal *j, struct audit_journal_stats *ret) {
    pthread_mutex_lock(&j->mutex);
    *ret = (struct audit_journal_stats){
        .waiting = (int64_t)(j->filling.n + j->writing.n),
        .waiting_bytes = (int64_t)(j->filling.bytes.n + j->writing.bytes.n),
        .refused = j->refused,
        .failing = j->failing,
    };
    pthread_mutex_unlock(&j->mutex);
}

// ---- begin and end

static int init_conds(struct audit_journal *j) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int r = pthread_cond_init(&j->cond, &monotonic);
    if (r == 0) {
        r = pthread_cond_init(&j->room, &monotonic);
        if (r) pthread_cond_destroy(&j->cond);
    }
    pthread_condattr_destroy(&monotonic);
    return -r;
}

static int init_locks(struct audit_journal *j) {
    int r = -pthread_mutex_init(&j->mutex, NULL);
    if (r) return r;
    r = init_conds(j);
    if (r) pthread_mutex_destroy(&j->mutex);
    return r;
}

static int start(struct audit_journal *j) {
    j->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (j->wake_fd < 0) return -errno;
    int r = loop_watch_new(&j->watch, j->opts.loop, j->wake_fd, on_wake, j);
    if (r == 0) r = loop_watch_set(j->watch, LOOP_READ);
    if (r == 0) r = -pthread_create(&j->thread, NULL, run, j);
    j->runs = r == 0;
    return r;
}

int audit_journal_new(struct audit_journal **ret, const struct audit_journal_opts *opts) {
    struct audit_journal *made = mem_new(sizeof *made);
    if (!made) return -ENOMEM;
    int r = init_locks(made);
    if (r) {
        free(made);
        return r;
    }
    AUTO(audit_journal) struct audit_journal *j = made;
    j->opts = *opts;
    j->wake_fd = -1;
    j->filling = (struct batch){buf_make(BATCH_MAX_BYTES), buf_make(BATCH_MAX_BYTES), 0};
    j->writing = j->filling;
    r = start(j);
    if (r) return r;
    *ret = TAKE(j);
    return 0;
}

static void stop(struct audit_journal *j) {
    pthread_mutex_lock(&j->mutex);
    j->stopping = true;
    pthread_cond_signal(&j->cond);
    pthread_mutex_unlock(&j->mutex);
    pthread_join(j->thread, NULL);
    size_t lost = j->filling.n + j->writing.n;
    if (lost)
        log_error(j->opts.log, "gate.audit_lost", KV_INT("documents", (int64_t)lost),
                  KV_STR("reason", j->fault.text));
}

struct audit_journal *audit_journal_free(struct audit_journal *j) {
    if (!j) return NULL;
    if (j->runs) stop(j);
    loop_watch_free(j->watch);
    if (j->wake_fd >= 0) close(j->wake_fd);
    batch_fini(&j->filling);
    batch_fini(&j->writing);
    pthread_cond_destroy(&j->cond);
    pthread_cond_destroy(&j->room);
    pthread_mutex_destroy(&j->mutex);
    free(j);
    return NULL;
}

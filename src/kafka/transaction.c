// SPDX-License-Identifier: Apache-2.0
// How a transaction ends. librdkafka's calls are made in slices, so that `stop` is seen; it calls
// them resumable but warns that its own state may then lag behind the broker's. So an error after
// the first slice is never taken for an answer: the outcome counts as unknown, the producer is
// given up, and a new one looks at what became of it.
#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "kafka/producer-internal.h"

int kafka_send_all(struct kafka_producer *p, struct fault *fault) {
    struct kafka_client *c = &p->client;
    int64_t deadline = time_mono_ms() + c->timeout_ms + KAFKA_FLUSH_EXTRA_MS;
    while (rd_kafka_flush(c->rk, KAFKA_SLICE_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        if (kafka_stopped(c)) return fault_set(fault, -ECANCELED, "stopped");
        if (time_mono_ms() >= deadline) return kafka_no_answer(c, p->opts->hosts[0], fault);
    }
    return kafka_fatal(p, fault);
}

// More than one message, and they were not sent alone: any of them may be meant.
static bool is_unclear(const struct kafka_producer *p) { return !p->one_by_one && p->produced > 1; }

int kafka_flush(struct kafka_producer *p, size_t *ret_rejected, struct fault *fault) {
    int r = p->open ? kafka_send_all(p, fault) : 0;
    if (r || !p->refused) return r;
    const char *why = kafka_words(p->refused_err);
    if (!kafka_is_for_good(p->refused_err))
        return kafka_trouble(&p->client, "messages were not delivered", why, fault);
    if (is_unclear(p)) {
        p->one_by_one = true;
        return fault_set(fault, -EAGAIN, "a batch was refused: %s; sent again one by one", why);
    }
    *ret_rejected = p->refused - 1;
    return fault_set(fault, KAFKA_E_REJECTED, "a broker refuses the message: %s", why);
}

// ---- the end

typedef rd_kafka_error_t *end_fn(rd_kafka_t *rk, int timeout_ms);

// What librdkafka says; `sliced` when it took more than one call to learn it.
struct ending {
    rd_kafka_error_t *error; // NULL: done
    bool sliced;
    bool stopped;
};

static struct ending end_transaction(struct kafka_producer *p, end_fn *end) {
    struct ending e = {0};
    int64_t deadline = time_mono_ms() + p->client.timeout_ms;
    for (;;) {
        e.error = end(p->client.rk, 2 * KAFKA_SLICE_MS);
        bool again = e.error && rd_kafka_error_is_retriable(e.error);
        e.stopped = again && kafka_stopped(&p->client);
        if (!again || e.stopped || time_mono_ms() >= deadline) return e;
        e.sliced = true;
        rd_kafka_error_destroy(e.error);
        rd_kafka_poll(p->client.rk, KAFKA_SLICE_MS / 4);
    }
}

static int in_doubt(struct kafka_producer *p, const struct ending *e, const char *what,
                    struct fault *fault) {
    const char *why =
        e->stopped ? "stopped before the answer" : kafka_words(rd_kafka_error_code(e->error));
    (void)!kafka_trouble(&p->client, what, why, fault);
    return KAFKA_E_IN_DOUBT;
}

int kafka_commit(struct kafka_producer *p, struct fault *fault) {
    if (!p->open) return 0;
    struct ending e = end_transaction(p, rd_kafka_commit_transaction);
    int r = 0;
    if (e.error) {
        bool sure = rd_kafka_error_txn_requires_abort(e.error) && !e.sliced;
        r = kafka_fatal(p, fault);
        if (r != KAFKA_E_FENCED)
            r = in_doubt(p, &e, "the outcome of the commit is not known", fault);
        if (r != KAFKA_E_FENCED && sure)
            r = kafka_trouble(&p->client, "the transaction was not committed",
                              kafka_words(rd_kafka_error_code(e.error)), fault);
        rd_kafka_error_destroy(e.error);
        return r;
    }
    p->open = p->one_by_one = false;
    kafka_forget_complaint(&p->client);
    return 0;
}

int kafka_abort(struct kafka_producer *p, struct fault *fault) {
    int r = kafka_fatal(p, fault);
    if (r == KAFKA_E_FENCED) return r;
    if (r) return KAFKA_E_IN_DOUBT;
    if (!p->open) return 0;
    struct ending e = end_transaction(p, rd_kafka_abort_transaction);
    if (e.error) {
        r = kafka_fatal(p, fault);
        if (r != KAFKA_E_FENCED) r = in_doubt(p, &e, "the transaction could not be ended", fault);
        rd_kafka_error_destroy(e.error);
        return r;
    }
    p->open = false;
    return 0;
}

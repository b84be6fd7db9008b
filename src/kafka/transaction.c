// SPDX-License-Identifier: Apache-2.0
// How a transaction ends. librdkafka's calls are made in slices, so that `stop` is seen; it calls
// them resumable but warns that its own state may then lag behind the broker's. So an error after
// the first slice is never taken for an answer: the outcome counts as unknown, the producer is
// given up, and a new one looks at what became of it.
#include <errno.h>

#include "kafka/producer-internal.h"

// What is behind a refused message is not sent any more.
int kafka_send_all(struct kafka_producer *p, struct fault *fault) {
    struct kafka_client *c = &p->client;
    const struct kafka_patience patience = kafka_patience(c, KAFKA_FLUSH_EXTRA_MS);
    while (rd_kafka_flush(c->rk, KAFKA_SLICE_MS / 5) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        if (kafka_has_failed(p)) break;
        int r = kafka_wait_on(c, &patience, p->opts->hosts[0], fault);
        if (r) return r;
    }
    return kafka_fatal(p, fault);
}

static bool is_for_size(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

// No document is to blame for the time at which it comes. So it is sent with that of now, which a
// broker refuses only when the clocks are hours apart.
static int untimely(struct kafka_producer *p, struct fault *fault) {
    if (p->undated)
        return fault_set(fault, -EIO,
                         "a broker refuses messages of this moment: its clock or this machine's is "
                         "wrong, by more than message.timestamp.before.max.ms or .after.max.ms of "
                         "the topic");
    p->undated = p->skipped = true;
    return fault_set(fault, -EAGAIN, "messages were refused for their time; sent again without it");
}

// A batch that is refused for good leaves a gap in the numbers of its partition's messages, which
// librdkafka sees at the next one only: it gives up that transaction, and begins to count anew.
static int begin_anew(struct kafka_producer *p, struct fault *fault) {
    if (!p->skipped)
        return kafka_trouble(&p->client, "messages were not delivered", "the transaction failed",
                             fault);
    p->skipped = false;
    return fault_set(fault, -EAGAIN, "messages are numbered anew after a refusal; sent again");
}

static int judge(struct kafka_producer *p, size_t *ret_rejected, struct fault *fault) {
    const char *why = kafka_words(p->refused);
    size_t number = 0;
    p->skipped = true;
    int r = kafka_suspects_judge(&p->suspects, is_for_size(p->refused), &number);
    if (r == KAFKA_SUSPECTS_E_AGAIN)
        return fault_set(fault, -EAGAIN, "a batch was refused: %s; sent again in parts", why);
    if (r) return fault_set(fault, r, "no memory");
    *ret_rejected = number - 1;
    return fault_set(fault, KAFKA_E_REJECTED, "a broker refuses the message: %s", why);
}

int kafka_flush(struct kafka_producer *p, size_t *ret_rejected, struct fault *fault) {
    int r = p->open ? kafka_send_all(p, fault) : 0;
    if (r || !kafka_has_failed(p)) return r;
    if (!p->refused) return begin_anew(p, fault);
    if (kafka_is_for_good(p->refused)) return judge(p, ret_rejected, fault);
    if (p->refused == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP) return untimely(p, fault);
    return kafka_trouble(&p->client, "messages were not delivered", kafka_words(p->refused), fault);
}

// ---- the end

typedef rd_kafka_error_t *end_fn(rd_kafka_t *rk, int timeout_ms);

// What librdkafka says; `sliced` when it took more than one call to learn it.
struct ending {
    rd_kafka_error_t *error; // NULL: done
    bool sliced;
    struct fault why; // it was not waited for any longer; "": it was
};

static struct ending end_transaction(struct kafka_producer *p, end_fn *end) {
    struct ending e = {0};
    const struct kafka_patience patience = kafka_patience(&p->client, 0);
    for (;;) {
        e.error = end(p->client.rk, 2 * KAFKA_SLICE_MS);
        bool again = e.error && rd_kafka_error_is_retriable(e.error);
        rd_kafka_poll(p->client.rk, again ? KAFKA_SLICE_MS / 4 : 0);
        if (!again || kafka_wait_on(&p->client, &patience, p->opts->hosts[0], &e.why)) return e;
        e.sliced = true;
        rd_kafka_error_destroy(e.error);
    }
}

static int in_doubt(struct kafka_producer *p, const struct ending *e, const char *what,
                    struct fault *fault) {
    if (e->why.text[0]) return fault_set(fault, KAFKA_E_IN_DOUBT, "%s: %s", what, e->why.text);
    (void)!kafka_trouble(&p->client, what, kafka_words(rd_kafka_error_code(e->error)), fault);
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
    p->open = p->undated = false;
    kafka_suspects_settle(&p->suspects);
    kafka_answered(&p->client);
    return 0;
}

int kafka_abort(struct kafka_producer *p, struct fault *fault) {
    int r = kafka_fatal(p, fault);
    if (r == KAFKA_E_FENCED) return r;
    if (r) return KAFKA_E_IN_DOUBT;
    if (!p->open) return 0;
    if (p->client.lost) return KAFKA_E_IN_DOUBT; // `fault` stays: why is known
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

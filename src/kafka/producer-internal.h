// SPDX-License-Identifier: Apache-2.0
#ifndef KAFKA_PRODUCER_INTERNAL_H
#define KAFKA_PRODUCER_INTERNAL_H
// A producer and the transaction that is open in it.

#include "kafka/kafka-internal.h"
#include "kafka/suspects.h"

struct kafka_producer {
    struct kafka_client client; // first: what librdkafka's callbacks are handed
    const struct kafka_opts *opts;
    atomic_uint turn;            // of round_robin
    rd_kafka_headers_t *headers; // copied into every message; NULL: none
    rd_kafka_topic_t **topics;   // written to
    size_t topic_count, topic_cap;
    bool open;       // a transaction
    size_t produced; // messages of this transaction
    struct kafka_suspects suspects;
    rd_kafka_resp_err_t refused; // why brokers have not taken messages of it; 0: they have
    bool purged;                 // messages of it were given up, because it has failed
    bool skipped; // messages were refused: the next ones have numbers that the broker does not take
    bool undated; // messages were refused for their time: until the next commit, all have ours
};

// What ended the producer for good. Outcomes: 0, nothing; KAFKA_E_FENCED, -EIO with fault.
int kafka_fatal(struct kafka_producer *p, struct fault *fault) MUST_USE;

// Nothing of the open transaction can go on: the flush tells why.
static inline bool kafka_has_failed(const struct kafka_producer *p) {
    return p->refused || p->purged;
}

// Will the same message never be taken?
bool kafka_is_for_good(rd_kafka_resp_err_t err);

// Waits until the broker has answered for every message. Outcomes: 0, also when some were refused;
// KAFKA_E_FENCED, -EIO, -ECANCELED with fault.
int kafka_send_all(struct kafka_producer *p, struct fault *fault) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef KAFKA_PRODUCER_INTERNAL_H
#define KAFKA_PRODUCER_INTERNAL_H
// A producer and the transaction that is open in it.

#include "kafka/kafka-internal.h"

struct kafka_producer {
    struct kafka_client client; // first: what librdkafka's callbacks are handed
    const struct kafka_opts *opts;
    atomic_uint turn;            // of round_robin
    rd_kafka_headers_t *headers; // copied into every message; NULL: none
    bool open;                   // a transaction
    bool one_by_one; // a batch was refused: each message is sent alone until it is clear which
    size_t produced; // messages of this transaction
    // The first message that a broker has not taken, and why.
    size_t refused; // its number from 1; 0: none
    rd_kafka_resp_err_t refused_err;
};

// What ended the producer for good. Outcomes: 0, nothing; KAFKA_E_FENCED, -EIO with fault.
int kafka_fatal(struct kafka_producer *p, struct fault *fault) MUST_USE;

// Will the same message never be taken?
bool kafka_is_for_good(rd_kafka_resp_err_t err);

// Waits until the broker has answered for every message. Outcomes: 0, also when some were refused;
// KAFKA_E_FENCED, -EIO, -ECANCELED with fault.
int kafka_send_all(struct kafka_producer *p, struct fault *fault) MUST_USE;

#endif

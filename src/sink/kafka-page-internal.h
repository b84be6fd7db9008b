// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_KAFKA_PAGE_INTERNAL_H
#define SINK_KAFKA_PAGE_INTERNAL_H
// A Kafka output that is open, and the page that is on its way.

#include "kafka/producer.h"
#include "sink/kafka-memory-internal.h"
#include "sink/pattern.h"
#include "sink/types-internal.h"

// A document that will never get in; the next try leaves it out.
struct kafka_refusal {
    struct hash128 id;
    struct fault fault;
};

struct kafka_sink {
    struct sink sink;
    const struct sink_opts *opts;
    const struct kafka_opts *kafka;
    struct kafka_producer *producer; // NULL: `test output`
    struct pattern *topic, *key;     // key: NULL when there is none
    struct kafka_lanes lanes;
    struct kafka_memory memory;
    struct buf topic_name, key_text, record, record_key;
    struct fault no_uuid;
    // The transaction that is open, or committed there and not yet here:
    struct hash128 *sent;
    size_t sent_count, sent_cap;
    struct kafka_lane *synced; // its lane; NULL: it is not committed in Kafka
    bool synced_open;          // it leaves documents in doubt
    // Of the page that is on its way: which document is the n-th message.
    size_t *numbers;
    size_t number_cap;
    struct kafka_refusal **refusals;
    size_t refusal_count, refusal_cap;
    bool page_over; // refusals are to be forgotten with the next page
    int64_t now_ms; // of the page that is being sent; wall clock
    bool fenced;    // no longer the owner of the transactional id
    bool reopen;    // only a new producer can tell or do more
};

// kafka-page.c: puts a page into the transaction; all of it is with its brokers then. Outcomes: 0
// with replies; -errno with fault; KAFKA_E_FENCED.
int kafka_page_send(struct kafka_sink *w, const struct sink_doc *docs, size_t n,
                    struct sink_reply *replies, struct fault *fault) MUST_USE;
void kafka_page_forget_refusals(struct kafka_sink *w);

// Ends the transaction without its messages. Outcomes: 0; -EIO with fault; KAFKA_E_FENCED.
int kafka_sink_abort(struct kafka_sink *w, struct fault *fault) MUST_USE;
// kafka-write.c: writes the lane's record with the number behind its base into the transaction, and
// what is remembered of the page, and commits it. Outcomes: 0; -errno with fault; KAFKA_E_FENCED.
int kafka_sink_commit(struct kafka_sink *w, struct kafka_lane *lane, const struct sink_position *at,
                      struct fault *fault) MUST_USE;

#endif

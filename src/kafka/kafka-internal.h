// SPDX-License-Identifier: Apache-2.0
#ifndef KAFKA_KAFKA_INTERNAL_H
#define KAFKA_KAFKA_INTERNAL_H
// One handle of librdkafka, and what it complains about: its lines would go to stderr, here the
// last ones are kept and put into the faults of what did not succeed because of it.

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdint.h>

#include "kafka/obstacle.h"
#include "kafka/producer.h"

enum {
    KAFKA_SLICE_MS = 100, // how long librdkafka is waited for before `stop` is looked at
    KAFKA_TRANSACTION_MS = 60 * 1000, // after so long a broker ends what a dead collector began
    KAFKA_FLUSH_EXTRA_MS = 2 * 1000,  // librdkafka gives up by itself before
};

enum { KAFKA_COMPLAINT_MAX = 400 };

struct kafka_client {
    rd_kafka_t *rk;
    const struct kafka_opts *opts;
    const atomic_bool *stop; // may be NULL
    int64_t timeout_ms;
    bool met;             // the cluster has answered: what it wants is known to be right
    bool lost;            // it was given up: nobody could be reached
    pthread_mutex_t lock; // librdkafka logs from its own threads; of what follows
    char complaint[KAFKA_COMPLAINT_MAX]; // the last one, in plain words; "" when there was none
    char obstacles[KAFKA_OBSTACLES][KAFKA_COMPLAINT_MAX]; // the last of each kind
    int64_t down_ms; // monotonic, since when no broker is connected; 0: not known to be so
};

enum kafka_role { KAFKA_PRODUCER, KAFKA_READER };

// Makes the handle by the settings; it connects by itself. `partition_opaque` is handed to the
// partitioner. Outcomes: 0; -EINVAL, -ENOMEM with fault.
int kafka_client_init(struct kafka_client *c, enum kafka_role role, const struct kafka_opts *opts,
                      const atomic_bool *stop, atomic_uint *turn, struct fault *fault) MUST_USE;
void kafka_client_fini(struct kafka_client *c);
DEFINE_AUTO_FINI(kafka_client)

static inline bool kafka_stopped(const struct kafka_client *c) {
    return c->stop && atomic_load_explicit(c->stop, memory_order_relaxed);
}

// -EIO with "what: why (and what the broker connections complain about)". `why` may be NULL.
int kafka_trouble(struct kafka_client *c, const char *what, const char *why,
                  struct fault *fault) MUST_USE;

// ---- reach.c: who cannot be reached, and how long that is waited for

// A line of log or an error of librdkafka's; any thread.
void kafka_note(struct kafka_client *c, rd_kafka_resp_err_t err, const char *line);
// The cluster has answered: what was complained about before is over.
void kafka_answered(struct kafka_client *c);

// As long as the settings say while some broker is connected, a short while where none is, and not
// at all for what only people can mend.
struct kafka_patience {
    int64_t began_ms, most_ms;
};
struct kafka_patience kafka_patience(const struct kafka_client *c, int64_t extra_ms);
// To be called in each slice of waiting. Outcomes: 0: go on; -ECANCELED: stopped; -EIO with fault:
// nobody can be reached, or "what: no answer within 30 s".
int kafka_wait_on(struct kafka_client *c, const struct kafka_patience *p, const char *what,
                  struct fault *fault) MUST_USE;
// The step of `test output` that fails because of what was met.
const char *kafka_failed_step(struct kafka_client *c);

// producer.c: what became of a message.
void kafka_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

// An error of librdkafka in plain words; static.
const char *kafka_words(rd_kafka_resp_err_t err);

// Looks whether the topic is there, without making it. Outcomes: 0, *ret_partitions is 0 when it is
// not; -EACCES, -EIO, -ECANCELED, -ENOMEM with fault.
int kafka_topic_look(struct kafka_client *c, const char *topic, int *ret_partitions,
                     struct fault *fault) MUST_USE;
// Makes the topic of positions. Outcomes: 0, also when it is there; as above.
int kafka_topic_make(struct kafka_client *c, const char *topic, struct fault *fault) MUST_USE;
// One setting of a topic, e.g. "cleanup.policy", appended to `out`; nothing when it may not be
// looked at. Outcomes: 0; -EIO, -ECANCELED, -ENOMEM with fault.
int kafka_topic_setting(struct kafka_client *c, const char *topic, const char *setting,
                        struct buf *out, struct fault *fault) MUST_USE;

// conf.c, security.c: fill a configuration. Outcomes: 0; -EINVAL, -ENOMEM with fault.
int kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                   struct fault *fault) MUST_USE;
int kafka_conf_fill(rd_kafka_conf_t *conf, enum kafka_role role, const struct kafka_opts *opts,
                    struct fault *fault) MUST_USE;
int kafka_conf_secure(rd_kafka_conf_t *conf, const struct kafka_opts *opts,
                      struct fault *fault) MUST_USE;
// Sets how messages are spread over the partitions of a topic, as Filebeat does it.
void kafka_partition_set(rd_kafka_conf_t *conf, int partition, atomic_uint *turn);
// FNV-1a as Beats uses it for keys.
uint32_t kafka_partition_hash(struct str key);

#endif

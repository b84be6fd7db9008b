// SPDX-License-Identifier: Apache-2.0
#ifndef KAFKA_PRODUCER_H
#define KAFKA_PRODUCER_H
// A transactional producer of one Kafka cluster (librdkafka; this room is its only includer).
// Blocking: for jobs; one thread at a time. Exactly once: a transaction holds a page's messages and
// one message of a compacted topic that says where the collector stands behind it.

#include <stdatomic.h>

#include "base/buf.h"
#include "base/error.h"

enum kafka_security { KAFKA_PLAINTEXT, KAFKA_SSL, KAFKA_SASL_PLAINTEXT, KAFKA_SASL_SSL };

// Beats' and librdkafka's words; strings are borrowed while the producer lives.
struct kafka_opts {
    const char *const *hosts; // "kafka1:9092"
    size_t host_count;
    const char *topic;          // sink/pattern.h
    const char *key;            // sink/pattern.h; NULL: none
    int partition;              // enum kafka_partition
    const char *const *headers; // "name=value"
    size_t header_count;
    const char *compression; // "none", "gzip", "snappy", "lz4", "zstd"
    int compression_level;   // -1: the codec's own
    int64_t max_message_bytes;
    int64_t timeout_ms; // of a request to a broker
    const char *client_id;
    const char *transactional_id; // who has it fences who had it before
    const char *position_topic;   // compacted; made when it is missing
    // SASL: "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"; NULL mechanism with username: PLAIN
    const char *sasl_mechanism, *username, *password;
    bool tls;
    const char *const *certificate_authorities;
    size_t certificate_authority_count;
    const char *certificate, *key_file, *key_passphrase;
    bool verify_none; // ssl.verification_mode none
};

enum kafka_partition { KAFKA_BY_KEY_HASH, KAFKA_RANDOM, KAFKA_ROUND_ROBIN };

// Outcomes beyond 0 and -errno.
enum {
    KAFKA_E_FENCED = 1, // another producer has the transactional id now: for good
    KAFKA_E_REJECTED,   // the broker will never take this message (too large, ...): reason in fault
    KAFKA_E_IN_DOUBT,   // the outcome of the commit is not known: free, open again, look
};

struct kafka_producer;

// Connects and takes the transactional id over (what another one has begun is ended). Waits until
// the cluster has answered or opts->timeout_ms has passed; some seconds where no broker can be
// reached, and less for what only people can mend (credentials, TLS, names of hosts). So do all
// calls below. Outcomes: 0; -EIO with fault (what, which broker); -EINVAL with fault (settings that
// librdkafka refuses); -ENOMEM; -ECANCELED.
int kafka_producer_new(struct kafka_producer **ret, const struct kafka_opts *opts,
                       const atomic_bool *stop, struct fault *fault) MUST_USE;
struct kafka_producer *kafka_producer_free(struct kafka_producer *p); // aborts what is open
DEFINE_AUTO_FREE(kafka_producer)

struct kafka_message {
    const char *topic;
    struct str key, value; // key absent: none
    int64_t timestamp_ms;  // 0: now
};
// Puts a message into the transaction (begun when it is not open). Copies. Waits while the queue is
// full. Outcomes: 0; KAFKA_E_REJECTED; KAFKA_E_FENCED; -EIO; -ECANCELED; -ENOMEM with fault.
int kafka_produce(struct kafka_producer *p, const struct kafka_message *m,
                  struct fault *fault) MUST_USE;
// Waits until every message of the transaction is with its broker. `ret_rejected` is the number (in
// the order of kafka_produce since the transaction began) of the first message that a broker has
// refused for good. Outcomes: 0; KAFKA_E_REJECTED with *ret_rejected; KAFKA_E_FENCED; -EAGAIN: a
// batch was refused, and it is not clear yet for which message: abort, and produce the same in the
// same order once more (without a message that was rejected); -EIO, ... with fault.
int kafka_flush(struct kafka_producer *p, size_t *ret_rejected, struct fault *fault) MUST_USE;
// Outcomes: 0; KAFKA_E_FENCED; KAFKA_E_IN_DOUBT; -EIO (it was not committed: abort).
int kafka_commit(struct kafka_producer *p, struct fault *fault) MUST_USE;
// Outcomes: 0 (also when none is open); KAFKA_E_FENCED; KAFKA_E_IN_DOUBT: free and open again.
int kafka_abort(struct kafka_producer *p, struct fault *fault) MUST_USE;

// The last committed value of each key of opts->position_topic that begins with `prefix`
// (read_committed, to the topic's end as it is now). `each` borrows; non-zero stops. Makes the
// topic where it is missing. Outcomes: 0; what `each` returned; -EIO with fault; ...
int kafka_positions(struct kafka_producer *p, struct str prefix,
                    int (*each)(void *ctx, struct str key, struct str value), void *ctx,
                    struct fault *fault) MUST_USE;

// `test output`: brokers, topics and what may be done there. `say` is told of each step.
int kafka_test(const struct kafka_opts *opts, const char *topic, const atomic_bool *stop,
               void (*say)(void *ctx, bool good, const char *step, const char *text), void *ctx,
               struct fault *fault) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// The whole room where librdkafka was not there to build with: settings load, an output of this
// type says why it does not run.
#include <errno.h>

#include "kafka/producer.h"

static int absent(struct fault *fault) {
    return fault_set(fault, -ENOTSUP, "this gatehouse was built without Kafka (librdkafka)");
}

int kafka_producer_new(struct kafka_producer **ret, const struct kafka_opts *opts,
                       const atomic_bool *stop, struct fault *fault) {
    (void)ret, (void)opts, (void)stop;
    return absent(fault);
}

struct kafka_producer *kafka_producer_free(struct kafka_producer *p) {
    (void)p;
    return NULL;
}

int kafka_produce(struct kafka_producer *p, const struct kafka_message *m, struct fault *fault) {
    (void)p, (void)m;
    return absent(fault);
}

int kafka_flush(struct kafka_producer *p, size_t *ret_rejected, struct fault *fault) {
    (void)p, (void)ret_rejected;
    return absent(fault);
}

int kafka_commit(struct kafka_producer *p, struct fault *fault) {
    (void)p;
    return absent(fault);
}

int kafka_abort(struct kafka_producer *p, struct fault *fault) {
    (void)p;
    return absent(fault);
}

int kafka_positions(struct kafka_producer *p, struct str prefix,
                    int (*each)(void *ctx, struct str key, struct str value), void *ctx,
                    struct fault *fault) {
    (void)p, (void)prefix, (void)each, (void)ctx;
    return absent(fault);
}

int kafka_test(const struct kafka_opts *opts, const char *topic, const atomic_bool *stop,
               void (*say)(void *ctx, bool good, const char *step, const char *text), void *ctx,
               struct fault *fault) {
    (void)opts, (void)topic, (void)stop;
    int r = absent(fault);
    say(ctx, false, "settings", fault->text);
    return r;
}

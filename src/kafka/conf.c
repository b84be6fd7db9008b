// SPDX-License-Identifier: Apache-2.0
// What librdkafka is told. It checks values itself, and says what is wrong with them.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "kafka/kafka-internal.h"

enum {
    LIST_MAX_BYTES = 1 << 16,
    SETUP_MOST_MS = 10 * 1000, // to connect, with TLS and signing in; it is tried again
};

struct fixed {
    const char *name, *value;
};

static const struct fixed common[] = {
    {"reconnect.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "1000"},
    {"log.connection.close", "false"},
    {"socket.keepalive.enable", "true"},
};
static const struct fixed of_producer[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"sticky.partitioning.linger.ms", "0"},
    {"queue.buffering.max.kbytes", "262144"},
    {"topic.metadata.propagation.max.ms", "10000"}, // a topic that is just being made
};
static const struct fixed of_reader[] = {
    {"isolation.level", "read_committed"},
    {"enable.partition.eof", "true"},
    {"fetch.wait.max.ms", "50"},
    {"allow.auto.create.topics", "false"},
    {"queued.max.messages.kbytes", "4096"},
};

int kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                   struct fault *fault) {
    char why[400];
    if (!value) return 0;
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK) return 0;
    return fault_set(fault, -EINVAL, "librdkafka refuses %s: %s", name, why);
}

static int set_i64(rd_kafka_conf_t *conf, const char *name, int64_t value, struct fault *fault) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    return kafka_conf_set(conf, name, text, fault);
}

static int set_fixed(rd_kafka_conf_t *conf, const struct fixed *list, size_t n,
                     struct fault *fault) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = kafka_conf_set(conf, list[i].name, list[i].value, fault);
    return r;
}

static int set_hosts(rd_kafka_conf_t *conf, const struct kafka_opts *opts, struct fault *fault) {
    AUTO_FINI(buf) struct buf list = buf_make(LIST_MAX_BYTES);
    for (size_t i = 0; i < opts->host_count; i++)
        buf_addf(&list, "%s%s", i ? "," : "", opts->hosts[i]);
    const char *z = buf_z(&list);
    return z ? kafka_conf_set(conf, "bootstrap.servers", z, fault)
             : fault_set(fault, -ENOMEM, "no memory for the list of hosts");
}

static int64_t at_most(int64_t value, int64_t most) { return value < most ? value : most; }

// librdkafka's own bounds: what is allowed here and not there is cut.
static int set_times(rd_kafka_conf_t *conf, int64_t timeout_ms, struct fault *fault) {
    int r = set_i64(conf, "socket.timeout.ms", at_most(timeout_ms, 300000), fault);
    if (r == 0)
        r = set_i64(conf, "socket.connection.setup.timeout.ms",
                    timeout_ms < 1000 ? 1000 : at_most(timeout_ms, SETUP_MOST_MS), fault);
    return r;
}

static int64_t transaction_ms(int64_t timeout_ms) {
    return timeout_ms + 10000 > KAFKA_TRANSACTION_MS ? timeout_ms + 10000 : KAFKA_TRANSACTION_MS;
}

static int set_producer(rd_kafka_conf_t *conf, const struct kafka_opts *opts, struct fault *fault) {
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"message.timeout.ms", opts->timeout_ms},
        {"request.timeout.ms", at_most(opts->timeout_ms, 900000)},
        {"transaction.timeout.ms", transaction_ms(opts->timeout_ms)},
        {"compression.level", opts->compression_level},
        {"message.max.bytes", opts->max_message_bytes},
    };
    int r = set_fixed(conf, of_producer, LEN(of_producer), fault);
    if (r == 0) r = kafka_conf_set(conf, "transactional.id", opts->transactional_id, fault);
    if (r == 0) r = kafka_conf_set(conf, "compression.codec", opts->compression, fault);
    for (size_t i = 0; r == 0 && i < LEN(numbers); i++)
        r = set_i64(conf, numbers[i].name, numbers[i].value, fault);
    return r;
}

int kafka_conf_fill(rd_kafka_conf_t *conf, enum kafka_role role, const struct kafka_opts *opts,
                    struct fault *fault) {
    int r = set_hosts(conf, opts, fault);
    if (r == 0) r = kafka_conf_set(conf, "client.id", opts->client_id, fault);
    if (r == 0) r = set_fixed(conf, common, LEN(common), fault);
    if (r == 0) r = set_times(conf, opts->timeout_ms, fault);
    if (r == 0) r = kafka_conf_secure(conf, opts, fault);
    if (r == 0 && role == KAFKA_PRODUCER) r = set_producer(conf, opts, fault);
    if (r == 0 && role == KAFKA_READER) r = set_fixed(conf, of_reader, LEN(of_reader), fault);
    return r;
}

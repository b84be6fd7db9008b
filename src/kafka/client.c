// SPDX-License-Identifier: Apache-2.0
// A handle of librdkafka. It works in threads of its own and says what happens there in lines of
// log, such as "localhost:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused
// (after 0ms in state CONNECT)": the only place where the broker and the reason are named when
// something is merely late.
#include <errno.h>
#include <stdio.h>

#include "kafka/kafka-internal.h"

enum { LOG_LEVEL_WARNING = 4, ERROR_TEXT_MAX = 400 };

// ---- complaints

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *line) {
    (void)facility;
    if (level <= LOG_LEVEL_WARNING)
        kafka_note(rd_kafka_opaque(rk), RD_KAFKA_RESP_ERR_NO_ERROR, line);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque) {
    (void)rk;
    kafka_note(opaque, (rd_kafka_resp_err_t)err, reason);
}

static void copy_complaint(struct kafka_client *c, char *ret, size_t size) {
    pthread_mutex_lock(&c->lock);
    snprintf(ret, size, "%s", c->complaint);
    pthread_mutex_unlock(&c->lock);
}

int kafka_trouble(struct kafka_client *c, const char *what, const char *why, struct fault *fault) {
    char complaint[sizeof c->complaint];
    copy_complaint(c, complaint, sizeof complaint);
    bool both = why && complaint[0] && !strstr(complaint, why) && !strstr(why, complaint);
    return fault_set(fault, -EIO, "%s: %s%s%s%s", what, why ? why : complaint, both ? " (" : "",
                     both ? complaint : "", both ? ")" : "");
}

// ---- making

// librdkafka takes the configuration over when it succeeds.
static int make(struct kafka_client *c, enum kafka_role role, rd_kafka_conf_t **conf,
                struct fault *fault) {
    char why[ERROR_TEXT_MAX];
    rd_kafka_type_t type = role == KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    c->rk = rd_kafka_new(type, *conf, why, sizeof why);
    if (!c->rk) return fault_set(fault, -EINVAL, "librdkafka refuses the settings: %s", why);
    *conf = NULL;
    return 0;
}

int kafka_client_init(struct kafka_client *c, enum kafka_role role, const struct kafka_opts *opts,
                      const atomic_bool *stop, atomic_uint *turn, struct fault *fault) {
    *c = (struct kafka_client){.opts = opts, .stop = stop, .timeout_ms = opts->timeout_ms};
    if (pthread_mutex_init(&c->lock, NULL)) return fault_set(fault, -ENOMEM, "no memory");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (!conf) return fault_set(fault, -ENOMEM, "no memory");
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (role == KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, kafka_on_delivery);
    if (turn) kafka_partition_set(conf, opts->partition, turn);
    int r = kafka_conf_fill(conf, role, opts, fault);
    if (r == 0) r = make(c, role, &conf, fault);
    if (conf) rd_kafka_conf_destroy(conf);
    return r;
}

void kafka_client_fini(struct kafka_client *c) {
    if (c->rk) rd_kafka_destroy(c->rk);
    c->rk = NULL;
    pthread_mutex_destroy(&c->lock);
}

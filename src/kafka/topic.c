// SPDX-License-Identifier: Apache-2.0
// Looking at topics, and making the one of the positions: one partition, compacted, in small
// segments, because only closed segments are compacted and all of it is read at every start.
#include <errno.h>
#include <stdio.h>

#include "kafka/kafka-internal.h"

static const struct {
    const char *name, *value;
} position_settings[] = {
    {"cleanup.policy", "compact"},
    {"segment.bytes", "16777216"},
    {"min.cleanable.dirty.ratio", "0.1"},
};

// ---- is it there

static int look_error(struct kafka_client *c, const char *topic, rd_kafka_resp_err_t err,
                      struct fault *fault) {
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return fault_set(fault, -EACCES, "topic %s: %s", topic, kafka_words(err));
    char what[300];
    snprintf(what, sizeof what, "topic %s", topic);
    return kafka_trouble(c, what, kafka_words(err), fault);
}

static bool is_passing(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__TIMED_OUT ||
           err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

// One question. What librdkafka calls a transport error is also "not connected yet".
static rd_kafka_resp_err_t ask(struct kafka_client *c, rd_kafka_topic_t *topic,
                               int *ret_partitions) {
    const struct rd_kafka_metadata *answer = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(c->rk, 0, topic, &answer, 2 * KAFKA_SLICE_MS);
    if (err) return err;
    const rd_kafka_metadata_topic_t *found = answer->topic_cnt ? &answer->topics[0] : NULL;
    err = found ? found->err : RD_KAFKA_RESP_ERR__TRANSPORT;
    if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) *ret_partitions = 0;
    else if (!err) *ret_partitions = found->partition_cnt;
    rd_kafka_metadata_destroy(answer);
    return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? RD_KAFKA_RESP_ERR_NO_ERROR : err;
}

int kafka_topic_look(struct kafka_client *c, const char *name, int *ret_partitions,
                     struct fault *fault) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(c->rk, name, NULL);
    if (!topic) return fault_set(fault, -ENOMEM, "no memory for topic %s", name);
    const struct kafka_patience patience = kafka_patience(c, 0);
    char what[300];
    snprintf(what, sizeof what, "topic %s", name);
    rd_kafka_resp_err_t err = ask(c, topic, ret_partitions);
    int r = 0;
    while (r == 0 && is_passing(err)) {
        rd_kafka_poll(c->rk, KAFKA_SLICE_MS / 2);
        r = kafka_wait_on(c, &patience, what, fault);
        if (r == 0) err = ask(c, topic, ret_partitions);
    }
    rd_kafka_topic_destroy(topic);
    if (r == 0) kafka_answered(c);
    if (r == 0 && err) r = look_error(c, name, err, fault);
    return r;
}

// ---- requests of administrators: asked, then waited for in slices

struct request {
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
};

static void request_fini(struct request *q) {
    if (q->event) rd_kafka_event_destroy(q->event);
    if (q->options) rd_kafka_AdminOptions_destroy(q->options);
    if (q->queue) rd_kafka_queue_destroy(q->queue);
}
DEFINE_AUTO_FINI(request)

static int request_init(struct request *q, struct kafka_client *c, rd_kafka_admin_op_t op) {
    char why[100];
    q->queue = rd_kafka_queue_new(c->rk);
    q->options = rd_kafka_AdminOptions_new(c->rk, op);
    if (!q->queue || !q->options) return -ENOMEM;
    int timeout = (int)c->timeout_ms;
    rd_kafka_resp_err_t err =
        rd_kafka_AdminOptions_set_request_timeout(q->options, timeout, why, sizeof why);
    return err ? -EINVAL : 0;
}

// Outcomes: 0 with an event that is no error; -ECANCELED; -EIO with fault.
static int request_wait(struct request *q, struct kafka_client *c, const char *what,
                        struct fault *fault) {
    const struct kafka_patience patience = kafka_patience(c, KAFKA_FLUSH_EXTRA_MS);
    while (!q->event) {
        q->event = rd_kafka_queue_poll(q->queue, KAFKA_SLICE_MS);
        rd_kafka_poll(c->rk, 0);
        int r = q->event ? 0 : kafka_wait_on(c, &patience, what, fault);
        if (r) return r;
    }
    rd_kafka_resp_err_t err = rd_kafka_event_error(q->event);
    return err ? kafka_trouble(c, what, kafka_words(err), fault) : 0;
}

// ---- making the topic of positions

static int made(struct kafka_client *c, rd_kafka_event_t *event, const char *name,
                struct fault *fault) {
    size_t n = 0;
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics =
        result ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
    if (n == 0) return kafka_trouble(c, name, "the broker's answer is empty", fault);
    rd_kafka_resp_err_t err = rd_kafka_topic_result_error(topics[0]);
    if (!err || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return 0;
    const char *why = rd_kafka_topic_result_error_string(topics[0]);
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
        return fault_set(fault, -EACCES,
                         "topic %s does not exist, and the user may not make it: make it with "
                         "cleanup.policy=compact and one partition, or allow Create",
                         name);
    return fault_set(fault, -EIO, "topic %s cannot be made: %s", name,
                     why && *why ? why : kafka_words(err));
}

static int send_create(struct kafka_client *c, struct request *q, const char *name,
                       struct fault *fault) {
    char why[300] = "";
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, 1, -1, why, sizeof why);
    if (!topic) return fault_set(fault, -EINVAL, "topic %s: %s", name, why);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; !err && i < LEN(position_settings); i++)
        err = rd_kafka_NewTopic_set_config(topic, position_settings[i].name,
                                           position_settings[i].value);
    if (!err) rd_kafka_CreateTopics(c->rk, &topic, 1, q->options, q->queue);
    rd_kafka_NewTopic_destroy(topic);
    return err ? fault_set(fault, -EINVAL, "topic %s: %s", name, kafka_words(err)) : 0;
}

int kafka_topic_make(struct kafka_client *c, const char *name, struct fault *fault) {
    AUTO_FINI(request) struct request q = {0};
    char what[300];
    snprintf(what, sizeof what, "topic %s cannot be made", name);
    int r = request_init(&q, c, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    if (r) return fault_set(fault, r, "%s: no memory", what);
    r = send_create(c, &q, name, fault);
    if (r == 0) r = request_wait(&q, c, what, fault);
    return r ? r : made(c, q.event, name, fault);
}

// ---- a setting

static void find_setting(rd_kafka_event_t *event, const char *setting, struct buf *out) {
    size_t n = 0, entries = 0;
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    const rd_kafka_ConfigResource_t **resources =
        result ? rd_kafka_DescribeConfigs_result_resources(result, &n) : NULL;
    if (n == 0 || rd_kafka_ConfigResource_error(resources[0])) return;
    const rd_kafka_ConfigEntry_t **list = rd_kafka_ConfigResource_configs(resources[0], &entries);
    for (size_t i = 0; i < entries; i++) {
        const char *value = rd_kafka_ConfigEntry_value(list[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(list[i]), setting) == 0 && value) buf_addz(out, value);
    }
}

int kafka_topic_setting(struct kafka_client *c, const char *topic, const char *setting,
                        struct buf *out, struct fault *fault) {
    AUTO_FINI(request) struct request q = {0};
    int r = request_init(&q, c, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    if (r) return fault_set(fault, r, "no memory");
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    if (!resource) return fault_set(fault, -ENOMEM, "no memory");
    rd_kafka_DescribeConfigs(c->rk, &resource, 1, q.options, q.queue);
    rd_kafka_ConfigResource_destroy(resource);
    r = request_wait(&q, c, topic, fault);
    if (r == 0) find_setting(q.event, setting, out);
    return r ? r : out->error;
}

// SPDX-License-Identifier: Apache-2.0
// `test output`: what can be known without disturbing anybody. A message cannot be taken back and
// the transactional id would be taken from a collector that runs, so nothing is written, and
// transactions are tried under a neighbouring id.
#include <errno.h>
#include <stdio.h>

#include "kafka/producer-internal.h"

struct test {
    const struct kafka_opts *opts;
    const char *topic; // NULL: it depends on the document
    const atomic_bool *stop;
    void (*say)(void *ctx, bool good, const char *step, const char *text);
    void *ctx;
    struct kafka_client client;
};

static void test_fini(struct test *t) { kafka_client_fini(&t->client); }
DEFINE_AUTO_FINI(test)

static void say(struct test *t, bool good, const char *step, const char *format, ...)
    PRINTF_LIKE(4, 5);
static void say(struct test *t, bool good, const char *step, const char *format, ...) {
    AUTO_FINI(buf) struct buf text = buf_make(FAULT_TEXT_MAX);
    va_list args;
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    const char *z = buf_z(&text);
    t->say(t->ctx, good, step, z ? z : "no memory");
}

// A question that any broker answers: what is known of the topic of positions.
static int connect_step(struct test *t, struct fault *fault) {
    int partitions = 0;
    int r = kafka_topic_look(&t->client, t->opts->position_topic, &partitions, fault);
    const struct rd_kafka_metadata *all = NULL;
    if (r == 0 && rd_kafka_metadata(t->client.rk, 0, NULL, &all, (int)t->client.timeout_ms) == 0) {
        say(t, true, "connection", "%d broker%s", all->broker_cnt, all->broker_cnt == 1 ? "" : "s");
        rd_kafka_metadata_destroy(all);
    } else if (r != -ECANCELED) {
        say(t, false, kafka_failed_step(&t->client), "%s",
            r ? fault->text : "the cluster does not tell its brokers");
    }
    return r;
}

static int topic_step(struct test *t, struct fault *fault) {
    int partitions = 0;
    if (!t->topic) {
        say(t, true, "topic", "depends on the document");
        return 0;
    }
    int r = kafka_topic_look(&t->client, t->topic, &partitions, fault);
    if (r && r != -ECANCELED) say(t, false, "topic", "%s", fault->text);
    else if (r == 0 && partitions)
        say(t, true, "topic", "%s: %d partition%s", t->topic, partitions,
            partitions == 1 ? "" : "s");
    else if (r == 0)
        say(t, true, "topic",
            "%s does not exist yet; the broker has to make it by itself "
            "(auto.create.topics.enable)",
            t->topic);
    return r;
}

static int policy_step(struct test *t, const char *name, struct fault *fault) {
    AUTO_FINI(buf) struct buf policy = buf_make(1000);
    int r = kafka_topic_setting(&t->client, name, "cleanup.policy", &policy, fault);
    if (r == -ECANCELED) return r;
    bool compact = str_find(buf_str(&policy), STR("compact")) < policy.n;
    bool deletes = str_find(buf_str(&policy), STR("delete")) < policy.n;
    if (policy.n == 0) say(t, true, "positions", "%s (its settings may not be read)", name);
    else if (compact && !deletes) say(t, true, "positions", "%s, compacted", name);
    else
        say(t, false, "positions",
            "%s has cleanup.policy=%.*s: positions would be forgotten; "
            "set it to compact",
            name, STR_ARG(buf_str(&policy)));
    return compact || policy.n == 0 ? 0 : -EINVAL;
}

static int positions_step(struct test *t, struct fault *fault) {
    const char *name = t->opts->position_topic;
    int partitions = 0;
    int r = kafka_topic_look(&t->client, name, &partitions, fault);
    if (r == 0 && partitions) return policy_step(t, name, fault);
    if (r == 0)
        say(t, true, "positions", "%s does not exist yet; it is made at the first start", name);
    else if (r != -ECANCELED) say(t, false, "positions", "%s", fault->text);
    return r;
}

static int transaction_step(struct test *t, struct fault *fault) {
    AUTO_FINI(buf) struct buf id = buf_make(1000);
    struct kafka_opts opts = *t->opts;
    AUTO(kafka_producer) struct kafka_producer *p = NULL;
    buf_addf(&id, "%s-test", opts.transactional_id);
    opts.transactional_id = buf_z(&id);
    if (!opts.transactional_id) return -ENOMEM;
    int r = kafka_producer_new(&p, &opts, t->stop, fault);
    if (r == 0) say(t, true, "transactions", "can be made (tried as %s)", opts.transactional_id);
    else if (r != -ECANCELED) say(t, false, "transactions", "%s", fault->text);
    return r;
}

int kafka_test(const struct kafka_opts *opts, const char *topic, const atomic_bool *stop,
               void (*say_step)(void *ctx, bool good, const char *step, const char *text),
               void *ctx, struct fault *fault) {
    static int (*const steps[])(struct test *, struct fault *) = {topic_step, positions_step,
                                                                  transaction_step};
    AUTO_FINI(test)
    struct test t = {.opts = opts, .topic = topic, .stop = stop, .say = say_step, .ctx = ctx};
    int r = kafka_client_init(&t.client, KAFKA_READER, opts, stop, NULL, fault);
    if (r) {
        say(&t, false, "settings", "%s", fault->text);
        return r;
    }
    r = connect_step(&t, fault);
    if (r) return r;
    int worst = 0;
    for (size_t i = 0; i < LEN(steps) && r != -ECANCELED; i++) {
        r = steps[i](&t, fault);
        if (r) worst = r;
    }
    return worst;
}

// SPDX-License-Identifier: Apache-2.0
// Reads the topic of positions from its beginning to where it ended when the reading began, as a
// reader of committed messages, and keeps the last value of each key.
//
// Committed is not the same as readable at once: as long as anybody's transaction is open in the
// partition, nothing behind its first message is handed out, ours neither. So the end of what is
// readable is not enough; it is waited for until all that was there has come.
#include <errno.h>
#include <stdio.h>

#include "kafka/producer-internal.h"

enum { READ_EXTRA_MS = KAFKA_TRANSACTION_MS + 10 * 1000 }; // until a dead transaction is ended

struct kept {
    char *key, *value;
    size_t key_bytes, value_bytes;
};

struct reading {
    struct kafka_client client;
    const char *name;
    rd_kafka_topic_t *topic;
    bool started;
    struct str prefix;
    struct kept *kept;
    size_t count, cap;
    int64_t end; // offset; -1: not known yet
};

static void reading_fini(struct reading *r) {
    if (r->started) rd_kafka_consume_stop(r->topic, 0);
    if (r->topic) rd_kafka_topic_destroy(r->topic);
    kafka_client_fini(&r->client);
    for (size_t i = 0; i < r->count; i++) {
        free(r->kept[i].key);
        free(r->kept[i].value);
    }
    free(r->kept);
}
DEFINE_AUTO_FINI(reading)

static struct kept *find(struct reading *r, struct str key) {
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(key, (struct str){r->kept[i].key, r->kept[i].key_bytes})) return &r->kept[i];
    return NULL;
}

static void forget(struct reading *r, struct kept *k) {
    free(k->key);
    free(k->value);
    *k = r->kept[--r->count];
}

// Outcomes: 0; -ENOMEM.
static int keep(struct reading *r, struct str key, struct str value) {
    if (!key.p || !str_starts(key, r->prefix)) return 0;
    struct kept *k = find(r, key);
    if (!value.p) {
        if (k) forget(r, k);
        return 0;
    }
    AUTO_MEM char *copy = mem_copy(value.p, value.n);
    if (!copy) return -ENOMEM;
    if (!k) {
        if (mem_grow(&r->kept, &r->cap, r->count + 1, sizeof *r->kept)) return -ENOMEM;
        char *name = mem_copy(key.p, key.n);
        if (!name) return -ENOMEM;
        k = &r->kept[r->count++];
        *k = (struct kept){.key = name, .key_bytes = key.n};
    }
    free(k->value);
    k->value = TAKE(copy);
    k->value_bytes = value.n;
    return 0;
}

// ---- reading

// What the partition's end was when the first answer came.
static void learn_end(struct reading *r) {
    int64_t low = 0, high = 0;
    if (r->end >= 0) return;
    if (rd_kafka_get_watermark_offsets(r->client.rk, r->name, 0, &low, &high)) return;
    if (high >= 0) r->end = high;
}

// Outcomes: 0; -ENOMEM; -EACCES, -EIO with fault. *ret_next: the offset behind what has come.
static int take(struct reading *r, const rd_kafka_message_t *m, int64_t *ret_next,
                struct fault *fault) {
    char what[300];
    switch (m->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: {
        learn_end(r);
        *ret_next = m->offset + 1;
        struct str key = {m->key, m->key_len}, value = {m->payload, m->len};
        return keep(r, key, value);
    }
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        learn_end(r);
        *ret_next = m->offset;
        return 0;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return fault_set(fault, -EACCES, "topic %s: the user may not read it (it needs Read)",
                         r->name);
    default:
        snprintf(what, sizeof what, "topic %s", r->name);
        return kafka_trouble(&r->client, what, kafka_words(m->err), fault);
    }
}

static int wait_on(struct reading *r, const struct kafka_patience *patience, struct fault *fault) {
    char what[300];
    const char *why = r->end < 0 ? ""
                                 : ": somebody's transaction has been open there for long, and "
                                   "nothing behind it can be read";
    snprintf(what, sizeof what, "topic %s%s", r->name, why);
    return kafka_wait_on(&r->client, patience, what, fault);
}

static int read_to_end(struct reading *r, struct fault *fault) {
    const struct kafka_patience first = kafka_patience(&r->client, 0);
    const struct kafka_patience rest = kafka_patience(&r->client, READ_EXTRA_MS);
    int64_t next = 0;
    int e = 0;
    while (e == 0 && (r->end < 0 || next < r->end)) {
        rd_kafka_message_t *m = rd_kafka_consume(r->topic, 0, KAFKA_SLICE_MS);
        rd_kafka_poll(r->client.rk, 0);
        if (m) e = take(r, m, &next, fault);
        else e = wait_on(r, r->end < 0 ? &first : &rest, fault);
        if (m) rd_kafka_message_destroy(m);
    }
    return e;
}

// The topic may have been made a moment ago and be unknown to the broker that is asked.
static int wait_for_topic(struct reading *r, struct fault *fault) {
    const struct kafka_patience patience = kafka_patience(&r->client, 0);
    int partitions = 0;
    int e = kafka_topic_look(&r->client, r->name, &partitions, fault);
    if (e || partitions) return e;
    e = kafka_topic_make(&r->client, r->name, fault);
    while (e == 0 && !partitions) {
        rd_kafka_poll(r->client.rk, KAFKA_SLICE_MS / 2);
        e = wait_on(r, &patience, fault);
        if (e == 0) e = kafka_topic_look(&r->client, r->name, &partitions, fault);
    }
    return e;
}

static int start(struct reading *r, struct fault *fault) {
    int e = wait_for_topic(r, fault);
    if (e) return e;
    r->topic = rd_kafka_topic_new(r->client.rk, r->name, NULL);
    if (!r->topic) return fault_set(fault, -ENOMEM, "no memory for topic %s", r->name);
    if (rd_kafka_consume_start(r->topic, 0, RD_KAFKA_OFFSET_BEGINNING))
        return kafka_trouble(&r->client, r->name, kafka_words(rd_kafka_last_error()), fault);
    r->started = true;
    return 0;
}

int kafka_positions(struct kafka_producer *p, struct str prefix,
                    int (*each)(void *ctx, struct str key, struct str value), void *ctx,
                    struct fault *fault) {
    AUTO_FINI(reading)
    struct reading r = {.name = p->opts->position_topic, .prefix = prefix, .end = -1};
    int e = kafka_client_init(&r.client, KAFKA_READER, p->opts, p->client.stop, NULL, fault);
    if (e == 0) e = start(&r, fault);
    if (e == 0) e = read_to_end(&r, fault);
    if (e == -ENOMEM) return fault_set(fault, e, "no memory for topic %s", r.name);
    for (size_t i = 0; e == 0 && i < r.count; i++)
        e = each(ctx, (struct str){r.kept[i].key, r.kept[i].key_bytes},
                 (struct str){r.kept[i].value, r.kept[i].value_bytes});
    return e;
}

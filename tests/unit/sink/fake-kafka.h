// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_SINK_FAKE_KAFKA_H
#define TESTS_UNIT_SINK_FAKE_KAFKA_H
// A cluster in memory in place of room kafka, linked instead of it: it keeps what was committed,
// for one transactional id, and does what the test tells it to. After cmocka.

#include <errno.h>
#include <stdio.h>

#include "base/rand.h"
#include "kafka/producer.h"

enum fake_trouble {
    FAKE_FINE,
    FAKE_GONE,         // the broker is away: -EIO, nothing happens
    FAKE_DOUBT_DONE,   // the answer is lost, but it was done
    FAKE_DOUBT_UNDONE, // the answer is lost, and it was not
    FAKE_EXPIRED,      // the broker has ended the transaction and fenced its producer
    FAKE_DEAD,         // this process is dead: nothing happens any more
};

struct fake_message {
    char *topic, *key, *value; // value NULL: takes the key away
};
struct fake_list {
    struct fake_message *p;
    size_t n, cap;
};

struct kafka_producer {
    const struct kafka_opts *opts;
    int epoch;
    bool open, dead, broken;
    int parted;     // so often a batch was refused, and nobody knows yet for which message
    size_t refused; // from 1
    struct fake_list list;
};

struct fake_cluster {
    int epoch;              // of the transactional id: the producer that has it
    struct fake_list log;   // committed, all topics
    const char *refuses;    // a value with this text in it is refused for good
    bool batches;           // refusals name no message the first three times
    const char *locally;    // a value with this text is refused before it is sent
    enum fake_trouble next; // of the next call that asks the broker
    int in_calls;           // that happens after so many calls; 0: now
    int calls;              // asked so far
    int producers;          // that live
    int commits, aborts;
};
extern struct fake_cluster cluster; // in each test's file: a test has one cluster

static char *fake_copy(struct str s) {
    char *copy = s.p ? mem_copy(s.p, s.n) : NULL;
    return copy;
}

static inline void fake_clear(struct fake_list *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->p[i].topic);
        free(l->p[i].key);
        free(l->p[i].value);
    }
    free(l->p);
    *l = (struct fake_list){0};
}

static inline void fake_reset(void) {
    fake_clear(&cluster.log);
    cluster = (struct fake_cluster){0};
}

static int fake_trouble(struct kafka_producer *p, struct fault *fault) {
    enum fake_trouble t = FAKE_FINE;
    cluster.calls++;
    if (cluster.in_calls > 0) cluster.in_calls--;
    else t = cluster.next;
    if (t != FAKE_FINE) cluster.next = FAKE_FINE;
    if (t == FAKE_DEAD) p->dead = true;
    if (t == FAKE_EXPIRED) cluster.epoch++;
    if (p->dead) return fault_set(fault, -EIO, "dead");
    if (p->epoch != cluster.epoch) return fault_set(fault, KAFKA_E_FENCED, "fenced");
    if (t == FAKE_GONE) return fault_set(fault, -EIO, "no broker can be reached");
    return t == FAKE_EXPIRED ? FAKE_FINE : (int)t << 8;
}

int kafka_producer_new(struct kafka_producer **ret, const struct kafka_opts *opts,
                       const atomic_bool *stop, struct fault *fault) {
    (void)stop;
    struct kafka_producer *p = mem_new(sizeof *p);
    if (!p) return -ENOMEM;
    p->opts = opts;
    p->epoch = cluster.epoch;
    int r = fake_trouble(p, fault);
    if (r < 0 || r == KAFKA_E_FENCED) {
        free(p);
        return r < 0 ? r : -EIO;
    }
    p->epoch = ++cluster.epoch;
    cluster.producers++;
    *ret = p;
    return 0;
}

struct kafka_producer *kafka_producer_free(struct kafka_producer *p) {
    if (!p) return NULL;
    cluster.producers--;
    fake_clear(&p->list);
    free(p);
    return NULL;
}

int kafka_produce(struct kafka_producer *p, const struct kafka_message *m, struct fault *fault) {
    if (cluster.locally && strcmp(m->topic, p->opts->position_topic) != 0 &&
        str_find(m->value, str_from(cluster.locally)) < m->value.n)
        return fault_set(fault, KAFKA_E_REJECTED, "larger than max_message_bytes");
    p->open = true;
    if (p->refused) return 0;
    if (mem_grow(&p->list.p, &p->list.cap, p->list.n + 1, sizeof *p->list.p)) return -ENOMEM;
    struct fake_message message = {fake_copy(str_from(m->topic)), fake_copy(m->key),
                                   fake_copy(m->value)};
    p->list.p[p->list.n++] = message;
    if (!message.topic || (m->value.p && !message.value) || (m->key.p && !message.key))
        return -ENOMEM;
    bool position = strcmp(m->topic, p->opts->position_topic) == 0; // hex and base64: any text
    if (cluster.refuses && !position && strstr(message.value, cluster.refuses))
        p->refused = p->list.n;
    return 0;
}

int kafka_flush(struct kafka_producer *p, size_t *ret_rejected, struct fault *fault) {
    int r = fake_trouble(p, fault);
    if (r < 0 || r == KAFKA_E_FENCED) return r;
    if (!p->refused) return 0;
    if (cluster.batches && p->parted < 3) {
        p->parted++;
        return fault_set(fault, -EAGAIN, "a batch was refused");
    }
    *ret_rejected = p->refused - 1;
    return fault_set(fault, KAFKA_E_REJECTED, "a broker refuses it");
}

static int fake_append(struct fake_message m) {
    struct fake_list *log = &cluster.log;
    if (mem_grow(&log->p, &log->cap, log->n + 1, sizeof *log->p)) return -ENOMEM;
    log->p[log->n++] = m;
    return 0;
}

static int fake_apply(struct kafka_producer *p) {
    if (mem_grow(&cluster.log.p, &cluster.log.cap, cluster.log.n + p->list.n + 1,
                 sizeof *cluster.log.p))
        return -ENOMEM;
    for (size_t i = 0; i < p->list.n; i++)
        if (fake_append(p->list.p[i])) return -ENOMEM;
    p->list.n = 0;
    fake_clear(&p->list);
    p->open = false;
    p->parted = 0;
    p->refused = 0;
    cluster.commits++;
    return 0;
}

int kafka_commit(struct kafka_producer *p, struct fault *fault) {
    int r = fake_trouble(p, fault);
    if (r < 0 || r == KAFKA_E_FENCED) return r;
    enum fake_trouble doubt = (enum fake_trouble)(r >> 8);
    if (doubt != FAKE_DOUBT_UNDONE && fake_apply(p)) return -ENOMEM;
    p->broken = doubt != FAKE_FINE;
    return doubt == FAKE_FINE ? 0 : fault_set(fault, KAFKA_E_IN_DOUBT, "no answer");
}

int kafka_abort(struct kafka_producer *p, struct fault *fault) {
    int r = fake_trouble(p, fault);
    if (r < 0 || p->broken) return fault_set(fault, KAFKA_E_IN_DOUBT, "no answer");
    if (r == KAFKA_E_FENCED) return r;
    fake_clear(&p->list);
    p->open = false;
    p->refused = 0;
    cluster.aborts++;
    return 0;
}

// The last of each key, as room kafka gives them.
int kafka_positions(struct kafka_producer *p, struct str prefix,
                    int (*each)(void *ctx, struct str key, struct str value), void *ctx,
                    struct fault *fault) {
    const struct fake_list *log = &cluster.log;
    cluster.calls++;
    if (p->dead) return fault_set(fault, -EIO, "dead");
    int r = 0;
    for (size_t i = 0; r == 0 && i < log->n; i++) {
        const struct fake_message *m = &log->p[i];
        bool wanted = m->key && str_starts(str_from(m->key), prefix) &&
                      strcmp(m->topic, p->opts->position_topic) == 0;
        for (size_t k = i + 1; wanted && k < log->n; k++)
            wanted = !log->p[k].key || strcmp(log->p[k].key, m->key) != 0;
        if (wanted && m->value) r = each(ctx, str_from(m->key), str_from(m->value));
    }
    return r;
}

int kafka_test(const struct kafka_opts *opts, const char *topic, const atomic_bool *stop,
               void (*say)(void *ctx, bool good, const char *step, const char *text), void *ctx,
               struct fault *fault) {
    (void)opts, (void)stop, (void)fault;
    say(ctx, true, "topic", topic ? topic : "depends");
    return 0;
}

// How often a message with exactly that value is in the topic.
static inline int fake_count(const char *topic, const char *value) {
    int n = 0;
    for (size_t i = 0; i < cluster.log.n; i++)
        n += strcmp(cluster.log.p[i].topic, topic) == 0 && cluster.log.p[i].value &&
             strcmp(cluster.log.p[i].value, value) == 0;
    return n;
}

#endif

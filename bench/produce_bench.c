// SPDX-License-Identifier: Apache-2.0
// The least that any program has to do that brings documents into Kafka: read them, give them to
// librdkafka, and ask whether all were taken. With a transactional id each COUNT of them are one
// transaction; without one the producer is librdkafka's own, with its defaults.
//
//   produce_bench BROKERS TOPIC CODEC COUNT FILE [TRANSACTIONAL_ID]    prints the number of
//   documents
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"

enum { PATIENCE_MS = 60000, FULL_WAIT_MS = 50 };

struct produce {
    rd_kafka_t *rk;
    const char *topic;
    bool transactional;
    uint64_t count;     // documents between two flushes
    long sent, refused; // documents
};

static void hear(rd_kafka_t *rk, const rd_kafka_message_t *message, void *ctx) {
    struct produce *p = ctx;
    (void)rk;
    if (message->err) p->refused++;
}

static int fail(const char *what, const char *why) {
    fprintf(stderr, "produce_bench: %s: %s\n", what, why);
    return -1;
}

// An error is told and freed. 0 when there is none.
static int check(const char *what, rd_kafka_error_t *error) {
    if (!error) return 0;
    int r = fail(what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return r;
}

static int set_up(struct produce *p, char **argv) {
    char why[256];
    const struct {
        const char *name, *value;
    } rows[] = {{"bootstrap.servers", argv[1]},
                {"compression.codec", argv[3]},
                {"transactional.id", p->transactional ? argv[6] : NULL}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value && rd_kafka_conf_set(conf, rows[i].name, rows[i].value, why, sizeof why))
            return fail(rows[i].name, why);
    rd_kafka_conf_set_dr_msg_cb(conf, hear);
    rd_kafka_conf_set_opaque(conf, p);
    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!p->rk) return fail("producer", why);
    if (!p->transactional) return 0;
    return check("transactions", rd_kafka_init_transactions(p->rk, PATIENCE_MS));
}

static int send_one(struct produce *p, const char *document, size_t n) {
    rd_kafka_resp_err_t e;
    while ((e = rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(p->topic),
                                  RD_KAFKA_V_VALUE((void *)(uintptr_t)document, n),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(p->rk, FULL_WAIT_MS);
    p->sent += e == 0;
    return e ? fail("produce", rd_kafka_err2str(e)) : 0;
}

static int end_batch(struct produce *p) {
    rd_kafka_resp_err_t e = rd_kafka_flush(p->rk, PATIENCE_MS);
    if (e) return fail("flush", rd_kafka_err2str(e));
    if (p->refused) return fail("flush", "documents were refused");
    if (!p->transactional) return 0;
    return check("commit", rd_kafka_commit_transaction(p->rk, PATIENCE_MS));
}

// The next documents, each a line. Gives their number; -1.
static long send_some(struct produce *p, FILE *file) {
    char *line = NULL;
    size_t size = 0;
    long sent = 0;
    int r = p->transactional ? check("begin", rd_kafka_begin_transaction(p->rk)) : 0;
    for (ssize_t n; !r && (uint64_t)sent < p->count && (n = getline(&line, &size, file)) > 0;
         sent++)
        r = send_one(p, line, (size_t)n - 1);
    free(line);
    if (!r) r = end_batch(p);
    return r ? -1 : sent;
}

static int produce_all(struct produce *p, FILE *file) {
    long n;
    do n = send_some(p, file);
    while (n > 0);
    if (n < 0) return 1;
    printf("{\"documents\":%ld}\n", p->sent);
    return 0;
}

int main(int argc, char **argv) {
    struct produce p = {.transactional = argc == 7};
    if (argc < 6 || argc > 7 || !parse_u64(str_from(argv[4]), &p.count) || p.count == 0) {
        fprintf(stderr, "usage: produce_bench BROKERS TOPIC CODEC COUNT FILE [TRANSACTIONAL_ID]\n");
        return 2;
    }
    p.topic = argv[2];
    FILE *file = fopen(argv[5], "r");
    if (!file) {
        perror(argv[5]);
        return 1;
    }
    int status = set_up(&p, argv) ? 1 : produce_all(&p, file);
    if (p.rk) rd_kafka_destroy(p.rk);
    fclose(file);
    return status;
}

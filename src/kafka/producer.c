// SPDX-License-Identifier: Apache-2.0
// Messages into a transaction. librdkafka sends them in batches from its own thread and reports
// what became of each; a batch is taken or refused as a whole. So when one is refused for good and
// held more than one message, the transaction is made again in smaller ones (suspects.h).
#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "kafka/producer-internal.h"

// ---- what a broker says of a message

bool kafka_is_for_good(rd_kafka_resp_err_t err) {
    static const rd_kafka_resp_err_t list[] = {
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
        RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
        RD_KAFKA_RESP_ERR_INVALID_RECORD,
        RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
    };
    for (size_t i = 0; i < LEN(list); i++)
        if (list[i] == err) return true;
    return false;
}

void kafka_on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    struct kafka_producer *p = opaque;
    rd_kafka_resp_err_t err = message->err;
    (void)rk;
    if (err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        p->purged = true;
    if (!err || err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    // The first refusal says why; what failed with it only says that the transaction did.
    if (!p->refused || (kafka_is_for_good(err) && !kafka_is_for_good(p->refused))) p->refused = err;
    if (kafka_is_for_good(err))
        kafka_suspects_refused(&p->suspects, (size_t)(uintptr_t)message->_private, message->len);
}

int kafka_fatal(struct kafka_producer *p, struct fault *fault) {
    char why[400];
    rd_kafka_resp_err_t err = rd_kafka_fatal_error(p->client.rk, why, sizeof why);
    switch (err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return 0;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
        return fault_set(fault, KAFKA_E_FENCED, "transactional id %s has been taken over",
                         p->opts->transactional_id);
    default: return kafka_trouble(&p->client, "the producer cannot go on", why, fault);
    }
}

// ---- making

static int make_headers(struct kafka_producer *p) {
    const struct kafka_opts *opts = p->opts;
    if (opts->header_count == 0) return 0;
    p->headers = rd_kafka_headers_new(opts->header_count);
    if (!p->headers) return -ENOMEM;
    for (size_t i = 0; i < opts->header_count; i++) {
        struct str value = str_from(opts->headers[i]);
        struct str name = str_split(&value, '=');
        if (rd_kafka_header_add(p->headers, name.p, (ssize_t)name.n, value.p, (ssize_t)value.n))
            return -ENOMEM;
    }
    return 0;
}

// Outcomes: 0, begun or to be asked again (*ret_again); -EIO with fault.
static int init_once(struct kafka_producer *p, bool *ret_again, struct fault *fault) {
    char what[300];
    rd_kafka_error_t *e = rd_kafka_init_transactions(p->client.rk, KAFKA_SLICE_MS);
    *ret_again = false;
    if (!e) return 0;
    rd_kafka_resp_err_t err = rd_kafka_error_code(e);
    *ret_again = rd_kafka_error_is_retriable(e) || err == RD_KAFKA_RESP_ERR__TIMED_OUT;
    bool broker_says = err != RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (broker_says && *ret_again) rd_kafka_poll(p->client.rk, KAFKA_SLICE_MS);
    rd_kafka_error_destroy(e);
    if (*ret_again) return 0;
    snprintf(what, sizeof what, "transactional id %s", p->opts->transactional_id);
    return kafka_trouble(&p->client, what, kafka_words(err), fault);
}

static int take_over(struct kafka_producer *p, struct fault *fault) {
    struct kafka_client *c = &p->client;
    const struct kafka_patience patience = kafka_patience(c, 0);
    bool again = true;
    while (again) {
        int r = init_once(p, &again, fault);
        rd_kafka_poll(c->rk, 0);
        if (r == 0 && again) r = kafka_wait_on(c, &patience, p->opts->hosts[0], fault);
        if (r) return r;
    }
    kafka_answered(c);
    return 0;
}

int kafka_producer_new(struct kafka_producer **ret, const struct kafka_opts *opts,
                       const atomic_bool *stop, struct fault *fault) {
    if (opts->host_count == 0) return fault_set(fault, -EINVAL, "no hosts are set");
    struct kafka_producer *p = mem_new(sizeof *p);
    if (!p) return fault_set(fault, -ENOMEM, "no memory");
    p->opts = opts;
    atomic_init(&p->turn, (unsigned)time_mono_ms());
    int r = kafka_client_init(&p->client, KAFKA_PRODUCER, opts, stop, &p->turn, fault);
    if (r == 0 && make_headers(p) < 0) r = fault_set(fault, -ENOMEM, "no memory");
    if (r == 0) r = take_over(p, fault);
    if (r == 0) *ret = p;
    else kafka_producer_free(p);
    return r;
}

// Whoever comes next ends what is open, and a broker does it by itself after a minute; it is only
// politeness to readers to do it here.
static void abort_politely(struct kafka_producer *p) {
    rd_kafka_error_t *e = rd_kafka_abort_transaction(p->client.rk, 2 * KAFKA_SLICE_MS);
    if (e) rd_kafka_error_destroy(e);
}

struct kafka_producer *kafka_producer_free(struct kafka_producer *p) {
    if (!p) return NULL;
    bool polite = p->client.rk && p->open && !p->client.lost;
    if (polite && !rd_kafka_fatal_error(p->client.rk, NULL, 0)) abort_politely(p);
    if (p->client.rk)
        (void)!rd_kafka_purge(p->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                                RD_KAFKA_PURGE_F_NON_BLOCKING);
    for (size_t i = 0; i < p->topic_count; i++) rd_kafka_topic_destroy(p->topics[i]);
    free(p->topics);
    kafka_client_fini(&p->client);
    if (p->headers) rd_kafka_headers_destroy(p->headers);
    kafka_suspects_fini(&p->suspects);
    free(p);
    return NULL;
}

// ---- messages

static int begin(struct kafka_producer *p, struct fault *fault) {
    if (p->open) return 0;
    rd_kafka_error_t *e = rd_kafka_begin_transaction(p->client.rk);
    if (e) {
        rd_kafka_resp_err_t err = rd_kafka_error_code(e);
        rd_kafka_error_destroy(e);
        int r = kafka_fatal(p, fault);
        return r ? r
                 : kafka_trouble(&p->client, "no transaction can be begun", kafka_words(err),
                                 fault);
    }
    p->open = true;
    p->produced = 0;
    p->purged = false;
    p->refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    kafka_suspects_begin(&p->suspects);
    return 0;
}

static bool is_known(const struct kafka_producer *p, const char *name) {
    for (size_t i = 0; i < p->topic_count; i++)
        if (strcmp(rd_kafka_topic_name(p->topics[i]), name) == 0) return true;
    return false;
}

// librdkafka asks for the partitions of a new topic when its clock strikes the next second, and so
// long its first message waits. Asked for by hand, they are there at once. Whatever goes wrong here
// is seen when the message is sent.
static int meet_topic(struct kafka_producer *p, const char *name) {
    const struct rd_kafka_metadata *answer = NULL;
    if (is_known(p, name)) return 0;
    int r = mem_grow(&p->topics, &p->topic_cap, p->topic_count + 1, sizeof *p->topics);
    rd_kafka_topic_t *topic = r ? NULL : rd_kafka_topic_new(p->client.rk, name, NULL);
    if (!topic) return r;
    p->topics[p->topic_count++] = topic;
    if (rd_kafka_metadata(p->client.rk, 0, topic, &answer, KAFKA_SLICE_MS) == 0)
        rd_kafka_metadata_destroy(answer);
    return 0;
}

// What librdkafka says of a message that it has not queued.
static rd_kafka_resp_err_t enqueue(struct kafka_producer *p, const struct kafka_message *m) {
    bool position = strcmp(m->topic, p->opts->position_topic) == 0;
    rd_kafka_headers_t *headers = NULL;
    if (p->headers && !position) {
        headers = rd_kafka_headers_copy(p->headers);
        if (!headers) return RD_KAFKA_RESP_ERR__FAIL;
    }
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = m->topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = position ? 0 : RD_KAFKA_PARTITION_UA},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)m->key.p, m->key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)m->value.p, m->value.n}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = p->undated ? 0 : m->timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)(p->produced + 1)},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *e =
        rd_kafka_produceva(p->client.rk, parts, headers ? LEN(parts) : LEN(parts) - 1);
    rd_kafka_resp_err_t err = e ? rd_kafka_error_code(e) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (e) rd_kafka_error_destroy(e);
    if (err && headers) rd_kafka_headers_destroy(headers); // taken over on success only
    return err;
}

static int too_large(struct kafka_producer *p, const struct kafka_message *m, struct fault *fault) {
    return fault_set(fault, KAFKA_E_REJECTED,
                     "the message of %zu bytes is larger than max_message_bytes, %lld", m->value.n,
                     (long long)p->opts->max_message_bytes);
}

// The transaction has failed already. When it is because of a message, the flush tells of which.
static int failed(struct kafka_producer *p, const struct kafka_message *m, rd_kafka_resp_err_t err,
                  struct fault *fault) {
    char what[300];
    int r = err == RD_KAFKA_RESP_ERR__STATE ? kafka_send_all(p, fault) : kafka_fatal(p, fault);
    if (r || kafka_has_failed(p)) return r;
    snprintf(what, sizeof what, "topic %s", m->topic);
    return kafka_trouble(&p->client, what, kafka_words(err), fault);
}

static int produce(struct kafka_producer *p, const struct kafka_message *m, struct fault *fault) {
    const struct kafka_patience patience = kafka_patience(&p->client, 0);
    if (meet_topic(p, m->topic)) return fault_set(fault, -ENOMEM, "no memory");
    rd_kafka_resp_err_t err = enqueue(p, m);
    while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(p->client.rk, KAFKA_SLICE_MS);
        int r = kafka_wait_on(&p->client, &patience, m->topic, fault);
        if (r) return r;
        err = enqueue(p, m);
    }
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) return too_large(p, m, fault);
    if (err) return failed(p, m, err, fault);
    p->produced++;
    rd_kafka_poll(p->client.rk, 0);
    return 0;
}

int kafka_produce(struct kafka_producer *p, const struct kafka_message *m, struct fault *fault) {
    int r = begin(p, fault);
    if (r == 0 && kafka_suspects_wait_before(&p->suspects, p->produced, m->value.n))
        r = kafka_send_all(p, fault);
    if (r || kafka_has_failed(p)) return r;
    r = produce(p, m, fault);
    if (r == 0 && kafka_suspects_wait_behind(&p->suspects, p->produced, m->value.n))
        r = kafka_send_all(p, fault);
    return r;
}

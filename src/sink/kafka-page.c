// SPDX-License-Identifier: Apache-2.0
// A page into the open transaction. What Kafka holds already is left out, and so is what it will
// never take. When a broker refuses a message, nothing of the transaction can be kept: it is ended,
// and the page goes again without the document.
#include <errno.h>

#include "sink/kafka-page-internal.h"

enum { TOPIC_MAX_BYTES = 249 };

// ---- refusals

static struct kafka_refusal *find_refusal(const struct kafka_sink *w, struct hash128 id) {
    for (size_t i = 0; i < w->refusal_count; i++)
        if (hash128_eq(w->refusals[i]->id, id)) return w->refusals[i];
    return NULL;
}

static int add_refusal(struct kafka_sink *w, struct hash128 id, const struct fault *fault) {
    int r = mem_grow(&w->refusals, &w->refusal_cap, w->refusal_count + 1, sizeof *w->refusals);
    struct kafka_refusal *refusal = r ? NULL : mem_new(sizeof *refusal);
    if (!refusal) return -ENOMEM;
    refusal->id = id;
    refusal->fault = *fault;
    w->refusals[w->refusal_count++] = refusal;
    return 0;
}

void kafka_page_forget_refusals(struct kafka_sink *w) {
    for (size_t i = 0; i < w->refusal_count; i++) free(w->refusals[i]);
    w->refusal_count = 0;
    w->page_over = false;
}

// ---- one document

static bool is_topic_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// What every broker refuses (org.apache.kafka.common.internals.Topic), and what would be read as a
// position.
static bool check_topic(const struct kafka_sink *w, struct str name, struct fault *fault) {
    bool good =
        name.n > 0 && name.n <= TOPIC_MAX_BYTES && !str_eqz(name, ".") && !str_eqz(name, "..");
    for (size_t i = 0; good && i < name.n; i++) good = is_topic_byte(name.p[i]);
    if (!good) fault_set(fault, 0, "\"%.*s\" is not a name that a topic can have", STR_ARG(name));
    else if (str_eqz(name, w->kafka->position_topic))
        fault_set(fault, 0, "topic %.*s is that of the positions", STR_ARG(name));
    else return true;
    return false;
}

// Outcomes: 0; KAFKA_E_REJECTED with fault: this document has no topic or key; -ENOMEM.
static int name_message(struct kafka_sink *w, const struct sink_doc *doc, struct fault *fault) {
    buf_reset(&w->topic_name);
    buf_reset(&w->key_text);
    int r = pattern_expand(w->topic, doc, &w->topic_name, fault);
    if (r == 0 && w->key) r = pattern_expand(w->key, doc, &w->key_text, fault);
    if (r == -EMSGSIZE) fault_set(fault, 0, "its topic or key is too long");
    if (r == -ENOENT || r == -EMSGSIZE) return KAFKA_E_REJECTED;
    if (r) return r;
    return check_topic(w, buf_str(&w->topic_name), fault) ? 0 : KAFKA_E_REJECTED;
}

// Outcomes: those of name_message and kafka_produce.
static int send_message(struct kafka_sink *w, const struct sink_doc *doc, struct fault *fault) {
    int r = name_message(w, doc, fault);
    const char *topic = r ? NULL : buf_z(&w->topic_name);
    if (r) return r;
    if (!topic) return -ENOMEM;
    bool keyed = w->key && w->key_text.n > 0;
    // A broker refuses what is dated ahead of its clock.
    bool dated = doc->has_published && doc->published_ms > 0 && doc->published_ms <= w->now_ms;
    const struct kafka_message m = {
        .topic = topic,
        .key = keyed ? buf_str(&w->key_text) : STR_NONE,
        .value = doc->document,
        .timestamp_ms = dated ? doc->published_ms : 0,
    };
    return kafka_produce(w->producer, &m, fault);
}

// The same document twice in one page is one message.
static bool is_sent(const struct kafka_sink *w, struct hash128 id) {
    for (size_t i = w->sent_count; i > 0; i--)
        if (hash128_eq(w->sent[i - 1], id)) return true;
    return false;
}

static struct sink_reply rejected(struct fault *why) {
    return (struct sink_reply){.verdict = SINK_REJECTED, .fault = why};
}

// Outcomes: 0 with a reply; -errno; KAFKA_E_FENCED.
static int send_document(struct kafka_sink *w, const struct sink_doc *docs, size_t i,
                         struct sink_reply *reply, struct fault *fault) {
    struct fault why = {0};
    struct hash128 id = hash128(docs[i].uuid);
    *reply = (struct sink_reply){.verdict = SINK_DELIVERED};
    if (docs[i].uuid.n == 0) {
        *reply = rejected(&w->no_uuid);
        return 0;
    }
    struct kafka_refusal *refusal = find_refusal(w, id);
    if (refusal) *reply = rejected(&refusal->fault);
    if (refusal || kafka_lanes_recognise(&w->lanes, id) || is_sent(w, id)) return 0;
    int r = mem_grow(&w->sent, &w->sent_cap, w->sent_count + 1, sizeof *w->sent);
    if (r == 0) r = send_message(w, &docs[i], &why);
    if (r == 0) w->sent[w->sent_count++] = id;
    if (r == KAFKA_E_REJECTED) {
        if (add_refusal(w, id, &why)) return -ENOMEM;
        *reply = rejected(&w->refusals[w->refusal_count - 1]->fault);
        return 0;
    }
    if (r) *fault = why;
    return r;
}

// ---- the page

static void start_page(struct kafka_sink *w) {
    if (w->page_over) kafka_page_forget_refusals(w);
}

// One try. Outcomes: 0; KAFKA_E_REJECTED with *ret_doc; -EAGAIN: once more; others.
static int send_all(struct kafka_sink *w, const struct sink_doc *docs, size_t n,
                    struct sink_reply *replies, size_t *ret_doc, struct fault *fault) {
    size_t before = w->sent_count, number = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t had = w->sent_count;
        r = send_document(w, docs, i, &replies[i], fault);
        if (w->sent_count > had) w->numbers[had - before] = i;
    }
    if (r || w->sent_count == before) return r;
    r = kafka_flush(w->producer, &number, fault);
    if (r != KAFKA_E_REJECTED) return r;
    if (number < before || number >= w->sent_count)
        return fault_set(fault, -EIO, "librdkafka refuses a message of an earlier page");
    *ret_doc = w->numbers[number - before];
    return r;
}

// Begins the transaction anew, without a document if one was refused for good. Outcomes: 0: once
// more; as kafka_page_send.
static int begin_again(struct kafka_sink *w, const struct sink_doc *refused, struct fault *fault) {
    struct fault why = *fault;
    int r = kafka_sink_abort(w, fault);
    if (r) return r;
    w->sink.progress = true;
    return refused ? add_refusal(w, hash128(refused->uuid), &why) : 0;
}

int kafka_page_send(struct kafka_sink *w, const struct sink_doc *docs, size_t n,
                    struct sink_reply *replies, struct fault *fault) {
    start_page(w);
    if (n == 0) return 0;
    int r = mem_grow(&w->numbers, &w->number_cap, n, sizeof *w->numbers);
    bool alone = w->sent_count == 0;
    while (r == 0) {
        size_t doc = 0;
        r = send_all(w, docs, n, replies, &doc, fault);
        if (r != KAFKA_E_REJECTED && r != -EAGAIN) break;
        r = begin_again(w, r == -EAGAIN ? NULL : &docs[doc], fault);
        if (r == 0 && !alone)
            return fault_set(fault, -EAGAIN, "the page before is to be sent again, too");
    }
    return r;
}

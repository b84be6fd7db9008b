// SPDX-License-Identifier: Apache-2.0
// A page goes out in bulk requests of so many documents and bytes. A request that is too large for
// the engine, or for a proxy before it, is halved, and the next ones are not made larger again.
#include <errno.h>

#include "sink/elasticsearch-internal.h"

enum { SEND_E_TOO_LARGE = 1, BODY_KEPT_BYTES = 1 << 20 };

struct bulk {
    struct es_item **sent;
    struct elastic_item *answers;
    size_t n, max;
};

static struct bulk *bulk_free(struct bulk *b) {
    if (!b) return NULL;
    free(b->sent);
    free(b->answers);
    free(b);
    return NULL;
}
DEFINE_AUTO_FREE(bulk)

static int bulk_new(struct bulk **ret, size_t max) {
    AUTO(bulk) struct bulk *b = mem_new(sizeof *b);
    if (!b) return -ENOMEM;
    b->max = max;
    b->sent = mem_new_array(max, sizeof(struct es_item *));
    b->answers = mem_new_array(max, sizeof *b->answers);
    if (!b->sent || !b->answers) return -ENOMEM;
    *ret = TAKE(b);
    return 0;
}

// ---- one request

// As many of the open documents as fit, beginning with items[at]. Outcomes: 0; -ENOMEM.
static int fill(struct es_sink *s, struct bulk *b, struct es_page *page, size_t at) {
    b->n = 0;
    buf_shrink(&s->body, BODY_KEPT_BYTES);
    buf_reset(&s->body);
    for (; at < page->n && b->n < b->max; at++) {
        struct es_item *i = &page->items[at];
        if (i->state != ES_OPEN) continue;
        if (b->n > 0 && s->body.n + i->doc->document.n > s->body_max_bytes) break;
        elastic_bulk_add(&s->body, str_from(i->target->name), i->doc->uuid, i->doc->document);
        b->sent[b->n++] = i;
    }
    return s->body.error;
}

static int refused(struct es_sink *s, const struct elastic_answer *answer, struct fault *fault) {
    if (answer->status == 413) return SEND_E_TOO_LARGE;
    s->sink.wait_ms = answer->retry_after_ms;
    return elastic_bulk_say(answer, -EAGAIN, fault);
}

static bool is_open(const struct elastic_item *answer) {
    return answer->verdict == ELASTIC_ITEM_RETRY || answer->verdict == ELASTIC_ITEM_WAITS;
}

static int settle(struct es_sink *s, struct es_item *i, const struct elastic_item *answer) {
    if (is_open(answer)) return 0;
    if (answer->verdict == ELASTIC_ITEM_REJECTED) return es_reject(s, i, answer->reason);
    i->state = ES_DELIVERED;
    i->repeated = i->found || answer->verdict == ELASTIC_ITEM_THERE;
    i->new = true;
    return 0;
}

static int settle_all(struct es_sink *s, const struct bulk *b, struct fault *fault) {
    size_t open = 0, waiting = 0;
    struct str reason = STR_NONE;
    for (size_t i = 0; i < b->n; i++) {
        int r = settle(s, b->sent[i], &b->answers[i]);
        if (r) return r;
        if (b->sent[i]->state != ES_OPEN) continue;
        if (open++ == 0) reason = b->answers[i].reason;
        if (b->answers[i].verdict == ELASTIC_ITEM_WAITS) waiting++;
    }
    if (open == 0) return 0;
    return fault_set(fault, waiting == open ? -EINVAL : -EAGAIN,
                     "%s: %zu of %zu documents were not taken: %.*s", elastic_host(s->engine), open,
                     b->n, STR_ARG(reason));
}

// Outcomes: 0, all of it settled; SEND_E_TOO_LARGE; -errno with fault.
static int send_bulk(struct es_sink *s, struct es_page *page, struct bulk *b, struct fault *fault) {
    const struct elastic_request request = {.method = "POST",
                                            .path = buf_z(&s->path),
                                            .body = buf_str(&s->body),
                                            .ndjson = true,
                                            .header = es_settled_line(&s->settled)};
    struct elastic_answer answer;
    int r = elastic_ask(s->engine, &request, &answer, fault);
    if (r || answer.repeated || answer.status != 200) es_gave_up(&s->settled);
    if (r) return r;
    if (answer.status != 200) return refused(s, &answer, fault);
    struct fault why = {{0}};
    r = elastic_bulk_read(s->reader, answer.body, b->n, b->answers, &why);
    if (r == -EBADMSG) {
        es_gave_up(&s->settled);
        return fault_set(fault, -EIO, "%s: POST /_bulk: %s", elastic_host(s->engine), why.text);
    }
    if (!r) r = es_look_behind(s, page, b->sent, b->answers, b->n, fault);
    return r ? r : settle_all(s, b, fault);
}

// Outcomes: 0, to be tried with less, or the one document is rejected; -ENOMEM.
static int halve(struct es_sink *s, const struct bulk *b) {
    if (b->n == 1) return es_reject(s, b->sent[0], str_from(s->too_large.text));
    s->body_max_bytes = s->body.n / 2;
    return 0;
}

// The rest of the page may be in the index that was written to when all of it was looked up.
static int look_again(struct es_sink *s, struct es_page *page, struct fault *fault) {
    page->moved = false;
    return es_look_before(s, page, fault);
}

int es_send(struct es_sink *s, struct es_page *page, struct fault *fault) {
    AUTO(bulk) struct bulk *b = NULL;
    size_t wanted = s->opts->bulk_max_size > 0 ? (size_t)s->opts->bulk_max_size : page->n;
    int r = bulk_new(&b, wanted < page->n ? wanted : page->n);
    for (size_t at = 0; r == 0 && at < page->n;) {
        if (page->moved) {
            r = look_again(s, page, fault);
            continue;
        }
        if (page->items[at].state != ES_OPEN) {
            at++;
            continue;
        }
        if (s->must_save) r = es_save_mark(s, fault);
        if (!r) r = fill(s, b, page, at);
        if (!r) r = send_bulk(s, page, b, fault);
        if (r == SEND_E_TOO_LARGE) r = halve(s, b);
    }
    return r;
}

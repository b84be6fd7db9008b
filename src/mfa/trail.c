// SPDX-License-Identifier: Apache-2.0
// Records of challenges, in the order in which they began: made, completed, kept for a day.
#include <errno.h>

#include "identity/codec.h"
#include "mfa/trail-internal.h"

static const struct codec_row rows[] = {
    {"id", CODEC_TEXT, offsetof(struct attempt, id)},
    {"order", CODEC_TEXT, offsetof(struct attempt, order)},
    {"method", CODEC_TEXT, offsetof(struct attempt, method)},
    {"method_id", CODEC_TEXT, offsetof(struct attempt, method_id)},
    {"org", CODEC_TEXT, offsetof(struct attempt, org)},
    {"user_id", CODEC_TEXT, offsetof(struct attempt, user_id)},
    {"login", CODEC_TEXT, offsetof(struct attempt, login)},
    {"entity_id", CODEC_TEXT, offsetof(struct attempt, entity_id)},
    {"entity_name", CODEC_TEXT, offsetof(struct attempt, entity_name)},
    {"factor_id", CODEC_TEXT, offsetof(struct attempt, factor_id)},
    {"factor_name", CODEC_TEXT, offsetof(struct attempt, factor_name)},
    {"factor_provider", CODEC_TEXT, offsetof(struct attempt, factor_provider)},
    {"transaction", CODEC_TEXT, offsetof(struct attempt, transaction)},
    {"request_id", CODEC_TEXT, offsetof(struct attempt, request_id)},
    {"path", CODEC_TEXT, offsetof(struct attempt, path)},
    {"operation", CODEC_TEXT, offsetof(struct attempt, operation)},
    {"remote_address", CODEC_TEXT, offsetof(struct attempt, remote_address)},
    {"user_agent", CODEC_TEXT, offsetof(struct attempt, user_agent)},
    {"requester", CODEC_TEXT, offsetof(struct attempt, requester)},
    {"rule", CODEC_TEXT, offsetof(struct attempt, rule)},
    {"events", CODEC_LIST, offsetof(struct attempt, events)},
    {"began_ms", CODEC_INT, offsetof(struct attempt, began_ms)},
    {"sent_ms", CODEC_INT, offsetof(struct attempt, sent_ms)},
    {"decided_ms", CODEC_INT, offsetof(struct attempt, decided_ms)},
    {"code", CODEC_BOOL, offsetof(struct attempt, code)},
    {"number", CODEC_BOOL, offsetof(struct attempt, number)},
    {"noted", CODEC_BOOL, offsetof(struct attempt, noted)},
};

static const size_t texts[] = {
    offsetof(struct attempt, id),
    offsetof(struct attempt, order),
    offsetof(struct attempt, method),
    offsetof(struct attempt, method_id),
    offsetof(struct attempt, org),
    offsetof(struct attempt, user_id),
    offsetof(struct attempt, login),
    offsetof(struct attempt, entity_id),
    offsetof(struct attempt, entity_name),
    offsetof(struct attempt, factor_id),
    offsetof(struct attempt, factor_name),
    offsetof(struct attempt, factor_provider),
    offsetof(struct attempt, transaction),
    offsetof(struct attempt, request_id),
    offsetof(struct attempt, path),
    offsetof(struct attempt, operation),
    offsetof(struct attempt, remote_address),
    offsetof(struct attempt, user_agent),
    offsetof(struct attempt, requester),
    offsetof(struct attempt, rule),
    offsetof(struct attempt, events),
};

static const char *const outcomes[] = {
    [TRAIL_OPEN] = "open",
    [TRAIL_ALLOWED] = "allowed",
    [TRAIL_DENIED] = "denied",
    [TRAIL_INTERRUPTED] = "interrupted",
};

const char *trail_outcome_name(enum trail_outcome o) { return outcomes[o]; }

// ---- the record

static struct tree_key by_id(const void *item) {
    return (struct tree_key){((const struct attempt *)item)->id, STR_NONE};
}

static struct tree_key by_order(const void *item) {
    const struct attempt *a = item;
    return (struct tree_key){a->order, a->id};
}

// Outcome and reason are written by their names, which stay what they are when rows are added.
static void encode(const void *record, struct buf *out) {
    const struct attempt *a = record;
    json_open(out, '{');
    codec_encode(rows, LEN(rows), a, out);
    json_key(out, STR("outcome"));
    json_add_str(out, str_from(outcomes[a->outcome]));
    json_key(out, STR("reason"));
    json_add_str(out, str_from(challenge_reason_name(a->reason)));
    json_close(out, '}');
}

static bool read_outcome(struct str name, struct attempt *a) {
    for (size_t i = 0; i < LEN(outcomes); i++) {
        if (!str_eqz(name, outcomes[i])) continue;
        a->outcome = (enum trail_outcome)i;
        return true;
    }
    return false;
}

static bool read_reason(struct str name, struct attempt *a) {
    for (int i = 0; i < REASONS; i++) {
        if (!str_eqz(name, challenge_reason_name((enum challenge_reason)i))) continue;
        a->reason = (enum challenge_reason)i;
        return true;
    }
    return false;
}

static int decode(void **ret, const struct json *v, struct fault *fault) {
    AUTO_FINI(buf) struct buf lists = buf_make(TRAIL_TEXT_MAX);
    struct attempt a = {.outcome = TRAIL_OPEN};
    int r = codec_decode(rows, LEN(rows), v, &a, &lists, fault);
    if (r < 0) return r;
    if (!a.id.n) return fault_set(fault, -EINVAL, "member \"id\" is missing");
    if (!read_outcome(json_str(json_get(v, "outcome")), &a))
        return fault_set(fault, -EINVAL, "member \"outcome\" is not an outcome");
    if (!read_reason(json_str(json_get(v, "reason")), &a))
        return fault_set(fault, -EINVAL, "member \"reason\" is not a reason");
    return record_make(ret, &a, sizeof a, texts, LEN(texts), &attempt_type, RECORD_CHALLENGE);
}

const struct record_type attempt_type = {
    .name = "challenge",
    .index = {{by_id, record_hold, record_drop}, {by_order, record_hold, record_drop}},
    .index_count = 2,
    .encode = encode,
    .decode = decode,
};

// ---- finding and putting

const struct attempt *attempt_by_id(const struct state *s, struct str id) {
    return state_get(s, RECORD_CHALLENGE, 0, (struct tree_key){id, STR_NONE});
}

struct tree_walk attempt_walk(const struct state *s) {
    return state_from(s, RECORD_CHALLENGE, 1, (struct tree_key){STR(""), STR("")});
}

// Big endian, so that the texts are in the order of the times.
static void write_order(struct buf *out, int64_t at_ms) {
    uint64_t value = at_ms > 0 ? (uint64_t)at_ms : 0;
    uint8_t bytes[TRAIL_ORDER_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    buf_add_hex(out, bytes, sizeof bytes);
}

struct tree_walk trail_from(const struct state *s, int64_t from_ms) {
    AUTO_FINI(buf) struct buf order = buf_make(2 * TRAIL_ORDER_BYTES);
    write_order(&order, from_ms);
    return state_from(s, RECORD_CHALLENGE, 1, (struct tree_key){buf_str(&order), STR("")});
}

int attempt_put(struct draft *d, const struct attempt *a) {
    AUTO_FINI(buf) struct buf order = buf_make(2 * TRAIL_ORDER_BYTES);
    void *made = NULL;
    struct attempt next = *a;
    write_order(&order, a->began_ms);
    if (order.error) return order.error;
    next.order = buf_str(&order);
    int r =
        record_make(&made, &next, sizeof next, texts, LEN(texts), &attempt_type, RECORD_CHALLENGE);
    return r < 0 ? r : draft_put(d, made);
}

// ---- many at once

// Has `change` make the next record of each attempt of the list.
static int change_each(struct draft *d, struct str ids, int64_t now_ms,
                       void (*change)(struct attempt *a, int64_t now_ms)) {
    struct str id;
    int r = 0;
    while (!r && list_next(&ids, &id)) {
        struct attempt next = *attempt_by_id(d->state, id);
        change(&next, now_ms);
        r = attempt_put(d, &next);
    }
    return r;
}

static void interrupt(struct attempt *a, int64_t now_ms) {
    a->outcome = TRAIL_INTERRUPTED;
    a->reason = REASON_STOPPED;
    a->decided_ms = now_ms;
}

int trail_interrupt(struct draft *d, int64_t now_ms, struct buf *ret_ids) {
    struct tree_walk walk = attempt_walk(d->state);
    size_t from = ret_ids->n;
    const struct attempt *a;
    while ((a = tree_next(&walk)))
        if (a->outcome == TRAIL_OPEN) list_add(ret_ids, a->id);
    if (ret_ids->error) return ret_ids->error;
    return change_each(d, str_sub(buf_str(ret_ids), from, ret_ids->n), now_ms, interrupt);
}

static int drop_old(struct draft *d, int64_t now_ms, size_t *max) {
    int r = 0;
    while (r == 0 && *max > 0) {
        struct tree_walk walk = attempt_walk(d->state);
        const struct attempt *a = tree_next(&walk);
        if (!a || a->began_ms > now_ms - TRAIL_KEEP_MS) return 0;
        r = draft_delete(d, a);
        --*max;
    }
    return r;
}

static bool is_unlogged(const struct attempt *a, int64_t now_ms) {
    return a->sent_ms && a->sent_ms <= now_ms - TRAIL_JOIN_MS && !a->noted &&
           list_is_empty(a->events);
}

static void mark(struct attempt *a, int64_t now_ms) {
    (void)now_ms;
    a->noted = true;
}

int trail_sweep(struct draft *d, int64_t now_ms, size_t max, struct buf *ret_unlogged) {
    size_t from = ret_unlogged->n;
    int r = drop_old(d, now_ms, &max);
    if (r) return r;
    struct tree_walk walk = attempt_walk(d->state);
    const struct attempt *a;
    while (max > 0 && (a = tree_next(&walk)) && a->began_ms <= now_ms - TRAIL_JOIN_MS) {
        if (!is_unlogged(a, now_ms)) continue;
        list_add(ret_unlogged, a->id);
        max--;
    }
    if (ret_unlogged->error) return ret_unlogged->error;
    return change_each(d, str_sub(buf_str(ret_unlogged), from, ret_unlogged->n), now_ms, mark);
}

// SPDX-License-Identifier: Apache-2.0
// What happens to a body that is complete: faults, and compression. Large packed bodies are kept,
// because several clients fetch the same pages one after the other and packing costs more than all
// the rest.
#include "base/time.h"
#include "sim/call.h"

enum {
    GZIP_MIN_BYTES = 1024,
    KEPT_MIN_BYTES = 64 << 10,
    SLOW_STEP_BYTES = 1024,
    SLOW_DELAY_MS = 50,
    SLOW_TOTAL_MS = 60000
};

static void break_json(struct buf *body, const char *style) {
    size_t half = body->n / 2;
    if (strcmp(style, "broken") != 0) {
        buf_cut(body, half);
        return;
    }
    const char *colon = memchr(body->p + half, ':', body->n - half);
    if (colon) body->p[colon - body->p] = '=';
    else buf_addc(body, '=');
}

static void wrap_in_object(struct buf *body) {
    static const char before[] = "{\"events\":";
    if (!buf_reserve(body, sizeof before)) return;
    memmove(body->p + sizeof before - 1, body->p, body->n);
    memcpy(body->p, before, sizeof before - 1);
    body->n += sizeof before - 1;
    buf_addc(body, '}');
}

// Sends a small step at a time, but never for longer than the total.
static void slow_down(struct reply *reply, const struct fault_rule *rule) {
    int64_t total_ms = rule->total_ms >= 0 ? rule->total_ms : SLOW_TOTAL_MS;
    reply->delivery = REPLY_SLOW;
    reply->delay_ms = rule->delay_ms > 0 ? rule->delay_ms : SLOW_DELAY_MS;
    reply->step_bytes = rule->n > 0 ? (size_t)rule->n : SLOW_STEP_BYTES;
    size_t steps = (size_t)(total_ms / reply->delay_ms) + 1;
    size_t least = reply->body.n / steps + 1;
    if (reply->step_bytes < least) reply->step_bytes = least;
}

void call_apply_body_fault(struct call *call, const struct fault_rule *rule) {
    call->has_body_key = false;
    if (rule->kind == FAULT_NOT_ARRAY) wrap_in_object(&call->reply->body);
    else break_json(&call->reply->body, rule->text);
}

void call_apply_delivery_fault(struct call *call, const struct fault_rule *rule) {
    struct reply *reply = call->reply;
    if (rule->kind == FAULT_SLOW_BODY) slow_down(reply, rule);
    if (rule->kind == FAULT_RESET_BODY) reply->delivery = REPLY_RESET;
    if (rule->kind == FAULT_STALL_BODY) reply->delivery = REPLY_STALL;
    reply->deliver_bytes = rule->n >= 0 ? (size_t)rule->n : reply->body.n / 2;
}

static bool wants_gzip(const struct call *call) {
    struct str accepted = request_header(call->request, "accept-encoding");
    return call->sim->settings.gzip && call->reply->body.n >= GZIP_MIN_BYTES &&
           str_find(accepted, STR("gzip")) < accepted.n;
}

// Packs and keeps a copy in the slot; a copy that there is no memory for is done without.
static int pack_anew(struct packed *slot, struct hash128 key, struct reply *reply) {
    int e = reply_gzip(reply);
    if (e) return e;
    free(slot->p);
    *slot = (struct packed){.key = key, .p = mem_copy(reply->body.p, reply->body.n)};
    slot->n = reply->body.n;
    return 0;
}

int call_pack(struct call *call) {
    struct reply *reply = call->reply;
    reply_header(reply, "vary", "Accept-Encoding");
    if (!wants_gzip(call)) return 0;
    if (reply->body.n < KEPT_MIN_BYTES || !call->has_body_key) return reply_gzip(reply);
    struct hash128 key = call->body_key;
    struct packed *slot = &call->sim->packed[key.lo % SIM_PACKED_SLOTS];
    if (!slot->p || !hash128_eq(slot->key, key)) return pack_anew(slot, key, reply);
    buf_reset(&reply->body);
    buf_add(&reply->body, slot->p, slot->n);
    reply_header(reply, "content-encoding", "gzip");
    return 0;
}

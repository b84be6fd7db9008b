// SPDX-License-Identifier: Apache-2.0
// A refused batch is cut off from what was before and behind it, and into parts.
#include "kafka/suspects.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

enum { PARTS = 64 };

void kafka_suspects_fini(struct kafka_suspects *s) { free(s->cuts); }

void kafka_suspects_begin(struct kafka_suspects *s) {
    s->first = s->last = s->count = 0;
    s->largest_bytes = 0;
}

void kafka_suspects_refused(struct kafka_suspects *s, size_t number, size_t bytes) {
    if (s->count == 0 || number < s->first) s->first = number;
    if (number > s->last) s->last = number;
    s->bytes = bytes;
    s->count++;
}

void kafka_suspects_settle(struct kafka_suspects *s) {
    if (s->large_bytes > 0 && s->largest_bytes >= s->large_bytes)
        s->large_bytes = s->largest_bytes + 1;
    kafka_suspects_begin(s);
    s->cut_count = 0;
}

// ---- who is sent alone

static bool is_large(const struct kafka_suspects *s, size_t bytes) {
    return s->large_bytes > 0 && bytes >= s->large_bytes;
}

static bool is_cut(const struct kafka_suspects *s, size_t sent) {
    for (size_t i = 0; i < s->cut_count; i++)
        if (s->cuts[i] == sent) return true;
    return false;
}

bool kafka_suspects_wait_before(const struct kafka_suspects *s, size_t sent, size_t bytes) {
    return sent > 0 && is_large(s, bytes);
}

bool kafka_suspects_wait_behind(struct kafka_suspects *s, size_t sent, size_t bytes) {
    if (bytes > s->largest_bytes) s->largest_bytes = bytes;
    return is_cut(s, sent) || is_large(s, bytes);
}

// ---- who was meant

static int add_cut(struct kafka_suspects *s, size_t at) {
    if (at == 0 || is_cut(s, at)) return 0;
    int e = mem_grow(&s->cuts, &s->cut_cap, s->cut_count + 1, sizeof *s->cuts);
    if (e) return e;
    s->cuts[s->cut_count++] = at;
    return 0;
}

static int found(struct kafka_suspects *s, bool for_size, size_t *ret_number) {
    bool smaller = s->large_bytes == 0 || s->bytes < s->large_bytes;
    if (for_size && smaller) s->large_bytes = s->bytes;
    s->cut_count = 0; // numbers change
    *ret_number = s->first;
    return 0;
}

int kafka_suspects_judge(struct kafka_suspects *s, bool for_size, size_t *ret_number) {
    if (s->count <= 1) return found(s, for_size, ret_number);
    size_t part = (s->last - s->first) / PARTS + 1;
    int e = add_cut(s, s->first - 1);
    for (size_t at = s->first - 1 + part; !e && at < s->last; at += part) e = add_cut(s, at);
    if (!e) e = add_cut(s, s->last);
    return e ? e : KAFKA_SUSPECTS_E_AGAIN;
}

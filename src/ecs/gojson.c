// SPDX-License-Identifier: Apache-2.0
// A walk with a stack of its own, since Go follows ten thousand levels. The members of an object
// are laid on a second stack and sorted there before the first of them is written.
#include "ecs/gojson.h"

#include <errno.h>

#include "ecs/gonumber-internal.h"
#include "json/write.h"

// More memory than this is not kept from one value to the next.
enum { KEEP_MEMBERS = 4096, KEEP_FRAMES = 256 };
enum { FEW_MEMBERS = 24 };
enum { SHOWN_BYTES = 40 }; // of a number that is refused

void ecs_gojson_fini(struct ecs_gojson *g) {
    free(g->members);
    free(g->frames);
    *g = (struct ecs_gojson){0};
}

static void shrink(struct ecs_gojson *g) {
    g->depth = g->member_count = 0;
    if (g->member_cap > KEEP_MEMBERS || g->frame_cap > KEEP_FRAMES) ecs_gojson_fini(g);
}

// ---- texts ----

// 0: as it is; 'u': \u00XX; 'E': begins U+2028 and U+2029, perhaps; else the letter behind the
// backslash.
static const char escapes[256] = {
    [0] = 'u',   [1] = 'u',    [2] = 'u',    [3] = 'u',    [4] = 'u',   [5] = 'u',     [6] = 'u',
    [7] = 'u',   ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [11] = 'u',  ['\f'] = 'f',  ['\r'] = 'r',
    [14] = 'u',  [15] = 'u',   [16] = 'u',   [17] = 'u',   [18] = 'u',  [19] = 'u',    [20] = 'u',
    [21] = 'u',  [22] = 'u',   [23] = 'u',   [24] = 'u',   [25] = 'u',  [26] = 'u',    [27] = 'u',
    [28] = 'u',  [29] = 'u',   [30] = 'u',   [31] = 'u',   ['"'] = '"', ['\\'] = '\\', ['<'] = 'u',
    ['>'] = 'u', ['&'] = 'u',  [0xE2] = 'E',
};

static const char line_separators[] = "\xE2\x80\xA8\xE2\x80\xA9";

// Writes what needs an escape, or does not after all, at the front of `s`. Returns its length.
static size_t put_escape(char **at, struct str s) {
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)s.p[0];
    char escape = escapes[c];
    if (escape == 'E') {
        bool first = s.n >= 3 && memcmp(s.p, line_separators, 3) == 0;
        bool second = s.n >= 3 && memcmp(s.p, line_separators + 3, 3) == 0;
        if (first || second) *at = mempcpy(*at, first ? "\\u2028" : "\\u2029", 6);
        else *(*at)++ = s.p[0];
        return first || second ? 3 : 1;
    }
    *(*at)++ = '\\';
    *(*at)++ = escape;
    if (escape != 'u') return 1;
    *at = mempcpy(*at, "00", 2);
    *(*at)++ = hex[c >> 4];
    *(*at)++ = hex[c & 15];
    return 1;
}

enum { ESCAPE_MAX_BYTES = 6, PIECE_BYTES = 64 * 1024 };

// From `i` to about PIECE_BYTES on, so that room for the longest of escapes is never much. Returns
// where the next piece begins.
static size_t add_piece(struct buf *out, struct str s, size_t i) {
    size_t end = s.n - i > PIECE_BYTES ? i + PIECE_BYTES : s.n;
    if (!buf_reserve(out, (end - i) * ESCAPE_MAX_BYTES)) return s.n;
    char *at = out->p + out->n;
    while (i < end) {
        if (escapes[(unsigned char)s.p[i]]) i += put_escape(&at, str_sub(s, i, s.n));
        else *at++ = s.p[i++];
    }
    out->n = (size_t)(at - out->p);
    return i;
}

static void add_text(struct buf *out, struct str s) {
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n;) i = add_piece(out, s, i);
    buf_addc(out, '"');
}

// ---- arrays and objects ----

static uint64_t front_of(struct str name) {
    unsigned char bytes[sizeof(uint64_t)] = {0};
    uint64_t front = 0;
    json_copy_short((char *)bytes, name.p, name.n < sizeof bytes ? name.n : sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) front = front << 8 | bytes[i];
    return front;
}

static int compare_members(const void *a, const void *b) {
    const struct ecs_gojson_member *x = a, *y = b;
    if (x->front != y->front) return x->front < y->front ? -1 : 1;
    int order = str_cmp(x->name, y->name);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

// For the few members of the usual object this is faster than a call for every comparison.
static void sort_few(struct ecs_gojson_member *members, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct ecs_gojson_member member = members[i];
        size_t to = i;
        for (; to > 0 && compare_members(&members[to - 1], &member) > 0; to--)
            members[to] = members[to - 1];
        members[to] = member;
    }
}

static int sort_members(struct ecs_gojson *g, const struct json *object) {
    size_t first = g->member_count, count = json_count(object);
    if (count == 0) return 0;
    int e = mem_grow(&g->members, &g->member_cap, first + count, sizeof *g->members);
    if (e) return e;
    struct json_iter it = json_iter(object);
    for (size_t i = first; json_next(&it); i++)
        g->members[i] = (struct ecs_gojson_member){front_of(it.key), it.key, it.value, i};
    g->member_count += count;
    if (count <= FEW_MEMBERS) sort_few(g->members + first, count);
    else qsort(g->members + first, count, sizeof *g->members, compare_members);
    return 0;
}

static int open_value(struct ecs_gojson *g, const struct json *v, struct buf *out,
                      struct fault *fault) {
    if (g->depth == ECS_GOJSON_DEPTH_MAX)
        return fault_set(fault, ECS_GOJSON_E_REFUSED, "nested deeper than %d levels",
                         ECS_GOJSON_DEPTH_MAX);
    int e = mem_grow(&g->frames, &g->frame_cap, g->depth + 1, sizeof *g->frames);
    if (e) return e;
    struct ecs_gojson_frame frame = {.object = json_type(v) == JSON_OBJECT};
    frame.first = frame.next = g->member_count;
    if (frame.object) e = sort_members(g, v);
    else frame.elements = json_iter(v);
    if (e) return e;
    frame.end = g->member_count;
    g->frames[g->depth++] = frame;
    buf_addc(out, frame.object ? '{' : '[');
    return 0;
}

static int add_number(struct str text, struct buf *out, struct fault *fault) {
    if (ecs_gonumber_add(out, text)) return 0;
    struct str front = str_sub(text, 0, SHOWN_BYTES);
    return fault_set(fault, ECS_GOJSON_E_REFUSED, "the number %.*s%s is too large for Go",
                     STR_ARG(front), front.n < text.n ? "..." : "");
}

static int add_value(struct ecs_gojson *g, const struct json *v, struct buf *out,
                     struct fault *fault) {
    switch (json_type(v)) {
    case JSON_NULL: buf_addz(out, "null"); return 0;
    case JSON_BOOL: buf_addz(out, json_bool(v) ? "true" : "false"); return 0;
    case JSON_STRING: add_text(out, json_str(v)); return 0;
    case JSON_NUMBER: return add_number(json_number(v), out, fault);
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return open_value(g, v, out, fault);
}

// The next value of the innermost array or object, its name already written; NULL: there is none.
static const struct json *next_value(struct ecs_gojson *g, struct buf *out) {
    struct ecs_gojson_frame *f = &g->frames[g->depth - 1];
    if (f->object ? f->next == f->end : !json_next(&f->elements)) return NULL;
    if (f->begun) buf_addc(out, ',');
    f->begun = true;
    if (!f->object) return f->elements.value;
    const struct ecs_gojson_member *member = &g->members[f->next];
    const struct ecs_gojson_member *end = &g->members[f->end];
    while (member + 1 < end && str_eq(member[0].name, member[1].name)) member++;
    f->next = (size_t)(member - g->members) + 1;
    add_text(out, member->name);
    buf_addc(out, ':');
    return member->value;
}

static void close_value(struct ecs_gojson *g, struct buf *out) {
    const struct ecs_gojson_frame *f = &g->frames[--g->depth];
    g->member_count = f->first;
    buf_addc(out, f->object ? '}' : ']');
}

int ecs_gojson_add(struct ecs_gojson *g, const struct json *v, struct buf *out,
                   struct fault *fault) {
    int e = add_value(g, v, out, fault);
    while (!e && g->depth > 0) {
        const struct json *next = next_value(g, out);
        if (next) e = add_value(g, next, out, fault);
        else close_value(g, out);
    }
    shrink(g);
    return e;
}

// SPDX-License-Identifier: Apache-2.0
// Records of positions as JSON. Documents are told apart by 16 bytes of hash, in base64 one after
// the other: a page of 1000 takes 21 kB.
#include <errno.h>

#include "sink/kafka-internal.h"
#include "json/write.h"

enum { RECORD_VERSION = 1, ID_BYTES = 16 };

// ---- base64 (RFC 4648 section 4)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct encoder {
    struct buf *out;
    uint32_t bits;
    int count;
};

static void encode_byte(struct encoder *e, unsigned char byte) {
    e->bits = e->bits << 8 | byte;
    for (e->count += 8; e->count >= 6; e->count -= 6)
        buf_addc(e->out, alphabet[e->bits >> (e->count - 6) & 63]);
}

static void encode_end(struct encoder *e) {
    if (e->count == 0) return;
    buf_addc(e->out, alphabet[e->bits << (6 - e->count) & 63]);
    for (; e->count < 6; e->count += 2) buf_addc(e->out, '=');
}

static void encode_ids(struct encoder *e, struct kafka_ids ids) {
    for (size_t i = 0; i < ids.n; i++) {
        const uint64_t halves[2] = {ids.p[i].lo, ids.p[i].hi};
        for (int k = 0; k < ID_BYTES; k++)
            encode_byte(e, (unsigned char)(halves[k / 8] >> (k % 8 * 8)));
    }
}

static int sextet(char c) {
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

// Whole ids, in order; false when it is something else.
static bool decode_ids(struct str text, struct hash128 *ids, size_t n) {
    uint32_t bits = 0;
    int have = 0;
    size_t byte = 0;
    for (size_t i = 0; i < text.n && byte < n * ID_BYTES; i++) {
        int value = sextet(text.p[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        struct hash128 *id = &ids[byte / ID_BYTES];
        uint64_t *half = byte % ID_BYTES < 8 ? &id->lo : &id->hi;
        *half |= (uint64_t)(bits >> have & 255) << (byte % 8 * 8);
        byte++;
    }
    return byte == n * ID_BYTES;
}

// ---- writing

void kafka_record_key(struct buf *out, const char *transactional_id,
                      const struct sink_position *at) {
    buf_addf(out, "%s|%.*s", transactional_id, STR_ARG(at->source));
    if (at->window) buf_addf(out, "|%lld", (long long)at->since_ms);
}

static void add_i64(struct buf *out, const char *name, int64_t value) {
    json_key(out, str_from(name));
    json_add_i64(out, value);
}

static void add_window(struct buf *out, const struct sink_position *at) {
    json_key(out, STR("window"));
    json_open(out, '{');
    add_i64(out, "since", at->since_ms);
    add_i64(out, "until", at->until_ms);
    add_i64(out, "position", at->position_ms);
    json_key(out, STR("done"));
    json_add_bool(out, at->done);
    json_close(out, '}');
}

void kafka_record_write(struct buf *out, const char *state, int64_t seq,
                        const struct sink_position *at, struct kafka_ids a, struct kafka_ids b) {
    struct encoder encoder = {.out = out};
    json_open(out, '{');
    add_i64(out, "v", RECORD_VERSION);
    json_key(out, STR("state"));
    json_add_str(out, str_from(state));
    add_i64(out, "seq", seq);
    json_key(out, STR("source"));
    json_add_text(out, at->source);
    if (at->next.p) {
        json_key(out, STR("next"));
        json_add_text(out, at->next);
    }
    add_i64(out, "published", at->published_ms);
    add_i64(out, "start", at->start_ms);
    if (at->window) add_window(out, at);
    json_key(out, STR("uuids"));
    buf_addc(out, '"');
    encode_ids(&encoder, a);
    encode_ids(&encoder, b);
    encode_end(&encoder);
    buf_addc(out, '"');
    json_close(out, '}');
}

// ---- reading

void kafka_record_fini(struct kafka_record *r) {
    free(r->source);
    free(r->next);
    free(r->ids);
    *r = (struct kafka_record){.seq = 0};
}

static bool get_i64(const struct json *object, const char *name, int64_t *ret) {
    return json_i64(json_get(object, name), ret);
}

static bool read_window(const struct json *window, struct sink_position *at) {
    if (!window) return true;
    at->window = true;
    at->done = json_bool(json_get(window, "done"));
    return get_i64(window, "since", &at->since_ms) && get_i64(window, "until", &at->until_ms) &&
           get_i64(window, "position", &at->position_ms);
}

static bool is_hex(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i]) return false;
    return s.n == KAFKA_STATE_MAX - 1;
}

static bool read_head(struct kafka_record *r, const struct json *root) {
    int64_t version = 0;
    struct str state = json_str(json_get(root, "state"));
    if (!get_i64(root, "v", &version) || version != RECORD_VERSION || !is_hex(state)) return false;
    memcpy(r->state, state.p, state.n);
    return get_i64(root, "seq", &r->seq) && r->seq > 0 && r->seq < INT64_MAX;
}

static bool read_position(struct kafka_record *r, const struct json *root) {
    struct sink_position *at = &r->at;
    at->source = json_str(json_get(root, "source"));
    at->next = json_str(json_get(root, "next"));
    return at->source.p && get_i64(root, "published", &at->published_ms) &&
           get_i64(root, "start", &at->start_ms) && read_window(json_get(root, "window"), at);
}

// The position's strings become the record's own.
static int keep_strings(struct kafka_record *r) {
    struct sink_position *at = &r->at;
    struct str source = at->source, next = at->next;
    at->source = at->next = STR_NONE;
    r->source = mem_copy(source.p, source.n);
    r->next = next.p ? mem_copy(next.p, next.n) : NULL;
    if (!r->source || (next.p && !r->next)) return -ENOMEM;
    at->source = (struct str){r->source, source.n};
    at->next = (struct str){r->next, r->next ? next.n : 0};
    return 0;
}

static int read_ids(struct kafka_record *r, struct str text) {
    while (text.n && text.p[text.n - 1] == '=') text.n--;
    r->id_count = text.n * 3 / 4 / ID_BYTES;
    if ((r->id_count * ID_BYTES * 4 + 2) / 3 != text.n) return KAFKA_RECORD_E_ODD;
    r->ids = mem_new_array(r->id_count + 1, sizeof *r->ids);
    if (!r->ids) return -ENOMEM;
    return decode_ids(text, r->ids, r->id_count) ? 0 : KAFKA_RECORD_E_ODD;
}

int kafka_record_read(struct kafka_record *ret, struct json_reader *reader, struct str text) {
    AUTO_FINI(kafka_record) struct kafka_record r = {.seq = 0};
    const struct json *root = NULL;
    int e = json_read(reader, text, &root, NULL);
    if (e) return e < 0 ? e : KAFKA_RECORD_E_ODD;
    struct str ids = json_str(json_get(root, "uuids"));
    if (!read_head(&r, root) || !read_position(&r, root) || !ids.p) return KAFKA_RECORD_E_ODD;
    e = keep_strings(&r);
    if (e == 0) e = read_ids(&r, ids);
    if (e) return e;
    *ret = r;
    r = (struct kafka_record){.seq = 0};
    return 0;
}

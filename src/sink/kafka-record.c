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

void kafka_slot_key(struct buf *out, const char *transactional_id, struct str source,
                    const struct kafka_slot *slot) {
    buf_addf(out, "%s|%.*s#%lld", transactional_id, STR_ARG(source),
             (long long)(slot->number % KAFKA_TRAIL_SLOTS));
}

void kafka_had_key(struct buf *out, const char *transactional_id, struct str source,
                   const struct kafka_had *had) {
    buf_addf(out, "%s|%.*s|had|%lld|%016llx", transactional_id, STR_ARG(source),
             (long long)had->fetched_ms, (unsigned long long)had->sum);
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

static void open_record(struct buf *out, const char *state) {
    json_open(out, '{');
    add_i64(out, "v", RECORD_VERSION);
    json_key(out, STR("state"));
    json_add_str(out, str_from(state));
}

static void add_source(struct buf *out, struct str source) {
    json_key(out, STR("source"));
    json_add_text(out, source);
}

static void close_record(struct buf *out, struct kafka_ids ids) {
    struct encoder encoder = {.out = out};
    json_key(out, STR("uuids"));
    buf_addc(out, '"');
    encode_ids(&encoder, ids);
    encode_end(&encoder);
    buf_addc(out, '"');
    json_close(out, '}');
}

void kafka_slot_write(struct buf *out, const char *state, struct str source,
                      const struct kafka_slot *slot, struct kafka_ids ids) {
    open_record(out, state);
    add_source(out, source);
    add_i64(out, "trail", slot->number);
    add_i64(out, "before", slot->before_ms);
    json_key(out, STR("first"));
    json_add_bool(out, slot->first);
    close_record(out, ids);
}

void kafka_had_write(struct buf *out, const char *state, struct str source,
                     const struct kafka_had *had, struct kafka_ids ids) {
    open_record(out, state);
    add_source(out, source);
    json_key(out, STR("had"));
    json_open(out, '{');
    if (had->window) add_i64(out, "since", had->since_ms);
    add_i64(out, "first", had->first_ms);
    add_i64(out, "last", had->last_ms);
    add_i64(out, "fetched", had->fetched_ms);
    json_close(out, '}');
    close_record(out, ids);
}

void kafka_record_write(struct buf *out, const struct kafka_record *r) {
    const struct sink_position *at = &r->at;
    open_record(out, r->state);
    add_i64(out, "seq", r->seq);
    add_source(out, at->source);
    if (at->next.p) {
        json_key(out, STR("next"));
        json_add_text(out, at->next);
    }
    add_i64(out, "published", at->published_ms);
    add_i64(out, "start", at->start_ms);
    if (at->window) add_window(out, at);
    add_i64(out, "open", (int64_t)r->open_count);
    close_record(out, (struct kafka_ids){r->ids, r->id_count});
}

// ---- reading

void kafka_record_fini(struct kafka_record *r) {
    free(r->source);
    free(r->next);
    free(r->ids);
    *r = (struct kafka_record){.seq = 0};
}

// Of ids as they are kept in memory.
uint64_t kafka_ids_sum(struct kafka_ids ids) {
    return hash64((struct str){(const char *)ids.p, ids.n * sizeof *ids.p}, 0);
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
    r->at.source = json_str(json_get(root, "source"));
    return r->at.source.p;
}

static bool get_number(const struct json *object, const char *name, int64_t *ret) {
    return get_i64(object, name, ret) && *ret > 0 && *ret < INT64_MAX;
}

static bool read_position(struct kafka_record *r, const struct json *root) {
    struct sink_position *at = &r->at;
    at->next = json_str(json_get(root, "next"));
    return get_number(root, "seq", &r->seq) && get_i64(root, "published", &at->published_ms) &&
           get_i64(root, "start", &at->start_ms) && read_window(json_get(root, "window"), at);
}

static bool read_slot(struct kafka_record *r, const struct json *root) {
    r->slot.first = json_bool(json_get(root, "first"));
    return get_number(root, "trail", &r->slot.number) &&
           get_i64(root, "before", &r->slot.before_ms);
}

static bool read_had(struct kafka_record *r, const struct json *root) {
    const struct json *had = json_get(root, "had");
    r->had.window = json_get(had, "since") != NULL;
    if (r->had.window && !get_i64(had, "since", &r->had.since_ms)) return false;
    return get_i64(had, "first", &r->had.first_ms) && get_i64(had, "last", &r->had.last_ms) &&
           get_i64(had, "fetched", &r->had.fetched_ms);
}

static bool read_kind(struct kafka_record *r, const struct json *root) {
    r->kind = json_get(root, "trail") ? KAFKA_TRAIL
              : json_get(root, "had") ? KAFKA_HAD
                                      : KAFKA_POSITION;
    if (r->kind == KAFKA_TRAIL) return read_slot(r, root);
    return r->kind == KAFKA_HAD ? read_had(r, root) : read_position(r, root);
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

// All of them, where an older version did not say.
static int read_open(struct kafka_record *r, const struct json *root) {
    int64_t n = 0;
    r->open_count = r->id_count;
    if (!json_get(root, "open")) return 0;
    if (!get_i64(root, "open", &n) || n < 0 || (size_t)n > r->id_count) return KAFKA_RECORD_E_ODD;
    r->open_count = (size_t)n;
    return 0;
}

int kafka_record_read(struct kafka_record *ret, struct json_reader *reader, struct str text) {
    AUTO_FINI(kafka_record) struct kafka_record r = {.seq = 0};
    const struct json *root = NULL;
    int e = json_read(reader, text, &root, NULL);
    if (e) return e < 0 ? e : KAFKA_RECORD_E_ODD;
    struct str ids = json_str(json_get(root, "uuids"));
    if (!read_head(&r, root) || !read_kind(&r, root) || !ids.p) return KAFKA_RECORD_E_ODD;
    e = keep_strings(&r);
    if (e == 0) e = read_ids(&r, ids);
    if (e == 0) e = read_open(&r, root);
    if (e) return e;
    r.had.sum = kafka_ids_sum((struct kafka_ids){r.ids, r.id_count});
    *ret = r;
    r = (struct kafka_record){.seq = 0};
    return 0;
}

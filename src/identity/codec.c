// SPDX-License-Identifier: Apache-2.0
// Decoding has one difficulty: the packed lists of a record share a buffer that moves while it
// grows. So a list's place is kept as an offset first, and turned into a pointer when all is read.
#include "identity/codec.h"

#include <errno.h>

static const void *member_at(const void *record, size_t offset) {
    return (const char *)record + offset;
}

static struct str text_at(const void *record, size_t offset) {
    struct str text;
    memcpy(&text, member_at(record, offset), sizeof text);
    return text;
}

static void encode_row(const struct codec_row *row, const void *record, struct buf *out) {
    struct str key = str_from(row->key);
    if (row->kind == CODEC_INT) {
        int64_t number;
        memcpy(&number, member_at(record, row->offset), sizeof number);
        json_key(out, key);
        json_add_i64(out, number);
        return;
    }
    if (row->kind == CODEC_BOOL) {
        bool flag;
        memcpy(&flag, member_at(record, row->offset), sizeof flag);
        json_key(out, key);
        json_add_bool(out, flag);
        return;
    }
    struct str text = text_at(record, row->offset);
    if (!text.p) return;
    json_key(out, key);
    if (row->kind == CODEC_TEXT) json_add_text(out, text);
    if (row->kind == CODEC_LIST) list_write(out, (struct list){text});
    if (row->kind == CODEC_PAIRS) list_write_pairs(out, (struct list){text});
}

void codec_encode(const struct codec_row *rows, size_t n, const void *record, struct buf *out) {
    for (size_t i = 0; i < n; i++) encode_row(&rows[i], record, out);
}

static bool is_list(enum codec_kind kind) { return kind == CODEC_LIST || kind == CODEC_PAIRS; }

static enum json_type wanted(enum codec_kind kind) {
    static const enum json_type types[] = {
        [CODEC_TEXT] = JSON_STRING, [CODEC_LIST] = JSON_ARRAY, [CODEC_PAIRS] = JSON_OBJECT,
        [CODEC_INT] = JSON_NUMBER,  [CODEC_BOOL] = JSON_BOOL,
    };
    return types[kind];
}

// A list in the making: where it begins in the buffer stands in `p`, as a number.
static struct str list_place(const struct json *v, enum codec_kind kind, struct buf *lists) {
    size_t from = lists->n;
    if (kind == CODEC_LIST) list_read(lists, v);
    else list_read_pairs(lists, v);
    return (struct str){NULL, from};
}

static bool decode_row(const struct codec_row *row, const struct json *v, void *draft,
                       struct buf *lists) {
    void *at = (char *)draft + row->offset;
    int64_t number = 0;
    bool flag = json_bool(v);
    struct str text = json_str(v);
    switch (row->kind) {
    case CODEC_INT:
        if (!json_i64(v, &number)) return false;
        memcpy(at, &number, sizeof number);
        return true;
    case CODEC_BOOL: memcpy(at, &flag, sizeof flag); return true;
    case CODEC_LIST:
    case CODEC_PAIRS: text = list_place(v, row->kind, lists); break;
    case CODEC_TEXT: break;
    }
    memcpy(at, &text, sizeof text);
    return true;
}

// Lists were appended in the order of the rows: each reaches to where the next one begins.
static void settle_lists(const struct codec_row *rows, size_t n, const bool *there, void *draft,
                         const struct buf *lists) {
    size_t end = lists->n;
    for (size_t i = n; i-- > 0;) {
        if (!is_list(rows[i].kind) || !there[i]) continue;
        size_t from = text_at(draft, rows[i].offset).n;
        struct str packed = {lists->p ? lists->p + from : "", end - from};
        memcpy((char *)draft + rows[i].offset, &packed, sizeof packed);
        end = from;
    }
}

// Members stand in the order of the rows, as codec_encode wrote them, so that each is found where
// the last one ended. Those that do not are looked for.
struct members {
    const struct json *object;
    struct json_iter it; // its key and value are the next member
    bool more, ordered;
};

static struct members members_of(const struct json *object, bool ordered) {
    struct members m = {.object = object, .it = json_iter(object), .ordered = ordered};
    m.more = json_next(&m.it);
    return m;
}

static const struct json *take_member(struct members *m, const char *key) {
    if (!m->ordered) return json_get(m->object, key);
    if (!m->more || !str_eqz(m->it.key, key)) return NULL;
    const struct json *found = m->it.value;
    m->more = json_next(&m->it);
    return found;
}

// Outcomes: 0; -EINVAL; CODEC_E_ORDER: a member is left that no row has taken.
enum { CODEC_E_ORDER = 1 };
static int decode_rows(const struct codec_row *rows, size_t n, struct members *m, void *draft,
                       struct buf *lists, bool *there, struct fault *fault) {
    for (size_t i = 0; i < n; i++) {
        const struct json *member = take_member(m, rows[i].key);
        there[i] = member != NULL;
        if (!member) continue;
        if (json_type(member) != wanted(rows[i].kind) ||
            !decode_row(&rows[i], member, draft, lists))
            return fault_set(fault, -EINVAL, "member \"%s\" is of the wrong type", rows[i].key);
    }
    return m->ordered && m->more ? CODEC_E_ORDER : 0;
}

int codec_decode(const struct codec_row *rows, size_t n, const struct json *v, void *draft,
                 struct buf *lists, struct fault *fault) {
    bool there[CODEC_ROWS_MAX] = {false};
    if (json_type(v) != JSON_OBJECT) return fault_set(fault, -EINVAL, "not a JSON object");
    if (n > CODEC_ROWS_MAX) return fault_set(fault, -EINVAL, "too many rows");
    size_t from = lists->n;
    struct members m = members_of(v, true);
    int r = decode_rows(rows, n, &m, draft, lists, there, fault);
    if (r == CODEC_E_ORDER) {
        buf_cut(lists, from);
        m = members_of(v, false);
        r = decode_rows(rows, n, &m, draft, lists, there, fault);
    }
    if (r) return r;
    if (lists->error) return lists->error;
    settle_lists(rows, n, there, draft, lists);
    return 0;
}

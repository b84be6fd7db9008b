// SPDX-License-Identifier: Apache-2.0
// Metadata of entities and of aliases: the same limits, told in two ways (measured on OpenBao
// 2.7.2).
#include <errno.h>

#include "identity/entity-internal.h"
#include "json/repair.h"

enum { PAIRS_MAX = 64, KEY_MAX = 128, VALUE_MAX = 512, METADATA_MAX_BYTES = 1 << 20 };

struct pair {
    struct str key, value;
    size_t i; // where it stood
};

static int compare(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    int r = str_cmp(x->key, y->key);
    return r ? r : (x->i > y->i) - (x->i < y->i);
}

// Appends the pairs sorted, of each key the last.
static int add_sorted(struct buf *out, struct list pairs) {
    size_t n = list_count(pairs) / 2;
    if (n == 0) return 0;
    AUTO_MEM struct pair *all = mem_new_array(n, sizeof *all);
    if (!all) return -ENOMEM;
    struct str rest = pairs.packed;
    for (size_t i = 0; i < n; i++) {
        if (!list_next(&rest, &all[i].key) || !list_next(&rest, &all[i].value)) return -EINVAL;
        all[i].i = i;
    }
    qsort(all, n, sizeof *all, compare);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && str_eq(all[i].key, all[i + 1].key)) continue;
        list_add(out, all[i].key);
        list_add(out, all[i].value);
    }
    return out->error;
}

static bool is_control(unsigned char c) { return c < 0x20 || c == 0x7F; }

// A text in quotes, with what can't be seen escaped.
static void add_quoted(struct buf *out, struct str text) {
    buf_addc(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\') buf_addf(out, "\\%c", c);
        else if (c == '\n') buf_addz(out, "\\n");
        else if (c == '\t') buf_addz(out, "\\t");
        else if (c == '\r') buf_addz(out, "\\r");
        else if (is_control(c)) buf_addf(out, "\\x%02x", c);
        else buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

// Letters, marks, digits, punctuation, and of all blanks only the common one. Of what Unicode calls
// unprintable: control characters, odd blanks, invisible formatting, and bytes that are not UTF-8.
static bool is_printable(struct str text) {
    static const struct {
        uint32_t from, to;
    } hidden[] = {
        {0x0080, 0x00A0}, {0x00AD, 0x00AD}, {0x1680, 0x1680}, {0x2000, 0x200F}, {0x2028, 0x202F},
        {0x205F, 0x206F}, {0x3000, 0x3000}, {0xE000, 0xF8FF}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
    };
    while (text.n) {
        size_t n = json_utf8_length(text);
        const unsigned char *p = (const unsigned char *)text.p;
        if (n == 0 || (n == 1 && is_control(p[0]))) return false;
        uint32_t c = n == 2   ? (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU)
                     : n == 3 ? (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU)
                              : 'x';
        for (size_t i = 0; i < LEN(hidden); i++)
            if (c >= hidden[i].from && c <= hidden[i].to) return false;
        text = str_sub(text, n, text.n);
    }
    return true;
}

// What is wrong with a pair of an entity; NULL: nothing.
static const char *fault_of(struct str key, struct str value) {
    if (key.n == 0) return "key cannot be blank";
    if (key.n > KEY_MAX) return "key is too long (limit: 128 characters)";
    if (value.n > VALUE_MAX) return "value is too long (limit: 512 characters)";
    return NULL;
}

static int refuse_pair(struct str key, struct str value, const char *why, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(METADATA_MAX_BYTES);
    add_quoted(&text, key);
    buf_addz(&text, ", ");
    add_quoted(&text, value);
    if (text.error == -ENOMEM) return -ENOMEM;
    return fault_set(fault, ENTITY_E_INVALID,
                     "invalid entity metadata: failed to load metadata pair (%.*s): %s",
                     STR_ARG(buf_str(&text)), why);
}

int entity_metadata(struct buf *out, struct list pairs, struct fault *fault) {
    int r = add_sorted(out, pairs);
    if (r) return r;
    if (list_count(entity_list(out)) / 2 > PAIRS_MAX)
        return fault_set(fault, ENTITY_E_INVALID,
                         "invalid entity metadata: metadata cannot contain more than %d key/value "
                         "pairs",
                         PAIRS_MAX);
    struct str rest = buf_str(out), key, value;
    while (list_next(&rest, &key) && list_next(&rest, &value)) {
        const char *why = fault_of(key, value);
        if (why) return refuse_pair(key, value, why, fault);
    }
    return 0;
}

// What is wrong with a pair of an alias, appended; nothing: it is right.
static void add_custom_fault(struct buf *out, struct str key, struct str value) {
    if (key.n == 0 || key.n > KEY_MAX) {
        buf_addz(out, "length of key ");
        add_quoted(out, key);
        buf_addf(out, " is %zu but must be 0 < len(key) <= %d", key.n, KEY_MAX);
    } else if (value.n == 0 || value.n > VALUE_MAX) {
        buf_addz(out, "length of value for key ");
        add_quoted(out, key);
        buf_addf(out, " is %zu but must be 0 < len(value) <= %d", value.n, VALUE_MAX);
    } else if (!is_printable(key)) {
        buf_addz(out, "key ");
        add_quoted(out, key);
        buf_addf(out, " (%.*s) contains unprintable characters", STR_ARG(key));
    } else if (!is_printable(value)) {
        buf_addz(out, "value for key ");
        add_quoted(out, key);
        buf_addz(out, " contains unprintable characters");
    }
}

int entity_custom_metadata(struct buf *out, struct list pairs, struct fault *fault) {
    int r = add_sorted(out, pairs);
    if (r) return r;
    AUTO_FINI(buf) struct buf text = buf_make(METADATA_MAX_BYTES);
    size_t n = list_count(entity_list(out)) / 2;
    if (n > PAIRS_MAX)
        buf_addf(&text, "payload must contain at most %d keys, provided %zu", PAIRS_MAX, n);
    struct str rest = buf_str(out), key, value;
    while (!text.n && list_next(&rest, &key) && list_next(&rest, &value))
        add_custom_fault(&text, key, value);
    if (text.error == -ENOMEM) return -ENOMEM;
    if (!text.n) return 0;
    return fault_set(fault, ENTITY_E_INVALID, "custom_metadata validation failed: %.*s",
                     STR_ARG(buf_str(&text)));
}

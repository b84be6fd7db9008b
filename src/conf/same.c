// SPDX-License-Identifier: Apache-2.0
// Compares what two loadings made, row by row, so that a new key needs no word anywhere else.
#include "conf/table.h"

// How many bytes of the struct a value of the type is; 0: it points to something, or is nothing.
static size_t plain_bytes(enum conf_type type) {
    switch (type) {
    case CONF_INT:
    case CONF_DURATION:
    case CONF_BYTES: return sizeof(int64_t);
    case CONF_NUMBER: return sizeof(double);
    case CONF_BOOL: return sizeof(bool);
    case CONF_MODE: return sizeof(uint32_t);
    case CONF_ENUM: return sizeof(int);
    case CONF_STRING:
    case CONF_SECRET:
    case CONF_SECRET_LINES:
    case CONF_PATH:
    case CONF_URL:
    case CONF_STRINGS:
    case CONF_PAIRS:
    case CONF_TABLE:
    case CONF_TABLES:
    case CONF_ANYTHING:
    default: return 0;
    }
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_texts(const void *a, const void *b) {
    const char *left, *right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return same_text(left, right);
}

static bool same_strings(const void *a, const void *b) {
    struct conf_strings left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    if (left.n != right.n) return false;
    for (size_t i = 0; i < left.n; i++)
        if (!same_text(left.v[i], right.v[i])) return false;
    return true;
}

static bool same_tables(const struct conf_table *table, const void *a, const void *b) {
    struct conf_tables left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    if (left.n != right.n) return false;
    for (size_t i = 0; i < left.n; i++) {
        size_t at = i * table->bytes;
        if (!conf_same(table, (const char *)left.v + at, (const char *)right.v + at)) return false;
    }
    return true;
}

static bool same_member(const struct conf_key *key, const void *a, const void *b) {
    if (key->flags & CONF_NOT_YET) return true;
    size_t plain = plain_bytes(key->type);
    if (plain) return memcmp(a, b, plain) == 0;
    switch (key->type) {
    case CONF_STRINGS:
    case CONF_PAIRS: return same_strings(a, b);
    case CONF_TABLE: return conf_same(key->table, a, b);
    case CONF_TABLES: return same_tables(key->table, a, b);
    default: return same_texts(a, b);
    }
}

bool conf_same(const struct conf_table *table, const void *a, const void *b) {
    for (size_t i = 0; i < table->n; i++) {
        const struct conf_key *key = &table->keys[i];
        if (!same_member(key, (const char *)a + key->at, (const char *)b + key->at)) return false;
    }
    return true;
}

// SPDX-License-Identifier: Apache-2.0
#include "conf/node.h"

struct conf_node *conf_node_new(struct arena *a, struct conf_node *parent, enum conf_kind kind,
                                struct conf_place place) {
    struct conf_node *node = arena_take(a, sizeof *node);
    if (!node) return NULL;
    *node = (struct conf_node){.kind = kind, .place = place, .key_place = place, .parent = parent};
    if (!parent) return node;
    node->index = parent->count++;
    if (parent->last) parent->last->next = node;
    else parent->first = node;
    parent->last = node;
    return node;
}

struct conf_node *conf_node_get(const struct conf_node *map, struct str key) {
    if (!map || map->kind != CONF_MAP) return NULL;
    for (struct conf_node *child = map->first; child; child = child->next)
        if (child->key && str_eqz(key, child->key)) return child;
    return NULL;
}

struct conf_node *conf_node_item(const struct conf_node *list, size_t index) {
    if (!list || list->kind != CONF_LIST) return NULL;
    for (struct conf_node *child = list->first; child; child = child->next)
        if (child->index == index) return child;
    return NULL;
}

static void add_printable(struct buf *out, const char *z) {
    for (; *z; z++) {
        unsigned char c = (unsigned char)*z;
        buf_addc(out, c < 0x20 || c == 0x7F ? '?' : *z);
    }
}

void conf_node_path(const struct conf_node *node, struct buf *out) {
    if (!node || !node->parent) return;
    conf_node_path(node->parent, out);
    if (node->parent->parent) buf_addc(out, '.');
    if (node->key) add_printable(out, node->key);
    else buf_add_u64(out, node->index);
}

bool conf_node_is_empty(const struct conf_node *scalar) {
    if (scalar->text.n == 0) return true;
    if (!scalar->plain) return false;
    static const char *const nothing[] = {"~", "null", "Null", "NULL"};
    for (size_t i = 0; i < LEN(nothing); i++)
        if (str_eqz(scalar->text, nothing[i])) return true;
    return false;
}

// Bytes of the UTF-8 character at the front of `s`; 0 when it is none.
static size_t utf8_length(struct str s) {
    unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80) return 1;
    size_t n = c >= 0xF5 ? 0 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 0;
    if (n == 0 || s.n < n) return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s.p[i] & 0xC0) != 0x80) return 0;
    unsigned char second = (unsigned char)s.p[1];
    bool overlong = (c == 0xE0 && second < 0xA0) || (c == 0xF0 && second < 0x90);
    bool beyond = (c == 0xED && second > 0x9F) || (c == 0xF4 && second > 0x8F);
    return overlong || beyond ? 0 : n;
}

static bool is_control(char c) {
    return ((unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
}

bool conf_text_ok(struct str text, size_t *ret_bad) {
    for (size_t at = 0; at < text.n;) {
        size_t n = utf8_length(str_sub(text, at, text.n));
        if (n == 0 || is_control(text.p[at])) {
            *ret_bad = at;
            return false;
        }
        at += n;
    }
    return true;
}

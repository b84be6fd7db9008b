// SPDX-License-Identifier: Apache-2.0
// JSON, by the same lexer, so that its messages have places too. A comma too many at the end of an
// object or array does no harm, as in HCL.
//
// What JSON can't say is said by nesting: {"path": {"a": {...}}} is the block path "a". That is
// undone at the top, where the blocks are.
#include <errno.h>

#include "identity/hcl-internal.h"

static int parse_value(struct hcl_parser *p, struct hcl_value *ret);

static int expected(const struct hcl_parser *p, const char *what) {
    return hcl_fault(&p->lexer, p->token.place, "expected: %s got: %s", what,
                     hcl_token_name(p->token.type));
}

static int parse_member(struct hcl_parser *p, struct hcl_item *item) {
    if (p->token.type != HCL_T_STRING) return expected(p, "STRING");
    item->place = p->token.place;
    item->key = p->token.text;
    int r = hcl_advance(p);
    if (r) return r;
    if (p->token.type != HCL_T_COLON) return expected(p, "COLON");
    r = hcl_advance(p);
    return r ? r : parse_value(p, &item->value);
}

// Behind a member or element: a comma, or the closing bracket.
static int parse_comma(struct hcl_parser *p, enum hcl_token_type closing) {
    if (p->token.type == HCL_T_COMMA) return hcl_advance(p);
    if (p->token.type == closing) return 0;
    return expected(p, closing == HCL_T_RBRACE ? "COMMA | RBRACE" : "COMMA | RBRACK");
}

static int parse_members(struct hcl_parser *p, struct hcl_item **ret) {
    while (p->token.type != HCL_T_RBRACE) {
        struct hcl_item *item = arena_take(p->lexer.arena, sizeof *item);
        if (!item) return -ENOMEM;
        int r = parse_member(p, item);
        if (r == 0) r = parse_comma(p, HCL_T_RBRACE);
        if (r) return r;
        *ret = item;
        ret = &item->next;
    }
    return 0;
}

static int parse_elements(struct hcl_parser *p, struct hcl_value **ret) {
    while (p->token.type != HCL_T_RBRACK) {
        struct hcl_value *element = arena_take(p->lexer.arena, sizeof *element);
        if (!element) return -ENOMEM;
        int r = parse_value(p, element);
        if (r == 0) r = parse_comma(p, HCL_T_RBRACK);
        if (r) return r;
        *ret = element;
        ret = &element->next;
    }
    return 0;
}

static int parse_value(struct hcl_parser *p, struct hcl_value *ret) {
    enum hcl_token_type type = p->token.type;
    if (hcl_is_literal(type)) {
        int r = hcl_literal(p, ret);
        return r ? r : hcl_advance(p);
    }
    if (type != HCL_T_LBRACE && type != HCL_T_LBRACK) return expected(p, "a value");
    bool object = type == HCL_T_LBRACE;
    *ret = (struct hcl_value){.type = object ? HCL_OBJECT : HCL_LIST, .place = p->token.place};
    int r = hcl_deeper(p);
    if (r == 0) r = hcl_advance(p);
    if (r == 0) r = object ? parse_members(p, &ret->items) : parse_elements(p, &ret->elements);
    if (r) return r;
    p->depth--;
    return hcl_advance(p);
}

static bool holds_blocks(const struct hcl_value *v) {
    if (v->type == HCL_OBJECT) return true;
    if (v->type != HCL_LIST || !v->elements) return false;
    for (const struct hcl_value *e = v->elements; e; e = e->next)
        if (e->type != HCL_OBJECT) return false;
    return true;
}

// One item for each member of the object, with the member's name as label.
static int add_blocks(struct hcl_parser *p, const struct hcl_item *item,
                      const struct hcl_value *object, struct hcl_item ***end) {
    for (const struct hcl_item *member = object->items; member; member = member->next) {
        struct hcl_item *block = arena_take(p->lexer.arena, sizeof *block);
        struct hcl_label *label = arena_take(p->lexer.arena, sizeof *label);
        if (!block || !label) return -ENOMEM;
        label->text = member->key;
        *block = (struct hcl_item){
            .key = item->key, .place = member->place, .labels = label, .value = member->value};
        **end = block;
        *end = &block->next;
    }
    return 0;
}

static int add_item(struct hcl_parser *p, struct hcl_item *item, struct hcl_item ***end) {
    if (!holds_blocks(&item->value)) {
        item->next = NULL;
        **end = item;
        *end = &item->next;
        return 0;
    }
    if (item->value.type == HCL_OBJECT) return add_blocks(p, item, &item->value, end);
    for (const struct hcl_value *e = item->value.elements; e; e = e->next) {
        int r = add_blocks(p, item, e, end);
        if (r) return r;
    }
    return 0;
}

static int label_blocks(struct hcl_parser *p, struct hcl_value *root) {
    struct hcl_item *items = root->items, *next;
    struct hcl_item **end = &root->items;
    root->items = NULL;
    for (struct hcl_item *item = items; item; item = next) {
        next = item->next;
        int r = add_item(p, item, &end);
        if (r) return r;
    }
    return 0;
}

int hcl_parse_json(struct hcl_parser *p, struct hcl_value *ret) {
    int r = parse_value(p, ret);
    if (r) return r;
    if (p->token.type != HCL_T_EOF) return expected(p, "EOF");
    return label_blocks(p, ret);
}

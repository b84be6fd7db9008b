// SPDX-License-Identifier: Apache-2.0
// A parser that looks one token ahead. Lists and objects are chains in the arena, in the order of
// the text.
#include "identity/hcl-internal.h"

#include <errno.h>

#include "json/repair.h"
#include "json/write.h"

int hcl_advance(struct hcl_parser *p) { return hcl_scan(&p->lexer, &p->token); }

bool hcl_is_literal(enum hcl_token_type type) {
    return type == HCL_T_STRING || type == HCL_T_HEREDOC || type == HCL_T_NUMBER ||
           type == HCL_T_FLOAT || type == HCL_T_BOOL || type == HCL_T_NULL;
}

static const enum hcl_type literal_types[HCL_TOKEN_TYPES] = {
    [HCL_T_STRING] = HCL_STRING, [HCL_T_HEREDOC] = HCL_STRING, [HCL_T_NUMBER] = HCL_NUMBER,
    [HCL_T_FLOAT] = HCL_FLOAT,   [HCL_T_BOOL] = HCL_BOOL,      [HCL_T_NULL] = HCL_NULL,
};

int hcl_literal(const struct hcl_parser *p, struct hcl_value *ret) {
    const struct hcl_token *t = &p->token;
    *ret = (struct hcl_value){.type = literal_types[t->type], .place = t->place, .text = t->text};
    bool copied = t->text.p != t->raw.p; // strings are in the arena already
    return copied || arena_copy(p->lexer.arena, t->raw, &ret->text) ? 0 : -ENOMEM;
}

int hcl_deeper(struct hcl_parser *p) {
    if (++p->depth <= HCL_DEPTH_MAX) return 0;
    return hcl_fault(&p->lexer, p->token.place, "nested deeper than %d levels", HCL_DEPTH_MAX);
}

static int parse_value(struct hcl_parser *p, struct hcl_value *ret);
static int parse_items(struct hcl_parser *p, bool nested, struct hcl_item **ret);

static int unclosed(const struct hcl_parser *p) {
    struct hcl_place at = {p->token.place.line, p->token.place.column + 1};
    return hcl_fault(&p->lexer, at, "object expected closing RBRACE got: EOF");
}

// From `{` to behind `}`.
static int parse_object(struct hcl_parser *p, struct hcl_value *ret) {
    *ret = (struct hcl_value){.type = HCL_OBJECT, .place = p->token.place};
    int r = hcl_deeper(p);
    if (r == 0) r = hcl_advance(p);
    if (r == 0) r = parse_items(p, true, &ret->items);
    if (r) return r;
    p->depth--;
    if (p->token.type == HCL_T_EOF) return unclosed(p);
    return hcl_advance(p);
}

static int parse_element(struct hcl_parser *p, struct hcl_value ***end) {
    enum hcl_token_type type = p->token.type;
    if (!hcl_is_literal(type) && type != HCL_T_LBRACE && type != HCL_T_LBRACK)
        return hcl_fault(&p->lexer, p->token.place, "unexpected token while parsing list: %s",
                         hcl_token_name(type));
    struct hcl_value *element = arena_take(p->lexer.arena, sizeof *element);
    if (!element) return -ENOMEM;
    int r = parse_value(p, element);
    **end = element;
    *end = &element->next;
    return r;
}

// From `[` to behind `]`. Commas too many do no harm, commas missing do.
static int parse_list(struct hcl_parser *p, struct hcl_value *ret) {
    *ret = (struct hcl_value){.type = HCL_LIST, .place = p->token.place};
    struct hcl_value **end = &ret->elements;
    bool need_comma = false;
    int r = hcl_deeper(p);
    if (r == 0) r = hcl_advance(p);
    while (r == 0 && p->token.type != HCL_T_RBRACK) {
        if (p->token.type == HCL_T_COMMA) {
            need_comma = false;
            r = hcl_advance(p);
        } else if (need_comma) {
            return hcl_fault(&p->lexer, p->token.place,
                             "error parsing list, expected comma or list end, got: %s",
                             hcl_token_name(p->token.type));
        } else {
            need_comma = true;
            r = parse_element(p, &end);
        }
    }
    if (r) return r;
    p->depth--;
    return hcl_advance(p);
}

static int parse_value(struct hcl_parser *p, struct hcl_value *ret) {
    const struct hcl_token *t = &p->token;
    if (t->type == HCL_T_LBRACE) return parse_object(p, ret);
    if (t->type == HCL_T_LBRACK) return parse_list(p, ret);
    if (t->type == HCL_T_EOF && p->depth > 0) return unclosed(p);
    if (t->type == HCL_T_EOF) return hcl_fault(&p->lexer, t->place, "expected a value got: EOF");
    if (!hcl_is_literal(t->type))
        return hcl_fault(&p->lexer, t->place, "Unknown token: %u:%u %s %.*s", t->place.line,
                         t->place.column, hcl_token_name(t->type), STR_ARG(t->raw));
    int r = hcl_literal(p, ret);
    return r ? r : hcl_advance(p);
}

struct keys {
    size_t n;
    struct str raw; // all of them as they stand in the text
    struct hcl_label **end;
};

static int add_key(struct hcl_parser *p, struct hcl_item *item, struct keys *keys) {
    const struct hcl_token *t = &p->token;
    if (keys->n++ == 0) {
        item->place = t->place;
        keys->raw = t->raw;
        keys->end = &item->labels;
        return arena_copy(p->lexer.arena, t->text, &item->key) ? 0 : -ENOMEM;
    }
    struct hcl_label *label = arena_take(p->lexer.arena, sizeof *label);
    if (!label || !arena_copy(p->lexer.arena, t->text, &label->text)) return -ENOMEM;
    *keys->end = label;
    keys->end = &label->next;
    keys->raw.n = (size_t)(t->raw.p + t->raw.n - keys->raw.p);
    return 0;
}

static int key_fault(const struct hcl_parser *p, const struct keys *keys) {
    const struct hcl_token *t = &p->token;
    if (keys->n && (t->type == HCL_T_EOF || t->type == HCL_T_RBRACE))
        return hcl_fault(&p->lexer, t->place,
                         "key '%.*s' expected start of object ('{') or assignment ('=')",
                         STR_ARG(keys->raw));
    return hcl_fault(&p->lexer, t->place, "expected: IDENT | STRING | ASSIGN | LBRACE got: %s",
                     hcl_token_name(t->type));
}

static int parse_assigned(struct hcl_parser *p, const struct keys *keys, struct hcl_value *ret) {
    if (keys->n == 0) return hcl_fault(&p->lexer, p->token.place, "no object keys found!");
    if (keys->n > 1)
        return hcl_fault(&p->lexer, p->token.place, "nested object expected: LBRACE got: ASSIGN");
    int r = hcl_advance(p);
    return r ? r : parse_value(p, ret);
}

// Keys, then `= value` or an object.
static int parse_item(struct hcl_parser *p, struct hcl_item *item) {
    struct keys keys = {0};
    while (p->token.type == HCL_T_IDENT || p->token.type == HCL_T_STRING) {
        int r = add_key(p, item, &keys);
        if (r == 0) r = hcl_advance(p);
        if (r) return r;
    }
    if (p->token.type == HCL_T_ASSIGN) return parse_assigned(p, &keys, &item->value);
    if (p->token.type != HCL_T_LBRACE) return key_fault(p, &keys);
    if (keys.n > 0) return parse_object(p, &item->value);
    return hcl_fault(&p->lexer, p->token.place, "expected: IDENT | STRING got: LBRACE");
}

// Up to the closing brace of a nested object, or to the end of the text.
static int parse_items(struct hcl_parser *p, bool nested, struct hcl_item **ret) {
    while (p->token.type != HCL_T_EOF && !(nested && p->token.type == HCL_T_RBRACE)) {
        struct hcl_item *item = arena_take(p->lexer.arena, sizeof *item);
        if (!item) return -ENOMEM;
        int r = parse_item(p, item);
        if (r == 0 && p->token.type == HCL_T_COMMA) r = hcl_advance(p);
        if (r) return r;
        *ret = item;
        ret = &item->next;
    }
    return 0;
}

static int parse_hcl(struct hcl_parser *p, struct hcl_value *ret) {
    *ret = (struct hcl_value){.type = HCL_OBJECT, .place = p->token.place};
    return parse_items(p, false, &ret->items);
}

static int check_utf8(const struct hcl_lexer *lexer) {
    struct hcl_lexer l = *lexer;
    while (l.at < l.text.n) {
        size_t n = json_utf8_length(str_sub(l.text, l.at, l.text.n));
        if (n == 0) return hcl_fault(&l, l.place, "illegal char");
        hcl_skip(&l, n);
    }
    return 0;
}

int hcl_parse(struct hcl *ret, struct str text, struct fault *fault) {
    AUTO_FINI(arena) struct arena arena = {0};
    struct hcl_parser p = {.lexer = {.text = text, .place = {1, 1}, .arena = &arena}};
    struct hcl_value root;
    p.lexer.fault = fault;
    p.lexer.json = str_starts(str_trim(text), STR("{"));
    int r = check_utf8(&p.lexer);
    if (r == 0) r = hcl_advance(&p);
    if (r == 0) r = p.lexer.json ? hcl_parse_json(&p, &root) : parse_hcl(&p, &root);
    if (r) return r;
    *ret = (struct hcl){arena, root};
    arena.blocks = NULL;
    return 0;
}

void hcl_fini(struct hcl *h) {
    arena_fini(&h->arena);
    h->root = (struct hcl_value){0};
}

// A dollar sign could begin an interpolation, so it is written as an escape.
static void write_quoted(struct str s, struct buf *out) {
    buf_addc(out, '"');
    while (s.p) {
        json_add_escaped(out, str_split(&s, '$'));
        if (s.p) buf_addz(out, "\\u0024");
    }
    buf_addc(out, '"');
}

static void write_list(const struct hcl_value *list, struct buf *out);

static void write_value(const struct hcl_value *v, struct buf *out) {
    switch (v->type) {
    case HCL_STRING: write_quoted(v->text, out); break;
    case HCL_LIST: write_list(v, out); break;
    case HCL_OBJECT:
        buf_addz(out, "{\n");
        hcl_write(v, out);
        buf_addc(out, '}');
        break;
    default: buf_add_str(out, v->text);
    }
}

static void write_list(const struct hcl_value *list, struct buf *out) {
    buf_addc(out, '[');
    for (const struct hcl_value *e = list->elements; e; e = e->next) {
        write_value(e, out);
        if (e->next) buf_addz(out, ", ");
    }
    buf_addc(out, ']');
}

void hcl_write(const struct hcl_value *object, struct buf *out) {
    for (const struct hcl_item *i = object->items; i; i = i->next) {
        write_quoted(i->key, out);
        for (const struct hcl_label *l = i->labels; l; l = l->next) {
            buf_addc(out, ' ');
            write_quoted(l->text, out);
        }
        buf_addz(out, i->value.type == HCL_OBJECT ? " " : " = ");
        write_value(&i->value, out);
        buf_addc(out, '\n');
    }
}

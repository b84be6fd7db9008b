// SPDX-License-Identifier: Apache-2.0
// The format is read once, and what has been filled in is never looked at again: a value with
// braces in it is a value. What cannot be filled in refuses, because the name with a hole in it
// might be somebody else's.
#include "mfa/username.h"

#include <errno.h>

enum subject { ALIAS_NAME, ENTITY_NAME, ALIAS_METADATA, ENTITY_METADATA };

static const struct placeholder {
    const char *text;
    enum subject subject;
    bool keyed; // a key follows
} placeholders[] = {
    {"alias.name", ALIAS_NAME, false},
    {"entity.name", ENTITY_NAME, false},
    {"alias.metadata.", ALIAS_METADATA, true},
    {"entity.metadata.", ENTITY_METADATA, true},
};

struct source {
    const struct alias *alias;
    const struct entity *entity;
};

static const struct placeholder *find_placeholder(struct str name) {
    for (size_t i = 0; i < LEN(placeholders); i++) {
        struct str text = str_from(placeholders[i].text);
        if (placeholders[i].keyed ? str_starts(name, text) : str_eq(name, text))
            return &placeholders[i];
    }
    return NULL;
}

static struct str value_of(const struct source *from, enum subject subject, struct str key) {
    switch (subject) {
    case ALIAS_NAME: return from->alias->name;
    case ENTITY_NAME: return from->entity->name;
    case ALIAS_METADATA: return list_value(from->alias->metadata, key);
    case ENTITY_METADATA: return list_value(from->entity->metadata, key);
    }
    return STR_NONE;
}

// `name` without its braces.
static int fill_in(struct str name, const struct source *from, struct buf *out,
                   struct fault *fault) {
    const struct placeholder *p = find_placeholder(name);
    if (!p)
        return fault_set(fault, USERNAME_E_REFUSED, "username_format: unknown placeholder {{%.*s}}",
                         STR_ARG(name));
    struct str key = str_sub(name, strlen(p->text), name.n);
    struct str value = value_of(from, p->subject, key);
    if (!value.n)
        return fault_set(fault, USERNAME_E_REFUSED, "username_format: {{%.*s}} has no value",
                         STR_ARG(name));
    buf_add_str(out, value);
    return 0;
}

static size_t find_brace(struct str text) {
    size_t opening = str_find_char(text, '{'), closing = str_find_char(text, '}');
    return opening < closing ? opening : closing;
}

static int refuse_brace(struct str format, const char *brace, struct fault *fault) {
    return fault_set(fault, USERNAME_E_REFUSED,
                     "username_format: the brace at character %zu has no counterpart",
                     (size_t)(brace - format.p) + 1);
}

// One piece of text with the placeholder behind it, if there is one, off the front of `rest`.
static int take_piece(struct str format, struct str *rest, const struct source *from,
                      struct buf *out, struct fault *fault) {
    size_t open = find_brace(*rest);
    buf_add_str(out, str_sub(*rest, 0, open));
    struct str behind = str_sub(*rest, open, rest->n);
    *rest = STR("");
    if (!behind.n) return 0;
    if (!str_starts(behind, STR("{{"))) return refuse_brace(format, behind.p, fault);
    struct str inside = str_sub(behind, 2, behind.n);
    size_t close = find_brace(inside);
    if (!str_starts(str_sub(inside, close, inside.n), STR("}}")))
        return refuse_brace(format, behind.p, fault);
    *rest = str_sub(inside, close + 2, inside.n);
    return fill_in(str_sub(inside, 0, close), from, out, fault);
}

static int fill(struct str format, const struct source *from, struct buf *out,
                struct fault *fault) {
    struct str rest = format;
    while (rest.n) {
        int r = take_piece(format, &rest, from, out, fault);
        if (r) return r;
    }
    return 0;
}

int username_make(struct str format, const struct alias *alias, const struct entity *entity,
                  struct buf *out, struct fault *fault) {
    const struct source from = {alias, entity};
    size_t before = out->n;
    int r = fill(format.n ? format : STR("{{alias.name}}"), &from, out, fault);
    if (r == 0) r = out->error;
    if (r) buf_cut(out, before);
    if (r != -EMSGSIZE) return r;
    return fault_set(fault, USERNAME_E_REFUSED, "username_format: the name is too long");
}

// SPDX-License-Identifier: Apache-2.0
// A template is a chain of pieces: text, or text and a name behind it whose value follows. What a
// value holds is never looked at again, so that braces in it mean nothing.
#include "identity/template.h"

#include <errno.h>

enum subject {
    NOTHING, // what has no value
    ENTITY_ID,
    ENTITY_NAME,
    ENTITY_METADATA,
    ALIAS_ID,
    ALIAS_NAME,
    ALIAS_METADATA,
    ALIAS_CUSTOM_METADATA,
};

struct piece {
    struct str before; // text
    bool has_value;    // not in the last one
    enum subject subject;
    struct str accessor; // of an alias's mount
    struct str key;      // of metadata
    struct piece *next;
};

struct template {
    struct piece *first;
};

struct name {
    const char *text;
    enum subject subject;
    bool keyed; // a key follows
};

static const struct name entity_names[] = {
    {"id", ENTITY_ID, false},
    {"name", ENTITY_NAME, false},
    {"metadata.", ENTITY_METADATA, true},
};

static const struct name alias_names[] = {
    {"id", ALIAS_ID, false},
    {"name", ALIAS_NAME, false},
    {"metadata.", ALIAS_METADATA, true},
    {"custom_metadata.", ALIAS_CUSTOM_METADATA, true},
};

static const char opening[] = "{{", closing[] = "}}";

bool template_is_in(struct str text) {
    return str_find(text, str_from(opening)) < text.n || str_find(text, str_from(closing)) < text.n;
}

static void find_name(const struct name *names, size_t n, struct str text, struct piece *p) {
    for (size_t i = 0; i < n; i++) {
        struct str name = str_from(names[i].text);
        if (names[i].keyed ? !str_starts(text, name) : !str_eq(text, name)) continue;
        p->subject = names[i].subject;
        p->key = str_sub(text, name.n, text.n);
        return;
    }
}

static bool cut_prefix(struct str *text, struct str prefix) {
    if (!str_starts(*text, prefix)) return false;
    *text = str_sub(*text, prefix.n, text->n);
    return true;
}

// identity.entity.aliases.ACCESSOR.name
static void name_value(struct str text, struct piece *p) {
    p->has_value = true;
    if (!cut_prefix(&text, STR("identity.entity."))) return;
    if (!cut_prefix(&text, STR("aliases."))) {
        find_name(entity_names, LEN(entity_names), text, p);
        return;
    }
    p->accessor = str_split(&text, '.');
    find_name(alias_names, LEN(alias_names), text, p);
}

// One piece off the front of the text.
static int take_piece(struct str *text, struct piece *p) {
    size_t open = str_find(*text, str_from(opening)), close = str_find(*text, str_from(closing));
    if (close < open) return TEMPLATE_E_BRACES;
    p->before = str_sub(*text, 0, open);
    if (open == text->n) {
        text->n = 0;
        return 0;
    }
    struct str inside = str_sub(*text, open + 2, close);
    if (close == text->n || str_find(inside, str_from(opening)) < inside.n)
        return TEMPLATE_E_BRACES;
    name_value(str_trim(inside), p);
    *text = str_sub(*text, close + 2, text->n);
    return 0;
}

int template_make(struct template **ret, struct arena *arena, struct str text) {
    struct template *t = arena_take(arena, sizeof *t);
    if (!t) return -ENOMEM;
    struct piece **end = &t->first;
    do {
        struct piece *p = arena_take(arena, sizeof *p);
        if (!p) return -ENOMEM;
        int r = take_piece(&text, p);
        if (r) return r;
        *end = p;
        end = &p->next;
    } while (text.n);
    *ret = t;
    return 0;
}

struct str template_head(const struct template *t) {
    return t->first->before;
}

static struct str entity_value(const struct piece *p, const struct entity *e) {
    switch (p->subject) {
    case ENTITY_ID: return e->id;
    case ENTITY_NAME: return e->name;
    case ENTITY_METADATA: return list_value(e->metadata, p->key);
    default: return STR_NONE;
    }
}

static struct str alias_value(const struct piece *p, const struct alias *a) {
    switch (p->subject) {
    case ALIAS_ID: return a->id;
    case ALIAS_NAME: return a->name;
    case ALIAS_METADATA: return list_value(a->metadata, p->key);
    case ALIAS_CUSTOM_METADATA: return list_value(a->custom_metadata, p->key);
    default: return STR_NONE;
    }
}

// Absent: there is none.
static struct str value_of(const struct piece *p, const struct state *s,
                           const struct entity *entity) {
    if (!entity || p->subject == NOTHING) return STR_NONE;
    if (p->subject < ALIAS_ID) return entity_value(p, entity);
    const struct alias *alias = alias_on_mount(s, entity->id, p->accessor);
    return alias ? alias_value(p, alias) : STR_NONE;
}

int template_expand(const struct template *t, const struct state *s, const struct entity *entity,
                    struct buf *out) {
    for (const struct piece *p = t->first; p; p = p->next) {
        buf_add_str(out, p->before);
        if (!p->has_value) continue;
        struct str value = value_of(p, s, entity);
        if (!value.p) return TEMPLATE_E_MISSING;
        buf_add_str(out, value);
    }
    return out->error ? -ENOMEM : 0;
}

static bool has_any(struct str text, const char *characters) {
    for (const char *c = characters; *c; c++)
        if (str_find_char(text, *c) < text.n) return true;
    return false;
}

bool template_value_has(const struct template *t, const struct state *s,
                        const struct entity *entity, const char *characters) {
    for (const struct piece *p = t->first; p; p = p->next)
        if (p->has_value && has_any(value_of(p, s, entity), characters)) return true;
    return false;
}

// SPDX-License-Identifier: Apache-2.0
// --set KEY=VALUE: the key is walked through tables and tree at the same time; what is missing on
// the way is made, the value at its end is replaced.
#include <errno.h>

#include "base/parse.h"
#include "conf/table.h"

struct walk {
    struct arena *arena;
    struct conf_errors *errors;
    struct conf_place place;
    const struct conf_table *table;
    struct conf_node *map;
    struct str rest; // of the key; absent at its end
};

static int wrong(struct walk *w, const char *what) {
    conf_errors_add(w->errors, w->place, STR_NONE, "%s", what);
    return CONF_E_WRONG;
}

// The child of that row, made when it is missing. Outcomes: 0; CONF_E_WRONG (already said, or to
// be said by the loading: the file has something else there); -ENOMEM.
static int enter_child(struct walk *w, const struct conf_key *key, enum conf_kind kind,
                       struct conf_node **ret) {
    struct conf_node *child = conf_node_get(w->map, str_from(key->name));
    if (!child) {
        child = conf_node_new(w->arena, w->map, kind, w->place);
        if (!child) return -ENOMEM;
        child->key = key->name;
    }
    if (child->kind != kind) return CONF_E_WRONG;
    *ret = child;
    return 0;
}

// Whether the rest of the key begins with `name`, up to its end or a dot; then takes it off.
static bool take_name(struct walk *w, struct str name) {
    if (name.n == 0 || !str_starts(w->rest, name)) return false;
    if (w->rest.n > name.n && w->rest.p[name.n] != '.') return false;
    w->rest = w->rest.n > name.n ? str_sub(w->rest, name.n + 1, w->rest.n) : STR_NONE;
    return true;
}

// By its name, which may have dots in it.
static struct conf_node *find_named(struct walk *w, const struct conf_node *list) {
    for (struct conf_node *item = list->first; item; item = item->next) {
        const struct conf_node *name = conf_node_get(item, STR("name"));
        if (name && name->kind == CONF_SCALAR && take_name(w, name->text)) return item;
    }
    return NULL;
}

static int enter_element(struct walk *w, struct conf_node *list, const struct conf_table *table) {
    struct conf_node *item = find_named(w, list);
    uint64_t index;
    if (!item) {
        struct str word = str_split(&w->rest, '.');
        if (!parse_u64(word, &index) || index > list->count) {
            conf_errors_add(w->errors, w->place, STR_NONE,
                            "no %s %.*s, expected an index (there are %zu, the first is 0) or a "
                            "`name` from the file",
                            table->name, STR_ARG(word), list->count);
            return CONF_E_WRONG;
        }
        item = conf_node_item(list, index);
        if (!item) item = conf_node_new(w->arena, list, CONF_MAP, w->place);
    }
    if (!item) return -ENOMEM;
    if (item->kind != CONF_MAP) return CONF_E_WRONG;
    w->map = item;
    w->table = table;
    return 0;
}

static int enter_list(struct walk *w, const struct conf_key *key) {
    struct conf_node *list;
    int rc = enter_child(w, key, CONF_LIST, &list);
    return rc ? rc : enter_element(w, list, key->table);
}

static int enter_table(struct walk *w, const struct conf_key *key) {
    int rc = enter_child(w, key, CONF_MAP, &w->map);
    w->table = key->table;
    return rc;
}

static int make_scalar(struct walk *w, struct conf_node *node, struct str value) {
    const char *copy = arena_text(w->arena, value);
    if (!copy) return -ENOMEM;
    node->kind = CONF_SCALAR;
    node->text = (struct str){copy, value.n};
    node->plain = false;
    return 0;
}

static int make_list(struct walk *w, struct conf_node *node, struct str value) {
    node->kind = CONF_LIST;
    while (value.n) {
        struct conf_node *item = conf_node_new(w->arena, node, CONF_SCALAR, w->place);
        int rc = item ? make_scalar(w, item, str_trim(str_split(&value, ','))) : -ENOMEM;
        if (rc) return rc;
    }
    return 0;
}

static int set_value(struct walk *w, const struct conf_key *key, struct str value) {
    bool whole = key->type == CONF_TABLE || key->type == CONF_TABLES;
    if (whole && !(key->flags & CONF_NOT_YET))
        return wrong(w, "has keys of its own, expected one of them");
    struct conf_node *node = conf_node_get(w->map, str_from(key->name));
    if (!node) node = conf_node_new(w->arena, w->map, CONF_SCALAR, w->place);
    if (!node) return -ENOMEM;
    node->key = key->name;
    node->place = node->key_place = w->place;
    node->first = node->last = NULL;
    node->count = 0;
    return key->type == CONF_STRINGS ? make_list(w, node, value) : make_scalar(w, node, value);
}

// What is left of the key is one name, dots and all.
static int set_pair(struct walk *w, const struct conf_key *key, struct str value) {
    struct conf_node *map;
    int rc = enter_child(w, key, CONF_MAP, &map);
    if (rc) return rc;
    if (w->rest.n == 0) return wrong(w, "has names of your own choice, expected one of them");
    struct conf_node *node = conf_node_get(map, w->rest);
    if (!node) node = conf_node_new(w->arena, map, CONF_SCALAR, w->place);
    if (!node) return -ENOMEM;
    node->key = arena_text(w->arena, w->rest);
    node->place = node->key_place = w->place;
    return node->key ? make_scalar(w, node, value) : -ENOMEM;
}

static int walk(struct walk *w, struct str value) {
    for (;;) {
        struct str word = str_split(&w->rest, '.');
        const struct conf_key *key = conf_table_find(w->table, word);
        if (!key) {
            conf_unknown_key(w->errors, w->place, word, word, w->table, NULL);
            return CONF_E_WRONG;
        }
        if (key->type == CONF_PAIRS) return set_pair(w, key, value);
        if (!w->rest.p || key->flags & CONF_NOT_YET) return set_value(w, key, value);
        int rc = key->type == CONF_TABLES  ? enter_list(w, key)
                 : key->type == CONF_TABLE ? enter_table(w, key)
                                           : wrong(w, "this key has no keys of its own");
        if (rc) return rc;
        if (!w->rest.p) return wrong(w, "has keys of its own, expected one of them");
    }
}

int conf_override(struct arena *a, const struct conf_table *table, struct conf_node *map,
                  const char *assignment, struct conf_errors *errors) {
    struct str value = str_from(assignment);
    struct str key = str_split(&value, '=');
    struct walk w = {.arena = a, .errors = errors, .table = table, .map = map, .rest = key};
    w.place.set = arena_text(a, key);
    if (!w.place.set) return -ENOMEM;
    int rc = 0;
    size_t bad;
    if (!value.p || key.n == 0)
        rc = wrong(&w, "expected KEY=VALUE, such as sources.0.interval=60s");
    else if (!conf_text_ok(str_from(assignment), &bad))
        rc = wrong(&w, "not UTF-8, or a control character");
    else rc = walk(&w, value);
    return rc < 0 ? rc : 0;
}

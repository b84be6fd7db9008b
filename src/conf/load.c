// SPDX-License-Identifier: Apache-2.0
// A tree into structs, row by row. Nothing stops at an error: a person gets them all at once.
#include <errno.h>

#include "conf/table.h"
#include "conf/value.h"

static void *member_of(void *object, const struct conf_key *key) {
    return (char *)object + key->at;
}

static void node_wrong(struct conf_load *load, const struct conf_node *node, const char *what) {
    AUTO_FINI(buf) struct buf path = buf_make(4096);
    conf_node_path(node, &path);
    conf_errors_add(load->errors, node->place, buf_str(&path), "%s", what);
}

static const char *found_kind(const struct conf_node *node) {
    static const char *const names[] = {
        [CONF_SCALAR] = "a single value", [CONF_LIST] = "a list", [CONF_MAP] = "keys with values"};
    if (node->kind == CONF_SCALAR && conf_node_is_empty(node)) return "nothing";
    return names[node->kind];
}

static void say_wrong_kind(struct conf_load *load, const struct conf_key *key,
                           const struct conf_node *node) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    buf_addz(&text, "expected ");
    conf_expected(key, &text);
    buf_addf(&text, "; found %s", found_kind(node));
    const char *z = buf_z(&text);
    node_wrong(load, node, z ? z : "wrong kind of value");
}

// The scalar's text with references replaced; `held` keeps it then. Outcomes: 0; CONF_E_WRONG,
// said; -ENOMEM.
static int scalar_text(struct conf_load *load, const struct conf_node *node, struct buf *held,
                       struct str *ret) {
    *ret = node->text;
    if (!conf_has_reference(node->text)) return 0;
    if (!buf_reserve(held, CONF_VALUE_MAX)) return -ENOMEM;
    struct fault fault = {0};
    int rc = conf_expand(node->text, load->env, held, &fault);
    *ret = buf_str(held);
    if (!rc && ret->n == 0) rc = fault_set(&fault, CONF_E_WRONG, "is empty, expected a value");
    if (rc == CONF_E_WRONG) node_wrong(load, node, fault.text);
    return rc;
}

static int load_text(struct conf_load *load, const struct conf_key *key,
                     const struct conf_node *node, struct str text, void *member) {
    struct fault fault = {0};
    int rc = conf_value_read(key, text, node->text, load->arena, member, &fault);
    if (rc == CONF_E_WRONG) node_wrong(load, node, fault.text);
    return rc;
}

static void check_readable(struct conf_load *load, const struct conf_key *key,
                           const struct conf_node *node, const char *path) {
    if (!(key->flags & CONF_READABLE) || !path) return;
    if (str_starts(str_from(path), STR("-----BEGIN "))) return; // a PEM may stand for its file
    // The default may be missing, and so may it when somebody writes it out.
    if (key->initial && strcmp(path, key->initial) == 0) return;
    int rc = load->env->readable(load->env->ctx, path);
    if (!rc) return;
    char quoted[CONF_QUOTE_MAX];
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    buf_addf(&text, "cannot read %s: %s, expected a file that can be read",
             conf_quote(str_from(path), quoted), error_text(rc));
    const char *z = buf_z(&text);
    node_wrong(load, node, z ? z : "cannot be read");
}

static int load_scalar(struct conf_load *load, const struct conf_key *key,
                       const struct conf_node *node, void *member) {
    if (node->kind != CONF_SCALAR || conf_node_is_empty(node)) {
        say_wrong_kind(load, key, node);
        return 0;
    }
    struct buf held = buf_make(CONF_VALUE_MAX);
    struct str text;
    int rc = scalar_text(load, node, &held, &text);
    if (!rc) rc = load_text(load, key, node, text, member);
    buf_wipe(&held);
    if (rc) return rc < 0 ? rc : 0;
    if (conf_type_is_secret(key->type) && !conf_has_reference(node->text) && !node->place.set)
        load->secret = node;
    const char *path = NULL;
    if (key->type == CONF_PATH) memcpy(&path, member, sizeof path);
    check_readable(load, key, node, path);
    return 0;
}

static bool count_in_bounds(const struct conf_key *key, size_t n) {
    return key->max == 0 || ((double)n >= key->min && (double)n <= key->max);
}

static void check_count(struct conf_load *load, const struct conf_key *key,
                        const struct conf_node *list) {
    if (count_in_bounds(key, list->count)) return;
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    buf_addf(&text, "a list of %zu, expected %.10g to %.10g elements", list->count, key->min,
             key->max);
    const char *z = buf_z(&text);
    node_wrong(load, list, z ? z : "wrong number of elements");
}

static int load_strings(struct conf_load *load, const struct conf_key *key,
                        const struct conf_node *list, void *member) {
    if (list->kind != CONF_LIST) {
        say_wrong_kind(load, key, list);
        return 0;
    }
    struct conf_key element = {.name = key->name,
                               .type = key->flags & CONF_READABLE ? CONF_PATH : CONF_STRING,
                               .flags = key->flags};
    const char **texts = arena_take_array(load->arena, list->count, sizeof *texts);
    if (!texts) return -ENOMEM;
    size_t n = 0;
    for (const struct conf_node *item = list->first; item; item = item->next) {
        int rc = load_scalar(load, &element, item, &texts[n]);
        if (rc) return rc;
        n += texts[n] != NULL;
    }
    check_count(load, key, list);
    memcpy(member, &(struct conf_strings){texts, n}, sizeof(struct conf_strings));
    return 0;
}

static int load_pair(struct conf_load *load, const struct conf_node *node, const char **ret) {
    const struct conf_key value_key = {.name = node->key, .type = CONF_STRING};
    const char *value = NULL;
    int rc = load_scalar(load, &value_key, node, &value);
    if (rc || !value) return rc;
    struct buf pair = buf_make(CONF_VALUE_MAX);
    buf_addf(&pair, "%s=%s", node->key, value);
    *ret = pair.error ? NULL : arena_text(load->arena, buf_str(&pair));
    buf_wipe(&pair);
    return *ret ? 0 : -ENOMEM;
}

static int load_pairs(struct conf_load *load, const struct conf_key *key,
                      const struct conf_node *map, void *member) {
    if (map->kind != CONF_MAP) {
        say_wrong_kind(load, key, map);
        return 0;
    }
    const char **texts = arena_take_array(load->arena, map->count, sizeof *texts);
    if (!texts) return -ENOMEM;
    size_t n = 0;
    for (const struct conf_node *item = map->first; item; item = item->next) {
        int rc = load_pair(load, item, &texts[n]);
        if (rc) return rc;
        n += texts[n] != NULL;
    }
    memcpy(member, &(struct conf_strings){texts, n}, sizeof(struct conf_strings));
    return 0;
}

static int load_tables(struct conf_load *load, const struct conf_key *key,
                       const struct conf_node *list, void *member) {
    if (list->kind != CONF_LIST) {
        say_wrong_kind(load, key, list);
        return 0;
    }
    check_count(load, key, list);
    if (!count_in_bounds(key, list->count)) return 0;
    struct conf_tables tables = {arena_take_array(load->arena, list->count, key->table->bytes),
                                 list->count};
    if (!tables.v) return -ENOMEM;
    for (const struct conf_node *item = list->first; item; item = item->next) {
        int rc =
            conf_load(load, key->table, item, (char *)tables.v + item->index * key->table->bytes);
        if (rc) return rc;
    }
    memcpy(member, &tables, sizeof tables);
    return 0;
}

static int load_not_yet(struct conf_load *load, const struct conf_key *key,
                        const struct conf_node *node) {
    bool off = key->type == CONF_BOOL && node->kind == CONF_SCALAR &&
               str_eq_nocase(node->text, STR("false"));
    if (off) return 0;
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    buf_addf(&text, "is not supported yet: %s", key->instead);
    const char *z = buf_z(&text);
    node_wrong(load, node, z ? z : "is not supported yet");
    return 0;
}

static int load_key(struct conf_load *load, const struct conf_key *key,
                    const struct conf_node *node, void *object) {
    if (key->flags & CONF_NOT_YET) return load_not_yet(load, key, node);
    void *member = member_of(object, key);
    switch (key->type) {
    case CONF_STRINGS: return load_strings(load, key, node, member);
    case CONF_PAIRS: return load_pairs(load, key, node, member);
    case CONF_TABLES: return load_tables(load, key, node, member);
    case CONF_TABLE: return conf_load(load, key->table, node, member);
    default: return load_scalar(load, key, node, member);
    }
}

static int default_strings(struct conf_load *load, const char *initial, void *member) {
    struct str rest = str_from(initial);
    size_t n = 1;
    for (size_t i = 0; i < rest.n; i++) n += rest.p[i] == ',';
    const char **texts = arena_take_array(load->arena, n, sizeof *texts);
    if (!texts) return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        texts[i] = arena_text(load->arena, str_trim(str_split(&rest, ',')));
        if (!texts[i]) return -ENOMEM;
    }
    memcpy(member, &(struct conf_strings){texts, n}, sizeof(struct conf_strings));
    return 0;
}

static int load_default(struct conf_load *load, const struct conf_key *key, void *object) {
    void *member = member_of(object, key);
    int unset = -1;
    if (key->flags & CONF_NOT_YET) return 0;
    if (key->type == CONF_TABLE) return conf_load(load, key->table, NULL, member);
    if (key->type == CONF_ENUM) memcpy(member, &unset, sizeof unset);
    if (!key->initial) return 0;
    if (key->type == CONF_STRINGS) return default_strings(load, key->initial, member);
    struct str text = str_from(key->initial);
    struct fault fault = {0};
    int rc = conf_value_read(key, text, text, load->arena, member, &fault);
    // A default that its own row refuses is a mistake in the table.
    return rc > 0 ? -EINVAL : rc;
}

static int load_defaults(struct conf_load *load, const struct conf_table *table, void *object) {
    memset(object, 0, table->bytes);
    for (size_t i = 0; i < table->n; i++) {
        int rc = load_default(load, &table->keys[i], object);
        if (rc) return rc;
    }
    return 0;
}

static int load_child(struct conf_load *load, const struct conf_table *table,
                      const struct conf_node *child, void *object) {
    const struct conf_key *key = conf_table_find(table, str_from(child->key));
    if (key) return load_key(load, key, child, object);
    AUTO_FINI(buf) struct buf path = buf_make(4096);
    conf_node_path(child, &path);
    conf_unknown_key(load->errors, child->key_place, buf_str(&path), str_from(child->key), table,
                     load->root);
    return 0;
}

static void check_presence(struct conf_load *load, const struct conf_table *table,
                           const struct conf_node *map, const char *kind) {
    for (size_t i = 0; i < table->n; i++) {
        const struct conf_key *key = &table->keys[i];
        bool set = conf_node_get(map, str_from(key->name)) != NULL;
        if (set && !conf_key_is_for(key, kind))
            conf_wrong(load, map, key->name, "belongs to %s of type %s, not to one of type %s",
                       table->name, key->only, kind);
        bool needed = key->flags & CONF_REQUIRED && !load->partial && conf_key_is_for(key, kind);
        // Which keys are needed is not known while the kind is not.
        if (set || !needed || (key->only && !kind)) continue;
        AUTO_FINI(buf) struct buf expected = buf_make(4096);
        conf_expected(key, &expected);
        conf_wrong(load, map, key->name, "is missing, expected %.*s", STR_ARG(buf_str(&expected)));
    }
}

static void say_not_a_map(struct conf_load *load, const struct conf_table *table,
                          const struct conf_node *node) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    buf_addf(&text, "expected the keys of one %s (`key: value`); found %s", table->name,
             found_kind(node));
    const char *z = buf_z(&text);
    node_wrong(load, node, z ? z : "expected keys with values");
}

int conf_load(struct conf_load *load, const struct conf_table *table, const struct conf_node *map,
              void *object) {
    int rc = load_defaults(load, table, object);
    if (rc) return rc;
    if (map && map->kind != CONF_MAP) {
        say_not_a_map(load, table, map);
        return 0;
    }
    for (const struct conf_node *child = map ? map->first : NULL; child; child = child->next) {
        rc = load_child(load, table, child, object);
        if (rc) return rc;
    }
    check_presence(load, table, map, conf_table_kind(table, object));
    return table->check ? table->check(load, object, map) : 0;
}

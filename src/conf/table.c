// SPDX-License-Identifier: Apache-2.0
// Looking up rows, and saying in words what a row wants.
#include "conf/table.h"

#include <errno.h>

#include "conf/value.h"

const struct conf_key *conf_table_find(const struct conf_table *table, struct str name) {
    for (size_t i = 0; i < table->n; i++)
        if (str_eqz(name, table->keys[i].name)) return &table->keys[i];
    return NULL;
}

const char *conf_table_kind(const struct conf_table *table, const void *object) {
    if (!table->kind) return NULL;
    const struct conf_key *key = conf_table_find(table, str_from(table->kind));
    int value;
    memcpy(&value, (const char *)object + key->at, sizeof value);
    return value < 0 ? NULL : key->words[value];
}

bool conf_key_is_for(const struct conf_key *key, const char *kind) {
    if (!key->only || !kind) return true;
    struct str rest = str_from(key->only);
    while (rest.p)
        if (str_eqz(str_split(&rest, ' '), kind)) return true;
    return false;
}

void conf_wrong(struct conf_load *load, const struct conf_node *map, const char *key,
                const char *format, ...) {
    const struct conf_node *child = conf_node_get(map, str_from(key));
    AUTO_FINI(buf) struct buf path = buf_make(4096);
    AUTO_FINI(buf) struct buf text = buf_make(8192);
    conf_node_path(child ? child : map, &path);
    if (!child) {
        if (path.n) buf_addc(&path, '.');
        buf_addz(&path, key);
    }
    va_list args;
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    struct conf_place place = child ? child->place : map ? map->place : (struct conf_place){0};
    conf_errors_add(load->errors, place, buf_str(&path), "%.*s", STR_ARG(buf_str(&text)));
}

// The table below `root` (itself included) that has a key of that name; NULL when none has.
// `*ret_owner` is the row that leads to it, NULL for the root.
static const struct conf_table *find_owner(const struct conf_table *root, struct str name,
                                           const struct conf_key *by,
                                           const struct conf_key **ret_owner) {
    if (conf_table_find(root, name)) {
        *ret_owner = by;
        return root;
    }
    for (size_t i = 0; i < root->n; i++) {
        if (!root->keys[i].table) continue;
        const struct conf_table *found =
            find_owner(root->keys[i].table, name, &root->keys[i], ret_owner);
        if (found) return found;
    }
    return NULL;
}

static const char *nearest_key(const struct conf_table *table, struct str name) {
    const char *names[128];
    size_t n = table->n < LEN(names) ? table->n : LEN(names);
    for (size_t i = 0; i < n; i++) names[i] = table->keys[i].name;
    // To so short a name, anything of three letters is near.
    return name.n < 3 ? NULL : str_nearest(name, names, n);
}

void conf_unknown_key(struct conf_errors *errors, struct conf_place place, struct str path,
                      struct str name, const struct conf_table *table,
                      const struct conf_table *root) {
    const struct conf_key *owner = NULL;
    const struct conf_table *elsewhere = root ? find_owner(root, name, NULL, &owner) : NULL;
    const char *near = nearest_key(table, name);
    if (elsewhere && owner)
        conf_errors_add(errors, place, path, "no such key here, it belongs to `%s`", owner->name);
    else if (elsewhere)
        conf_errors_add(errors, place, path, "no such key here, it belongs to the top level");
    else if (near)
        conf_errors_add(errors, place, path,
                        "no such key, expected one of the %s's keys; did you mean %s?", table->name,
                        near);
    else
        conf_errors_add(errors, place, path, "no such key, expected one of the %s's keys",
                        table->name);
}

struct duration_unit {
    const char *name;
    int64_t ms;
};

void conf_add_duration(struct buf *out, int64_t ms) {
    static const struct duration_unit units[] = {
        {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};
    for (size_t i = 0; i < LEN(units); i++) {
        // 24h and 60s are how people say it.
        bool exact = ms >= 2 * units[i].ms || (ms == units[i].ms && units[i].ms == 1000);
        if (!exact || ms % units[i].ms) continue;
        buf_add_i64(out, ms / units[i].ms);
        buf_addz(out, units[i].name);
        return;
    }
    buf_add_i64(out, ms);
    buf_addz(out, ms ? "ms" : "s");
}

static void add_words(const char *const *words, const char *between, struct buf *out) {
    for (size_t i = 0; words && words[i]; i++) buf_addf(out, "%s%s", i ? between : "", words[i]);
}

static void add_bound(const struct conf_key *key, double value, struct buf *out) {
    if (key->type == CONF_DURATION) conf_add_duration(out, (int64_t)value);
    else buf_addf(out, "%.10g", value);
}

static void add_bounds(const struct conf_key *key, struct buf *out) {
    if (key->max == 0) return;
    buf_addz(out, " from ");
    add_bound(key, key->min, out);
    buf_addz(out, " to ");
    add_bound(key, key->max, out);
}

static void add_url(const struct conf_key *key, struct buf *out) {
    buf_addz(out, "a URL");
    if (key->words) {
        buf_addz(out, " that begins with ");
        for (size_t i = 0; key->words[i]; i++)
            buf_addf(out, "%s%s://", i ? ", " : "", key->words[i]);
    }
}

static const char *const plain_words[] = {
    [CONF_STRING] = "a text",
    [CONF_SECRET] = "a secret text",
    [CONF_SECRET_LINES] = "a secret text, which may have several lines",
    [CONF_PATH] = "a path",
    [CONF_INT] = "a whole number",
    [CONF_NUMBER] = "a number",
    [CONF_BOOL] = "true or false",
    [CONF_DURATION] = "a duration with its unit",
    [CONF_BYTES] = "a size in bytes",
    [CONF_MODE] = "an octal file mode",
    [CONF_STRINGS] = "a list of texts",
    [CONF_PAIRS] = "names with values",
    [CONF_TABLE] = "keys with values",
    [CONF_TABLES] = "a list of tables, each element with a dash",
    [CONF_ANYTHING] = "a value",
};

void conf_expected(const struct conf_key *key, struct buf *out) {
    if (key->type == CONF_URL) add_url(key, out);
    else if (key->type == CONF_ENUM) {
        buf_addz(out, "one of ");
        add_words(key->words, ", ", out);
    } else buf_addz(out, plain_words[key->type]);
    if (key->type != CONF_TABLES && key->type != CONF_STRINGS) add_bounds(key, out);
    const char *example = key->example;
    if (!example && key->type == CONF_DURATION) example = key->initial ? key->initial : "60s";
    if (!example && key->type == CONF_STRINGS) example = "[a, b]";
    if (example) buf_addf(out, ", such as %s", example);
}

// SPDX-License-Identifier: Apache-2.0
// A struct back to YAML. Texts stand in double quotes, so that none of them can be taken for
// something else.
#include "conf/table.h"
#include "conf/value.h"

static void add_indent(struct buf *out, int depth) {
    for (int i = 0; i < depth; i++) buf_addz(out, "  ");
}

// The character of two or three bytes at the front of well-formed UTF-8; 0 for any other.
static unsigned wide_character(struct str s) {
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n >= 2 && p[0] >= 0xC2 && p[0] < 0xE0) return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    if (s.n >= 3 && (p[0] & 0xF0) == 0xE0)
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    return 0;
}

// What YAML takes for a line end or does not allow in a file.
static bool needs_escape(unsigned c) {
    return (c >= 0x80 && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
           c == 0xFFFF;
}

static void add_ascii(char c, char next, struct buf *out) {
    // What the loading would take for a reference is escaped.
    if (c == '$' && next == '{') buf_addc(out, '$');
    if (c == '"' || c == '\\') buf_addc(out, '\\');
    if ((unsigned char)c < 0x20 || c == 0x7F) buf_addf(out, "\\x%02X", (unsigned char)c);
    else buf_addc(out, c);
}

static void add_quoted(struct str text, struct buf *out) {
    buf_addc(out, '"');
    while (text.n) {
        unsigned wide = wide_character(text);
        size_t n = needs_escape(wide) ? (wide < 0x800 ? 2 : 3) : 1;
        if (n > 1) buf_addf(out, "\\u%04X", wide);
        else add_ascii(text.p[0], text.n > 1 ? text.p[1] : '\0', out);
        text = str_sub(text, n, text.n);
    }
    buf_addc(out, '"');
}

static void write_table(const struct conf_table *table, const void *object, int depth, bool in_list,
                        struct buf *out);

static void write_strings(const struct conf_key *key, const void *member, struct buf *out) {
    struct conf_strings list;
    memcpy(&list, member, sizeof list);
    buf_addf(out, "%s: [", key->name);
    for (size_t i = 0; i < list.n; i++) {
        AUTO_FINI(buf) struct buf text = buf_make(CONF_FILE_MAX);
        if (key->flags & CONF_HOSTS) conf_add_masked_url(str_from(list.v[i]), &text);
        else buf_addz(&text, list.v[i]);
        if (i) buf_addz(out, ", ");
        add_quoted(buf_str(&text), out);
    }
    buf_addz(out, "]\n");
}

static void write_tables(const struct conf_key *key, const void *member, int depth,
                         struct buf *out) {
    struct conf_tables list;
    memcpy(&list, member, sizeof list);
    buf_addf(out, "%s:%s\n", key->name, list.n ? "" : " []");
    for (size_t i = 0; i < list.n; i++)
        write_table(key->table, (const char *)list.v + i * key->table->bytes, depth + 1, true, out);
}

static void write_sub_table(const struct conf_key *key, const void *member, int depth,
                            struct buf *out) {
    buf_addf(out, "%s:", key->name);
    size_t start = out->n;
    buf_addc(out, '\n');
    write_table(key->table, member, depth + 1, false, out);
    // Nothing behind the colon would be null when it is read again.
    if (out->n != start + 1) return;
    buf_cut(out, start);
    buf_addz(out, " {}\n");
}

static void write_pairs(const struct conf_key *key, const void *member, int depth,
                        struct buf *out) {
    struct conf_strings list;
    memcpy(&list, member, sizeof list);
    buf_addf(out, "%s:%s\n", key->name, list.n ? "" : " {}");
    for (size_t i = 0; i < list.n; i++) {
        struct str name = {list.v[i], strcspn(list.v[i], "=")};
        add_indent(out, depth + 1);
        add_quoted(name, out);
        buf_addz(out, ": \"********\"\n");
    }
}

static void write_scalar(const struct conf_key *key, const void *member, struct buf *out) {
    AUTO_FINI(buf) struct buf value = buf_make(CONF_FILE_MAX);
    conf_value_write(key, member, &value);
    buf_addf(out, "%s: ", key->name);
    if (conf_type_is_text(key->type)) add_quoted(buf_str(&value), out);
    else buf_add_str(out, buf_str(&value));
    buf_addc(out, '\n');
}

// A list that could not have been set to nothing stands for "not set", where it is empty.
static bool is_unset_list(const struct conf_key *key, const char *member) {
    struct conf_tables list;
    memcpy(&list, member, sizeof list);
    return list.n == 0 && key->min > 0;
}

// As does a zero.
static bool is_unset_number(const struct conf_key *key, const char *member) {
    bool whole = key->type == CONF_INT || key->type == CONF_DURATION || key->type == CONF_BYTES;
    int64_t value = 0;
    if (whole) memcpy(&value, member, sizeof value);
    return whole && value == 0 && !key->initial && key->min > 0;
}

static bool is_shown(const struct conf_table *table, const struct conf_key *key,
                     const void *object) {
    const char *member = (const char *)object + key->at;
    if (key->flags & CONF_NOT_YET) return false;
    if (!conf_key_is_for(key, conf_table_kind(table, object))) return false;
    if (key->type == CONF_TABLE && key->flags & CONF_FIRST_SAYS)
        return is_shown(key->table, &key->table->keys[0], member);
    if (key->type == CONF_TABLES) return !is_unset_list(key, member);
    if (key->type == CONF_TABLE) return true;
    if (is_unset_number(key, member)) return false;
    struct conf_strings list;
    if (key->type == CONF_STRINGS || key->type == CONF_PAIRS) {
        memcpy(&list, member, sizeof list);
        return list.v != NULL;
    }
    AUTO_FINI(buf) struct buf value = buf_make(CONF_FILE_MAX);
    return conf_value_write(key, member, &value);
}

static void write_key(const struct conf_key *key, const void *object, int depth, struct buf *out) {
    const char *member = (const char *)object + key->at;
    switch (key->type) {
    case CONF_STRINGS: write_strings(key, member, out); break;
    case CONF_PAIRS: write_pairs(key, member, depth, out); break;
    case CONF_TABLES: write_tables(key, member, depth, out); break;
    case CONF_TABLE: write_sub_table(key, member, depth, out); break;
    default: write_scalar(key, member, out); break;
    }
}

static void write_table(const struct conf_table *table, const void *object, int depth, bool in_list,
                        struct buf *out) {
    bool first = true;
    for (size_t i = 0; i < table->n; i++) {
        const struct conf_key *key = &table->keys[i];
        if (!is_shown(table, key, object)) continue;
        add_indent(out, depth);
        if (in_list) buf_addz(out, first ? "- " : "  ");
        write_key(key, object, in_list ? depth + 1 : depth, out);
        first = false;
    }
}

void conf_write_yaml(const struct conf_table *table, const void *object, struct buf *out) {
    write_table(table, object, 0, false, out);
}

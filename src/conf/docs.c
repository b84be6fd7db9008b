// SPDX-License-Identifier: Apache-2.0
// The reference of all keys from the rows, as Markdown and for man. Both walk the tables in the
// same order: a table's own keys, then its sub-tables.
#include "conf/table.h"
#include "conf/value.h"

struct format {
    void (*heading)(const char *path, int depth, struct buf *out);
    void (*paragraph)(const char *text, struct buf *out);
    void (*begin)(struct buf *out);
    void (*key)(const struct conf_key *key, struct buf *out);
    void (*not_yet)(const struct conf_table *table, struct buf *out);
};

static bool is_documented(const struct conf_key *key) { return !(key->flags & CONF_NOT_YET); }

static bool has_not_yet(const struct conf_table *table) {
    for (size_t i = 0; i < table->n; i++)
        if (table->keys[i].flags & CONF_NOT_YET) return true;
    return false;
}

static void write_section(const struct format *f, const struct conf_table *table, const char *path,
                          int depth, struct buf *out);

static void write_sub_section(const struct format *f, const struct conf_key *key, const char *path,
                              int depth, struct buf *out) {
    AUTO_FINI(buf) struct buf below = buf_make(1024);
    buf_addf(&below, "%s%s%s%s", path, *path ? "." : "", key->name,
             key->type == CONF_TABLES ? "[]" : "");
    const char *z = buf_z(&below);
    if (z) write_section(f, key->table, z, depth + 1, out);
    else out->error = below.error;
}

static void write_section(const struct format *f, const struct conf_table *table, const char *path,
                          int depth, struct buf *out) {
    f->heading(path, depth, out);
    if (table->description) f->paragraph(table->description, out);
    f->begin(out);
    for (size_t i = 0; i < table->n; i++)
        if (is_documented(&table->keys[i])) f->key(&table->keys[i], out);
    if (has_not_yet(table)) f->not_yet(table, out);
    for (size_t i = 0; i < table->n; i++)
        if (is_documented(&table->keys[i]) && table->keys[i].table)
            write_sub_section(f, &table->keys[i], path, depth, out);
}

// "one of full, none", "whole number from 1 to 1000", "duration from 10ms to 30d".
static void add_type(const struct conf_key *key, struct buf *out) {
    struct conf_key bare = *key;
    bare.example = NULL;
    bare.initial = NULL;
    if (key->type == CONF_ENUM) {
        conf_expected(&bare, out);
        return;
    }
    if (key->type == CONF_STRINGS && key->flags & CONF_READABLE) buf_addz(out, "list of paths");
    else buf_addz(out, conf_type_name(key->type));
    bool counted = key->type == CONF_TABLES || key->type == CONF_STRINGS;
    if (key->max == 0 || counted) return;
    AUTO_FINI(buf) struct buf words = buf_make(1024);
    conf_expected(&bare, &words);
    size_t from = str_find(buf_str(&words), STR(" from "));
    struct str bounds = str_sub(buf_str(&words), from, words.n);
    // The example that conf_expected adds for durations.
    bounds.n = str_find(bounds, STR(", such as"));
    buf_add_str(out, bounds);
}

static void add_default(const struct conf_key *key, const char *none, struct buf *out) {
    if (key->flags & CONF_REQUIRED) buf_addz(out, "required");
    else if (key->initial_says) buf_addz(out, key->initial_says);
    else if (key->initial && key->type == CONF_STRINGS) buf_addf(out, "`[%s]`", key->initial);
    else if (key->initial) buf_addf(out, "`%s`", key->initial);
    else buf_addz(out, none);
}

static void add_only(const struct conf_key *key, struct buf *out) {
    if (!key->only) return;
    buf_addz(out, "Only for ");
    struct str rest = str_from(key->only);
    for (bool first = true; rest.p; first = false) {
        struct str word = str_split(&rest, ' ');
        buf_addf(out, "%s`%.*s`", first ? "" : ", ", STR_ARG(word));
    }
    buf_addz(out, ". ");
}

static void markdown_heading(const char *path, int depth, struct buf *out) {
    if (depth == 0) {
        buf_addz(out, "\n## Top level\n\n");
        return;
    }
    buf_addf(out, "\n%s `%s`\n\n", depth > 1 ? "###" : "##", path);
}

static void markdown_paragraph(const char *text, struct buf *out) { buf_addf(out, "%s\n\n", text); }

static void markdown_begin(struct buf *out) {
    buf_addz(out, "| key | value | default | meaning |\n|---|---|---|---|\n");
}

// A bar would end the cell.
static void markdown_cell(struct str text, struct buf *out) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '|') buf_addc(out, '\\');
        buf_addc(out, text.p[i]);
    }
}

static void markdown_key(const struct conf_key *key, struct buf *out) {
    AUTO_FINI(buf) struct buf cell = buf_make(16384);
    add_type(key, &cell);
    buf_addz(&cell, "\n");
    buf_addf(out, "| `%s` | ", key->name);
    markdown_cell(str_trim(buf_str(&cell)), out);
    buf_addz(out, " | ");
    add_default(key, "", out);
    buf_addz(out, " | ");
    buf_reset(&cell);
    add_only(key, &cell);
    buf_addz(&cell, key->description);
    if (key->example) buf_addf(&cell, " Example: `%s`.", key->example);
    markdown_cell(buf_str(&cell), out);
    buf_addz(out, " |\n");
}

static void markdown_not_yet(const struct conf_table *table, struct buf *out) {
    buf_addz(out, "\nKnown, but refused because they are not supported yet:\n\n"
                  "| key | what to do |\n|---|---|\n");
    for (size_t i = 0; i < table->n; i++) {
        if (is_documented(&table->keys[i])) continue;
        buf_addf(out, "| `%s` | ", table->keys[i].name);
        markdown_cell(str_from(table->keys[i].instead), out);
        buf_addz(out, " |\n");
    }
}

// Text for man: `code` is bold; backslashes, minus signs and dots at the start of a line are
// escaped.
static void man_text(struct str text, struct buf *out) {
    bool code = false;
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '`':
            code = !code;
            buf_addz(out, code ? "\\fB" : "\\fR");
            break;
        case '\\': buf_addz(out, "\\e"); break;
        case '-': buf_addz(out, code ? "\\-" : "-"); break;
        case '.':
        case '\'':
            if (out->n && out->p[out->n - 1] == '\n') buf_addz(out, "\\&");
            buf_addc(out, text.p[i]);
            break;
        default: buf_addc(out, text.p[i]); break;
        }
    }
}

static void man_heading(const char *path, int depth, struct buf *out) {
    if (depth == 0) buf_addz(out, ".SH TOP LEVEL\n");
    else buf_addf(out, "%s %s\n", depth > 1 ? ".SS" : ".SH", path);
}

static void man_paragraph(const char *text, struct buf *out) {
    man_text(str_from(text), out);
    buf_addc(out, '\n');
}

static void man_begin(struct buf *out) { (void)out; }

static void man_key(const struct conf_key *key, struct buf *out) {
    AUTO_FINI(buf) struct buf text = buf_make(16384);
    buf_addf(out, ".TP\n.B %s\n", key->name);
    add_only(key, &text);
    buf_addz(&text, key->description);
    buf_addz(&text, " (");
    add_type(key, &text);
    if (!(key->flags & CONF_REQUIRED)) buf_addz(&text, "; default: ");
    else buf_addz(&text, "; ");
    add_default(key, "none", &text);
    buf_addz(&text, ")\n");
    man_text(buf_str(&text), out);
}

static void man_not_yet(const struct conf_table *table, struct buf *out) {
    buf_addz(out, ".PP\nKnown, but refused because they are not supported yet:\n");
    for (size_t i = 0; i < table->n; i++) {
        if (is_documented(&table->keys[i])) continue;
        buf_addf(out, ".TP\n.B %s\n", table->keys[i].name);
        man_text(str_from(table->keys[i].instead), out);
        buf_addc(out, '\n');
    }
}

static const struct format markdown = {markdown_heading, markdown_paragraph, markdown_begin,
                                       markdown_key, markdown_not_yet};
static const struct format man = {man_heading, man_paragraph, man_begin, man_key, man_not_yet};

void conf_write_markdown(const struct conf_table *table, struct buf *out) {
    write_section(&markdown, table, "", 0, out);
}

void conf_write_man(const struct conf_table *table, struct buf *out) {
    write_section(&man, table, "", 0, out);
}

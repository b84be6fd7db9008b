// SPDX-License-Identifier: Apache-2.0
// libyaml's events to a tree. The first error of the syntax ends the reading, because what follows
// it would be guesses.
#include <errno.h>
#include <stdint.h>
#include <yaml.h>

#include "conf/node.h"

// Looking for a repeated key walks over the others.
enum { KEYS_MAX = 1000 };

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    const char *name;
    struct str text;
    struct conf_errors *errors;
};

// libyaml's buffers held the file: wiped as far as they can be reached.
static void wipe_bytes(unsigned char *from, const unsigned char *to) {
    if (from && to > from) explicit_bzero(from, (size_t)(to - from));
}

static void reader_fini(struct reader *r) {
    wipe_bytes(r->parser.raw_buffer.start, r->parser.raw_buffer.end);
    wipe_bytes(r->parser.buffer.start, r->parser.buffer.end);
    yaml_parser_delete(&r->parser);
}
DEFINE_AUTO_FINI(reader)

struct event {
    yaml_event_t e;
};

static void event_fini(struct event *event) {
    if (event->e.type == YAML_SCALAR_EVENT && event->e.data.scalar.value)
        explicit_bzero(event->e.data.scalar.value, event->e.data.scalar.length);
    yaml_event_delete(&event->e);
}
DEFINE_AUTO_FINI(event)

static struct conf_place place_of(const struct reader *r, yaml_mark_t mark) {
    return (struct conf_place){.file = r->name, .line = mark.line + 1, .column = mark.column + 1};
}

static bool starts_character(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

static struct conf_place place_of_offset(const struct reader *r, size_t offset) {
    struct conf_place place = {.file = r->name, .line = 1, .column = 1};
    for (size_t i = 0; i < offset && i < r->text.n; i++) {
        if (r->text.p[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (starts_character(r->text.p[i])) {
            place.column++;
        }
    }
    return place;
}

static struct str line_at(const struct reader *r, struct conf_place place) {
    struct str rest = r->text;
    for (size_t line = 1; line < place.line && rest.p; line++) str_split(&rest, '\n');
    return str_split(&rest, '\n');
}

static char char_at(const struct reader *r, struct conf_place place) {
    struct str line = line_at(r, place);
    size_t column = 0;
    for (size_t i = 0; i < line.n; i++) {
        column += starts_character(line.p[i]);
        if (column == place.column) return line.p[i];
    }
    return '\0';
}

// The slip that anybody makes once: the brace of a reference opens a map there.
static const char *hint(const struct reader *r, struct conf_place place) {
    struct str line = line_at(r, place);
    bool flow = r->parser.context && strstr(r->parser.context, "flow");
    bool reference = str_find(line, STR("${")) < line.n;
    return flow && reference ? "; inside [ ] and { }, ${...} needs quotes around it" : "";
}

static int wrong(struct reader *r, struct conf_place place, const char *what) {
    conf_errors_add(r->errors, place, STR_NONE, "%s", what);
    return CONF_E_WRONG;
}

static int syntax_error(struct reader *r) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) return -ENOMEM;
    const char *problem = p->problem ? p->problem : "something libyaml does not name";
    if (p->error == YAML_READER_ERROR) {
        conf_errors_add(r->errors, place_of_offset(r, p->problem_offset), STR_NONE,
                        "not valid YAML: %s", problem);
        return CONF_E_WRONG;
    }
    struct conf_place place = place_of(r, p->problem_mark);
    if (char_at(r, place) == '\t') return wrong(r, place, "a tab: YAML indents with blanks only");
    if (p->context)
        conf_errors_add(r->errors, place, STR_NONE,
                        "not valid YAML: %s (%s that starts in line %zu)%s", problem, p->context,
                        p->context_mark.line + 1, hint(r, place));
    else conf_errors_add(r->errors, place, STR_NONE, "not valid YAML: %s", problem);
    return CONF_E_WRONG;
}

static int next_event(struct reader *r, struct event *event) {
    return yaml_parser_parse(&r->parser, &event->e) ? 0 : syntax_error(r);
}

// Anchors, aliases and tags: nothing that settings need, and ways to make a small file huge.
static int refuse_specials(struct reader *r, const yaml_event_t *e) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (e->type) {
    case YAML_ALIAS_EVENT: anchor = e->data.alias.anchor; break;
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        break;
    default: break;
    }
    struct conf_place place = place_of(r, e->start_mark);
    if (anchor)
        return wrong(r, place,
                     "YAML anchors (&) and aliases (*) are not supported, expected the "
                     "value itself (in quotes if it starts with & or *)");
    if (tag)
        return wrong(r, place,
                     "YAML tags (!) are not supported, expected the value itself (in "
                     "quotes if it starts with !)");
    return 0;
}

static int copy_scalar(struct reader *r, const yaml_event_t *e, struct str *ret) {
    struct str value = {(const char *)e->data.scalar.value, e->data.scalar.length};
    if (str_find_char(value, '\0') < value.n)
        return wrong(r, place_of(r, e->start_mark), "a text with a NUL character in it");
    const char *copy = arena_text(r->arena, value);
    if (!copy) return -ENOMEM;
    *ret = (struct str){copy, value.n};
    return 0;
}

static int read_value(struct reader *r, const yaml_event_t *e, struct conf_node *node, int depth);

static int read_list(struct reader *r, struct conf_node *list, int depth) {
    for (;;) {
        AUTO_FINI(event) struct event event = {0};
        int rc = next_event(r, &event);
        if (rc) return rc;
        if (event.e.type == YAML_SEQUENCE_END_EVENT) return 0;
        struct conf_node *item =
            conf_node_new(r->arena, list, CONF_SCALAR, place_of(r, event.e.start_mark));
        rc = item ? read_value(r, &event.e, item, depth + 1) : -ENOMEM;
        if (rc) return rc;
    }
}

static void say_repeated(struct reader *r, struct conf_place place, const struct conf_node *same) {
    AUTO_FINI(buf) struct buf path = buf_make(4096);
    conf_node_path(same, &path);
    conf_errors_add(r->errors, place, buf_str(&path), "set twice, the first time in line %zu",
                    same->key_place.line);
}

static int read_key(struct reader *r, const yaml_event_t *e, struct conf_node *map,
                    struct conf_node **ret) {
    struct conf_place place = place_of(r, e->start_mark);
    int rc = refuse_specials(r, e);
    if (rc) return rc;
    if (e->type != YAML_SCALAR_EVENT) return wrong(r, place, "expected the name of a key here");
    struct str key;
    rc = copy_scalar(r, e, &key);
    if (rc) return rc;
    struct conf_node *same = conf_node_get(map, key);
    if (same) say_repeated(r, place, same);
    if (map->count >= KEYS_MAX) return wrong(r, place, "more than 1000 keys in one place");
    *ret = conf_node_new(r->arena, map, CONF_SCALAR, place);
    if (!*ret) return -ENOMEM;
    (*ret)->key = key.p;
    return 0;
}

static int read_map(struct reader *r, struct conf_node *map, int depth) {
    for (;;) {
        AUTO_FINI(event) struct event key = {0};
        AUTO_FINI(event) struct event value = {0};
        int rc = next_event(r, &key);
        if (rc) return rc;
        if (key.e.type == YAML_MAPPING_END_EVENT) return 0;
        struct conf_node *child;
        rc = read_key(r, &key.e, map, &child);
        if (rc) return rc;
        rc = next_event(r, &value);
        if (rc) return rc;
        rc = read_value(r, &value.e, child, depth + 1);
        if (rc) return rc;
    }
}

// What the event begins becomes the node's value.
static int read_value(struct reader *r, const yaml_event_t *e, struct conf_node *node, int depth) {
    node->place = place_of(r, e->start_mark);
    if (depth > CONF_DEPTH_MAX) return wrong(r, node->place, "nested more than 32 levels deep");
    int rc = refuse_specials(r, e);
    if (rc) return rc;
    switch (e->type) {
    case YAML_SEQUENCE_START_EVENT: node->kind = CONF_LIST; return read_list(r, node, depth);
    case YAML_MAPPING_START_EVENT: node->kind = CONF_MAP; return read_map(r, node, depth);
    case YAML_SCALAR_EVENT:
        node->kind = CONF_SCALAR;
        node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return copy_scalar(r, e, &node->text);
    default: return wrong(r, node->place, "expected a value here");
    }
}

static int expect_end(struct reader *r) {
    for (;;) {
        AUTO_FINI(event) struct event event = {0};
        int rc = next_event(r, &event);
        if (rc) return rc;
        if (event.e.type == YAML_STREAM_END_EVENT) return 0;
        if (event.e.type == YAML_DOCUMENT_START_EVENT)
            return wrong(r, place_of(r, event.e.start_mark),
                         "a second YAML document starts here, expected only one");
    }
}

static int read_root(struct reader *r, struct conf_node **ret) {
    for (;;) {
        AUTO_FINI(event) struct event event = {0};
        int rc = next_event(r, &event);
        if (rc) return rc;
        if (event.e.type == YAML_STREAM_START_EVENT || event.e.type == YAML_DOCUMENT_START_EVENT)
            continue;
        struct conf_node *root =
            conf_node_new(r->arena, NULL, CONF_MAP, (struct conf_place){.file = r->name});
        if (!root) return -ENOMEM;
        *ret = root;
        if (event.e.type == YAML_STREAM_END_EVENT) return 0;
        rc = read_value(r, &event.e, root, 1);
        return rc ? rc : expect_end(r);
    }
}

// A document of nothing but comments and dashes is a map without keys.
static int check_root(struct reader *r, struct conf_node *root) {
    if (root->kind == CONF_SCALAR && conf_node_is_empty(root)) root->kind = CONF_MAP;
    if (root->kind == CONF_MAP) return 0;
    return wrong(r, root->place, "expected keys and values, such as `sources:`");
}

static int check_text(struct reader *r) {
    struct conf_place whole = {.file = r->name};
    if (r->text.n > CONF_FILE_MAX)
        return wrong(r, whole, "larger than 1 MB, too large for settings");
    size_t bad;
    if (conf_text_ok(r->text, &bad)) return 0;
    bool control = (unsigned char)r->text.p[bad] < 0x80;
    return wrong(r, place_of_offset(r, bad),
                 control ? "a control character" : "not UTF-8, expected text in UTF-8");
}

// With the encoding given, libyaml takes the mark that some editors put in front for a word.
static struct str without_mark(struct str text) {
    bool marked = str_starts(text, STR("\xEF\xBB\xBF"));
    return marked ? str_sub(text, 3, text.n) : text;
}

int conf_parse(struct arena *a, const char *name, struct str text, struct conf_errors *errors,
               struct conf_node **ret) {
    AUTO_FINI(reader)
    struct reader r = {.arena = a, .text = without_mark(text), .errors = errors};
    r.name = arena_text(a, str_from(name));
    if (!r.name || !yaml_parser_initialize(&r.parser)) return -ENOMEM;
    int rc = check_text(&r);
    if (rc) return rc;
    const char *start = r.text.p ? r.text.p : "";
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)start, r.text.n);
    struct conf_node *root = NULL;
    rc = read_root(&r, &root);
    if (!rc) rc = check_root(&r, root);
    if (!rc) *ret = root;
    return rc;
}

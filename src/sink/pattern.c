// SPDX-License-Identifier: Apache-2.0
// A text is cut once into pieces: plain text, fields, dates. What is escaped is unescaped then,
// into one piece of memory that cannot grow longer than the text.
//
// Nearly all names that people write need nothing but the facts that come with a document; the
// document itself is read only for other fields, at most once per name.
#include "sink/pattern.h"

#include <errno.h>
#include <stddef.h>

#include "base/time.h"
#include "sink/pattern-internal.h"
#include "json/read.h"

enum { PIECES_MAX = 64, TEXT_MAX_BYTES = 4096 };

enum piece_kind { PIECE_TEXT, PIECE_FIELD, PIECE_DATE };

struct piece {
    enum piece_kind kind;
    struct str text;         // the text, the field's name with dots, the date's letters
    struct str or_else;      // of a field; absent: it has to be there
    const struct fact *fact; // of a field that needs no reading
};

struct pattern {
    char *bytes; // what the pieces point into
    size_t used;
    struct piece pieces[PIECES_MAX];
    size_t count;
    struct json_reader *reader;
};

// Fields that come with every document, beside it.
struct fact {
    const char *name;
    size_t offset;
};
static const struct fact facts[] = {
    {"data_stream.dataset", offsetof(struct sink_doc, dataset)},
    {"data_stream.namespace", offsetof(struct sink_doc, name_space)},
    {"event.dataset", offsetof(struct sink_doc, dataset)},
    {"event.id", offsetof(struct sink_doc, uuid)},
    {"event.action", offsetof(struct sink_doc, event_type)},
    {"okta.uuid", offsetof(struct sink_doc, uuid)},
    {"okta.event_type", offsetof(struct sink_doc, event_type)},
    {"okta.outcome.result", offsetof(struct sink_doc, outcome)},
    {"okta.actor.alternate_id", offsetof(struct sink_doc, actor)},
};

// ---- reading a pattern

struct cutter {
    struct pattern *pattern;
    struct str in;
    size_t at;
    struct fault *fault;
};

static int wrong(const struct cutter *c, size_t at, const char *what) {
    return fault_set(c->fault, -EINVAL, "\"%.*s\", byte %zu: %s", STR_ARG(c->in), at + 1, what);
}

static bool at_open(const struct cutter *c) {
    return c->at + 1 < c->in.n && c->in.p[c->at] == '%' && c->in.p[c->at + 1] == '{';
}

// Unescapes up to one of `ends` (not included), to a "%{", or to the end of all.
static struct str take_text(struct cutter *c, const char *ends) {
    struct pattern *p = c->pattern;
    size_t from = p->used;
    for (; c->at < c->in.n && !at_open(c); c->at++) {
        char b = c->in.p[c->at];
        if (b && strchr(ends, b)) break;
        if (b == '\\') {
            if (++c->at == c->in.n) break;
            b = c->in.p[c->at];
        }
        p->bytes[p->used++] = b;
    }
    return (struct str){p->bytes + from, p->used - from};
}

// "[a][b.c]" to "a.b.c", in place.
static int join_brackets(const struct cutter *c, size_t at, struct str *name) {
    struct str in = str_trim(*name);
    char *to = c->pattern->bytes + (in.p - c->pattern->bytes);
    struct str joined = {to, 0};
    while (in.n) {
        size_t end = str_find_char(in, ']');
        if (in.p[0] != '[') return wrong(c, at, "a field is written in brackets, [name]");
        if (end == in.n) return wrong(c, at, "the bracket of a field is not closed");
        if (end == 1) return wrong(c, at, "a field without a name");
        if (joined.n) to[joined.n++] = '.';
        memmove(to + joined.n, in.p + 1, end - 1);
        joined.n += end - 1;
        in = str_sub(in, end + 1, in.n);
    }
    *name = joined;
    return 0;
}

static const struct fact *find_fact(struct str name) {
    for (size_t i = 0; i < LEN(facts); i++)
        if (str_eqz(name, facts[i].name)) return &facts[i];
    return NULL;
}

static int take_default(struct cutter *c, struct piece *piece) {
    if (c->at == c->in.n || c->in.p[c->at] != ':') return 0;
    if (piece->kind == PIECE_DATE)
        return wrong(c, c->at, "a date has no default; a colon in it is written \\:");
    c->at++;
    if (c->at < c->in.n && strchr("!@#&*=+<>?", c->in.p[c->at]))
        return wrong(c, c->at, "only a default may follow the colon");
    piece->or_else = take_text(c, ":}");
    return 0;
}

static int finish_piece(struct cutter *c, size_t from, struct piece *piece) {
    struct fault detail = {0};
    if (piece->kind == PIECE_FIELD) {
        int r = join_brackets(c, from, &piece->text);
        piece->fact = find_fact(piece->text);
        return r;
    }
    piece->text = str_sub(piece->text, 1, piece->text.n); // without the +
    int r = pattern_date_check(piece->text, &detail);
    return r ? wrong(c, from, detail.text) : 0;
}

// From "%{" to "}".
static int take_expansion(struct cutter *c, struct piece *piece) {
    size_t from = c->at;
    c->at += 2;
    piece->text = take_text(c, ":}");
    if (piece->text.n == 0) return wrong(c, from, "nothing is named between the braces");
    if (piece->text.p[0] != '[' && piece->text.p[0] != '+')
        return wrong(c, from, "neither a field, %{[name]}, nor a date, %{+yyyy.MM.dd}");
    piece->kind = piece->text.p[0] == '+' ? PIECE_DATE : PIECE_FIELD;
    int r = take_default(c, piece);
    if (r) return r;
    if (c->at == c->in.n) return wrong(c, from, "the brace is not closed");
    if (at_open(c)) return wrong(c, c->at, "one field inside another");
    if (c->in.p[c->at] != '}') return wrong(c, c->at, "more than one default");
    c->at++;
    return finish_piece(c, from, piece);
}

static int cut(struct cutter *c) {
    struct pattern *p = c->pattern;
    while (c->at < c->in.n) {
        if (p->count == PIECES_MAX) return wrong(c, c->at, "too many pieces");
        struct piece *piece = &p->pieces[p->count++];
        int r = 0;
        if (at_open(c)) r = take_expansion(c, piece);
        else piece->text = take_text(c, "");
        if (r) return r;
    }
    return 0;
}

int pattern_new(struct pattern **ret, const char *text, struct fault *fault) {
    AUTO(pattern) struct pattern *p = mem_new(sizeof *p);
    struct cutter c = {.pattern = p, .in = str_from(text), .fault = fault};
    if (c.in.n > TEXT_MAX_BYTES)
        return fault_set(fault, -EINVAL, "longer than %d bytes", TEXT_MAX_BYTES);
    if (!p || !(p->bytes = mem_new(c.in.n + 1)) || json_reader_new(&p->reader) < 0)
        return fault_set(fault, -ENOMEM, "no memory");
    int r = cut(&c);
    if (r) return r;
    *ret = TAKE(p);
    return 0;
}

struct pattern *pattern_free(struct pattern *p) {
    if (!p) return NULL;
    json_reader_free(p->reader);
    free(p->bytes);
    free(p);
    return NULL;
}

static bool has_kind(const struct pattern *p, enum piece_kind kind) {
    for (size_t i = 0; i < p->count; i++)
        if (p->pieces[i].kind == kind) return true;
    return false;
}

bool pattern_has_date(const struct pattern *p) { return has_kind(p, PIECE_DATE); }
bool pattern_is_constant(const struct pattern *p) {
    return !has_kind(p, PIECE_DATE) && !has_kind(p, PIECE_FIELD);
}

// ---- a document's name

struct expansion {
    struct pattern *pattern;
    const struct sink_doc *doc;
    const struct json *root; // NULL: not read yet
};

static const struct json *member(const struct json *object, struct str name) {
    const struct json *found = NULL;
    struct json_iter it = json_iter(object);
    while (json_type(object) == JSON_OBJECT && json_next(&it))
        if (str_eq(it.key, name)) found = it.value; // the last one wins
    return found;
}

// "a.b.c": a member of that whole name, or member "a" and "b.c" in it.
static const struct json *find(const struct json *object, struct str name) {
    while (object) {
        const struct json *whole = member(object, name);
        size_t dot = str_find_char(name, '.');
        if (whole || dot == name.n) return whole;
        object = member(object, str_sub(name, 0, dot));
        name = str_sub(name, dot + 1, name.n);
    }
    return NULL;
}

static struct str scalar(const struct json *v) {
    switch (json_type(v)) {
    case JSON_STRING: return json_str(v);
    case JSON_NUMBER: return json_number(v);
    case JSON_BOOL: return json_bool(v) ? STR("true") : STR("false");
    default: return STR_NONE;
    }
}

// A field that is read from the document. Outcomes: 0, absent when there is none; -ENOMEM.
static int read_field(struct expansion *e, struct str name, struct str *ret) {
    int r = e->root ? 0 : json_read(e->pattern->reader, e->doc->document, &e->root, NULL);
    if (r < 0) return r;
    *ret = r ? STR_NONE : scalar(find(e->root, name));
    return 0;
}

static int value_of(struct expansion *e, const struct piece *piece, struct str *ret) {
    if (piece->fact) memcpy(ret, (const char *)e->doc + piece->fact->offset, sizeof *ret);
    if (piece->fact && ret->p) return 0;
    return read_field(e, piece->text, ret);
}

// An empty value counts as missing where there is a default.
static int add_field(struct expansion *e, const struct piece *piece, struct buf *out,
                     struct fault *fault) {
    struct str value = STR_NONE;
    int r = value_of(e, piece, &value);
    if (r) return r;
    if (value.n == 0 && piece->or_else.p) value = piece->or_else;
    if (!value.p)
        return fault_set(fault, -ENOENT, "the document has no field %.*s", STR_ARG(piece->text));
    buf_add_str(out, value);
    return 0;
}

// By `published` where it is known: the same event then has the same name whenever it is fetched.
static int add_date(struct expansion *e, const struct piece *piece, struct buf *out,
                    struct fault *fault) {
    int64_t ms = e->doc->published_ms;
    struct str text = STR_NONE;
    int r = e->doc->has_published ? 0 : read_field(e, STR("@timestamp"), &text);
    if (r) return r;
    if (!e->doc->has_published && !time_parse_iso8601(text, &ms))
        return fault_set(fault, -ENOENT, "the document has no @timestamp");
    pattern_date_add(out, piece->text, ms);
    return 0;
}

int pattern_expand(struct pattern *p, const struct sink_doc *doc, struct buf *out,
                   struct fault *fault) {
    struct expansion e = {.pattern = p, .doc = doc};
    size_t before = out->n;
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->count; i++) {
        const struct piece *piece = &p->pieces[i];
        if (piece->kind == PIECE_TEXT) buf_add_str(out, piece->text);
        else if (piece->kind == PIECE_DATE) r = add_date(&e, piece, out, fault);
        else r = add_field(&e, piece, out, fault);
    }
    if (r == 0) r = out->error;
    if (r) buf_cut(out, before);
    return r;
}

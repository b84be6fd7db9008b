// SPDX-License-Identifier: Apache-2.0
// Mappings. No document may be refused because Okta changed the type of a member: what is no
// address, number or date is kept without being searchable, unknown members are keywords whatever
// they hold, and below okta. a text may take the place of an object (subobjects: false makes of
// every member a field of its own, so that nothing collides). OpenSearch lacks the last, hence its
// column.
#include "elastic/template-internal.h"

#include "json/write.h"

#define KEYWORD "{\"type\":\"keyword\",\"ignore_above\":1024}"
#define WITH_TEXT(type, text)                                                                      \
    "{\"type\":\"" type "\",\"ignore_above\":1024,\"fields\":{\"text\":" text "}}"
#define MATCH_ONLY "{\"type\":\"match_only_text\"}"
#define TEXT "{\"type\":\"text\",\"norms\":false}"
#define TOLERANT(type) "{\"type\":\"" type "\",\"ignore_malformed\":true}"
#define ALL(definition)                                                                            \
    { definition, definition, definition }
// Deeper than any document of the mapper's (JSON_WRITE_DEPTH_MAX).
#define FLATTENED "{\"type\":\"flattened\",\"ignore_above\":1024,\"depth_limit\":250}"
#define ANYTHING "{\"type\":\"object\",\"enabled\":false}"

static const char *const definitions[FIELD_TYPES][DIALECTS] = {
    [FIELD_KEYWORD] = ALL(KEYWORD),
    [FIELD_NAMED] = {WITH_TEXT("keyword", MATCH_ONLY), WITH_TEXT("keyword", TEXT),
                     WITH_TEXT("keyword", MATCH_ONLY)},
    [FIELD_TEXT] = {MATCH_ONLY, TEXT, MATCH_ONLY},
    [FIELD_ORIGINAL] = ALL("{\"type\":\"keyword\",\"index\":false,\"doc_values\":false}"),
    [FIELD_WILDCARD] = {"{\"type\":\"wildcard\",\"ignore_above\":8191}", KEYWORD,
                        "{\"type\":\"wildcard\",\"ignore_above\":8191}"},
    [FIELD_WILDCARD_NAMED] = {WITH_TEXT("wildcard", MATCH_ONLY), WITH_TEXT("keyword", TEXT),
                              WITH_TEXT("wildcard", MATCH_ONLY)},
    [FIELD_TIMESTAMP] = ALL("{\"type\":\"date\"}"),
    [FIELD_DATE] = ALL(TOLERANT("date")),
    [FIELD_LONG] = ALL(TOLERANT("long")),
    [FIELD_INTEGER] = ALL(TOLERANT("integer")),
    [FIELD_BOOLEAN] = {TOLERANT("boolean"), TOLERANT("boolean"), KEYWORD},
    [FIELD_IP] = ALL(TOLERANT("ip")),
    [FIELD_POINT] = ALL(TOLERANT("geo_point")),
    [FIELD_FLATTENED] = {FLATTENED, FLATTENED, "{\"type\":\"flat_object\"}"},
    [FIELD_OBJECT] = ALL("{\"type\":\"object\"}"),
    [FIELD_LOOSE] = {KEYWORD, KEYWORD, ANYTHING},
    [FIELD_OPEN] = {NULL, NULL, ANYTHING},
    [FIELD_FREE] = {NULL, NULL, NULL}, // written by hand
    [FIELD_CONSTANT] = {"{\"type\":\"constant_keyword\"}", KEYWORD, KEYWORD},
};

static void write_field(struct buf *out, struct str name, const struct elastic_field *f,
                        enum elastic_dialect dialect) {
    const char *definition = definitions[f->type][dialect];
    if (!definition) return;
    json_comma(out);
    json_key(out, name);
    if (!f->value || dialect == DIALECT_BARE) {
        buf_addz(out, definition);
        return;
    }
    buf_addz(out, "{\"type\":\"constant_keyword\",\"value\":");
    json_add_str(out, str_from(f->value));
    buf_addc(out, '}');
}

// Rows [from..to) whose names have `prefix` bytes in common that are not to be written.
struct range {
    const struct elastic_field *rows;
    size_t from, to, prefix;
};

static struct str rest_of(const struct range *r, size_t i) {
    return str_sub(str_from(r->rows[i].name), r->prefix, SIZE_MAX);
}

// The first row that is not below row `i`'s first `n` bytes and a dot.
static size_t end_of(const struct range *r, size_t i, size_t n) {
    struct str above = str_sub(str_from(r->rows[i].name), 0, n);
    size_t end = i + 1;
    for (; end < r->to; end++) {
        struct str name = str_from(r->rows[end].name);
        if (!str_starts(name, above) || name.n <= n || name.p[n] != '.') break;
    }
    return end;
}

static void write_flat(struct buf *out, struct range r, enum elastic_dialect dialect) {
    for (size_t i = r.from; i < r.to; i++) write_field(out, rest_of(&r, i), &r.rows[i], dialect);
}

static void write_nested(struct buf *out, struct range r, enum elastic_dialect dialect);

static void open_properties(struct buf *out, struct str name, const char *more) {
    json_comma(out);
    json_key(out, name);
    buf_addc(out, '{');
    buf_addz(out, more);
    buf_addz(out, "\"properties\":{");
}

// An object in which a member's type may change. Its row stands in front of its members.
static void write_free(struct buf *out, struct str name, struct range below,
                       enum elastic_dialect dialect) {
    bool flat = dialect != DIALECT_OPENSEARCH;
    open_properties(out, name, flat ? "\"type\":\"object\",\"subobjects\":false," : "");
    if (flat) write_flat(out, below, dialect);
    else write_nested(out, below, dialect);
    buf_addz(out, "}}");
}

// A field, or an object with all that is below it; gives the row behind.
static size_t write_row(struct buf *out, const struct range *r, size_t i,
                        enum elastic_dialect dialect) {
    struct str rest = rest_of(r, i);
    size_t dot = str_find_char(rest, '.'), n = r->prefix + dot, end = end_of(r, i, n);
    struct range below = {r->rows, i, end, n + 1};
    if (r->rows[i].type == FIELD_FREE) {
        below.from++;
        write_free(out, rest, below, dialect);
    } else if (dot == rest.n) {
        write_field(out, rest, &r->rows[i], dialect); // hides what is below: one or the other
    } else {
        open_properties(out, str_sub(rest, 0, dot), "");
        write_nested(out, below, dialect);
        buf_addz(out, "}}");
    }
    return end;
}

static void write_nested(struct buf *out, struct range r, enum elastic_dialect dialect) {
    for (size_t i = r.from; i < r.to;) i = write_row(out, &r, i, dialect);
}

void elastic_properties_write(struct buf *out, const struct elastic_fields *fields,
                              enum elastic_dialect dialect) {
    write_nested(out, (struct range){fields->rows, 0, fields->n, 0}, dialect);
}

// Members without a contract are keywords, whatever the first document happened to hold.
static const struct {
    const char *name, *path, *type;
} dynamic[] = {
    {"okta_texts", "okta.*", "string"},
    {"okta_integers", "okta.*", "long"},
    {"okta_numbers", "okta.*", "double"},
    {"okta_flags", "okta.*", "boolean"},
    {"gate_texts", "gatehouse.*", "string"},
    {"gate_integers", "gatehouse.*", "long"},
    {"gate_numbers", "gatehouse.*", "double"},
    {"gate_flags", "gatehouse.*", "boolean"},
    {"texts", NULL, "string"},
};

// Objects that debug data has without being known for it, where nothing else keeps their members
// from colliding.
#define LOOSE_OBJECTS                                                                              \
    "{\"debug_objects\":{\"path_match\":\"okta.debug_context.debug_data.*\","                      \
    "\"match_mapping_type\":\"object\",\"mapping\":" ANYTHING "}}"

void elastic_dynamic_write(struct buf *out, enum elastic_dialect dialect) {
    buf_addz(out, "\"dynamic_templates\":[");
    if (dialect == DIALECT_OPENSEARCH) buf_addz(out, LOOSE_OBJECTS);
    for (size_t i = 0; i < LEN(dynamic); i++) {
        json_open(out, '{');
        json_key(out, str_from(dynamic[i].name));
        buf_addc(out, '{');
        if (dynamic[i].path) buf_addf(out, "\"path_match\":\"%s\",", dynamic[i].path);
        buf_addf(out, "\"match_mapping_type\":\"%s\",\"mapping\":" KEYWORD "}}", dynamic[i].type);
    }
    buf_addz(out, "],\"date_detection\":false");
}

// SPDX-License-Identifier: Apache-2.0
// Everything that a row says comes out once: its captures as parameters of the path, its other
// fields as the body of a write or the query of a read, its handlers as operations.
#include "api/openapi.h"

#include "json/write.h"

enum { PATH_MAX_BYTES = 4096 };

// What a field is: in help texts, and as a JSON schema.
static const struct type_row {
    const char *name;
    const char *schema; // members
} types[] = {
    [FIELD_STRING] = {"string", "\"type\":\"string\""},
    [FIELD_LOWER_STRING] = {"lowercase string", "\"type\":\"string\""},
    [FIELD_NAME] = {"string", "\"type\":\"string\""},
    [FIELD_BOOL] = {"bool", "\"type\":\"boolean\""},
    [FIELD_INT] = {"int", "\"type\":\"integer\""},
    [FIELD_DURATION] = {"duration (sec)", "\"type\":\"integer\",\"format\":\"seconds\""},
    [FIELD_SIGNED_DURATION] = {"signed duration (sec)",
                               "\"type\":\"integer\",\"format\":\"seconds\""},
    [FIELD_STRINGS] = {"slice", "\"type\":\"array\",\"items\":{\"type\":\"string\"}"},
    [FIELD_COMMAS] = {"slice", "\"type\":\"array\",\"items\":{\"type\":\"string\"}"},
    [FIELD_PAIRS] = {"pairs", "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}"},
    [FIELD_MAP] = {"map", "\"type\":\"object\",\"additionalProperties\":true"},
    [FIELD_ANY] = {"any", ""},
};

const char *openapi_type_name(enum field_type type) { return types[type].name; }

static void member(struct buf *out, const char *key, const char *value) {
    json_key(out, str_from(key));
    json_add_text(out, str_from(value));
}

static void flag(struct buf *out, const char *key) {
    json_key(out, str_from(key));
    json_add_bool(out, true);
}

static void open_member(struct buf *out, const char *key, char bracket) {
    json_key(out, str_from(key));
    json_open(out, bracket);
}

// Reads "{name@}" off the front of a pattern: the name without what it takes.
static struct str take_capture(struct str *pattern) {
    struct str name = str_split(pattern, '}');
    if (!pattern->p) *pattern = STR("");
    name = str_sub(name, 1, name.n);
    while (name.n && strchr("*@#", name.p[name.n - 1])) name.n--;
    return name;
}

void openapi_template(struct buf *out, struct str pattern) {
    if (str_ends(pattern, STR("/?"))) pattern.n -= 2;
    while (pattern.n) {
        if (pattern.p[0] != '{') {
            buf_addc(out, pattern.p[0]);
            pattern = str_sub(pattern, 1, pattern.n);
            continue;
        }
        buf_addc(out, '{');
        buf_add_str(out, take_capture(&pattern));
        buf_addc(out, '}');
    }
}

bool openapi_in_path(const struct route *r, const char *field) {
    struct str pattern = str_from(r->pattern);
    while (pattern.n) {
        size_t brace = str_find_char(pattern, '{');
        pattern = str_sub(pattern, brace, pattern.n);
        if (pattern.n && str_eqz(take_capture(&pattern), field)) return true;
    }
    return false;
}

static const struct field *field_of(const struct route *r, struct str name) {
    for (const struct field *f = r->fields; f && f->name; f++)
        if (str_eqz(name, f->name)) return f;
    return NULL;
}

static void add_parameter(struct buf *out, struct str name, const char *in, const char *help,
                          const char *schema, bool required) {
    json_open(out, '{');
    json_key(out, STR("name"));
    json_add_text(out, name);
    member(out, "in", in);
    if (help) member(out, "description", help);
    open_member(out, "schema", '{');
    buf_addz(out, schema);
    json_close(out, '}');
    if (required) flag(out, "required");
    json_close(out, '}');
}

static void add_captures(struct buf *out, const struct route *r) {
    struct str pattern = str_from(r->pattern);
    if (str_find_char(pattern, '{') == pattern.n) return;
    open_member(out, "parameters", '[');
    while (pattern.n) {
        size_t brace = str_find_char(pattern, '{');
        pattern = str_sub(pattern, brace, pattern.n);
        if (!pattern.n) break;
        struct str name = take_capture(&pattern);
        const struct field *f = field_of(r, name);
        add_parameter(out, name, "path", f ? f->help : NULL, "\"type\":\"string\"", true);
    }
    json_close(out, ']');
}

static void add_property(struct buf *out, const struct field *f) {
    open_member(out, f->name, '{');
    if (*types[f->type].schema) {
        buf_addz(out, types[f->type].schema);
        buf_addc(out, ',');
    }
    member(out, "description", f->help ? f->help : "");
    if (f->otherwise) {
        json_key(out, STR("default"));
        buf_addz(out, f->otherwise);
    }
    if (f->flags & FIELD_DEPRECATED) flag(out, "deprecated");
    if (f->flags & FIELD_SECRET) buf_addz(out, ",\"x-vault-displayAttrs\":{\"sensitive\":true}");
    json_close(out, '}');
}

static bool is_body_field(const struct route *r, const struct field *f) {
    return !(f->flags & FIELD_QUERY) && !openapi_in_path(r, f->name);
}

static void add_required(struct buf *out, const struct route *r) {
    size_t n = 0;
    for (const struct field *f = r->fields; f && f->name; f++) {
        if (!(f->flags & FIELD_REQUIRED) || !is_body_field(r, f)) continue;
        if (n++ == 0) open_member(out, "required", '[');
        json_comma(out);
        json_add_text(out, str_from(f->name));
    }
    if (n) json_close(out, ']');
}

static void add_body(struct buf *out, const struct route *r, bool partial) {
    size_t n = 0;
    for (const struct field *f = r->fields; f && f->name; f++) n += is_body_field(r, f);
    if (!n) return;
    open_member(out, "requestBody", '{');
    open_member(out, "content", '{');
    open_member(out, partial ? "application/merge-patch+json" : "application/json", '{');
    open_member(out, "schema", '{');
    member(out, "type", "object");
    open_member(out, "properties", '{');
    for (const struct field *f = r->fields; f && f->name; f++)
        if (is_body_field(r, f)) add_property(out, f);
    json_close(out, '}');
    if (!partial) add_required(out, r);
    buf_addz(out, "}}}}");
}

static void add_responses(struct buf *out, const struct route *r, bool reads) {
    const char *schema = r->flags & ROUTE_RAW ? "{\"type\":\"object\"}"
                                              : "{\"$ref\":\"#/components/schemas/Answer\"}";
    open_member(out, "responses", '{');
    buf_addf(out,
             "\"200\":{\"description\":\"OK\",\"content\":{\"application/json\":{\"schema\":%s}}}",
             schema);
    if (!reads) buf_addz(out, ",\"204\":{\"description\":\"Done; no content.\"}");
    if (r->flags & ROUTE_HEAD) {
        buf_addz(out, ",\"default\":{\"description\":\"Sealed or not initialised.\"}}");
        return;
    }
    buf_addz(out, ",\"default\":{\"description\":\"Refused.\",\"content\":{\"application/json\":{"
                  "\"schema\":{\"$ref\":\"#/components/schemas/Errors\"}}}}}");
}

static const char *tag_of(enum mount_type type) {
    static const char *const tags[MOUNT_TYPES] = {
        [MOUNT_SYSTEM] = "system", [MOUNT_IDENTITY] = "identity", [MOUNT_CUBBYHOLE] = "secrets",
        [MOUNT_TOKEN] = "auth",    [MOUNT_USERPASS] = "auth",     [MOUNT_KV] = "secrets",
    };
    return tags[type];
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// "system-write-mfa-method-okta-name": the parts of the path, captures by their names.
static void add_operation_id(struct buf *out, const struct openapi_place *place, const char *verb,
                             struct str template) {
    AUTO_FINI(buf) struct buf id = buf_make(PATH_MAX_BYTES);
    buf_addf(&id, "%.*s-%s", STR_ARG(place->words), verb);
    bool dash = true;
    for (size_t i = 0; i < template.n; i++) {
        if (!is_letter(template.p[i])) {
            dash = true;
            continue;
        }
        if (dash) buf_addc(&id, '-');
        dash = false;
        buf_addc(&id, template.p[i]);
    }
    json_key(out, STR("operationId"));
    json_add_text(out, buf_str(&id));
    if (id.error && !out->error) out->error = id.error;
}

struct operation_row {
    const char *method, *verb;
    bool there, reads;
};

static void add_query(struct buf *out, const struct route *r) {
    open_member(out, "parameters", '[');
    if (r->list)
        add_parameter(out, STR("list"), "query",
                      r->read ? "Return a list if `true`." : "Must be set to `true`.",
                      r->read ? "\"type\":\"string\"" : "\"type\":\"string\",\"enum\":[\"true\"]",
                      !r->read);
    for (const struct field *f = r->fields; f && f->name; f++) {
        if (!(f->flags & FIELD_QUERY)) continue;
        json_comma(out);
        add_parameter(out, str_from(f->name), "query", f->help, types[f->type].schema, false);
    }
    json_close(out, ']');
}

static void add_operation(struct buf *out, const struct openapi_place *place, const struct route *r,
                          const struct operation_row *op, struct str template) {
    open_member(out, op->method, '{');
    member(out, "summary", r->summary);
    add_operation_id(out, place, op->verb, template);
    open_member(out, "tags", '[');
    json_add_text(out, str_from(tag_of(place->type)));
    json_close(out, ']');
    if (op->reads) add_query(out, r);
    else if (strcmp(op->method, "delete") != 0) add_body(out, r, !strcmp(op->method, "patch"));
    if (r->flags & ROUTE_OPEN) buf_addz(out, ",\"security\":[]");
    add_responses(out, r, op->reads);
    json_close(out, '}');
}

void openapi_path(struct buf *out, const struct openapi_place *place, const struct route *r) {
    AUTO_FINI(buf) struct buf template = buf_make(PATH_MAX_BYTES);
    AUTO_FINI(buf) struct buf path = buf_make(PATH_MAX_BYTES);
    openapi_template(&template, str_from(r->pattern));
    buf_addf(&path, "/%.*s%.*s", STR_ARG(place->prefix), STR_ARG(buf_str(&template)));
    const struct operation_row operations[] = {
        {"get", r->read ? "read" : "list", r->read || r->list, true},
        {"post", "write", r->update, false},
        {"patch", "patch", r->patch, false},
        {"delete", "delete", r->remove, false},
    };
    json_key(out, buf_str(&path));
    json_open(out, '{');
    member(out, "description", r->description ? r->description : r->summary);
    add_captures(out, r);
    if (r->exists) flag(out, "x-vault-createSupported");
    if (r->flags & ROUTE_SUDO) flag(out, "x-vault-sudo");
    if (r->flags & ROUTE_OPEN) flag(out, "x-vault-unauthenticated");
    for (size_t i = 0; i < LEN(operations); i++)
        if (operations[i].there) add_operation(out, place, r, &operations[i], buf_str(&template));
    json_close(out, '}');
    if (!out->error) out->error = template.error ? template.error : path.error;
}

// Has an earlier row the same path, as far as OpenAPI can tell?
static bool is_known(const struct backend *b, const struct route *r, struct buf *one,
                     struct buf *other) {
    buf_reset(one);
    openapi_template(one, str_from(r->pattern));
    struct route_walk walk = {0};
    const struct route *earlier;
    while ((earlier = route_next(b, &walk)) && earlier != r) {
        buf_reset(other);
        openapi_template(other, str_from(earlier->pattern));
        if (str_eq(buf_str(one), buf_str(other))) return true;
    }
    return false;
}

void openapi_paths(struct buf *out, const struct openapi_place *place) {
    AUTO_FINI(buf) struct buf one = buf_make(PATH_MAX_BYTES);
    AUTO_FINI(buf) struct buf other = buf_make(PATH_MAX_BYTES);
    struct route_walk walk = {0};
    const struct route *r;
    while ((r = route_next(place->backend, &walk)))
        if (!is_known(place->backend, r, &one, &other)) openapi_path(out, place, r);
}

void openapi_begin(struct buf *out, const char *version) {
    buf_addz(out,
             "{\"openapi\":\"3.0.2\",\"info\":{\"title\":\"Gatehouse API\",\"description\":"
             "\"Vault's HTTP API for Okta MFA methods, and the identity and policies that they "
             "need. All routes are below `/v1/`.\",\"version\":");
    json_add_text(out, str_from(version));
    buf_addz(out, ",\"license\":{\"name\":\"Apache-2.0\",\"url\":"
                  "\"https://www.apache.org/licenses/LICENSE-2.0\"}},"
                  "\"servers\":[{\"url\":\"/v1\"}],\"security\":[{\"token\":[]}],\"paths\":{");
}

void openapi_end(struct buf *out) {
    buf_addz(out,
             "},\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"apiKey\",\"in\":"
             "\"header\",\"name\":\"X-Vault-Token\"}},\"schemas\":{"
             "\"Errors\":{\"type\":\"object\",\"required\":[\"errors\"],\"properties\":{"
             "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}},"
             "\"Answer\":{\"type\":\"object\",\"required\":[\"request_id\",\"lease_id\","
             "\"renewable\",\"lease_duration\"],\"properties\":{"
             "\"request_id\":{\"type\":\"string\"},\"lease_id\":{\"type\":\"string\"},"
             "\"renewable\":{\"type\":\"boolean\"},\"lease_duration\":{\"type\":\"integer\"},"
             "\"data\":{\"type\":\"object\",\"nullable\":true},"
             "\"wrap_info\":{\"type\":\"object\",\"nullable\":true},"
             "\"warnings\":{\"type\":\"array\",\"nullable\":true,\"items\":{\"type\":\"string\"}},"
             "\"auth\":{\"type\":\"object\",\"nullable\":true}}}}}}");
}

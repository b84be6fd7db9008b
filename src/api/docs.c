// SPDX-License-Identifier: Apache-2.0
#include "api/docs.h"

#include "api/backends.h"
#include "api/openapi.h"

static const struct section {
    const char *title, *prefix;
    enum mount_type type;
} sections[] = {
    {"The system", "sys/", MOUNT_SYSTEM},
    {"Tokens", "auth/token/", MOUNT_TOKEN},
    {"Users with passwords", "auth/{mount}/", MOUNT_USERPASS},
    {"Identity", "identity/", MOUNT_IDENTITY},
    {"Key/value secrets, version 1", "{mount}/", MOUNT_KV},
    {"Each token's own secrets", "cubbyhole/", MOUNT_CUBBYHOLE},
};

static const char opening[] =
    "<!-- Made from the rows in src/api by `gatehouse api --markdown`. -->\n"
    "# The gate's HTTP API\n\n"
    "Vault's API, as far as Okta MFA methods need it. Every path is below `/v1/`; POST and PUT are "
    "the "
    "same; LIST may be\n"
    "sent as GET with `?list=true`. The token goes into `X-Vault-Token`, or into `Authorization: "
    "Bearer`. `?help=1` at any path\n"
    "answers with what is written here, and `sys/internal/specs/openapi` with all of it as an "
    "OpenAPI document.\n"
    "[compatibility.md](compatibility.md) says where the answers differ from Vault's and "
    "OpenBao's.\n\n"
    "Values are taken leniently, as Vault does: `\"true\"`, `\"5000\"`, `\"5m\"` and `\"a,b\"` do "
    "for a bool, an int, a duration and\n"
    "a list. Unknown parameters are ignored.\n";

static void add_methods(struct buf *out, const struct route *r) {
    const struct {
        const char *name;
        bool there;
    } methods[] = {
        {"GET", r->read},    {"LIST", r->list},     {"POST", r->update},
        {"PATCH", r->patch}, {"DELETE", r->remove},
    };
    const char *comma = "";
    for (size_t i = 0; i < LEN(methods); i++) {
        if (!methods[i].there) continue;
        buf_addf(out, "%s%s", comma, methods[i].name);
        comma = ", ";
    }
}

static void add_rights(struct buf *out, const struct route *r) {
    if (r->flags & ROUTE_OPEN) buf_addz(out, " Needs no token.");
    else if (r->flags & ROUTE_OPTIONAL) buf_addz(out, " Works without a token too.");
    else if (r->flags & ROUTE_ANY_TOKEN) buf_addz(out, " Any valid token will do.");
    if (r->flags & ROUTE_SUDO) buf_addz(out, " Needs the `sudo` capability too.");
    if (r->flags & ROUTE_SEALED) buf_addz(out, " Answers while sealed.");
    if (r->flags & ROUTE_RAW) buf_addz(out, " The answer has no envelope.");
}

// A cell of a table cannot hold a bar.
static void add_cell(struct buf *out, const char *text) {
    for (const char *p = text ? text : ""; *p; p++) {
        if (*p == '|') buf_addc(out, '\\');
        buf_addc(out, *p);
    }
}

static void add_marks(struct buf *out, const struct route *r, const struct field *f) {
    if (openapi_in_path(r, f->name)) buf_addz(out, ", in the path");
    else if (f->flags & FIELD_REQUIRED) buf_addz(out, ", required");
    if (f->flags & FIELD_QUERY) buf_addz(out, ", in the query");
    if (f->flags & FIELD_SECRET) buf_addz(out, ", secret");
    if (f->flags & FIELD_DEPRECATED) buf_addz(out, ", deprecated");
    if (f->otherwise) buf_addf(out, ", default `%s`", f->otherwise);
}

static void add_fields(struct buf *out, const struct route *r) {
    if (!r->fields || !r->fields->name) return;
    buf_addz(out, "\n| parameter | type | meaning |\n|---|---|---|\n");
    for (const struct field *f = r->fields; f->name; f++) {
        buf_addf(out, "| `%s` | %s", f->name, openapi_type_name(f->type));
        add_marks(out, r, f);
        buf_addz(out, " | ");
        add_cell(out, f->help);
        buf_addz(out, " |\n");
    }
}

static void add_route(struct buf *out, const struct section *s, const struct route *r) {
    buf_addf(out, "\n### `%s", s->prefix);
    openapi_template(out, str_from(r->pattern));
    buf_addz(out, "`\n\n");
    add_methods(out, r);
    buf_addf(out, ". %s", r->description ? r->description : r->summary);
    add_rights(out, r);
    buf_addc(out, '\n');
    add_fields(out, r);
}

void docs_write_markdown(struct buf *out) {
    buf_addz(out, opening);
    for (size_t i = 0; i < LEN(sections); i++) {
        const struct backend *b = api_backends[sections[i].type];
        buf_addf(out, "\n## %s\n\n%s\n", sections[i].title, b->help ? b->help : "");
        struct route_walk walk = {0};
        const struct route *r;
        while ((r = route_next(b, &walk))) add_route(out, &sections[i], r);
    }
}

// SPDX-License-Identifier: Apache-2.0
// Help about paths (reference 1.8), and the whole API as one OpenAPI document.
#include <errno.h>

#include "api/control.h"
#include "api/help.h"
#include "api/openapi.h"
#include "api/sys.h"

enum { HELP_MAX_BYTES = 4 << 20 };

static void add_parameters(struct buf *text, const struct route *r) {
    if (!r->fields || !r->fields->name) return;
    buf_addz(text, "\n\n## PARAMETERS");
    for (const struct field *f = r->fields; f->name; f++)
        buf_addf(text, "\n\n    %s (%s)\n\n        %s", f->name, openapi_type_name(f->type),
                 f->help ? f->help : "");
}

static void add_route_text(struct buf *text, struct str path, const struct route *r) {
    buf_addf(text, "Request:        %.*s\nMatching Route: ", STR_ARG(path));
    openapi_template(text, str_from(r->pattern));
    buf_addf(text, "\n\n%s", r->summary);
    add_parameters(text, r);
    buf_addf(text, "\n\n## DESCRIPTION\n\n%s", r->description ? r->description : r->summary);
}

static void add_mount_text(struct buf *text, const struct backend *b) {
    buf_addf(text,
             "## DESCRIPTION\n\n%s\n\n## PATHS\n\nHelp about each of these paths is there too; "
             "what may be done there depends on your policies.",
             b->help);
    struct route_walk walk = {0};
    const struct route *r;
    while ((r = route_next(b, &walk))) {
        buf_addz(text, "\n\n    ");
        openapi_template(text, str_from(r->pattern));
        buf_addf(text, "\n        %s", r->summary);
    }
}

// The paths of the answer are as the backend knows them, without its mount, as in Vault.
static int answer_help(struct call *c, const struct backend *b, struct str text) {
    struct control_status status;
    control_status(c->gate, &status);
    const struct openapi_place place = {
        .backend = b,
        .type = c->mount->type,
        .prefix = STR(""),
        .words = str_from(b->type),
    };
    c->reply.raw = true;
    struct buf *data = call_data(c);
    call_member(data, "help", text);
    json_key(data, STR("openapi"));
    openapi_begin(data, status.version);
    if (c->route) openapi_path(data, &place, c->route);
    else openapi_paths(data, &place);
    openapi_end(data);
    json_close(data, '}');
    return 0;
}

int help_answer(struct call *c) {
    AUTO_FINI(buf) struct buf text = buf_make(HELP_MAX_BYTES);
    const struct backend *b = api_backends[c->mount->type];
    if (c->route) add_route_text(&text, c->rest, c->route);
    else if (c->rest.n == 0) add_mount_text(&text, b);
    else return call_error(c, 404, "1 error occurred:\n\t* unsupported path\n\n");
    if (text.error) return text.error;
    return answer_help(c, b, buf_str(&text));
}

// The first words of operations' names: the mount's path, shortened where it is the usual one.
static void add_words(struct buf *out, const struct mount *m) {
    struct str path = str_sub(m->path, 0, m->path.n - 1);
    struct str below = str_starts(path, STR("auth/")) ? str_sub(path, 5, path.n) : path;
    if (m->type == MOUNT_SYSTEM) path = STR("system");
    else if (str_eqz(below, api_backends[m->type]->type)) path = below;
    for (size_t i = 0; i < path.n; i++) buf_addc(out, path.p[i] == '/' ? '-' : path.p[i]);
}

static int add_mount(struct buf *out, const struct mount *m) {
    AUTO_FINI(buf) struct buf words = buf_make(SYS_TEXT_MAX_BYTES);
    add_words(&words, m);
    if (words.error) return words.error;
    openapi_paths(out, &(struct openapi_place){
                           .backend = api_backends[m->type],
                           .type = m->type,
                           .prefix = m->path,
                           .words = buf_str(&words),
                       });
    return 0;
}

// Mounts of which the caller may know.
static int read_openapi(struct call *c) {
    struct control_status status;
    control_status(c->gate, &status);
    const struct acl_caller caller = {
        .state = c->state,
        .policies = c->caller.policies,
        .identity_policies = c->caller.identity_policies,
        .entity = c->caller.entity,
        .root = c->caller.root,
        .now_ms = c->now_ms,
    };
    c->reply.raw = true;
    c->reply.has_data = true;
    struct buf *out = &c->reply.data;
    openapi_begin(out, status.version);
    struct tree_walk walk =
        state_from(c->state, RECORD_MOUNT, 0, (struct tree_key){STR(""), STR_NONE});
    const struct mount *m;
    while ((m = tree_next(&walk))) {
        if (!acl_sees(&caller, m->path)) continue;
        int r = add_mount(out, m);
        if (r < 0) return r;
    }
    openapi_end(out);
    return 0;
}

const struct route sys_help_routes[] = {
    {.pattern = "internal/specs/openapi",
     .flags = ROUTE_RAW,
     .read = read_openapi,
     .summary = "This API as an OpenAPI document, as far as the caller may know of its mounts."},
    {0},
};

// SPDX-License-Identifier: Apache-2.0
// cubbyhole/: what a token keeps for itself. Nobody else sees it, and it goes with the token.
#include <errno.h>

#include "api/backends.h"
#include "api/call.h"
#include "identity/secret.h"

enum { SPACE_MAX_BYTES = 256, OBJECT_MAX_BYTES = 64 << 20, LIST_MAX_BYTES = 256 << 20 };

static void add_space(const struct call *c, struct buf *out) {
    secret_cubbyhole(out, c->caller.token->hash);
}

static const struct secret *get(const struct call *c, struct str path) {
    AUTO_FINI(buf) struct buf space = buf_make(SPACE_MAX_BYTES);
    add_space(c, &space);
    return space.error ? NULL : secret_get(c->state, buf_str(&space), path);
}

// Asked before the fields are read, and for every kind of token.
static bool exists(struct call *c) { return !c->caller.made && get(c, c->rest); }

static bool refuses(struct call *c) {
    if (!c->caller.made) return false;
    call_error(c, 400, "cubbyhole operations are only supported by 'service' type tokens");
    return true;
}

static int read_object(struct call *c) {
    if (refuses(c)) return 0;
    const struct secret *s = get(c, c->rest);
    if (!s) return call_not_found(c);
    c->reply.has_data = true;
    buf_add_str(&c->reply.data, s->json);
    if (c->caller.token->wrapping)
        call_warn(c, "Reading from 'cubbyhole/response' is deprecated. Please use "
                     "sys/wrapping/unwrap to unwrap responses, as it provides additional security "
                     "checks and other benefits.");
    return c->reply.data.error;
}

static int list_objects(struct call *c) {
    if (refuses(c)) return 0;
    AUTO_FINI(buf) struct buf space = buf_make(SPACE_MAX_BYTES);
    AUTO_FINI(buf) struct buf prefix = buf_make(OBJECT_MAX_BYTES);
    AUTO_FINI(buf) struct buf keys = buf_make(LIST_MAX_BYTES);
    add_space(c, &space);
    buf_add_str(&prefix, c->rest);
    if (prefix.n && prefix.p[prefix.n - 1] != '/') buf_addc(&prefix, '/');
    if (space.error || prefix.error) return -ENOMEM;
    size_t n = 0;
    secret_list(c->state, buf_str(&space), buf_str(&prefix), &keys, &n);
    return keys.error ? keys.error : call_keys(c, buf_str(&keys), STR_NONE);
}

static int write_object(struct call *c) {
    if (refuses(c)) return 0;
    const struct json *object = call_body(c);
    if (c->rest.n == 0) return call_error(c, 400, "1 error occurred:\n\t* missing path\n\n");
    if (!json_count(object))
        return call_error(c, 400, "1 error occurred:\n\t* missing data fields\n\n");
    AUTO_FINI(buf) struct buf space = buf_make(SPACE_MAX_BYTES);
    AUTO_WIPED struct buf text = buf_make(OBJECT_MAX_BYTES);
    int r = json_add_value(&text, object);
    if (r == -ELOOP)
        return call_error(c, 400, "the data is nested deeper than %d levels", JSON_WRITE_DEPTH_MAX);
    add_space(c, &space);
    if (r == 0) r = text.error ? text.error : space.error;
    if (r == 0) r = secret_put(c->draft, buf_str(&space), c->rest, buf_str(&text));
    return r < 0 ? r : call_no_content(c);
}

static int remove_object(struct call *c) {
    if (refuses(c)) return 0;
    AUTO_FINI(buf) struct buf space = buf_make(SPACE_MAX_BYTES);
    add_space(c, &space);
    int r = space.error ? space.error : secret_delete(c->draft, buf_str(&space), c->rest);
    return r < 0 ? r : call_no_content(c);
}

static const struct field fields[] = {
    {.name = "path", .type = FIELD_STRING, .help = "Where in the cubbyhole."},
    {0},
};

static const struct route routes[] = {
    {.pattern = "{path**}",
     .fields = fields,
     .read = read_object,
     .list = list_objects,
     .update = write_object,
     .remove = remove_object,
     .exists = exists,
     .summary = "Keeps objects for the caller's token alone."},
    {0},
};

const struct backend backend_cubbyhole = {
    .type = "cubbyhole",
    .routes = routes,
    .help = "Objects that belong to one token: nobody else sees them, and they go with the token.",
};

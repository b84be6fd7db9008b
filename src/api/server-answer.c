// SPDX-License-Identifier: Apache-2.0
// Answers as the library's responses. Bodies may hold tokens: each is one piece of memory that is
// wiped before it is freed.
#include "api/server-internal.h"
#include "crypto/digest.h"
#include "json/write.h"

struct body {
    size_t n;
    char text[];
};

static void body_free(void *arg) {
    struct body *b = arg;
    crypto_wipe(b->text, b->n);
    free(b);
}

static struct MHD_Response *response_of(struct str text) {
    struct body *b = malloc(sizeof *b + text.n);
    if (!b) return NULL;
    b->n = text.n;
    if (text.n > 0) memcpy(b->text, text.p, text.n);
    struct MHD_Response *r =
        MHD_create_response_from_buffer_with_free_callback_cls(text.n, b->text, body_free, b);
    if (!r) body_free(b);
    return r;
}

static void add_standing_headers(struct MHD_Response *r) {
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
}

void early_error(struct early *e, int status, struct str text) {
    e->status = status;
    e->content_type = "application/json";
    buf_reset(&e->body);
    buf_addz(&e->body, "{\"errors\":[");
    if (text.p) json_add_text(&e->body, text);
    buf_addz(&e->body, "]}\n");
}

struct MHD_Response *early_response(const struct early *e) {
    if (e->body.error) return NULL;
    struct MHD_Response *r = response_of(buf_str(&e->body));
    if (!r) return NULL;
    if (!e->bare) add_standing_headers(r);
    if (e->content_type) MHD_add_response_header(r, "Content-Type", e->content_type);
    if (e->close) MHD_add_response_header(r, "Connection", "close");
    AUTO_FINI(buf) struct buf location = buf_make(1 << 20);
    buf_add_str(&location, e->location);
    const char *z = e->location.p ? buf_z(&location) : NULL;
    if (z) MHD_add_response_header(r, "Location", z);
    return r;
}

struct MHD_Response *answer_response(const struct answer *a) {
    struct MHD_Response *r = response_of(a->body);
    if (!r) return NULL;
    add_standing_headers(r);
    MHD_add_response_header(r, "Content-Type",
                            a->content_type ? a->content_type : "application/json");
    return r;
}

void response_echo(struct MHD_Response *r, struct str namespace) {
    if (namespace.n == 0) return;
    AUTO_MEM char *z = mem_copy(namespace.p, namespace.n);
    if (z) MHD_add_response_header(r, "X-Vault-Namespace", z);
}

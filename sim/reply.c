// SPDX-License-Identifier: Apache-2.0
#include "sim/reply.h"

#include <errno.h>
#include <zlib.h>

enum { HEADERS_BYTES_MAX = 256 << 10, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8, GZIP_LEVEL = 1 };

struct reply reply_make(void) {
    return (struct reply){.status = 200,
                          .text = buf_make(HEADERS_BYTES_MAX),
                          .body = buf_make(REPLY_BODY_MAX),
                          .delivery = REPLY_WHOLE};
}

void reply_fini(struct reply *r) {
    buf_fini(&r->text);
    buf_fini(&r->body);
}

void reply_header(struct reply *r, const char *name, const char *format, ...) {
    if (r->n_headers == REPLY_HEADERS_MAX) {
        r->text.error = -EMSGSIZE;
        return;
    }
    struct reply_header *h = &r->headers[r->n_headers++];
    h->name = r->text.n;
    buf_add(&r->text, name, strlen(name) + 1);
    h->value = r->text.n;
    va_list args;
    va_start(args, format);
    buf_addv(&r->text, format, args);
    va_end(args);
    buf_addc(&r->text, '\0');
}

int reply_check(const struct reply *r) { return r->text.error ? r->text.error : r->body.error; }

static int deflate_into(struct buf *out, struct str in) {
    z_stream z = {.next_in = NULL};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return -ENOMEM;
    uLong bound = deflateBound(&z, (uLong)in.n);
    if (!buf_reserve(out, bound)) {
        deflateEnd(&z);
        return out->error;
    }
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = (Bytef *)out->p + out->n;
    z.avail_out = (uInt)bound;
    int e = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -EIO;
    out->n += z.total_out;
    deflateEnd(&z);
    return e;
}

int reply_gzip(struct reply *r) {
    AUTO_FINI(buf) struct buf packed = buf_make(REPLY_BODY_MAX);
    int e = deflate_into(&packed, buf_str(&r->body));
    if (e) return e;
    struct buf plain = r->body;
    r->body = packed;
    packed = plain;
    reply_header(r, "content-encoding", "gzip");
    return 0;
}

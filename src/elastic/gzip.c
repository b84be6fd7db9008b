// SPDX-License-Identifier: Apache-2.0
// A z_stream takes a quarter of a megabyte and is kept; so is the buffer, unless one huge body has
// made it large.
#include <errno.h>
#include <limits.h>

#include "elastic/engine-internal.h"

enum {
    GZIP_WRAPPER = 16, // added to the window's bits
    MEMORY_LEVEL = 8,  // zlib's default
    PACKED_KEPT_BYTES = 4 * 1024 * 1024,
    PACKED_MAX_BYTES = 512 * 1024 * 1024,
    ROOM_BYTES = 16 * 1024
};

static int error_of(int zlib_code) { return zlib_code == Z_MEM_ERROR ? -ENOMEM : -EINVAL; }

int elastic_gzip_init(struct elastic_gzip *g, int level) {
    *g = (struct elastic_gzip){.out = buf_make(PACKED_MAX_BYTES)};
    int code = deflateInit2(&g->z, level, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, MEMORY_LEVEL,
                            Z_DEFAULT_STRATEGY);
    g->ready = code == Z_OK;
    return g->ready ? 0 : error_of(code);
}

void elastic_gzip_fini(struct elastic_gzip *g) {
    if (g->ready) deflateEnd(&g->z);
    g->ready = false;
    buf_fini(&g->out);
}

// One turn of the compressor into what is free of the buffer. False when there is no more to come.
static bool deflate_some(struct elastic_gzip *g) {
    size_t room = g->out.cap - g->out.n;
    uInt given = room < UINT_MAX ? (uInt)room : UINT_MAX;
    g->z.next_out = (Bytef *)g->out.p + g->out.n;
    g->z.avail_out = given;
    int code = deflate(&g->z, Z_FINISH);
    g->out.n += given - g->z.avail_out;
    return code == Z_OK || code == Z_BUF_ERROR;
}

int elastic_gzip_pack(struct elastic_gzip *g, struct str body, struct str *ret) {
    if (body.n > UINT_MAX) return -EMSGSIZE;
    buf_shrink(&g->out, PACKED_KEPT_BYTES);
    buf_reset(&g->out);
    if (deflateReset(&g->z) != Z_OK) return -EINVAL;
    g->z.next_in = (const Bytef *)body.p;
    g->z.avail_in = (uInt)body.n;
    do {
        if (!buf_reserve(&g->out, ROOM_BYTES)) return g->out.error;
    } while (deflate_some(g));
    *ret = buf_str(&g->out);
    return 0;
}

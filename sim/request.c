// SPDX-License-Identifier: Apache-2.0
#include "sim/request.h"

#include "sim/args.h"

struct str request_header(const struct request *r, const char *name) {
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq_nocase(r->headers[i].name, str_from(name))) return r->headers[i].value;
    return STR_NONE;
}

size_t request_header_count(const struct request *r, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq_nocase(r->headers[i].name, str_from(name))) n++;
    return n;
}

bool request_is_ssws(const struct request *r, struct str *ret_token) {
    struct str value = request_header(r, "authorization"), scheme = STR("SSWS");
    if (!str_eq_nocase(str_sub(value, 0, scheme.n), scheme)) return false;
    *ret_token = str_trim(str_sub(value, scheme.n, value.n));
    return true;
}

void request_add_origin(struct buf *out, const struct request *r) {
    struct str host = request_header(r, "host");
    buf_addz(out, r->tls ? "https://" : "http://");
    buf_add_str(out, host.n ? host : STR("localhost"));
}

void request_add_decoded_path(struct buf *out, const struct request *r) {
    size_t from = out->n;
    if (args_decode(out, r->path, false)) return;
    buf_cut(out, from);
    buf_add_str(out, r->path);
}

// SPDX-License-Identifier: Apache-2.0
// The lines of opts.headers are made and checked once; a request adds its own behind them.
#include <errno.h>

#include "elastic/engine-internal.h"

// Authorization, Accept, one of the request, Content-Type, Content-Encoding
enum { REQUEST_LINES_MAX = 5 };

// What a request is made of, and so not the operator's to say.
static const char *const reserved[] = {"Accept-Encoding",  "Connection",   "Content-Encoding",
                                       "Content-Length",   "Content-Type", "Expect",
                                       "Transfer-Encoding"};

static bool is_reserved(struct str name) {
    for (size_t i = 0; i < LEN(reserved); i++)
        if (str_eq_nocase(name, str_from(reserved[i]))) return true;
    return false;
}

// RFC 9110 section 5.6.2.
static bool is_token(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c && strchr("!#$%&'*+-.^_`|~", c));
        if (!good) return false;
    }
    return name.n > 0;
}

static bool is_value(struct str value) {
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7F)
            return false;
    return true;
}

// The value may be a secret: it is in no fault.
static int check(size_t number, struct str name, struct str value, struct fault *fault) {
    if (!value.p)
        return fault_set(fault, -EINVAL, "headers: number %zu is not \"Name=value\"", number);
    if (!is_token(name))
        return fault_set(fault, -EINVAL, "headers: \"%.*s\" is no name of a header", STR_ARG(name));
    if (is_reserved(name))
        return fault_set(fault, -EINVAL,
                         "headers: %.*s is set by what is sent and must not be given",
                         STR_ARG(name));
    if (!is_value(value))
        return fault_set(fault, -EINVAL, "headers: the value of %.*s holds a control character",
                         STR_ARG(name));
    if (name.n + value.n > ELASTIC_LINE_MAX_BYTES / 2)
        return fault_set(fault, -EINVAL, "headers: the value of %.*s is too long", STR_ARG(name));
    return 0;
}

// libcurl takes "Name:" for a wish to leave the header out, "Name;" for one without a value.
static char *make_line(struct str name, struct str value) {
    AUTO_WIPED struct buf line = buf_make(ELASTIC_LINE_MAX_BYTES);
    if (!buf_reserve(&line, name.n + value.n + 4)) return NULL;
    buf_add_str(&line, name);
    buf_addz(&line, value.n ? ": " : ";");
    buf_add_str(&line, value);
    return mem_copy(line.p, line.n);
}

int elastic_lines_init(struct elastic_lines *l, const struct elastic_opts *opts,
                       struct fault *fault) {
    *l = (struct elastic_lines){.own_count = 0};
    l->own = mem_new_array(opts->header_count + 1, sizeof *l->own);
    l->lines = mem_new_array(opts->header_count + REQUEST_LINES_MAX, sizeof *l->lines);
    if (!l->own || !l->lines) return -ENOMEM;
    for (size_t i = 0; i < opts->header_count; i++) {
        struct str value = str_from(opts->headers[i]);
        struct str name = str_trim(str_split(&value, '='));
        value = str_trim(value);
        int e = check(i + 1, name, value, fault);
        if (e) return e;
        l->own[i] = make_line(name, value);
        if (!l->own[i]) return -ENOMEM;
        l->own_count++;
        l->accepts |= str_eq_nocase(name, STR("Accept"));
    }
    return 0;
}

void elastic_lines_fini(struct elastic_lines *l) {
    for (size_t i = 0; i < l->own_count; i++) {
        explicit_bzero(l->own[i], strlen(l->own[i]));
        free(l->own[i]);
    }
    free(TAKE(l->own));
    free(TAKE(l->lines));
    l->own_count = 0;
}

void elastic_lines_set(struct elastic_lines *l, const struct elastic_host *host,
                       const struct elastic_request *request, bool packed) {
    for (l->count = 0; l->count < l->own_count; l->count++) l->lines[l->count] = l->own[l->count];
    if (host->authorization) l->lines[l->count++] = host->authorization;
    if (!l->accepts) l->lines[l->count++] = "Accept: application/json";
    if (request->header) l->lines[l->count++] = request->header;
    if (request->body.n == 0) return;
    l->lines[l->count++] =
        request->ndjson ? "Content-Type: application/x-ndjson" : "Content-Type: application/json";
    if (packed) l->lines[l->count++] = "Content-Encoding: gzip";
}

// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_ENGINE_INTERNAL_H
#define ELASTIC_ENGINE_INTERNAL_H
// What the files behind elastic/engine.h share: engine.c (whom to ask, and again), hosts.c (where
// the hosts are), auth.c (credentials), headers.c (what every request says), gzip.c (bodies made
// small), say.c (errors for a person).

#define ZLIB_CONST
#include <zlib.h>

#include "elastic/engine.h"

enum { ELASTIC_URL_MAX_BYTES = 64 * 1024, ELASTIC_LINE_MAX_BYTES = 64 * 1024 };

// hosts.c. One of the hosts.
struct elastic_host {
    char *base;          // "https://es:9200/path": no slash at the end, no credentials
    char *authorization; // the header's line, of this host only; NULL: none; wiped when freed
};
// Reads one of opts.hosts. Outcomes: 0; -ENOMEM; -EINVAL with fault, which holds no credentials.
int elastic_host_read(struct elastic_host *ret, const struct elastic_opts *opts, const char *text,
                      struct fault *fault) MUST_USE;
void elastic_host_fini(struct elastic_host *h);

// auth.c. Whether no two settings tell how to log in. Outcomes: 0; -EINVAL with fault.
int elastic_auth_check(const struct elastic_opts *opts, struct fault *fault) MUST_USE;
// The Authorization header's line of the settings; NULL when there are no credentials. To be wiped.
// Outcomes: 0; -ENOMEM; -EINVAL with fault.
int elastic_auth_line(char **ret, const struct elastic_opts *opts, struct fault *fault) MUST_USE;
// The same of a name and a password (RFC 7617). `setting`: where the name stands.
int elastic_auth_basic(char **ret, const char *setting, struct str username, struct str password,
                       struct fault *fault) MUST_USE;

// headers.c. The lines of opts.headers, and room for those of a request.
struct elastic_lines {
    char **own; // wiped when freed: they may carry credentials
    size_t own_count;
    bool accepts;       // opts.headers says what is accepted
    const char **lines; // of the request at hand: own ones first
    size_t count;
};
// Outcomes: 0; -ENOMEM; -EINVAL with fault.
int elastic_lines_init(struct elastic_lines *l, const struct elastic_opts *opts,
                       struct fault *fault) MUST_USE;
void elastic_lines_fini(struct elastic_lines *l);
// The lines of one request to that host, until the next.
void elastic_lines_set(struct elastic_lines *l, const struct elastic_host *host,
                       const struct elastic_request *request, bool packed);

// gzip.c. One compressor for all bodies.
struct elastic_gzip {
    z_stream z;
    bool ready; // z is initialised
    struct buf out;
};
// Level 1..9. Outcomes: 0; -ENOMEM; -EINVAL. To be finished in any case.
int elastic_gzip_init(struct elastic_gzip *g, int level) MUST_USE;
void elastic_gzip_fini(struct elastic_gzip *g);
// `ret` borrows until the next call. Outcomes: 0; -ENOMEM; -EMSGSIZE.
int elastic_gzip_pack(struct elastic_gzip *g, struct str body, struct str *ret) MUST_USE;

#endif

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request target: no path reaches the routes that could be read in two ways.
#include "api/http-path.h"

#include "fuzz.h"

static void is_clean(const struct http_path *p) {
    struct str path = buf_str(&p->path);
    bool dots = false;
    for (struct str rest = path; rest.p;) {
        struct str segment = str_split(&rest, '/');
        dots = dots || str_eq(segment, STR(".")) || str_eq(segment, STR(".."));
    }
    MUST(dots == p->relative);
    for (size_t i = 0, n; i < path.n; i += n)
        MUST(http_rune_prints(http_rune(str_sub(path, i, path.n), &n)));
}

// Who follows a redirect is not redirected to the same place again.
static void leads_on(const struct http_path *p, struct str target) {
    struct str location = buf_str(&p->location);
    MUST(location.n > 0 && location.p[0] == '/');
    MUST(!str_eq(location, target));
    AUTO_FINI(http_path) struct http_path next;
    MUST(http_path_read(&next, location) == 0);
    MUST(next.kind != HTTP_PATH_MOVED || str_eq(buf_str(&next.location), STR("/ui/")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str target = {(const char *)data, size};
    AUTO_FINI(http_path) struct http_path p;
    MUST(http_path_read(&p, target) == 0);
    if (p.kind == HTTP_PATH_API) is_clean(&p);
    if (p.kind == HTTP_PATH_MOVED) leads_on(&p, target);
    return 0;
}

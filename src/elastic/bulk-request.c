// SPDX-License-Identifier: Apache-2.0
// What all bulk requests with documents have in common, those of `test output` too.
#include <errno.h>

#include "elastic/bulk.h"
#include "elastic/engine.h"
#include "http/url.h"

void elastic_bulk_path(struct buf *out, const struct elastic_opts *o) {
    buf_addz(out, "/_bulk?filter_path=items.*._index,items.*.status,items.*.failure_store,"
                  "items.*.error");
    if (o->pipeline && *o->pipeline) http_query_add(out, "pipeline", str_from(o->pipeline));
    for (size_t i = 0; i < o->parameter_count; i++) {
        struct str value = str_from(o->parameters[i]);
        struct str name = str_split(&value, '=');
        buf_addc(out, '&');
        http_add_encoded(out, name);
        if (!value.p) continue;
        buf_addc(out, '=');
        http_add_encoded(out, value);
    }
}

int elastic_bulk_say(const struct elastic_answer *a, int code, struct fault *fault) {
    if (a->status == 401) return elastic_say(a, "POST /_bulk", -EACCES, fault);
    if (a->status != 403) return elastic_say(a, "POST /_bulk", code, fault);
    return elastic_say(a, "POST /_bulk (the privileges create_doc and auto_configure are needed)",
                       -EACCES, fault);
}

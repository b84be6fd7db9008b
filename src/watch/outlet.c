// SPDX-License-Identifier: Apache-2.0
#include "watch/outlet.h"

#include <errno.h>

enum { MARK_MAX_BYTES = 1 << 20 };

static int save_mark(void *ctx, struct str mark) {
    struct outlet *o = ctx;
    return store_mark_save(o->store, str_from(o->opts->name), mark, NULL);
}

void outlet_init(struct outlet *o, const struct watch_output_opts *opts, struct store *store,
                 const atomic_bool *stop) {
    *o = (struct outlet){.opts = opts, .store = store};
    o->host = (struct sink_host){.save_mark = save_mark, .ctx = o, .stop = stop};
}

void outlet_close(struct outlet *o) { o->sink = o->opts->type->free(o->sink); }

void outlet_fini(struct outlet *o) {
    if (o->opts) outlet_close(o);
}

int outlet_open(struct outlet *o, struct fault *fault) {
    if (o->sink) return 0;
    AUTO_FINI(buf) struct buf mark = buf_make(MARK_MAX_BYTES);
    int e = store_mark_load(o->store, str_from(o->opts->name), &mark, fault);
    if (e) return e < 0 ? e : -EIO;
    e = o->opts->type->open(&o->sink, &o->opts->sink, &o->host, buf_str(&mark), fault);
    if (!e) o->host.opened_before = true;
    return e;
}

void outlet_undo(struct outlet *o) {
    struct fault ignored;
    if (!o->sink || o->sink->type->rollback(o->sink, &ignored) == 0) return;
    outlet_close(o);
}

// SPDX-License-Identifier: Apache-2.0
// A bulk request that was given up (time-out, lost connection, the end of the program) may still be
// under way in the engine, on its way into the index that was written to then. Behind a rollover
// its documents would be looked up there in vain, sent again, and be there twice once it is done.
// So before documents are looked up, the engine is asked whether it is still at any; our requests
// are known by their X-Opaque-Id, which stays the same from run to run.
#include <errno.h>
#include <stdio.h>

#include "elastic/tasks.h"
#include "sink/elasticsearch-internal.h"

static const char header[] = "X-Opaque-Id";

// One that the settings' headers say is sent anyway.
static struct str opaque_id_of(const struct elastic_opts *o) {
    for (size_t i = 0; i < o->header_count; i++) {
        struct str value = str_from(o->headers[i]);
        struct str name = str_trim(str_split(&value, '='));
        if (value.p && str_eq_nocase(name, str_from(header))) return str_trim(value);
    }
    return STR_NONE;
}

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

static void add_plain(struct buf *out, struct str name) {
    for (size_t i = 0; i < name.n && i < OPAQUE_NAME_MAX_BYTES; i++)
        buf_addc(out, is_plain(name.p[i]) ? name.p[i] : '_');
}

int es_settled_init(struct es_settled *d, const char *output, const struct elastic_opts *opts) {
    struct str set = opaque_id_of(opts);
    d->id = buf_make(OPAQUE_MAX_BYTES);
    d->line = buf_make(OPAQUE_MAX_BYTES);
    es_gave_up(d); // whoever ran before may have left one
    if (set.p) buf_add_str(&d->id, set);
    else buf_addz(&d->id, "gatehouse-");
    if (!set.p) add_plain(&d->id, str_from(output ? output : ""));
    if (!set.p) buf_addf(&d->line, "%s: %.*s", header, STR_ARG(buf_str(&d->id)));
    return buf_z(&d->id) && buf_z(&d->line) ? 0 : -ENOMEM;
}

void es_settled_fini(struct es_settled *d) {
    buf_fini(&d->id);
    buf_fini(&d->line);
}

const char *es_settled_line(struct es_settled *d) { return d->line.n ? buf_z(&d->line) : NULL; }

void es_gave_up(struct es_settled *d) {
    d->unsure = true;
    d->until_ms = INT64_MAX;
}

static void say_untold(struct es_sink *s, const struct fault *why) {
    if (!s->settled.said_untold)
        fault_set(&s->sink.notice, 0,
                  "%.300s; whether a request that was given up is still under way is not seen "
                  "(that needs the cluster privilege monitor), and behind a rollover it may double "
                  "documents",
                  why->text);
    s->settled.said_untold = true;
}

int es_settle_given_up(struct es_sink *s, struct fault *fault) {
    struct es_settled *d = &s->settled;
    struct elastic_tasks tasks = {.n = 0};
    struct fault why = {{0}};
    if (!d->unsure) return 0;
    int r = elastic_tasks_look(s->engine, buf_z(&d->id), d->until_ms, &tasks, &why);
    if (r == ELASTIC_E_UNTOLD) say_untold(s, &why);
    else if (r) return fault_set(fault, r, "%s", why.text);
    if (tasks.n == 0) {
        d->unsure = false;
        return 0;
    }
    if (d->until_ms == INT64_MAX) d->until_ms = tasks.newest_ms;
    return fault_set(fault, -EAGAIN,
                     "%s: the engine is still at a bulk request that was given up; nothing is sent "
                     "again before it is done",
                     elastic_host(s->engine));
}

// SPDX-License-Identifier: Apache-2.0
// What is put into an engine, as tables: component templates that hold the fields, index templates
// made of them, and for OpenSearch a policy. Each says which version of gatehouse made it, and has
// a digest of its own text, by which setup sees that settings have changed.
#include "elastic/template-internal.h"

#include <errno.h>
#include <inttypes.h>

#include "base/hash.h"
#include "json/write.h"

// Above Elastic's own `logs` (100), below its integrations (200) and what users usually take.
enum { PRIORITY = 150, PRIORITY_INDEX = 160, PRIORITY_MOST = 199, BODY_MAX = 1 << 20 };

static const struct component {
    const char *name;
    const struct elastic_fields *fields;
    bool common; // holds what is said once for all
} components[] = {
    {"gatehouse-ecs", &elastic_ecs_fields, true},
    {"gatehouse-okta", &elastic_okta_fields, false},
    {"gatehouse-gate", &elastic_gate_fields, false},
};

// A template for indices.
struct family {
    const char *name;
    const char *patterns[1];
    int priority;
    bool stream;
    const char *parts[LEN(components)];
    const char *custom; // a component of the user's, who may not have it
    const struct elastic_fields *constants;
};

static const struct family families[] = {
    {"gatehouse-okta",
     {"logs-okta.system-*"},
     PRIORITY,
     true,
     {"gatehouse-ecs", "gatehouse-okta"},
     "logs-okta.system@custom",
     &elastic_okta_stream},
    {"gatehouse-gate",
     {"logs-gatehouse.*-*"},
     PRIORITY,
     true,
     {"gatehouse-ecs", "gatehouse-gate"},
     "logs-gatehouse@custom",
     &elastic_gate_stream},
};

struct maker {
    const struct elastic_opts *opts;
    enum elastic_dialect dialect;
    int (*each)(void *ctx, const struct elastic_asset *asset);
    void *ctx;
    struct buf name, path, body, pretty;
};

static void maker_fini(struct maker *m) {
    buf_fini(&m->name);
    buf_fini(&m->path);
    buf_fini(&m->body);
    buf_fini(&m->pretty);
}
DEFINE_AUTO_FINI(maker)

static int give(struct maker *m, bool optional) {
    buf_reset(&m->pretty);
    elastic_pretty(&m->pretty, buf_str(&m->body));
    const char *name = buf_z(&m->name), *path = buf_z(&m->path);
    if (!name || !path || m->body.error || m->pretty.error) return -ENOMEM;
    const struct elastic_asset asset = {name, "PUT", path, buf_str(&m->pretty), optional};
    return m->each(m->ctx, &asset);
}

static void begin(struct maker *m, const char *what, const char *path, const char *name) {
    buf_reset(&m->name);
    buf_reset(&m->path);
    buf_reset(&m->body);
    buf_addf(&m->name, "%s %s", what, name);
    buf_addf(&m->path, "%s%s", path, name);
}

// Puts who made it in front of the members in `body`.
static int give_template(struct maker *m) {
    AUTO_FINI(buf) struct buf members = buf_make(BODY_MAX);
    buf_add_str(&members, buf_str(&m->body));
    if (members.error || m->body.error) return -ENOMEM;
    buf_reset(&m->body);
    buf_addf(&m->body,
             "{\"version\":%d,\"_meta\":{\"managed_by\":\"gatehouse\",\"digest\":\"%016" PRIx64
             "\"},",
             ELASTIC_TEMPLATE_VERSION, hash64(buf_str(&members), 0));
    buf_add_str(&m->body, buf_str(&members));
    buf_addc(&m->body, '}');
    return give(m, false);
}

// A document that brings more fields than that is indexed without them.
static void write_limits(struct maker *m) {
    bool opensearch = m->dialect == DIALECT_OPENSEARCH;
    buf_addf(&m->body,
             "\"settings\":{\"index\":{\"mapping\":{\"total_fields\":{\"limit\":%d%s}%s}}},",
             opensearch ? 10000 : 2500, opensearch ? "" : ",\"ignore_dynamic_beyond_limit\":true",
             opensearch ? ",\"depth\":{\"limit\":250}" : "");
}

static int give_component(struct maker *m, const struct component *c) {
    begin(m, "component template", "/_component_template/", c->name);
    buf_addz(&m->body, "\"template\":{");
    if (c->common) write_limits(m);
    buf_addz(&m->body, "\"mappings\":{");
    if (c->common) {
        elastic_dynamic_write(&m->body, m->dialect);
        buf_addc(&m->body, ',');
    }
    buf_addz(&m->body, "\"properties\":{");
    elastic_properties_write(&m->body, c->fields, m->dialect);
    buf_addz(&m->body, "}}}");
    return give_template(m);
}

static void write_list(struct buf *out, const char *name, const char *const *texts, size_t n) {
    json_key(out, str_from(name));
    json_open(out, '[');
    for (size_t i = 0; i < n && texts[i]; i++) json_add_str(out, str_from(texts[i]));
    json_close(out, ']');
}

static void write_parts(struct maker *m, const struct family *f) {
    const char *parts[LEN(f->parts) + 1] = {NULL};
    size_t n = 0;
    while (n < LEN(f->parts) && f->parts[n]) {
        parts[n] = f->parts[n];
        n++;
    }
    bool custom = f->custom && m->dialect != DIALECT_OPENSEARCH;
    if (custom) parts[n++] = f->custom;
    write_list(&m->body, "composed_of", parts, n);
    if (custom) write_list(&m->body, "ignore_missing_component_templates", &f->custom, 1);
}

static int give_family(struct maker *m, const struct family *f) {
    begin(m, "index template", "/_index_template/", f->name);
    write_list(&m->body, "index_patterns", f->patterns, LEN(f->patterns));
    buf_addf(&m->body, ",\"priority\":%d", f->priority);
    write_parts(m, f);
    if (f->stream) buf_addz(&m->body, ",\"data_stream\":{}");
    buf_addz(&m->body, ",\"template\":{");
    if (f->stream && m->dialect != DIALECT_OPENSEARCH) {
        buf_addz(&m->body, "\"lifecycle\":");
        elastic_lifecycle_write(&m->body, m->opts->retention_ms);
        buf_addc(&m->body, ',');
    }
    buf_addz(&m->body, "\"mappings\":{\"properties\":{");
    elastic_properties_write(&m->body, f->constants, m->dialect);
    buf_addz(&m->body, "}}}");
    return give_template(m);
}

// A policy has no room for a version but its description.
static int give_policy(struct maker *m, const char *name, const char *const *patterns, size_t n,
                       bool stream, int priority) {
    AUTO_FINI(buf) struct buf members = buf_make(BODY_MAX);
    begin(m, "policy", "/_plugins/_ism/policies/", name);
    elastic_policy_write(&members, m->opts->retention_ms, stream, patterns, n, priority);
    if (members.error) return -ENOMEM;
    buf_addf(&m->body,
             "{\"policy\":{\"description\":\"made by gatehouse, version %d, digest %016" PRIx64
             "\",",
             ELASTIC_TEMPLATE_VERSION, hash64(buf_str(&members), 0));
    buf_add_str(&m->body, buf_str(&members));
    buf_addz(&m->body, "}}");
    return give(m, true);
}

// ---- where documents go

bool elastic_index_is_constant(const struct elastic_opts *opts) {
    return opts->index && !strchr(opts->index, '%');
}

bool elastic_index_is_of_streams(const struct elastic_opts *opts) {
    struct str rest = str_from(opts->index ? opts->index : "");
    for (size_t at; (at = str_find(rest, STR("%{"))) < rest.n;) {
        rest = str_sub(rest, at + 2, rest.n);
        if (!str_starts(rest, STR("[data_stream.")) && !str_starts(rest, STR("[data_stream][")))
            return false;
    }
    return true;
}

struct str elastic_index_prefix(const struct elastic_opts *opts) {
    struct str index = str_from(opts->index);
    return opts->index ? str_sub(index, 0, str_find_char(index, '%')) : STR_NONE;
}

bool elastic_index_is_stream(const struct elastic_opts *opts) {
    struct str rest = str_from(opts->index);
    if (!opts->index) return true;
    if (strstr(opts->index, "%{+") || !str_starts(rest, STR("logs-"))) return false;
    str_split(&rest, '-');
    return str_split(&rest, '-').n > 0 && rest.n > 0;
}

static const char *without_dash(struct buf *name, struct str prefix) {
    while (prefix.n && strchr("-_.", prefix.p[prefix.n - 1])) prefix.n--;
    buf_addf(name, "gatehouse-index-%.*s", STR_ARG(prefix));
    return buf_z(name);
}

static int give_own_family(struct maker *m, const struct family *f) {
    int r = m->dialect == DIALECT_OPENSEARCH && (f->stream || m->opts->retention_ms > 0)
                ? give_policy(m, f->name, f->patterns, LEN(f->patterns), f->stream, f->priority)
                : 0;
    return r ? r : give_family(m, f);
}

static int give_streams(struct maker *m) {
    static const char *const patterns[] = {"logs-okta.system-*", "logs-gatehouse.*-*"};
    int r = m->dialect == DIALECT_OPENSEARCH
                ? give_policy(m, "gatehouse-logs", patterns, LEN(patterns), true, PRIORITY)
                : 0;
    for (size_t i = 0; !r && i < LEN(families); i++) r = give_family(m, &families[i]);
    return r;
}

// Streams of the usual names have templates of their own.
static bool is_for_streams(const struct elastic_opts *opts) {
    return !opts->index || str_eqz(elastic_index_prefix(opts), "logs-");
}

int elastic_priority(const struct elastic_opts *opts) {
    if (is_for_streams(opts)) return PRIORITY;
    int longer = PRIORITY_INDEX + (int)elastic_index_prefix(opts).n; // the narrower pattern wins
    return longer < PRIORITY_MOST ? longer : PRIORITY_MOST;
}

// The template of opts.index. One whose name begins with a field would be for every index that
// there is: none is made then.
static int give_index(struct maker *m) {
    AUTO_FINI(buf) struct buf name = buf_make(1024), pattern = buf_make(1024);
    struct str prefix = elastic_index_prefix(m->opts);
    if (prefix.n == 0) return 0;
    if (is_for_streams(m->opts)) return give_streams(m); // all other logs are not ours
    buf_addf(&pattern, "%.*s%s", STR_ARG(prefix), elastic_index_is_constant(m->opts) ? "" : "*");
    const struct family f = {
        .name = without_dash(&name, prefix),
        .patterns = {buf_z(&pattern)},
        .priority = elastic_priority(m->opts),
        .stream = elastic_index_is_stream(m->opts),
        .parts = {components[0].name, components[1].name, components[2].name},
        .constants = &elastic_any_stream,
    };
    return f.name && f.patterns[0] ? give_own_family(m, &f) : -ENOMEM;
}

int elastic_assets_in(const struct elastic_opts *opts, enum elastic_dialect dialect,
                      int (*each)(void *ctx, const struct elastic_asset *asset), void *ctx) {
    AUTO_FINI(maker)
    struct maker m = {opts,
                      dialect,
                      each,
                      ctx,
                      buf_make(BODY_MAX),
                      buf_make(BODY_MAX),
                      buf_make(BODY_MAX),
                      buf_make(BODY_MAX)};
    int r = 0;
    if (opts->raw) return 0;
    for (size_t i = 0; !r && i < LEN(components); i++) r = give_component(&m, &components[i]);
    if (r) return r;
    return opts->index ? give_index(&m) : give_streams(&m);
}

int elastic_assets(const struct elastic_opts *opts,
                   int (*each)(void *ctx, const struct elastic_asset *asset), void *ctx) {
    return elastic_assets_in(opts, elastic_dialect_of(opts), each, ctx);
}

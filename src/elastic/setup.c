// SPDX-License-Identifier: Apache-2.0
// Look first, then put: what is there in our version stays as it is, and so does what a newer
// gatehouse has put.
#include "elastic/template-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "json/read.h"

enum { PATH_MAX_BYTES = 1024 };

// ---- what is there

// Where the answer to GET holds the asset.
static const struct {
    const char *path, *list, *member;
} kinds[] = {
    {"/_component_template/", "component_templates", "component_template"},
    {"/_index_template/", "index_templates", "index_template"},
    {"/_plugins/_ism/policies/", NULL, "policy"},
};

static const struct json *find_asset(const struct json *answer, const char *path) {
    for (size_t i = 0; i < LEN(kinds); i++) {
        if (!str_starts(str_from(path), str_from(kinds[i].path))) continue;
        const struct json *holder =
            kinds[i].list ? json_at(json_get(answer, kinds[i].list), 0) : answer;
        return json_get(holder, kinds[i].member);
    }
    return NULL;
}

// Who made an asset, and of what.
struct mark {
    bool ours;
    int64_t version;
    char digest[17];
};

static void set_digest(struct mark *m, struct str digest) {
    snprintf(m->digest, sizeof m->digest, "%.*s", STR_ARG(digest));
}

// "made by gatehouse, version 1, digest 0123456789abcdef": of a policy, which has no better place.
static void read_description(struct mark *m, struct str text) {
    static const struct str front = {"made by gatehouse, version ", 27};
    if (!str_starts(text, front)) return;
    struct str rest = str_sub(text, front.n, text.n);
    m->ours = parse_i64(str_split(&rest, ','), &m->version);
    if (str_starts(rest, STR(" digest "))) set_digest(m, str_sub(rest, 8, rest.n));
}

static struct mark read_mark(const struct json *asset) {
    struct mark m = {0};
    const struct json *meta = json_get(asset, "_meta");
    read_description(&m, json_str(json_get(asset, "description")));
    if (!str_eqz(json_str(json_get(meta, "managed_by")), "gatehouse")) return m;
    m.ours = json_i64(json_get(asset, "version"), &m.version);
    set_digest(&m, json_str(json_get(meta, "digest")));
    return m;
}

// ---- one asset

struct work {
    struct elastic *e;
    bool dry_run;
    void (*say)(void *ctx, const struct elastic_asset *asset, enum elastic_put what,
                const char *text);
    void *ctx;
    struct json_reader *theirs, *ours;
    struct fault *fault;
};

static int tell(struct work *w, const struct elastic_asset *asset, enum elastic_put what,
                const char *text) {
    if (w->say) w->say(w->ctx, asset, what, text);
    return 0;
}

static int read_json(struct json_reader *reader, struct str text, const char *what,
                     const struct json **ret, struct fault *fault) {
    struct fault syntax = {{0}};
    int r = json_read(reader, text, ret, &syntax);
    return r > 0 ? fault_set(fault, -EIO, "%s: not JSON: %s", what, syntax.text) : r;
}

static int refused(const struct elastic_answer *a, const char *what, struct fault *fault) {
    bool forbidden = a->status == 401 || a->status == 403;
    return elastic_say(a, what, forbidden ? -EACCES : -EIO, fault);
}

// Such a thing is not known here: "no handler found for uri [...]", or a plugin's answer that it is
// switched off.
static bool is_unknown(const struct elastic_answer *a) {
    return (a->status == 400 || a->status == 405) &&
           str_find(a->body, STR("no handler found")) < a->body.n;
}

static int put(struct work *w, const struct elastic_asset *asset, const struct json *answer) {
    char path[PATH_MAX_BYTES], what[PATH_MAX_BYTES];
    struct elastic_answer a;
    int64_t seq_no = 0, term = 0;
    if (w->dry_run) return 0;
    bool numbered = json_i64(json_get(answer, "_seq_no"), &seq_no) &&
                    json_i64(json_get(answer, "_primary_term"), &term);
    if (numbered)
        snprintf(path, sizeof path, "%s?if_seq_no=%" PRId64 "&if_primary_term=%" PRId64,
                 asset->path, seq_no, term);
    else snprintf(path, sizeof path, "%s", asset->path);
    const struct elastic_request request = {asset->method, path, asset->body, false};
    int r = elastic_ask(w->e, &request, &a, w->fault);
    if (r) return r;
    snprintf(what, sizeof what, "%s %s", asset->method, asset->path);
    return a.status / 100 == 2 ? 0 : refused(&a, what, w->fault);
}

static int replace(struct work *w, const struct elastic_asset *asset, const struct json *answer,
                   const struct mark *theirs, const struct mark *ours) {
    char text[200];
    int r = put(w, asset, answer);
    if (r) return r;
    if (!theirs->ours) snprintf(text, sizeof text, "was not made by gatehouse");
    else if (theirs->version == ours->version)
        snprintf(text, sizeof text, "the settings have changed since");
    else
        snprintf(text, sizeof text, "from version %" PRId64 " to %" PRId64, theirs->version,
                 ours->version);
    return tell(w, asset, ELASTIC_PUT_UPDATED, text);
}

static int settle(struct work *w, const struct elastic_asset *asset, const struct json *answer) {
    const struct json *wanted = NULL;
    char text[64];
    int r = read_json(w->ours, asset->body, asset->name, &wanted, w->fault);
    if (r) return r;
    const struct json *policy = json_get(wanted, "policy");
    const struct mark ours = read_mark(policy ? policy : wanted),
                      theirs = read_mark(find_asset(answer, asset->path));
    snprintf(text, sizeof text, "version %" PRId64, theirs.version);
    if (theirs.ours && theirs.version > ours.version)
        return tell(w, asset, ELASTIC_PUT_NEWER, text);
    if (theirs.ours && theirs.version == ours.version && !strcmp(theirs.digest, ours.digest))
        return tell(w, asset, ELASTIC_PUT_SAME, text);
    return replace(w, asset, answer, &theirs, &ours);
}

static int create(struct work *w, const struct elastic_asset *asset) {
    int r = put(w, asset, NULL);
    return r ? r : tell(w, asset, ELASTIC_PUT_CREATED, "");
}

static int look_and_put(struct work *w, const struct elastic_asset *asset) {
    const struct elastic_request request = {.method = "GET", .path = asset->path};
    const struct json *answer = NULL;
    struct elastic_answer a;
    char what[PATH_MAX_BYTES];
    snprintf(what, sizeof what, "GET %s", asset->path);
    int r = elastic_ask(w->e, &request, &a, w->fault);
    if (r) return r;
    if (a.status == 404) return create(w, asset);
    if (asset->optional && is_unknown(&a))
        return tell(w, asset, ELASTIC_PUT_SKIPPED, "the engine has no plugin for it");
    if (a.status != 200) return refused(&a, what, w->fault);
    r = read_json(w->theirs, a.body, what, &answer, w->fault);
    return r ? r : settle(w, asset, answer);
}

static int do_asset(void *ctx, const struct elastic_asset *asset) {
    struct work *w = ctx;
    int r = look_and_put(w, asset);
    if (r) tell(w, asset, ELASTIC_PUT_FAILED, w->fault->text);
    return r;
}

// ---- all of them

// Elastic's server without its modules knows fewer types. Asked in a way that changes nothing.
int elastic_dialect_find(struct elastic *e, enum elastic_dialect *ret, struct fault *fault) {
    static const char body[] = "{\"index_patterns\":[\"gatehouse-types\"],\"template\":{"
                               "\"mappings\":{\"properties\":{"
                               "\"a\":{\"type\":\"match_only_text\"},"
                               "\"b\":{\"type\":\"constant_keyword\"},"
                               "\"c\":{\"type\":\"wildcard\"}}}}}";
    const struct elastic_request request = {
        .method = "POST", .path = "/_index_template/_simulate", .body = STR(body)};
    struct elastic_answer a;
    *ret = elastic_dialect_of(elastic_opts_of(e));
    if (*ret == DIALECT_OPENSEARCH) return 0;
    int r = elastic_ask(e, &request, &a, fault);
    if (!r && a.status == 400 && str_find(a.body, STR("The mapper type [")) < a.body.n)
        *ret = DIALECT_BARE;
    return r;
}

int elastic_setup(struct elastic *e, bool dry_run,
                  void (*say)(void *ctx, const struct elastic_asset *asset, enum elastic_put what,
                              const char *text),
                  void *ctx, struct fault *fault) {
    AUTO(json_reader) struct json_reader *theirs = NULL, *ours = NULL;
    struct fault ignored = {{0}};
    enum elastic_dialect dialect;
    struct work w = {e, dry_run, say, ctx, NULL, NULL, fault ? fault : &ignored};
    int r = json_reader_new(&theirs);
    if (!r) r = json_reader_new(&ours);
    if (!r) r = elastic_dialect_find(e, &dialect, w.fault);
    if (r) return r;
    w.theirs = theirs;
    w.ours = ours;
    return elastic_assets_in(elastic_opts_of(e), dialect, do_asset, &w);
}

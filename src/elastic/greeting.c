// SPDX-License-Identifier: Apache-2.0
// `GET /` tells who is there. Users need no privilege for it in most installations; where they are
// not let in (403, 405), or a small server has other things to say, nothing is known of the engine,
// which is no reason to leave it alone. What is no JSON comes from something before it.
#include <errno.h>
#include <stdio.h>

#include "elastic/engine.h"
#include "json/read.h"

static bool is_told(const struct json *root, const char *word) {
    struct str text = json_str(json_get(root, "tagline"));
    return str_find(text, str_from(word)) < text.n;
}

// OpenSearch keeps its distribution to itself when it is told to look like Elasticsearch 7.10.
static void read_root(const struct json *root, struct elastic_greeting *ret) {
    const struct json *version = json_get(root, "version");
    struct str distribution = json_str(json_get(version, "distribution"));
    bool opensearch = str_eqz(distribution, "opensearch") || is_told(root, "OpenSearch");
    const struct json *error = json_get(root, "error");
    snprintf(ret->version, sizeof ret->version, "%.*s",
             STR_ARG(json_str(json_get(version, "number"))));
    ret->known = ret->version[0] && (opensearch || is_told(root, "You Know, for Search"));
    ret->kind = opensearch ? ELASTIC_OPENSEARCH : ELASTIC_ELASTICSEARCH;
    ret->engine = ret->version[0] || json_get(error, "type") ||
                  (error && json_type(json_get(root, "status")) == JSON_NUMBER);
}

int elastic_greeting_read(const struct elastic_answer *a, struct elastic_greeting *ret) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *root = NULL;
    *ret = (struct elastic_greeting){.json = false};
    int r = json_reader_new(&reader);
    if (!r) r = json_read(reader, a->body, &root, NULL);
    if (r) return r > 0 ? 0 : r;
    ret->json = json_type(root) == JSON_OBJECT;
    read_root(root, ret);
    return 0;
}

int elastic_greeting_check(const struct elastic *e, const struct elastic_greeting *g,
                           struct fault *fault) {
    bool wanted = elastic_opts_of(e)->kind == ELASTIC_OPENSEARCH;
    if (!g->known || g->kind == elastic_opts_of(e)->kind) return 0;
    return fault_set(fault, -EINVAL,
                     wanted ? "%s: this is Elasticsearch, no OpenSearch: set `type: elasticsearch`"
                            : "%s: this is OpenSearch: set `type: opensearch`",
                     elastic_host(e));
}

static int say_no_engine(const struct elastic_answer *a, struct fault *fault) {
    elastic_say_strange(a, "GET /", fault);
    return -EPROTO;
}

int elastic_knock(struct elastic *e, struct fault *fault) {
    const struct elastic_request request = {.method = "GET", .path = "/"};
    struct elastic_answer a;
    struct elastic_greeting g;
    int r = elastic_ask(e, &request, &a, fault);
    if (r) return r;
    if (a.status == 401) return elastic_say(&a, "GET /", -EACCES, fault);
    if (a.status >= 500) return elastic_say(&a, "GET /", -EIO, fault);
    r = elastic_greeting_read(&a, &g);
    if (r) return r;
    bool hidden = a.status == 403 || a.status == 405;
    if ((!g.json && !hidden) || (a.status == 404 && !g.engine)) return say_no_engine(&a, fault);
    return elastic_greeting_check(e, &g, fault);
}

// SPDX-License-Identifier: Apache-2.0
// Which template counts for a name is the engine's business: it is asked what an index of that name
// would look like.
#include "elastic/template-internal.h"

#include <errno.h>
#include <stdio.h>

#include "json/read.h"
#include "json/write.h"

enum { PATH_MAX_BYTES = 512, BODY_MAX_BYTES = 4096 };

const char elastic_overruled[] =
    "another one counts that does not know the fields of the documents (its priority is not below "
    "that of gatehouse's): the engine makes their types up";

const char *elastic_mark_of(const char *index) {
    return strstr(index, "gatehouse.") ? "gatehouse" : "okta";
}

static enum elastic_knowledge knowledge_in(const struct json *answer, const char *index) {
    const struct json *template = json_get(answer, "template");
    const struct json *fields = json_path(template, "mappings.properties");
    if (!template) return ELASTIC_KNOWS_NONE;
    return json_get(fields, elastic_mark_of(index)) ? ELASTIC_KNOWS_OURS : ELASTIC_KNOWS_SOME;
}

static int read_look(const struct elastic_answer *a, const char *index, enum elastic_knowledge *ret,
                     struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *answer = NULL;
    int r = json_reader_new(&reader);
    if (!r) r = json_read(reader, a->body, &answer, NULL);
    if (r > 0) return elastic_say_strange(a, "simulating an index", fault);
    if (!r) *ret = knowledge_in(answer, index);
    return r;
}

// `body`: a template as if it were there already; absent: none.
static int simulate(struct elastic *e, const char *index, struct str body,
                    struct elastic_answer *ret, struct fault *fault) {
    char path[PATH_MAX_BYTES];
    int n = snprintf(path, sizeof path, "/_index_template/_simulate_index/%s", index);
    if (n < 0 || (size_t)n >= sizeof path)
        return fault_set(fault, -EIO, "the name %.40s... is too long", index);
    const struct elastic_request request = {.method = "POST", .path = path, .body = body};
    return elastic_ask(e, &request, ret, fault);
}

static int read_simulated(const struct elastic_answer *a, const char *index,
                          enum elastic_knowledge *ret, struct fault *fault) {
    if (a->status == 200) return read_look(a, index, ret, fault);
    bool forbidden = a->status == 401 || a->status == 403;
    return elastic_say(a, "simulating an index", forbidden ? -EACCES : -EIO, fault);
}

int elastic_template_look(struct elastic *e, const char *index, enum elastic_knowledge *ret,
                          struct fault *fault) {
    struct elastic_answer a;
    int r = simulate(e, index, STR_NONE, &a, fault);
    return r ? r : read_simulated(&a, index, ret, fault);
}

// One with the same priority is refused by the engine, as ours would be; or it is ours, and does
// not count although it is there.
static bool is_taken(const struct elastic_answer *a) {
    return a->status == 400 && str_find(a->body, STR("same priority")) < a->body.n;
}

// What stands in for ours knows one field, by which it is seen.
int elastic_template_try(struct elastic *e, const char *index, bool *ret_counts,
                         struct fault *fault) {
    AUTO_FINI(buf) struct buf body = buf_make(BODY_MAX_BYTES);
    enum elastic_knowledge knows = ELASTIC_KNOWS_NONE;
    struct elastic_answer a;
    buf_addz(&body, "{\"index_patterns\":[\"");
    json_add_escaped(&body, str_from(index));
    buf_addf(&body,
             "\"],\"priority\":%d,\"template\":{\"mappings\":{\"properties\":{\"%s\":{"
             "\"type\":\"object\"}}}}}",
             elastic_priority(elastic_opts_of(e)), elastic_mark_of(index));
    if (body.error) return body.error;
    int r = simulate(e, index, buf_str(&body), &a, fault);
    if (!r && !is_taken(&a)) r = read_simulated(&a, index, &knows, fault);
    if (!r) *ret_counts = knows == ELASTIC_KNOWS_OURS;
    return r;
}

// What an administrator has to do, behind what the engine said.
int elastic_template_say(struct fault *fault) {
    struct fault said = *fault;
    return fault_set(fault, -EACCES,
                     "%s (the cluster privilege manage_index_templates is needed to put the index "
                     "template there; or run `gatehouse setup` once as an administrator)",
                     said.text);
}

// Whoever may not look may well be let in by an administrator who has run `setup`: then the engine
// makes the data stream by itself.
int elastic_ensure_template(struct elastic *e, const char *data_stream, struct fault *notice,
                            struct fault *fault) {
    const struct elastic_opts *opts = elastic_opts_of(e);
    enum elastic_knowledge knows = ELASTIC_KNOWS_NONE;
    struct fault said = {{0}};
    if (!opts->template || opts->raw) return 0;
    int r = elastic_template_look(e, data_stream, &knows, &said);
    if (r == -EACCES || (!r && knows == ELASTIC_KNOWS_OURS)) return 0;
    if (!r) r = elastic_setup(e, false, NULL, NULL, &said);
    if (!r) r = elastic_template_look(e, data_stream, &knows, &said);
    if (!r && knows != ELASTIC_KNOWS_OURS)
        fault_set(notice, 0, "%s: index template of %s: %s", elastic_host(e), data_stream,
                  elastic_overruled);
    if (r == -EACCES) elastic_template_say(&said);
    if (r && fault) *fault = said;
    return r;
}

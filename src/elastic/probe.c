// SPDX-License-Identifier: Apache-2.0
// `test output`, step by step. The probe goes where documents go if that place is there already,
// and is taken out of the index that it landed in. Where the place is yet to be made, by the first
// document, the probe goes into one of its own beside it, and that goes away as a whole.
#include "elastic/template-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "elastic/bulk.h"
#include "elastic/where.h"
#include "json/read.h"
#include "json/write.h"

enum {
    PATH_MAX_BYTES = 1024,
    QUERY_MAX_BYTES = 16384,
    NAME_BYTES = 300,
    BODY_MAX_BYTES = 8192,
    PROBE_E_NOT_TAKEN = 1,
    PROBE_E_FORBIDDEN = 2,
};

struct probe {
    struct elastic *e;
    void (*say)(void *ctx, bool good, const char *step, const char *text);
    void *ctx;
    struct json_reader *reader;
    bool failed; // something was wrong

    // of one place
    const char *name; // where documents go; NULL: that depends on them
    bool first;       // no place was looked at before
    bool told;        // what was wrong with it
    bool granted;     // the engine says that the privileges on `name` are there
    char target[NAME_BYTES];
    char newest[NAME_BYTES]; // index of the target that is written to; empty: there is none
    bool made;               // the target is the probe's own
    bool lasting;            // what is written cannot be deleted: the privilege is missing
};

static void tell(struct probe *p, bool good, const char *step, const char *text) {
    if (!good) p->failed = p->told = true;
    p->say(p->ctx, good, step, text);
}

// Asks, and reads what the answer holds as far as it is JSON.
static int ask(struct probe *p, const char *method, const char *path, struct str body,
               struct elastic_answer *ret, const struct json **ret_json, struct fault *fault) {
    const struct elastic_request request = {.method = method, .path = path, .body = body};
    struct fault ignored;
    *ret_json = NULL;
    int r = elastic_ask(p->e, &request, ret, fault);
    if (!r) r = json_read(p->reader, ret->body, ret_json, &ignored);
    return r > 0 ? 0 : r;
}

// ---- who is there

static int refuse_connection(struct probe *p, const char *step, const struct fault *fault) {
    tell(p, false, step, fault->text);
    return -EIO;
}

static void tell_version(struct probe *p, const struct elastic_greeting *g) {
    static const char *const names[] = {"Elasticsearch", "OpenSearch"};
    char text[2 * NAME_BYTES];
    struct fault fault = {{0}};
    snprintf(text, sizeof text, "%s %s at %s", g->known ? names[g->kind] : "version", g->version,
             elastic_host(p->e));
    tell(p, true, "connection", text);
    if (elastic_greeting_check(p->e, g, &fault)) tell(p, false, "type of the output", fault.text);
}

// Where `GET /` is not answered, a node says its version; or nobody does, and all that is known is
// whether the answer to `GET /` was an engine's.
static int look_at_nodes(struct probe *p, const struct fault *strange) {
    const struct json *answer;
    struct elastic_answer a;
    struct fault fault = {{0}};
    char text[2 * NAME_BYTES];
    int r =
        ask(p, "GET", "/_nodes/_local?filter_path=nodes.*.version", STR_NONE, &a, &answer, &fault);
    if (r == -EIO) return refuse_connection(p, "connection", &fault);
    if (r) return r;
    struct json_iter it = json_iter(json_get(answer, "nodes"));
    struct str number = json_next(&it) ? json_str(json_get(it.value, "version")) : STR_NONE;
    if (!number.n && strange->text[0]) return refuse_connection(p, "connection", strange);
    if (number.n)
        snprintf(text, sizeof text, "version %.*s at %s", STR_ARG(number), elastic_host(p->e));
    else snprintf(text, sizeof text, "%s; it keeps its version to itself", elastic_host(p->e));
    tell(p, true, "connection", text);
    return 0;
}

static int test_connection(struct probe *p) {
    const struct elastic_request request = {.method = "GET", .path = "/"};
    struct elastic_greeting g;
    struct elastic_answer a;
    struct fault fault = {{0}};
    int r = elastic_ask(p->e, &request, &a, &fault);
    if (r == -EIO) return refuse_connection(p, "connection", &fault);
    if (!r) r = elastic_greeting_read(&a, &g);
    if (r) return r;
    if (a.status == 401) {
        elastic_say(&a, "GET /", -EACCES, &fault);
        return refuse_connection(p, "credentials", &fault);
    }
    if (a.status == 200 && g.version[0]) {
        tell_version(p, &g);
        return 0;
    }
    if (!g.engine) elastic_say_strange(&a, "GET /", &fault);
    return look_at_nodes(p, &fault);
}

// ---- what may be done

// Of the place itself, as credentials may be limited to it; of all that begins like it, where other
// documents have other names.
static void write_privileges(struct buf *out, const struct probe *p) {
    const struct elastic_opts *opts = elastic_opts_of(p->e);
    bool exact = p->name && elastic_index_is_of_streams(opts);
    buf_addz(out, "{\"index\":[{\"names\":[\"");
    json_add_escaped(out, exact ? str_from(p->name) : elastic_index_prefix(opts));
    buf_addz(out, exact ? "" : "*");
    buf_addz(out, "\"],\"privileges\":[\"create_doc\",\"auto_configure\",\"read\","
                  "\"view_index_metadata\",\"delete\"]}],\"cluster\":[");
    if (p->first && opts->template && !opts->raw) buf_addz(out, "\"manage_index_templates\"");
    buf_addz(out, "]}");
}

// Names of privileges that are not granted. `delete` is wanted for the probe only.
static void add_missing(struct probe *p, struct buf *out, const struct json *granted) {
    struct json_iter it = json_iter(granted);
    while (json_next(&it)) {
        bool is_delete = str_eqz(it.key, "delete");
        if (json_type(it.value) == JSON_OBJECT) add_missing(p, out, it.value);
        if (json_type(it.value) != JSON_BOOL || json_bool(it.value)) continue;
        if (is_delete) p->lasting = true;
        else buf_addf(out, "%s%.*s", out->n ? ", " : "", STR_ARG(it.key));
    }
}

static int test_privileges(struct probe *p) {
    AUTO_FINI(buf) struct buf body = buf_make(BODY_MAX_BYTES), missing = buf_make(BODY_MAX_BYTES);
    const struct json *answer;
    struct elastic_answer a;
    struct fault fault = {{0}};
    if (elastic_opts_of(p->e)->kind == ELASTIC_OPENSEARCH) return 0; // seen by trying
    write_privileges(&body, p);
    if (body.error) return -ENOMEM;
    int r = ask(p, "POST", "/_security/user/_has_privileges", buf_str(&body), &a, &answer, &fault);
    if (r || a.status != 200) return r;
    add_missing(p, &missing, json_get(answer, "index"));
    p->granted = json_get(answer, "index") && missing.n == 0;
    add_missing(p, &missing, json_get(answer, "cluster"));
    const char *text = missing.n ? buf_z(&missing) : "all that are needed";
    if (!text || missing.error) return -ENOMEM;
    tell(p, missing.n == 0, missing.n ? "privileges that are missing" : "privileges", text);
    return 0;
}

// ---- what documents meet there

// The index that documents go to now, if there is one.
static int find_newest(struct probe *p, struct fault *fault) {
    AUTO_FINI(elastic_indices) struct elastic_indices indices = {0};
    int r = elastic_resolve(p->e, p->target, &indices, fault);
    if (!r && indices.n) snprintf(p->newest, sizeof p->newest, "%s", indices.names[indices.n - 1]);
    return r;
}

static int choose_target(struct probe *p, struct fault *fault) {
    const struct elastic_opts *opts = elastic_opts_of(p->e);
    struct str prefix = elastic_index_prefix(opts), name = str_from(p->name ? p->name : "");
    snprintf(p->target, sizeof p->target, "%.*s", STR_ARG(name));
    int r = p->name ? find_newest(p, fault) : 0;
    if (r || p->newest[0]) return r;
    p->made = true;
    while (!opts->index && name.n && name.p[name.n - 1] != '-') name.n--; // another namespace
    if (!opts->index) snprintf(p->target, sizeof p->target, "%.*sgatehouse_probe", STR_ARG(name));
    else if (p->name) snprintf(p->target, sizeof p->target, "%.*s-gatehouse-probe", STR_ARG(name));
    else snprintf(p->target, sizeof p->target, "%.*sgatehouse-probe", STR_ARG(prefix));
    return 0;
}

// Indices of the user's own do without our fields.
static bool is_own(const struct elastic_opts *opts) {
    return opts->index && !elastic_index_is_stream(opts);
}

// What is there already has its mapping, whatever the template says now.
static int test_index(struct probe *p, struct fault *fault) {
    const struct elastic_opts *opts = elastic_opts_of(p->e);
    const struct json *answer;
    struct elastic_answer a;
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "/%s/_mapping", p->newest);
    int r = ask(p, "GET", path, STR_NONE, &a, &answer, fault);
    if (r) return r;
    struct json_iter it = json_iter(answer);
    bool knows = a.status == 200 && json_next(&it) &&
                 json_get(json_path(it.value, "mappings.properties"), elastic_mark_of(p->target));
    if (a.status != 200) elastic_say(&a, path, -EIO, fault);
    bool may_not = a.status == 200 && is_own(opts) && !opts->template;
    tell(p, knows || may_not, "index mapping",
         knows             ? "knows the fields of the documents"
         : a.status != 200 ? fault->text
         : may_not         ? "does not know the fields of the documents: the engine makes them up"
                           : "does not know the fields of the documents: run `gatehouse setup` and "
                             "roll the index over");
    return 0;
}

// No template that knows the fields. The first document brings one where the name is of the usual
// kind, which counts if no other one does.
static int tell_unknown(struct probe *p, const char *name, struct fault *fault) {
    const struct elastic_opts *opts = elastic_opts_of(p->e);
    bool comes = opts->template && str_starts(str_from(p->target), STR("logs-"));
    bool own = is_own(opts), counts = true;
    int r = elastic_template_try(p->e, name, &counts, fault);
    if (r) return r;
    if (!counts) {
        tell(p, own, "index template", elastic_overruled);
        return 0;
    }
    tell(p, comes || own, "index template",
         comes ? "is not there yet: the first document brings it"
         : own ? "is none that knows the fields of the documents: the engine makes them up, unless "
                 "`gatehouse setup` puts one there before"
               : "is not there, and `template: false` says that it is: run `gatehouse setup`");
    return 0;
}

static int test_template(struct probe *p, struct fault *fault) {
    const struct elastic_opts *opts = elastic_opts_of(p->e);
    enum elastic_knowledge knows = ELASTIC_KNOWS_NONE;
    if (opts->raw) {
        tell(p, true, "index template", "none of gatehouse's: the documents are Elastic Agent's");
        return 0;
    }
    if (p->newest[0]) return test_index(p, fault);
    const char *name = p->name ? p->name : p->target;
    int r = elastic_template_look(p->e, name, &knows, fault);
    if (r == -EACCES) {
        elastic_template_say(fault);
        tell(p, !opts->template, "index template", fault->text);
    }
    if (r) return r == -EACCES ? 0 : r;
    if (knows != ELASTIC_KNOWS_OURS) return tell_unknown(p, name, fault);
    tell(p, true, "index template", "knows the fields of the documents");
    return 0;
}

// ---- the probe

struct landed {
    char id[64], index[NAME_BYTES];
};

static int write_probe(const struct probe *p, const struct landed *at, struct buf *out) {
    AUTO_FINI(buf) struct buf document = buf_make(BODY_MAX_BYTES);
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(time_now_ms(), text);
    buf_addf(&document,
             "{\"@timestamp\":\"%s\",\"tags\":[\"gatehouse-probe\"],\"message\":\"{}\","
             "\"event\":{\"kind\":\"event\",\"id\":\"%s\"}}",
             text, at->id);
    if (document.error) return document.error;
    elastic_bulk_add(out, str_from(p->target), str_from(at->id), buf_str(&document));
    return out->error;
}

// As documents are sent, but past Elastic's own pipeline for raw events, which would take the probe
// for one.
static int write_path(const struct probe *p, struct buf *out) {
    const struct elastic_opts *opts = elastic_opts_of(p->e);
    elastic_bulk_path(out, opts);
    if (opts->raw && !(opts->pipeline && *opts->pipeline)) buf_addz(out, "&pipeline=_none");
    return buf_z(out) ? 0 : -ENOMEM;
}

// Outcomes: 0 with what the engine says of the probe; as elastic_ask.
static int send_probe(struct probe *p, const struct landed *at, struct elastic_bulk_reader *reader,
                      struct elastic_item *ret, struct fault *fault) {
    AUTO_FINI(buf) struct buf body = buf_make(BODY_MAX_BYTES), path = buf_make(QUERY_MAX_BYTES);
    struct elastic_answer a;
    struct fault why = {{0}};
    int r = write_probe(p, at, &body);
    if (!r) r = write_path(p, &path);
    if (r) return r;
    const struct elastic_request request = {
        .method = "POST", .path = buf_z(&path), .body = buf_str(&body), .ndjson = true};
    r = elastic_ask(p->e, &request, &a, fault);
    if (!r && a.status != 200) r = elastic_bulk_say(&a, -EIO, fault);
    if (!r) r = elastic_bulk_read(reader, a.body, 1, ret, &why);
    if (r != -EBADMSG) return r;
    return fault_set(fault, -EIO, "%s: POST /_bulk: %s", elastic_host(p->e), why.text);
}

// A pipeline may do what it likes with a document that is no event: what counts is that the engine
// has it.
static bool is_pipelines(const struct probe *p, const struct elastic_item *item) {
    const char *pipeline = elastic_opts_of(p->e)->pipeline;
    return pipeline && *pipeline && item->verdict == ELASTIC_ITEM_REJECTED;
}

// Outcomes: 0, it is in; PROBE_E_NOT_TAKEN; PROBE_E_FORBIDDEN, in the place that stands in for the
// real one; as send_probe.
static int put_probe(struct probe *p, struct landed *ret, struct fault *fault) {
    AUTO(elastic_bulk_reader) struct elastic_bulk_reader *reader = NULL;
    struct elastic_item item = {.status = 0};
    snprintf(ret->id, sizeof ret->id, "gatehouse-probe-%" PRId64 "-%ld", time_now_ms(),
             (long)getpid());
    int r = elastic_bulk_reader_new(&reader);
    if (!r) r = send_probe(p, ret, reader, &item, fault);
    if (r) return r;
    if (item.verdict == ELASTIC_ITEM_CREATED) {
        snprintf(ret->index, sizeof ret->index, "%.*s", STR_ARG(item.index));
        return item.index.n ? 0 : fault_set(fault, -EIO, "POST /_bulk: no _index in the answer");
    }
    fault_set(
        fault, 0, "%s: status %d, %.*s%s", elastic_host(p->e), item.status, STR_ARG(item.reason),
        item.status == 403 ? " (the privileges create_doc and auto_configure are needed)" : "");
    bool forbidden = item.status == 403 && str_starts(item.reason, STR("security_exception"));
    if (forbidden && p->made && p->name) return PROBE_E_FORBIDDEN; // another 403 is a block
    return is_pipelines(p, &item) ? PROBE_E_NOT_TAKEN : -EIO;
}

static int find_in(struct probe *p, const char *index, const char *id, bool *ret_found,
                   struct fault *fault) {
    const struct elastic_place place = {str_from(index), str_from(id)};
    return elastic_find(p->e, &place, 1, ret_found, fault);
}

static int find_probe(struct probe *p, const struct landed *at, struct fault *fault) {
    const char *pipeline = elastic_opts_of(p->e)->pipeline;
    bool found = false;
    int r = find_in(p, at->index, at->id, &found, fault);
    if (r == -ENOMEM || r == -ECANCELED) return r;
    bool elsewhere = !r && !found && pipeline && *pipeline;
    if (!r && !found && !elsewhere) r = fault_set(fault, -EIO, "it is not there");
    tell(p, r == 0, "is found",
         r           ? fault->text
         : elsewhere ? "nowhere: the pipeline has dropped it"
                     : "");
    return 0;
}

static int delete_at(struct probe *p, const char *path, bool *ret_done, struct fault *fault) {
    const struct json *answer;
    struct elastic_answer a;
    int r = ask(p, "DELETE", path, STR_NONE, &a, &answer, fault);
    if (r) return r;
    *ret_done = a.status / 100 == 2;
    if (!*ret_done) elastic_say(&a, "deleting the probe", -EIO, fault);
    return 0;
}

// The probe's own place as a whole, where that is possible, else the probe; then an empty place
// stays.
static int remove_probe(struct probe *p, const struct landed *at, struct fault *fault) {
    char path[PATH_MAX_BYTES], text[FAULT_TEXT_MAX + PATH_MAX_BYTES] = "";
    bool stream = strcmp(at->index, p->target) != 0, done = false;
    int r = 0;
    snprintf(path, sizeof path, "%s%s", stream ? "/_data_stream/" : "/", p->target);
    if (p->made) r = delete_at(p, path, &done, fault);
    if (!r && p->made && !done)
        snprintf(text, sizeof text, "but %s %s stays, empty: %s", stream ? "data stream" : "index",
                 p->target, fault->text);
    snprintf(path, sizeof path, "/%s/_doc/%s", at->index, at->id);
    if (!r && !done) r = delete_at(p, path, &done, fault);
    if (r) return r;
    struct fault said = *fault;
    if (!done)
        r = fault_set(fault, -EIO, "%s; it is %s in %s, and may be deleted by hand", said.text,
                      at->id, at->index);
    tell(p, done, "is deleted again", done ? text : fault->text);
    return r;
}

// Whether documents that came before can be looked up, without one.
static int test_lookup(struct probe *p) {
    struct fault fault = {{0}};
    bool found = false;
    const char *index = p->newest[0] ? p->newest : p->name ? p->name : p->target;
    int r = find_in(p, index, "gatehouse-probe", &found, &fault);
    if (r == -ENOMEM || r == -ECANCELED) return r;
    tell(p, r == 0, "looking up documents", r ? fault.text : "");
    return 0;
}

// Credentials may be for the real place only. That they are, the engine has said; or they may not
// even see the other one, which they could if it were writing that they are not to do.
static int judge_forbidden(struct probe *p, const struct fault *why) {
    AUTO_FINI(elastic_indices) struct elastic_indices ignored = {0};
    struct fault unseen = {{0}};
    char text[FAULT_TEXT_MAX + 4 * NAME_BYTES];
    int r = p->granted ? 0 : elastic_resolve(p->e, p->target, &ignored, &unseen);
    if (r == -ENOMEM || r == -ECANCELED) return r;
    snprintf(
        text, sizeof text,
        "is not written: %s is not there yet, and %s, which stands in for it, is not permitted "
        "to these credentials; that is no failure if they are limited to %s (%s)",
        p->name, p->target, p->name, why->text);
    tell(p, p->granted || r == -EACCES, "a probe document", text);
    return test_lookup(p);
}

static int test_probe(struct probe *p) {
    struct landed at = {{0}, {0}};
    struct fault fault = {{0}};
    char text[FAULT_TEXT_MAX + 100];
    if (p->lasting) {
        tell(p, true, "a probe document",
             "is not written: without the privilege `delete` it would stay");
        return test_lookup(p);
    }
    int r = put_probe(p, &at, &fault);
    if (r == PROBE_E_FORBIDDEN) return judge_forbidden(p, &fault);
    if (r == PROBE_E_NOT_TAKEN) {
        snprintf(text, sizeof text, "was sent, and refused, which a pipeline may do: %s",
                 fault.text);
        tell(p, true, "a probe document", text);
        return test_lookup(p);
    }
    if (r) {
        tell(p, false, "a probe document", fault.text[0] ? fault.text : error_text(r));
        return r;
    }
    snprintf(text, sizeof text, "written to %s", at.index);
    tell(p, true, "a probe document", text);
    r = find_probe(p, &at, &fault);
    return r ? r : remove_probe(p, &at, &fault);
}

// ---- place by place

// Which one is looked at, where that is not a matter of course.
static void tell_place(struct probe *p, size_t of) {
    const struct elastic_opts *opts = elastic_opts_of(p->e);
    if (!p->name) return;
    if (of == 1 && (opts->index || strcmp(p->name, "logs-okta.system-default") == 0)) return;
    tell(p, true, is_own(opts) ? "index" : "data stream", p->name);
}

// What went wrong in one place is no reason not to look at the next.
static int test_place(struct probe *p, size_t of) {
    struct fault fault = {{0}};
    tell_place(p, of);
    int r = test_privileges(p);
    if (!r) r = choose_target(p, &fault);
    if (!r) r = test_template(p, &fault);
    if (!r) r = test_probe(p);
    if (r == -ENOMEM || r == -ECANCELED) return r;
    if (r && !p->told) tell(p, false, "the engine", fault.text[0] ? fault.text : error_text(r));
    return 0;
}

static void begin_place(struct probe *p, const char *name, bool first) {
    p->name = name;
    p->first = first;
    p->told = p->granted = p->made = p->lasting = false;
    p->newest[0] = '\0';
}

int elastic_test(struct elastic *e, const char *const *names, size_t n,
                 void (*say)(void *ctx, bool good, const char *step, const char *text), void *ctx) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    int r = json_reader_new(&reader);
    if (r) return r;
    struct probe p = {.e = e, .say = say, .ctx = ctx, .reader = reader};
    r = test_connection(&p);
    for (size_t i = 0; !r && i < n; i++) {
        begin_place(&p, names[i], i == 0);
        r = test_place(&p, n);
    }
    if (r && r != -EIO) return r;
    return p.failed ? -EIO : 0;
}

// SPDX-License-Identifier: Apache-2.0
// Everything here works on servers as bare as can be: a data stream's indices are read from
// _resolve/index, which gives them in the order in which they were made.
#include "elastic/where.h"

#include <errno.h>

#include "elastic/bulk.h"
#include "http/url.h"
#include "json/read.h"
#include "json/write.h"

enum { PATH_MAX_BYTES = 4096, NAME_MAX_BYTES = 255, BODY_MAX_BYTES = 64 << 20 };

void elastic_indices_fini(struct elastic_indices *i) {
    for (size_t k = 0; k < i->n; k++) free(i->names[k]);
    free(i->names);
    *i = (struct elastic_indices){0};
}

bool elastic_name_is_good(struct str name) {
    static const char bad[] = "\\/*?\"<>| ,#:ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (name.n == 0 || name.n > NAME_MAX_BYTES || strchr("-_+", name.p[0])) return false;
    if (str_eqz(name, ".") || str_eqz(name, "..")) return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || strchr(bad, name.p[i])) return false;
    return true;
}

// ---- asking

static int ask_ok(struct elastic *e, const struct elastic_request *request, const char *what,
                  struct elastic_answer *ret, struct fault *fault) {
    int r = elastic_ask(e, request, ret, fault);
    if (r) return r;
    if (ret->status == 200) return 0;
    bool forbidden = ret->status == 401 || ret->status == 403;
    return elastic_say(ret, what, forbidden ? -EACCES : -EIO, fault);
}

static int read_answer(struct json_reader **reader, const struct elastic_answer *answer,
                       const char *what, const struct json **ret, struct fault *fault) {
    int r = json_reader_new(reader);
    if (!r) r = json_read(*reader, answer->body, ret, NULL);
    return r > 0 ? elastic_say_strange(answer, what, fault) : r;
}

// ---- resolving

static int add_name(struct elastic_indices *i, struct str name) {
    int r = mem_grow(&i->names, &i->cap, i->n + 1, sizeof(char *));
    if (r) return r;
    i->names[i->n] = mem_copy(name.p ? name.p : "", name.n);
    if (!i->names[i->n]) return -ENOMEM;
    i->n++;
    return 0;
}

static const struct json *named(const struct json *list, const char *name) {
    struct json_iter it = json_iter(list);
    while (json_next(&it))
        if (str_eqz(json_str(json_get(it.value, "name")), name)) return it.value;
    return NULL;
}

// An alias of one index (or data stream) writes to it, unless it is told not to.
static bool is_written(const struct json *holder, const char *alias, size_t count) {
    const struct json *flag =
        json_get(json_get(json_get(holder, "aliases"), alias), "is_write_index");
    return json_bool(flag) || (count == 1 && json_type(flag) != JSON_BOOL);
}

// The key of that which an alias writes to; absent when there is none.
static struct str written_of(const struct json *root, const char *alias) {
    struct json_iter it = json_iter(root);
    while (json_next(&it))
        if (is_written(it.value, alias, json_count(root))) return it.key;
    return STR_NONE;
}

static int say_not_written(const char *alias, const struct json *root, const char *what,
                           struct fault *fault) {
    return fault_set(fault, -EINVAL, "alias %s: none of its %zu %s is its write index", alias,
                     json_count(root), what);
}

// The keys of an object but for those in `but`.
static int add_others(struct elastic_indices *ret, const struct json *root,
                      const struct elastic_indices *but) {
    struct json_iter it = json_iter(root);
    int r = 0;
    while (r == 0 && json_next(&it)) {
        bool left_out = false;
        for (size_t i = 0; i < but->n; i++) left_out |= str_eqz(it.key, but->names[i]);
        if (!left_out) r = add_name(ret, it.key);
    }
    return r;
}

static int add_behind(struct elastic_indices *ret, const struct json *root,
                      const struct elastic_indices *last) {
    int r = add_others(ret, root, last);
    for (size_t i = 0; r == 0 && i < last->n; i++) r = add_name(ret, str_from(last->names[i]));
    return r;
}

static int read_stream(const struct json *stream, struct elastic_indices *ret) {
    struct json_iter it = json_iter(json_get(stream, "backing_indices"));
    int r = 0;
    while (r == 0 && json_next(&it)) r = add_name(ret, json_str(it.value));
    return r;
}

// ---- aliases

// What an alias is made of, and how it is asked for.
struct alias {
    struct elastic *e;
    const char *name;
    struct str encoded;
    const struct json *indices; // answer to GET /ALIAS: all indices behind it
};

// GET BEFORE ENCODED BEHIND, an object. Outcomes: as ask_ok and read_answer.
static int ask_alias(const struct alias *a, const char *before, struct str encoded,
                     const char *behind, struct json_reader **reader, const struct json **ret,
                     struct fault *fault) {
    AUTO_FINI(buf) struct buf path = buf_make(PATH_MAX_BYTES);
    buf_addf(&path, "%s%.*s%s", before, STR_ARG(encoded), behind);
    const struct elastic_request request = {.method = "GET", .path = buf_z(&path)};
    struct elastic_answer answer;
    if (!request.path) return -ENOMEM;
    int r = ask_ok(a->e, &request, a->name, &answer, fault);
    return r ? r : read_answer(reader, &answer, a->name, ret, fault);
}

// Aliases of data streams are no affair of the indices behind them.
static bool is_of_streams(const struct alias *a) {
    struct json_iter it = json_iter(a->indices);
    while (json_next(&it))
        if (json_get(json_get(it.value, "aliases"), a->name)) return false;
    return json_count(a->indices) > 1; // a single one can only be what is written to
}

static int resolve_stream(const struct alias *a, struct str stream, struct elastic_indices *ret,
                          struct fault *fault) {
    AUTO_FINI(buf) struct buf encoded = buf_make(PATH_MAX_BYTES), name = buf_make(PATH_MAX_BYTES);
    AUTO_FINI(elastic_indices) struct elastic_indices found = {0};
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *root = NULL;
    http_add_encoded(&encoded, stream);
    buf_add_str(&name, stream);
    if (!buf_z(&name) || encoded.error) return -ENOMEM;
    int r = ask_alias(a, "/_resolve/index/", buf_str(&encoded), "", &reader, &root, fault);
    if (!r) r = read_stream(named(json_get(root, "data_streams"), buf_z(&name)), &found);
    return r ? r : add_behind(ret, a->indices, &found);
}

static int resolve_streams(const struct alias *a, struct elastic_indices *ret,
                           struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *root = NULL;
    int r = ask_alias(a, "/_alias/", a->encoded, "", &reader, &root, fault);
    if (r) return r;
    struct str stream = written_of(root, a->name);
    if (!stream.p) return say_not_written(a->name, root, "data streams", fault);
    return resolve_stream(a, stream, ret, fault);
}

static int resolve_indices(const struct alias *a, struct elastic_indices *ret,
                           struct fault *fault) {
    struct str written = written_of(a->indices, a->name);
    AUTO_FINI(elastic_indices) struct elastic_indices last = {0};
    if (!written.p) return say_not_written(a->name, a->indices, "indices", fault);
    int r = add_name(&last, written);
    return r ? r : add_behind(ret, a->indices, &last);
}

static int resolve_alias(struct elastic *e, const char *name, struct str encoded,
                         struct elastic_indices *ret, struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    struct alias a = {.e = e, .name = name, .encoded = encoded};
    int r = ask_alias(&a, "/", encoded, "?filter_path=*.aliases", &reader, &a.indices, fault);
    if (r) return r;
    return is_of_streams(&a) ? resolve_streams(&a, ret, fault) : resolve_indices(&a, ret, fault);
}

// ---- names

static int read_resolved(struct elastic *e, const char *name, struct str encoded,
                         const struct json *root, struct elastic_indices *ret,
                         struct fault *fault) {
    const struct json *stream = named(json_get(root, "data_streams"), name);
    if (stream) return read_stream(stream, ret);
    if (named(json_get(root, "indices"), name)) return add_name(ret, str_from(name));
    if (named(json_get(root, "aliases"), name)) return resolve_alias(e, name, encoded, ret, fault);
    return 0;
}

// 200, or an engine's own word that there is nothing of that name. A page of somebody else's, such
// as a proxy's that knows no such path, says nothing about it.
static int read_resolving(struct json_reader **reader, const struct elastic_answer *answer,
                          const char *path, const struct json **ret, struct fault *fault) {
    int r = read_answer(reader, answer, path, ret, fault);
    if (r || answer->status == 200 || json_type(json_get(*ret, "error")) == JSON_OBJECT) return r;
    return elastic_say_strange(answer, path, fault);
}

int elastic_resolve(struct elastic *e, const char *name, struct elastic_indices *ret,
                    struct fault *fault) {
    AUTO_FINI(buf) struct buf path = buf_make(PATH_MAX_BYTES);
    AUTO_FINI(elastic_indices) struct elastic_indices found = {0};
    AUTO(json_reader) struct json_reader *reader = NULL;
    size_t before = strlen("/_resolve/index/");
    buf_addz(&path, "/_resolve/index/");
    http_add_encoded(&path, str_from(name));
    struct elastic_request request = {.method = "GET", .path = buf_z(&path)};
    struct elastic_answer answer;
    const struct json *root = NULL;
    if (!request.path) return -ENOMEM;
    int r = elastic_ask(e, &request, &answer, fault);
    if (r) return r;
    if (answer.status == 401 || answer.status == 403)
        return elastic_say(&answer, "the privilege view_index_metadata is needed", -EACCES, fault);
    if (answer.status != 200 && answer.status != 404)
        return elastic_say(&answer, request.path, -EIO, fault);
    r = read_resolving(&reader, &answer, request.path, &root, fault);
    if (!r && answer.status == 200)
        r = read_resolved(e, name, str_sub(buf_str(&path), before, path.n), root, &found, fault);
    if (r) return r;
    elastic_indices_fini(ret);
    *ret = found;
    found = (struct elastic_indices){0};
    return 0;
}

// ---- finding

static void write_places(struct buf *out, const struct elastic_place *places, size_t n) {
    buf_addz(out, "{\"docs\":[");
    for (size_t i = 0; i < n; i++) {
        buf_addz(out, i ? ",{\"_index\":" : "{\"_index\":");
        json_add_text(out, places[i].index);
        buf_addz(out, ",\"_id\":");
        json_add_text(out, places[i].id);
        buf_addc(out, '}');
    }
    buf_addz(out, "]}");
}

// Errors of one document that mean that it is not there; all others mean that nobody knows.
static bool means_nothing_there(struct str type) {
    return str_eqz(type, "index_not_found_exception") || str_eqz(type, "index_closed_exception");
}

static int read_found(const struct json *doc, struct str index, bool *ret, struct fault *fault) {
    const struct json *error = json_get(doc, "error");
    struct str type = json_str(json_get(error, "type"));
    *ret = json_bool(json_get(doc, "found"));
    if (!error) {
        if (json_type(json_get(doc, "found")) == JSON_BOOL) return 0;
        return fault_set(fault, -EIO, "POST /_mget: an answer that says nothing of a document");
    }
    if (means_nothing_there(type)) return 0;
    int code = str_eqz(type, "security_exception") ? -EACCES : -EIO;
    struct str reason = json_str(json_get(error, "reason"));
    return fault_set(fault, code,
                     "%.*s cannot be searched for documents that came before%s: "
                     "%.*s: %.*s",
                     STR_ARG(index), code == -EACCES ? " (the privilege read is needed)" : "",
                     STR_ARG(type), STR_ARG(reason));
}

static int find_some(struct elastic *e, const struct elastic_place *places, size_t n,
                     bool *ret_found, struct fault *fault) {
    AUTO_FINI(buf) struct buf body = buf_make(BODY_MAX_BYTES);
    AUTO(json_reader) struct json_reader *reader = NULL;
    write_places(&body, places, n);
    if (body.error) return body.error;
    const struct elastic_request request = {
        .method = "POST",
        .path = "/_mget?_source=false&filter_path=docs.found,docs.error.type,docs.error.reason",
        .body = buf_str(&body)};
    struct elastic_answer answer;
    const struct json *root = NULL;
    int r = ask_ok(e, &request, "POST /_mget (the privilege read is needed)", &answer, fault);
    if (!r) r = read_answer(&reader, &answer, "POST /_mget", &root, fault);
    if (r) return r;
    const struct json *docs = json_get(root, "docs");
    if (json_type(docs) != JSON_ARRAY || json_count(docs) != n)
        return fault_set(fault, -EIO, "POST /_mget: not one answer for each of %zu documents", n);
    struct json_iter it = json_iter(docs);
    for (size_t i = 0; r == 0 && json_next(&it); i++)
        r = read_found(it.value, places[i].index, &ret_found[i], fault);
    return r;
}

int elastic_find(struct elastic *e, const struct elastic_place *places, size_t n, bool *ret_found,
                 struct fault *fault) {
    int r = 0;
    for (size_t at = 0; r == 0 && at < n; at += ELASTIC_FIND_MAX) {
        size_t some = n - at < ELASTIC_FIND_MAX ? n - at : ELASTIC_FIND_MAX;
        r = find_some(e, places + at, some, ret_found + at, fault);
    }
    return r;
}

// ---- removing

static int read_removed(const struct elastic_item *item, struct str index, struct fault *fault) {
    if (item->status == 200 || item->status == 404) return 0;
    bool forbidden = item->status == 401 || item->status == 403;
    return fault_set(fault, forbidden ? -EACCES : -EIO,
                     "a document that is in an earlier index, too, cannot be taken out of %.*s%s: "
                     "%.*s",
                     STR_ARG(index), forbidden ? " (the privilege delete is needed)" : "",
                     STR_ARG(item->reason));
}

static int read_all_removed(const struct elastic_answer *answer, const struct elastic_place *places,
                            size_t n, struct fault *fault) {
    AUTO(elastic_bulk_reader) struct elastic_bulk_reader *reader = NULL;
    AUTO_MEM struct elastic_item *items = mem_new_array(n, sizeof *items);
    if (!items) return -ENOMEM;
    int r = elastic_bulk_reader_new(&reader);
    if (!r) r = elastic_bulk_read(reader, answer->body, n, items, fault);
    if (r) return r == -EBADMSG ? -EIO : r;
    for (size_t i = 0; r == 0 && i < n; i++) r = read_removed(&items[i], places[i].index, fault);
    return r;
}

int elastic_remove(struct elastic *e, const struct elastic_place *places, size_t n,
                   struct fault *fault) {
    AUTO_FINI(buf) struct buf body = buf_make(BODY_MAX_BYTES);
    if (n == 0) return 0;
    for (size_t i = 0; i < n; i++) {
        buf_addz(&body, "{\"delete\":{\"_index\":");
        json_add_text(&body, places[i].index);
        buf_addz(&body, ",\"_id\":");
        json_add_text(&body, places[i].id);
        buf_addz(&body, "}}\n");
    }
    if (body.error) return body.error;
    const struct elastic_request request = {
        .method = "POST", .path = "/_bulk", .body = buf_str(&body), .ndjson = true};
    struct elastic_answer answer;
    int r = ask_ok(e, &request, "removing what came twice", &answer, fault);
    return r ? r : read_all_removed(&answer, places, n, fault);
}

// SPDX-License-Identifier: Apache-2.0
// An answer to a bulk request is judged item by item. What an item's error means stands in a table,
// first match wins: names of errors before statuses, since engines give the same status to a
// document that will never fit and to a cluster that is not ready.
#include "elastic/bulk.h"

#include <errno.h>

#include "json/read.h"
#include "json/write.h"

enum { CAUSES_MAX = 32 };

// ---- requests

void elastic_bulk_add(struct buf *out, struct str index, struct str id, struct str document) {
    buf_addz(out, "{\"create\":{\"_index\":");
    json_add_text(out, index);
    buf_addz(out, ",\"_id\":");
    json_add_text(out, id);
    buf_addz(out, "}}\n");
    buf_add_str(out, document);
    buf_addc(out, '\n');
}

// ---- verdicts

struct rule {
    int status;       // 0: any
    const char *type; // of the error; NULL: any
    const char *text; // stands in the error's reason; NULL: any
    enum elastic_item_verdict verdict;
};

static const struct rule rules[] = {
    {409, "version_conflict_engine_exception", NULL, ELASTIC_ITEM_THERE},

    // The cluster cannot take it just now.
    {0, "es_rejected_execution_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "rejected_execution_exception", NULL, ELASTIC_ITEM_RETRY}, // OpenSearch's name for it
    {0, "circuit_breaking_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "cluster_block_exception", NULL, ELASTIC_ITEM_RETRY}, // flood stage, read-only, recovering
    {0, "unavailable_shards_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "no_shard_available_action_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "primary_missing_action_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "shard_not_in_primary_mode_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "process_cluster_event_timeout_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "master_not_discovered_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "cluster_manager_not_discovered_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "node_closed_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "node_not_connected_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "node_disconnected_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "already_closed_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "index_closed_exception", NULL, ELASTIC_ITEM_RETRY},
    {0, "resource_already_exists_exception", NULL, ELASTIC_ITEM_RETRY}, // made by two at once
    {0, "task_cancelled_exception", NULL, ELASTIC_ITEM_RETRY},

    // Somebody has to set something right; no document is at fault.
    {0, "security_exception", NULL, ELASTIC_ITEM_WAITS},
    {0, "index_not_found_exception", NULL, ELASTIC_ITEM_WAITS}, // and may not be made by itself
    {0, NULL, "pipeline with id [", ELASTIC_ITEM_WAITS},        // "... does not exist"
    {0, NULL, "no write index is defined for alias", ELASTIC_ITEM_WAITS},
    {0, NULL, "no matching index template", ELASTIC_ITEM_WAITS},
    {0, NULL, "targeting backing indices is disallowed", ELASTIC_ITEM_WAITS},
    {0, NULL, "this action would add [", ELASTIC_ITEM_WAITS}, // more shards than there may be

    // The document does not fit.
    {0, "document_parsing_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "mapper_parsing_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "strict_dynamic_mapping_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "illegal_argument_exception", NULL, ELASTIC_ITEM_REJECTED}, // limit of total fields, ...
    {0, "invalid_index_name_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "max_bytes_length_exceeded_exception", NULL, ELASTIC_ITEM_REJECTED},

    // A pipeline failed on it; its processors' failures mostly have status 500.
    {0, "fail_processor_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "ingest_processor_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "ingest_pipeline_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "script_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "general_script_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "class_cast_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "null_pointer_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "number_format_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "index_out_of_bounds_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "array_index_out_of_bounds_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "string_index_out_of_bounds_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "arithmetic_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "date_time_exception", NULL, ELASTIC_ITEM_REJECTED},
    {0, "date_time_parse_exception", NULL, ELASTIC_ITEM_REJECTED},
    {500, "exception", NULL, ELASTIC_ITEM_REJECTED}, // 7.x wraps what a processor threw

    {400, NULL, NULL, ELASTIC_ITEM_REJECTED},
    {413, NULL, NULL, ELASTIC_ITEM_REJECTED},
    {422, NULL, NULL, ELASTIC_ITEM_REJECTED},
    {0, NULL, NULL, ELASTIC_ITEM_RETRY}, // 401, 403, 404, 408, 429, 5xx, and what nobody knows yet
};

static bool matches(const struct rule *rule, int status, struct str type, struct str reason) {
    if (rule->status && rule->status != status) return false;
    if (rule->type && !str_eqz(type, rule->type)) return false;
    return !rule->text || str_find(reason, str_from(rule->text)) < reason.n;
}

static enum elastic_item_verdict judge(int status, struct str type, struct str reason) {
    size_t i = 0;
    while (!matches(&rules[i], status, type, reason)) i++;
    return rules[i].verdict;
}

// ---- answers

struct elastic_bulk_reader {
    struct json_reader *json;
    struct buf reasons; // of all items, one after the other
};

int elastic_bulk_reader_new(struct elastic_bulk_reader **ret) {
    AUTO(elastic_bulk_reader) struct elastic_bulk_reader *r = mem_new(sizeof *r);
    if (!r) return -ENOMEM;
    r->reasons = buf_make(SIZE_MAX / 2);
    int e = json_reader_new(&r->json);
    if (e) return e;
    *ret = TAKE(r);
    return 0;
}

struct elastic_bulk_reader *elastic_bulk_reader_free(struct elastic_bulk_reader *r) {
    if (!r) return NULL;
    json_reader_free(r->json);
    buf_fini(&r->reasons);
    free(r);
    return NULL;
}

static const struct json *innermost_cause(const struct json *error) {
    const struct json *cause = NULL;
    for (int i = 0; i < CAUSES_MAX; i++) {
        const struct json *next = json_get(cause ? cause : error, "caused_by");
        if (json_type(next) != JSON_OBJECT) break;
        cause = next;
    }
    return cause;
}

static void add_part(struct buf *out, size_t from, struct str part, const char *between) {
    if (part.n == 0) return;
    if (out->n > from) buf_addz(out, between);
    buf_add_str(out, part);
}

// "type: reason, caused by type: reason"; an error may be a mere text.
static void add_error(struct buf *out, const struct json *error) {
    size_t from = out->n;
    const struct json *cause = innermost_cause(error);
    add_part(out, from, json_str(error), "");
    add_part(out, from, json_str(json_get(error, "type")), "");
    add_part(out, from, json_str(json_get(error, "reason")), ": ");
    add_part(out, from, json_str(json_get(cause, "type")), ", caused by ");
    add_part(out, from, json_str(json_get(cause, "reason")), ": ");
    if (out->n == from) buf_addz(out, "the engine gave no reason");
}

static void read_error(struct elastic_bulk_reader *r, const struct json *error,
                       struct elastic_item *ret) {
    struct str reason = json_str(error);
    struct str type = json_str(json_get(error, "type"));
    if (!reason.p) reason = json_str(json_get(error, "reason"));
    ret->verdict = judge(ret->status, type, reason);
    size_t from = r->reasons.n;
    if (ret->verdict == ELASTIC_ITEM_THERE) return;
    add_error(&r->reasons, error);
    ret->reason.n = r->reasons.n - from; // where it begins is known when all are written
}

// A document in the failure store is kept, but nobody finds it where they look for it.
static void read_stored(struct elastic_bulk_reader *r, const struct json *body,
                        struct elastic_item *ret) {
    struct str store = json_str(json_get(body, "failure_store"));
    ret->verdict = ELASTIC_ITEM_CREATED;
    if (!str_eqz(store, "used")) return;
    size_t from = r->reasons.n;
    ret->failure_store = true;
    ret->verdict = ELASTIC_ITEM_REJECTED;
    buf_addz(&r->reasons, "the engine could not index it and put it into the failure store ");
    buf_add_str(&r->reasons, ret->index);
    ret->reason.n = r->reasons.n - from;
}

// {"create":{"_index":"...","status":201,...}}. False when it is something else.
static bool read_item(struct elastic_bulk_reader *r, const struct json *item,
                      struct elastic_item *ret) {
    struct json_iter it = json_iter(item);
    if (!it.in_object || json_count(item) != 1 || !json_next(&it)) return false;
    const struct json *body = it.value;
    int64_t status;
    if (!json_i64(json_get(body, "status"), &status) || status < 100 || status > 599) return false;
    *ret =
        (struct elastic_item){.status = (int)status, .index = json_str(json_get(body, "_index"))};
    const struct json *error = json_get(body, "error");
    if (json_type(error) != JSON_NULL) read_error(r, error, ret);
    else if (status == 200 || status == 201) read_stored(r, body, ret);
    else read_error(r, NULL, ret);
    return true;
}

static void place_reasons(const struct elastic_bulk_reader *r, struct elastic_item *items,
                          size_t n) {
    const char *at = r->reasons.p;
    for (size_t i = 0; i < n; i++) {
        if (items[i].reason.n == 0) continue;
        items[i].reason.p = at;
        at += items[i].reason.n;
    }
}

int elastic_bulk_read(struct elastic_bulk_reader *r, struct str body, size_t n,
                      struct elastic_item *ret_items, struct fault *fault) {
    const struct json *root = NULL;
    struct fault syntax = {{0}};
    buf_reset(&r->reasons);
    int e = json_read(r->json, body, &root, &syntax);
    if (e < 0) return e;
    if (e) return fault_set(fault, -EBADMSG, "the answer is not JSON: %s", syntax.text);
    const struct json *items = json_get(root, "items");
    if (json_type(items) != JSON_ARRAY || json_count(items) != n)
        return fault_set(fault, -EBADMSG, "the answer has %zu items for %zu documents",
                         json_type(items) == JSON_ARRAY ? json_count(items) : 0, n);
    struct json_iter it = json_iter(items);
    for (size_t i = 0; json_next(&it); i++)
        if (!read_item(r, it.value, &ret_items[i]))
            return fault_set(fault, -EBADMSG, "item %zu of the answer has no status", i);
    if (r->reasons.error) return r->reasons.error;
    place_reasons(r, ret_items, n);
    return 0;
}

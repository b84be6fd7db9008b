// SPDX-License-Identifier: Apache-2.0
// Every task tells the X-Opaque-Id of the request that it came of; those on other nodes, too, which
// may outlive the one that sent them out.
#include "elastic/tasks.h"

#include <errno.h>

#include "json/read.h"

static const char path[] =
    "/_tasks?actions=indices:data/write/bulk*&group_by=none&filter_path="
    "tasks.start_time_in_millis,tasks.headers.X-Opaque-Id,node_failures.type,node_failures.reason";

static int read_task(const struct json *task, const char *opaque_id, int64_t until_ms,
                     struct elastic_tasks *ret, struct fault *fault) {
    int64_t began_ms;
    struct str id = json_str(json_path(task, "headers.X-Opaque-Id"));
    if (!str_eqz(id, opaque_id)) return 0;
    if (!json_i64(json_get(task, "start_time_in_millis"), &began_ms))
        return fault_set(fault, -EIO, "GET /_tasks: a task without a time");
    if (began_ms > until_ms) return 0;
    if (ret->n++ == 0 || began_ms > ret->newest_ms) ret->newest_ms = began_ms;
    return 0;
}

static int read_tasks(const struct json *root, const char *opaque_id, int64_t until_ms,
                      struct elastic_tasks *ret, struct fault *fault) {
    const struct json *failure = json_at(json_get(root, "node_failures"), 0);
    struct json_iter it = json_iter(json_get(root, "tasks"));
    int r = 0;
    if (failure)
        return fault_set(fault, -EIO, "GET /_tasks: a node does not tell: %.*s: %.*s",
                         STR_ARG(json_str(json_get(failure, "type"))),
                         STR_ARG(json_str(json_get(failure, "reason"))));
    while (r == 0 && json_next(&it)) r = read_task(it.value, opaque_id, until_ms, ret, fault);
    return r;
}

int elastic_tasks_look(struct elastic *e, const char *opaque_id, int64_t until_ms,
                       struct elastic_tasks *ret, struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct elastic_request request = {.method = "GET", .path = path};
    struct elastic_answer answer;
    const struct json *root = NULL;
    struct elastic_tasks found = {.n = 0};
    int r = elastic_ask(e, &request, &answer, fault);
    if (r) return r;
    if (answer.status / 100 == 4 && answer.status != 429)
        return elastic_say(&answer, "GET /_tasks", ELASTIC_E_UNTOLD, fault);
    if (answer.status != 200) return elastic_say(&answer, "GET /_tasks", -EIO, fault);
    r = json_reader_new(&reader);
    if (!r) r = json_read(reader, answer.body, &root, NULL);
    if (r > 0) return elastic_say_strange(&answer, "GET /_tasks", fault);
    if (!r) r = read_tasks(root, opaque_id, until_ms, &found, fault);
    if (!r) *ret = found;
    return r;
}

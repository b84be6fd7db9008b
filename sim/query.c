// SPDX-License-Identifier: Apache-2.0
// A polling next link carries after, filter, limit, q and sortOrder as they were given and drops
// since; a bounded one keeps its range. Names stand in alphabetical order.
#include "sim/query.h"

#include <errno.h>

#include "base/parse.h"
#include "base/time.h"

enum { DEFAULT_RANGE_DAYS = 7, SINCE_MAX_DAYS = 180 };

void query_fini(struct query *q) {
    args_fini(&q->args);
    q->filter = filter_free(q->filter);
}

static struct str given(const struct args *args, const char *name) {
    struct str value = args_get(args, name);
    return value.n ? value : STR_NONE;
}

static int read_instant(const struct args *args, const char *name, int64_t *ret,
                        struct api_error *error) {
    struct str text = given(args, name);
    if (!text.p || time_parse_iso8601(text, ret)) return 0;
    return api_error_set(error, QUERY_E_REFUSED, API_BAD_DATE, "%s", name);
}

static int read_limit(struct query *q, struct api_error *error) {
    uint64_t limit = QUERY_LIMIT_DEFAULT;
    q->limit_text = args_get(&q->args, "limit");
    if (q->limit_text.p && (!parse_u64(q->limit_text, &limit) || limit > QUERY_LIMIT_MAX))
        return api_error_set(error, QUERY_E_REFUSED, API_BAD_LIMIT, "%.*s", STR_ARG(q->limit_text));
    q->limit = (size_t)limit;
    return 0;
}

static int read_sort(struct query *q, struct api_error *error) {
    q->sort_text = given(&q->args, "sortOrder");
    q->ascending = !q->sort_text.p || str_eqz(q->sort_text, "ASCENDING");
    if (q->ascending || str_eqz(q->sort_text, "DESCENDING")) return 0;
    return api_error_set(error, QUERY_E_REFUSED, API_BAD_SORT, "%.*s", STR_ARG(q->sort_text));
}

static int read_range(struct query *q, int64_t now_ms, struct api_error *error) {
    q->polling = q->ascending && !given(&q->args, "until").p;
    q->until_ms = now_ms;
    int e = read_instant(&q->args, "until", &q->until_ms, error);
    if (e) return e;
    q->since_ms = q->until_ms - (int64_t)DEFAULT_RANGE_DAYS * TIME_DAY_MS;
    e = read_instant(&q->args, "since", &q->since_ms, error);
    if (e) return e;
    bool has_since = given(&q->args, "since").p != NULL;
    if (has_since && q->since_ms > now_ms)
        return api_error_set(error, QUERY_E_REFUSED, API_SINCE_FUTURE, "since");
    if (has_since && q->since_ms < now_ms - (int64_t)SINCE_MAX_DAYS * TIME_DAY_MS)
        return api_error_set(error, QUERY_E_REFUSED, API_SINCE_OLD, "since");
    return 0;
}

static int read_conditions(struct query *q, struct api_error *error) {
    q->q_text = given(&q->args, "q");
    int e = q->q_text.p ? keywords_parse(&q->q, q->q_text, error) : 0;
    if (e) return QUERY_E_REFUSED;
    q->filter_text = given(&q->args, "filter");
    if (!q->filter_text.p) return 0;
    e = filter_compile(&q->filter, &filter_logs, q->filter_text, error);
    return e > 0 ? QUERY_E_REFUSED : e;
}

static int read_all(struct query *q, int64_t now_ms, struct api_error *error) {
    int e = read_sort(q, error);
    if (!e) e = read_range(q, now_ms, error);
    if (!e) e = read_limit(q, error);
    if (!e) e = read_conditions(q, error);
    q->after = given(&q->args, "after");
    return e;
}

int query_parse(struct query *ret, struct str url_query, int64_t now_ms, struct api_error *error) {
    AUTO_FINI(query) struct query q = {.ascending = true};
    int e = args_parse(&q.args, url_query);
    if (e > 0)
        return api_error_set(error, QUERY_E_REFUSED, API_BAD_ENCODING, "%.*s", STR_ARG(url_query));
    if (!e) e = read_all(&q, now_ms, error);
    if (e) return e;
    *ret = q;
    q = (struct query){.ascending = true};
    return 0;
}

static void add_arg(struct buf *out, const char *name, struct str value) {
    if (!value.p) return;
    if (out->n && out->p[out->n - 1] != '?') buf_addc(out, '&');
    buf_addz(out, name);
    buf_addc(out, '=');
    args_encode(out, value);
}

static void add_instant(struct buf *out, const char *name, int64_t ms) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(ms, text);
    add_arg(out, name, str_from(text));
}

void query_add_next(struct buf *out, const struct query *q, struct str after) {
    add_arg(out, "after", after);
    add_arg(out, "filter", q->filter_text);
    add_arg(out, "limit", q->limit_text);
    add_arg(out, "q", q->q_text);
    if (!q->polling) add_instant(out, "since", q->since_ms);
    add_arg(out, "sortOrder", q->sort_text);
    if (!q->polling) add_instant(out, "until", q->until_ms);
}

// SPDX-License-Identifier: Apache-2.0
#include "sim/control-stats.h"

#include "json/write.h"

static void add_count(struct buf *out, const char *key, uint64_t value) {
    json_key(out, str_from(key));
    json_comma(out);
    buf_add_u64(out, value);
}

void control_add_applied(struct buf *out, const struct faults *faults) {
    json_key(out, STR("applied"));
    json_open(out, '{');
    for (size_t i = 0; i < FAULT_KINDS; i++)
        if (faults->applied[i])
            add_count(out, fault_kind_name((enum fault_kind)i), faults->applied[i]);
    json_close(out, '}');
}

static void add_by_status(struct buf *out, const uint64_t by_status[RECORD_STATUS_MAX]) {
    json_key(out, STR("by_status"));
    json_open(out, '{');
    for (size_t i = 0; i < RECORD_STATUS_MAX; i++) {
        if (!by_status[i]) continue;
        json_comma(out);
        buf_addf(out, "\"%zu\":%llu", i, (unsigned long long)by_status[i]);
    }
    json_close(out, '}');
}

static void add_window(struct buf *out, const char *key, const struct limits_highest *highest) {
    json_key(out, str_from(key));
    json_open(out, '{');
    add_count(out, "highest_used", highest->used);
    add_count(out, "limit", highest->limit);
    json_key(out, STR("ratio"));
    double of = highest->limit ? (double)highest->limit : 1;
    buf_addf(out, "%.4f", (double)highest->used / of);
    json_close(out, '}');
}

static void add_windows(struct buf *out, const struct limits *limits) {
    add_window(out, "rate_window", &limits->highest[LIMITS_LOGS]);
    json_key(out, STR("rate_windows"));
    json_open(out, '{');
    for (size_t i = 0; i < LIMITS_BUCKETS; i++)
        add_window(out, limits_bucket_name((enum limits_bucket)i), &limits->highest[i]);
    json_close(out, '}');
}

static void add_endpoints(struct buf *out, const struct record *record) {
    json_key(out, STR("endpoints"));
    json_open(out, '{');
    for (size_t i = 0; i < RECORD_ENDPOINTS; i++) {
        json_key(out, str_from(record_endpoint_name((enum record_endpoint)i)));
        json_open(out, '{');
        add_by_status(out, record->by_endpoint[i]);
        json_close(out, '}');
    }
    json_close(out, '}');
}

static void add_authorization(struct buf *out, const struct record *record) {
    json_key(out, STR("authorization"));
    json_open(out, '{');
    for (size_t i = 0; i < RECORD_SCHEMES; i++)
        add_count(out, record_scheme_name((enum record_scheme)i), record->by_scheme[i]);
    json_close(out, '}');
}

static void add_tokens(struct buf *out, const struct sim *sim) {
    json_key(out, STR("tokens"));
    json_open(out, '{');
    add_count(out, "issued", sim->oauth.issued);
    add_count(out, "renewed", sim->oauth.renewed);
    add_count(out, "proofs", sim->record.proofs);
    json_close(out, '}');
}

void control_add_stats(struct buf *out, const struct sim *sim) {
    const struct record *record = &sim->record;
    add_count(out, "events", store_count(sim->store));
    add_count(out, "requests", record->n);
    add_by_status(out, record->by_status);
    add_endpoints(out, record);
    add_authorization(out, record);
    add_tokens(out, sim);
    json_key(out, STR("throttled"));
    json_open(out, '{');
    add_count(out, "rate", record->throttled_rate);
    add_count(out, "concurrency", record->throttled_concurrency);
    json_close(out, '}');
    add_count(out, "pages", record->pages);
    add_count(out, "empty_pages", record->empty_pages);
    add_count(out, "events_served", record->events);
    add_count(out, "bytes", record->bytes);
    add_count(out, "since_with_after", record->since_with_after);
    add_count(out, "in_progress", sim->limits.in_progress);
    add_count(out, "max_in_progress", sim->limits.highest_in_progress);
    add_windows(out, &sim->limits);
    control_add_applied(out, &sim->faults);
}

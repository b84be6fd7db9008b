// SPDX-License-Identifier: Apache-2.0
// How long data is kept. Both engines delete whole indices, so a data stream is rolled over often
// enough for its oldest index not to be much older than what is to be kept; Elasticsearch decides
// that by itself.
#include "elastic/template-internal.h"

#include <inttypes.h>

#include "json/write.h"

static const int64_t second_ms = 1000, minute_ms = 60 * 1000, hour_ms = 3600 * 1000,
                     day_ms = 24 * 3600 * 1000;

// "90d"; the largest unit that says it whole.
static void add_time(struct buf *out, int64_t ms) {
    const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{day_ms, "d"}, {hour_ms, "h"}, {minute_ms, "m"}, {second_ms, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % units[i].ms) i++;
    buf_addf(out, "\"%" PRId64 "%s\"", ms / units[i].ms, units[i].unit);
}

void elastic_lifecycle_write(struct buf *out, int64_t retention_ms) {
    buf_addz(out, "{\"enabled\":true");
    if (retention_ms > 0) {
        buf_addz(out, ",\"data_retention\":");
        add_time(out, retention_ms);
    }
    buf_addc(out, '}');
}

// As Elasticsearch does for its own lifecycle.
static const char *rollover_age(int64_t retention_ms) {
    if (retention_ms > 0 && retention_ms <= 14 * day_ms) return "1d";
    if (retention_ms > 0 && retention_ms <= 90 * day_ms) return "7d";
    return "30d";
}

static void add_hot(struct buf *out, int64_t retention_ms, bool stream) {
    buf_addz(out, "{\"name\":\"hot\",\"actions\":[");
    if (stream)
        buf_addf(out,
                 "{\"rollover\":{\"min_primary_shard_size\":\"50gb\",\"min_index_age\":\"%s\"}}",
                 rollover_age(retention_ms));
    buf_addz(out, "],\"transitions\":[");
    if (retention_ms > 0) {
        buf_addf(out, "{\"state_name\":\"delete\",\"conditions\":{\"%s\":",
                 stream ? "min_rollover_age" : "min_index_age");
        add_time(out, retention_ms);
        buf_addz(out, "}}");
    }
    buf_addz(out, "]}");
}

void elastic_policy_write(struct buf *out, int64_t retention_ms, bool stream,
                          const char *const *patterns, size_t n, int priority) {
    buf_addz(out, "\"default_state\":\"hot\",\"states\":[");
    add_hot(out, retention_ms, stream);
    if (retention_ms > 0)
        buf_addz(out, ",{\"name\":\"delete\",\"actions\":[{\"delete\":{}}],\"transitions\":[]}");
    buf_addz(out, "],\"ism_template\":[{\"index_patterns\":[");
    for (size_t i = 0; i < n; i++) {
        json_comma(out);
        json_add_str(out, str_from(patterns[i]));
    }
    buf_addf(out, "],\"priority\":%d}]", priority);
}

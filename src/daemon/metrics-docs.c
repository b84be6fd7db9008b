// SPDX-License-Identifier: Apache-2.0
// docs/metrics.md: what there is to say of all, then the rows.
#include "daemon/metrics-internal.h"

static const char opening[] =
    "<!-- Made from the rows in src/daemon/metrics-rows.c by `gatehouse metrics --markdown`. -->\n"
    "# Seen from outside\n\n"
    "```yaml\n"
    "metrics: { address: \"127.0.0.1:9600\" }\n"
    "```\n\n"
    "With this in the settings, `gatehouse run` and `gatehouse collect` answer there, in plain "
    "http and to whoever gets there, GET and HEAD:\n\n"
    "| path | answers |\n|---|---|\n"
    "| `/metrics` | the metrics below, in Prometheus's text format 0.0.4 |\n"
    "| `/healthz` | 200 `ok` while the program's loop turns; for a liveness probe |\n"
    "| `/readyz` | 200 `ready` when everything has been started and the gate, where one is "
    "served, is initialised and unsealed; else 503 `not ready: WHY`. Then a line for each source "
    "and output; for a readiness probe |\n\n"
    "Each answer is made by the loop when it is asked for, so none is old. When the loop does not "
    "come by within two seconds, the answer is 503, and so it is while the program is being "
    "started. Give probes a "
    "`timeoutSeconds` of 3.\n\n"
    "A source that Okta refuses, or an output that is down, leaves the program ready: to start it "
    "anew, or to take the gate out of service, would mend neither. They are told in the text of "
    "`/readyz`, by the metrics and the alerts below, by `gatehouse status`, and by `systemctl "
    "status`.\n\n"
    "What is told are numbers, names of sources and outputs, and in `/readyz` why an output fails; "
    "no event, no user, no secret. On an address beyond this machine (such as `0.0.0.0:9600`, for "
    "the probes of Kubernetes) whoever reaches the port may read it.\n\n"
    "```yaml\n"
    "# prometheus.yml\n"
    "scrape_configs:\n"
    "  - job_name: gatehouse\n"
    "    static_configs: [{ targets: [\"127.0.0.1:9600\"] }]\n"
    "rule_files: [/usr/share/gatehouse/prometheus/gatehouse.rules.yml]\n"
    "```\n\n"
    "`make install` puts the alert rules into `share/gatehouse/prometheus/gatehouse.rules.yml` and "
    "a dashboard for Grafana into `share/gatehouse/grafana/gatehouse.json` (Dashboards, New, "
    "Import).\n\n"
    "Counters begin at 0 when the program starts, those of sources and outputs also when it reads "
    "its settings again (SIGHUP), as `rate()` and `increase()` expect. Times are seconds, "
    "`_timestamp_seconds` since 1970.\n\n"
    "## systemd\n\n"
    "The unit has `Type=notify` and `WatchdogSec=60`: the loop tells the watchdog every 30 s that "
    "it turns, and when it does not, systemd starts the program anew. `systemctl status` shows a "
    "line of how it is.\n";

// Where a part of the page begins.
static const struct {
    const char *first, *title;
} sections[] = {
    {"process_cpu_seconds_total", "The process"},
    {"gatehouse_source_requests_total", "Sources"},
    {"gatehouse_rate_limit_requests", "Okta's rate limits"},
    {"gatehouse_output_info", "Outputs"},
    {"gatehouse_delivered_documents_total", "Each output in each source"},
    {"gatehouse_gate_initialized", "The gate"},
};

static void write_title(struct buf *out, const char *name) {
    for (size_t i = 0; i < LEN(sections); i++)
        if (strcmp(sections[i].first, name) == 0)
            buf_addf(out, "\n## %s\n\n| name | type | labels | |\n|---|---|---|---|\n",
                     sections[i].title);
}

static void write_row(struct buf *out, const struct metrics_row *row) {
    buf_addf(out, "| `%s` | %s |", row->family.name, metrics_type_name(row->family.type));
    for (size_t i = 0; i < metrics_label_count(row->kind); i++)
        buf_addf(out, "%s`%s`", i ? ", " : " ", metrics_label_names[row->kind][i]);
    buf_addf(out, " | %s |\n", row->family.help);
}

void metrics_write_markdown(struct buf *out) {
    buf_addz(out, opening);
    for (size_t i = 0; i < metrics_row_count; i++) {
        write_title(out, metrics_rows[i].family.name);
        write_row(out, &metrics_rows[i]);
    }
}

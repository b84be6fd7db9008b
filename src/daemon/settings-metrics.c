// SPDX-License-Identifier: Apache-2.0
// Where Prometheus and probes may ask how the program is.
#include "daemon/settings-internal.h"

int settings_check_metrics(struct conf_load *load, void *object, const struct conf_node *map) {
    const struct settings_metrics *m = object;
    if (!map) return 0;
    if (!m->address && !conf_node_get(map, STR("address")))
        conf_wrong(load, map, "address", "is missing, expected HOST:PORT, such as 127.0.0.1:9600");
    if (m->address && !settings_is_address(str_from(m->address)))
        conf_wrong(load, map, "address",
                   "expected HOST:PORT, such as 127.0.0.1:9600 or [::1]:9600");
    return 0;
}

#define AT(member) .at = offsetof(struct settings_metrics, member)
static const struct conf_key keys[] = {
    {.name = "address",
     .type = CONF_STRING,
     AT(address),
     .initial_says = "required",
     .example = "127.0.0.1:9600",
     .description = "Host and port to listen on, in plain http and for everybody who gets there: "
                    "names of sources and outputs can be read, no event and no secret. Port 0 "
                    "takes any free one, which the log tells."},
};
#undef AT

bool settings_same_metrics(const struct settings_metrics *a, const struct settings_metrics *b) {
    return conf_same(&settings_metrics_table, a, b);
}

const struct conf_table settings_metrics_table = {
    .name = "metrics table",
    .keys = keys,
    .n = LEN(keys),
    .bytes = sizeof(struct settings_metrics),
    .check = settings_check_metrics,
    .description = "Serves `/metrics` for Prometheus, `/healthz` and `/readyz` for probes "
                   "(docs/metrics.md), with `run` and `collect`. A change needs a restart.",
};

// SPDX-License-Identifier: Apache-2.0
// The server itself: health, seal, first start, keys (reference 5.8). The master key is one key:
// one share, threshold one.
#include <unistd.h>

#include "api/control.h"
#include "api/fields.h"
#include "api/sys.h"
#include "base/parse.h"
#include "identity/core.h"

// When the version in meson.build was made.
static const char release_time[] = "2026-11-23T00:00:00Z";

static int end(struct buf *data) {
    json_close(data, '}');
    return 0;
}

struct buf *sys_raw_data(struct call *c) {
    c->reply.raw = true;
    return call_data(c);
}

static void add_cluster(const struct core *core, struct buf *data) {
    if (!core) return;
    call_member(data, "cluster_name", core->cluster_name);
    call_member(data, "cluster_id", core->cluster_id);
}

// An answer without a word about what was wrong, as Vault gives it here.
static int bare_error(struct call *c, int status) {
    call_not_found(c);
    c->reply.status = status;
    return 0;
}

// A status that the caller wants instead of the usual one. False: not a status.
static bool wanted_status(const struct call *c, const char *field, int *ret) {
    int64_t n = 0;
    if (!call_has(c, field)) return true;
    if (!parse_i64(call_str(c, field), &n) || n < 200 || n > 599) return false;
    *ret = (int)n;
    return true;
}

static bool flags_are_valid(const struct call *c) {
    bool ignored;
    return fields_bool_text(call_str(c, "standbyok"), &ignored) &&
           fields_bool_text(call_str(c, "perfstandbyok"), &ignored);
}

static int read_health(struct call *c) {
    struct control_status status;
    control_status(c->gate, &status);
    int active = 200, sealed = 503, uninit = 501, standby = 429;
    if (!flags_are_valid(c) || !wanted_status(c, "activecode", &active) ||
        !wanted_status(c, "sealedcode", &sealed) || !wanted_status(c, "uninitcode", &uninit) ||
        !wanted_status(c, "standbycode", &standby))
        return bare_error(c, 400);
    const char *replication = status.sealed ? "unknown" : "disabled";
    struct buf *data = sys_raw_data(c);
    call_flag(data, "initialized", status.initialized);
    call_flag(data, "sealed", status.sealed);
    call_flag(data, "standby", status.sealed);
    call_member(data, "replication_performance_mode", str_from(replication));
    call_member(data, "replication_dr_mode", str_from(replication));
    call_number(data, "server_time_utc", c->now_ms / 1000);
    call_member(data, "version", str_from(status.version));
    add_cluster(c->state ? core_of(c->state) : NULL, data);
    c->reply.status = !status.initialized ? uninit : status.sealed ? sealed : active;
    return end(data);
}

int sys_write_seal_status(struct call *c, const struct core *core) {
    struct control_status status;
    control_status(c->gate, &status);
    struct buf *data = sys_raw_data(c);
    call_member(data, "type", STR("shamir"));
    call_flag(data, "initialized", status.initialized);
    call_flag(data, "sealed", status.sealed);
    call_number(data, "t", status.initialized ? 1 : 0);
    call_number(data, "n", status.initialized ? 1 : 0);
    call_number(data, "progress", 0);
    call_member(data, "nonce", STR(""));
    call_flag(data, "recovery_seal", false);
    call_member(data, "version", str_from(status.version));
    call_member(data, "commit_date", str_from(release_time));
    call_flag(data, "migration", false);
    add_cluster(core, data);
    call_member(data, "storage_type", status.in_memory ? STR("inmem") : STR("sqlite"));
    return end(data);
}

static int read_seal_status(struct call *c) {
    return sys_write_seal_status(c, c->state ? core_of(c->state) : NULL);
}

static int read_leader(struct call *c) {
    struct buf *data = sys_raw_data(c);
    call_flag(data, "ha_enabled", false);
    return end(data);
}

static int read_ha_status(struct call *c) {
    struct control_status status;
    control_status(c->gate, &status);
    char host[256] = "";
    if (gethostname(host, sizeof host - 1)) host[0] = '\0';
    struct buf *data = call_data(c);
    json_key(data, STR("nodes"));
    json_open(data, '[');
    json_open(data, '{');
    call_member(data, "hostname", str_from(host));
    call_member(data, "api_address", STR(""));
    call_member(data, "cluster_address", STR(""));
    call_flag(data, "active_node", true);
    call_null(data, "last_echo");
    call_member(data, "version", str_from(status.version));
    json_close(data, '}');
    json_close(data, ']');
    return end(data);
}

// One key seals everything, since the first start or the last rekey.
static int read_key_status(struct call *c) {
    const struct core *core = core_of(c->state);
    struct buf *data = call_data(c);
    call_number(data, "term", 1);
    call_time(data, "install_time", core ? core->created_ms : 0);
    call_number(data, "encryptions", 0);
    return end(data);
}

static int refuse_rotate(struct call *c) {
    return call_error(c, 400,
                      "there is no key below the master key to rotate: change the master key "
                      "with sys/rekey, or with 'gatehouse rotate'");
}

static int list_versions(struct call *c) {
    struct control_status status;
    control_status(c->gate, &status);
    const struct core *core = core_of(c->state);
    AUTO_FINI(buf) struct buf keys = buf_make(SYS_TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf info = buf_make(SYS_TEXT_MAX_BYTES);
    json_add_text(&keys, str_from(status.version));
    json_key(&info, str_from(status.version));
    json_open(&info, '{');
    call_member(&info, "commit_date", str_from(release_time));
    call_null(&info, "previous_version");
    call_time(&info, "timestamp_installed", core ? core->created_ms : 0);
    json_close(&info, '}');
    if (keys.error || info.error) return keys.error ? keys.error : info.error;
    return call_keys(c, buf_str(&keys), buf_str(&info));
}

static const struct field health_fields[] = {
    {"standbyok", FIELD_STRING, NULL, FIELD_QUERY, "A boolean; there are no standbys here."},
    {"perfstandbyok", FIELD_STRING, NULL, FIELD_QUERY, "A boolean; there are no standbys here."},
    {"activecode", FIELD_STRING, NULL, FIELD_QUERY, "Status instead of 200."},
    {"standbycode", FIELD_STRING, NULL, FIELD_QUERY, "Status instead of 429."},
    {"sealedcode", FIELD_STRING, NULL, FIELD_QUERY, "Status instead of 503."},
    {"uninitcode", FIELD_STRING, NULL, FIELD_QUERY, "Status instead of 501."},
    {0},
};

enum { FACT = ROUTE_OPEN | ROUTE_RAW | ROUTE_SEALED };

const struct route sys_control_routes[] = {
    {.pattern = "health",
     .fields = health_fields,
     .flags = FACT | ROUTE_HEAD,
     .read = read_health,
     .summary = "Whether the server is up, initialised and unsealed."},
    {.pattern = "seal-status",
     .flags = FACT,
     .read = read_seal_status,
     .summary = "Whether the server is sealed."},
    {.pattern = "leader",
     .flags = FACT,
     .read = read_leader,
     .summary = "Who leads: there is one server."},
    {.pattern = "rotate",
     .flags = ROUTE_SUDO,
     .update = refuse_rotate,
     .summary = "Refused: there is no key below the master key."},
    {.pattern = "rotate/keyring",
     .flags = ROUTE_SUDO,
     .update = refuse_rotate,
     .summary = "Refused: there is no key below the master key."},
    {.pattern = "key-status",
     .flags = ROUTE_TOP,
     .read = read_key_status,
     .summary = "Since when the key is in force."},
    {.pattern = "ha-status",
     .flags = ROUTE_TOP,
     .read = read_ha_status,
     .summary = "The servers there are: this one."},
    {.pattern = "version-history/?",
     .list = list_versions,
     .summary = "The versions that have run."},
    {0},
};

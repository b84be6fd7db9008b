// SPDX-License-Identifier: Apache-2.0
// Where the gate listens. tls_cert_file, tls_key_file, tls_disable and
// x_forwarded_for_authorized_addrs are called as in the listeners of Vault and OpenBao, and mean
// the same.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/parse.h"
#include "daemon/settings-internal.h"
#include "identity/cidr.h"

static bool take_number(struct str *rest) {
    size_t n = 0;
    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9') n++;
    bool leading_zero = n > 1 && rest->p[0] == '0';
    *rest = str_sub(*rest, n, rest->n);
    return n > 0 && !leading_zero;
}

static bool take_dot(struct str *rest) {
    if (rest->n == 0 || rest->p[0] != '.') return false;
    *rest = str_sub(*rest, 1, rest->n);
    return true;
}

// major.minor.patch, then -prerelease or +build (semver.org, point 2, 9, 10).
static bool is_semver(struct str text) {
    bool numbers = take_number(&text) && take_dot(&text) && take_number(&text) && take_dot(&text) &&
                   take_number(&text);
    if (!numbers || text.n == 0) return numbers;
    if (text.n == 1 || (text.p[0] != '-' && text.p[0] != '+')) return false;
    for (size_t i = 1; i < text.n; i++) {
        char c = text.p[i];
        bool known = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     strchr(".-+", c);
        if (!known) return false;
    }
    return true;
}

// ---- addresses ----

struct address {
    struct str host; // without brackets; empty: all of this machine's
    uint64_t port;
};

// Outcomes: whether it is an address.
static bool read_address(struct str text, struct address *ret) {
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') colon--;
    if (colon == 0 || !parse_u64(str_sub(text, colon, text.n), &ret->port) || ret->port > 65535)
        return false;
    struct str host = str_sub(text, 0, colon - 1);
    bool bracketed = str_starts(host, STR("[")) && str_ends(host, STR("]"));
    bool v6 = str_find_char(host, ':') < host.n;
    ret->host = bracketed ? str_sub(host, 1, host.n - 1) : host;
    return !v6 || bracketed;
}

bool settings_is_address(struct str text) {
    struct address a;
    return read_address(text, &a);
}

// As the system reads it when the gate listens: "127.1", too.
static bool is_v4(struct str host, uint32_t *ret) {
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (host.n == 0 || host.n >= sizeof text) return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (!inet_aton(text, &v4)) return false;
    *ret = ntohl(v4.s_addr);
    return true;
}

static bool is_v6_loopback(struct str host) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    if (host.n >= sizeof text) return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

// Whether others can reach it for sure. What a name stands for is seen when the gate listens.
static bool is_far(struct str host) {
    uint32_t v4;
    if (host.n == 0) return true;
    if (str_find_char(host, ':') < host.n) return !is_v6_loopback(host);
    return is_v4(host, &v4) && v4 >> 24 != IN_LOOPBACKNET;
}

static bool takes_all_v4(struct str host) {
    uint32_t v4;
    return host.n == 0 || (is_v4(host, &v4) && v4 == INADDR_ANY);
}

static bool is_within(struct str host, struct str all) {
    uint32_t v4;
    return takes_all_v4(all) && (host.n == 0 || is_v4(host, &v4));
}

void settings_check_addresses(struct conf_load *load, const struct settings *s,
                              const struct conf_node *root) {
    struct address gate, metrics;
    if (!s->listen.address || !read_address(str_from(s->listen.address), &gate)) return;
    if (!s->metrics.address || !read_address(str_from(s->metrics.address), &metrics)) return;
    if (gate.port == 0 || gate.port != metrics.port) return;
    if (str_eq_nocase(gate.host, metrics.host) || is_within(gate.host, metrics.host) ||
        is_within(metrics.host, gate.host))
        conf_wrong(load, conf_node_get(root, STR("metrics")), "address",
                   "the gate listens there (listen.address: %s), expected another port",
                   s->listen.address);
}

// ---- the table ----

static void check_tls(struct conf_load *load, const struct settings_listen *l,
                      const struct conf_node *map) {
    if (l->tls_cert_file && !l->tls_key_file)
        conf_wrong(load, map, "tls_key_file", "is missing, expected the key of `tls_cert_file`");
    if (l->tls_key_file && !l->tls_cert_file)
        conf_wrong(load, map, "tls_cert_file",
                   "is missing, expected the certificate of `tls_key_file`");
    if (l->tls_disable && (l->tls_cert_file || l->tls_key_file))
        conf_wrong(load, map, "tls_disable",
                   "plain http is asked for and certificates are given, expected one of the two");
}

static void check_reach(struct conf_load *load, const struct settings_listen *l,
                        const struct conf_node *map) {
    struct address a;
    bool tls = conf_node_get(map, STR("tls_cert_file")) || conf_node_get(map, STR("tls_key_file"));
    if (tls || l->tls_disable || !l->address || !read_address(str_from(l->address), &a)) return;
    if (is_far(a.host))
        conf_wrong(load, map, "address",
                   "without TLS the gate listens on this machine itself only, expected "
                   "127.0.0.1:%d, or `tls_cert_file` and `tls_key_file`, or `tls_disable: true`",
                   (int)a.port);
}

static void check_proxies(struct conf_load *load, const struct settings_listen *l,
                          const struct conf_node *map) {
    for (size_t i = 0; i < l->x_forwarded_for_authorized_addr_count; i++) {
        struct str text = str_from(l->x_forwarded_for_authorized_addrs[i]);
        char quoted[CONF_QUOTE_MAX];
        if (!cidr_is_valid(text))
            conf_wrong(load, map, "x_forwarded_for_authorized_addrs",
                       "expected addresses and networks, such as 10.0.0.0/8; found %s",
                       conf_quote(text, quoted));
    }
}

int settings_check_listen(struct conf_load *load, void *object, const struct conf_node *map) {
    const struct settings_listen *l = object;
    if (!map) return 0;
    if (!l->address && !conf_node_get(map, STR("address")))
        conf_wrong(load, map, "address", "is missing, expected HOST:PORT, such as 127.0.0.1:8200");
    if (l->address && !settings_is_address(str_from(l->address)))
        conf_wrong(load, map, "address",
                   "expected HOST:PORT, such as 127.0.0.1:8200 or [::1]:8200");
    if (l->vault_version && !is_semver(str_from(l->vault_version)))
        conf_wrong(load, map, "vault_version", "expected a version such as 1.17.0 or 1.17.0+ent");
    check_tls(load, l, map);
    check_reach(load, l, map);
    check_proxies(load, l, map);
    return 0;
}

#define AT(member) .at = offsetof(struct settings_listen, member)
static const struct conf_key keys[] = {
    {.name = "address",
     .type = CONF_STRING,
     AT(address),
     .initial_says = "required; with `run --dev` `127.0.0.1:8200`",
     .example = "127.0.0.1:8200",
     .description = "Host and port to listen on. Port 0 takes any free one, which the log tells."},
    {.name = "tls_cert_file",
     .type = CONF_PATH,
     AT(tls_cert_file),
     .flags = CONF_READABLE,
     .initial_says = "none: plain http",
     .example = "/etc/gatehouse/tls.crt",
     .description = "Certificate as PEM, followed by those between it and its root. Read again on "
                    "SIGHUP; open connections stay."},
    {.name = "tls_key_file",
     .type = CONF_PATH,
     AT(tls_key_file),
     .flags = CONF_READABLE,
     .initial_says = "none",
     .example = "/etc/gatehouse/tls.key",
     .description = "The certificate's private key as PEM, not encrypted."},
    {.name = "tls_disable",
     .type = CONF_BOOL,
     AT(tls_disable),
     .initial = "false",
     .description = "Permits plain http on addresses other than this machine's own: tokens then "
                    "travel in clear text. For use behind a proxy that does TLS."},
    {.name = "max_request_size",
     .type = CONF_BYTES,
     AT(max_request_size),
     .initial = "32MB",
     .min = 1024,
     .max = 1024.0 * 1024 * 1024,
     .description = "Largest body. All bodies that are being read together take at most four "
                    "times as much."},
    {.name = "idle_timeout",
     .type = CONF_DURATION,
     AT(idle_timeout_ms),
     .initial = "60s",
     .min = 1000,
     .max = 60.0 * 60 * 1000,
     .description = "How long a connection may stay open between two requests."},
    {.name = "x_forwarded_for_authorized_addrs",
     .type = CONF_STRINGS,
     AT(x_forwarded_for_authorized_addrs),
     .min = 1,
     .max = 256,
     .initial_says = "none: the header is ignored",
     .example = "[10.0.0.0/8, \"2001:db8::7\"]",
     .description = "Proxies in front of the gate, addresses and networks: a request that comes "
                    "from one of them is taken for one of the last address in its "
                    "`X-Forwarded-For` that is not itself among these. Tokens that are bound to "
                    "addresses, pushes, and audit documents then see the client's address."},
    {.name = "vault_version",
     .type = CONF_STRING,
     AT(vault_version),
     .initial = "1.17.0",
     .example = "1.17.0+ent",
     .description = "The version of Vault that the gate says it is. Terraform's provider offers "
                    "what is Vault Enterprise's only where this ends in `+ent`."},
};
#undef AT

_Static_assert(offsetof(struct settings_listen, x_forwarded_for_authorized_addr_count) ==
                   offsetof(struct settings_listen, x_forwarded_for_authorized_addrs) +
                       sizeof(void *),
               "a pair that stands for conf_strings");

bool settings_same_listen(const struct settings_listen *a, const struct settings_listen *b) {
    return conf_same(&settings_listen_table, a, b);
}

const struct conf_table settings_listen_table = {
    .name = "listen table",
    .keys = keys,
    .n = LEN(keys),
    .bytes = sizeof(struct settings_listen),
    .check = settings_check_listen,
    .description = "Where the gate serves Vault's HTTP API. Without this table there is no gate. A "
                   "change of anything but the certificates needs a restart.",
};

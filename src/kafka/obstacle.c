// SPDX-License-Identifier: Apache-2.0
// librdkafka tells in English what stands between it and a broker, with names of its own settings
// and guesses at old versions in it. Here a line becomes a host and a reason that speaks of our
// settings.
#include <ctype.h>
#include <stdio.h>

#include "kafka/obstacle.h"

struct row {
    const char *needle, *also; // both are in the line; `also` may be NULL
    enum kafka_obstacle kind;
    const char *words;
    const char *tail; // what follows this in the line is added; NULL: nothing
};

// The first that fits counts.
static const struct row rows[] = {
    {"certificate verify failed", NULL, KAFKA_NO_TLS,
     "its certificate is not trusted: it has to be for this host's name, and of an authority in "
     "ssl.certificate_authorities",
     NULL},
    {"certificate required", NULL, KAFKA_NO_TLS,
     "the broker wants a client's certificate: ssl.certificate and ssl.key", NULL},
    {"wrong version number", NULL, KAFKA_NO_TLS,
     "the port does not speak TLS; if it is the right one, leave `ssl` out", NULL},
    {"PLAINTEXT broker listener", NULL, KAFKA_NO_TLS,
     "the TLS handshake was cut; if the port speaks plain text, leave `ssl` out", NULL},
    {"unexpected eof", "SSL_HANDSHAKE", KAFKA_NO_TLS,
     "the TLS handshake was cut; if the port speaks plain text, leave `ssl` out", NULL},
    {"setup timed out", "SSL_HANDSHAKE", KAFKA_NO_TLS,
     "the TLS handshake is not answered; if the port speaks plain text, leave `ssl` out", NULL},
    {" alert ", "SSL", KAFKA_NO_TLS, "the broker ends the TLS handshake", " alert "},
    {"SSL handshake failed", NULL, KAFKA_NO_TLS, "the TLS handshake failed",
     "SSL handshake failed: "},
    {"Unsupported SASL mechanism", NULL, KAFKA_DENIED,
     "the broker does not take this sasl.mechanism; it takes", "supported mechanisms: "},
    {"not valid in current SASL state", NULL, KAFKA_DENIED,
     "the port takes no credentials; if it is the right one, leave `username` and `password` out",
     NULL},
    {"SASL authentication error", NULL, KAFKA_DENIED, "the broker refuses username or password",
     "SASL authentication error: "},
    {"Failed to resolve", NULL, KAFKA_UNKNOWN, "its name is not known", "': "},
    {"Connect to ", NULL, KAFKA_AWAY, "", " failed: "},
    {"setup timed out", "in state CONNECT", KAFKA_AWAY, "the connection is not answered", NULL},
    {"setup timed out", "in state AUTH", KAFKA_SILENT, "signing in is not answered", NULL},
    {"setup timed out", NULL, KAFKA_SILENT, "connected, but no answer", NULL},
    {"ApiVersionRequest failed", "Timed out", KAFKA_SILENT, "connected, but no answer", NULL},
    {"Timed out ", "request", KAFKA_SILENT, "connected, but no answer", NULL},
    {"Invalid response size", NULL, KAFKA_STRANGE, "what answers there is not a Kafka broker",
     NULL},
    {"Disconnected", NULL, KAFKA_CUT, "the connection was cut", NULL},
    {"Receive failed: ", NULL, KAFKA_CUT, "the connection was cut", "Receive failed: "},
    {"Send failed: ", NULL, KAFKA_CUT, "the connection was cut", "Send failed: "},
};

static const struct row *find(const char *line) {
    for (size_t i = 0; i < LEN(rows); i++)
        if (strstr(line, rows[i].needle) && (!rows[i].also || strstr(line, rows[i].also)))
            return &rows[i];
    return NULL;
}

// "[thrd:NAME]: TEXT (after 3ms in state CONNECT)" to TEXT.
static struct str cleaned(const char *line) {
    struct str s = str_from(line);
    if (str_starts(s, STR("[thrd:"))) {
        size_t end = str_find(s, STR("]: "));
        s = end < s.n ? str_sub(s, end + 3, s.n) : s;
    }
    return str_sub(s, 0, str_find(s, STR(" (after ")));
}

// "sasl_ssl://k1:9092/bootstrap" or "k1:9092/3" to "k1:9092". Outcomes: false: it is no broker.
static bool read_broker(struct str name, struct str *ret) {
    size_t scheme = str_find(name, STR("://")), slash;
    if (scheme < name.n) name = str_sub(name, scheme + 3, name.n);
    for (slash = name.n; slash > 0 && name.p[slash - 1] != '/';) slash--;
    if (slash == 0 || str_find(name, STR(" ")) < name.n) return false;
    *ret = str_sub(name, 0, slash - 1);
    return true;
}

// Takes the broker off the line's beginning; its name may be there twice.
static struct str split_broker(struct str *s) {
    struct str host = STR_NONE;
    size_t colon = str_find(*s, STR(": "));
    while (colon < s->n && read_broker(str_sub(*s, 0, colon), &host)) {
        *s = str_sub(*s, colon + 2, s->n);
        colon = str_find(*s, STR(": "));
    }
    return host;
}

// "Connect to ipv4#127.0.0.1:9092 failed: ...", where the line does not begin with a broker.
static struct str connected_to(struct str s) {
    size_t begin = str_find(s, STR("#")), end = str_find(s, STR(" failed: "));
    bool named = str_find(s, STR("Connect to ")) < begin && begin < end && end < s.n;
    return named ? str_sub(s, begin + 1, end) : STR_NONE;
}

static void add_tail(struct buf *out, struct str s, const struct row *row) {
    size_t at = row->tail ? str_find(s, str_from(row->tail)) : s.n;
    if (at == s.n) return;
    struct str tail = str_sub(s, at + strlen(row->tail), s.n);
    if (tail.n == 0) return;
    if (row->words[0]) buf_addz(out, ": ");
    bool word = tail.n > 1 && islower((unsigned char)tail.p[1]); // no abbreviation
    buf_addc(out, word ? (char)tolower((unsigned char)tail.p[0]) : tail.p[0]);
    buf_add(out, tail.p + 1, tail.n - 1);
}

enum kafka_obstacle kafka_obstacle_read(const char *line, struct buf *out) {
    const struct row *row = find(line);
    struct str rest = cleaned(line);
    struct str host = split_broker(&rest);
    if (!host.p) host = connected_to(rest);
    if (host.p) buf_addf(out, "%.*s: ", STR_ARG(host));
    if (!row) {
        buf_add(out, rest.p, rest.n);
        return KAFKA_NONE;
    }
    buf_addz(out, row->words);
    add_tail(out, rest, row);
    return row->kind;
}

// ---- what is to be made of them

static const struct {
    const char *step;
    bool sure;
} kinds[KAFKA_OBSTACLES] = {
    [KAFKA_NONE] = {"connection", false},   [KAFKA_AWAY] = {"connection", false},
    [KAFKA_CUT] = {"connection", false},    [KAFKA_SILENT] = {"connection", false},
    [KAFKA_STRANGE] = {"connection", true}, [KAFKA_UNKNOWN] = {"connection", true},
    [KAFKA_NO_TLS] = {"TLS", true},         [KAFKA_DENIED] = {"credentials", true},
};

const char *kafka_obstacle_step(enum kafka_obstacle kind) { return kinds[kind].step; }

bool kafka_obstacle_is_sure(enum kafka_obstacle kind) { return kinds[kind].sure; }

const char *kafka_obstacle_hint(enum kafka_obstacle kind, bool tls, bool user) {
    static const char *const hints[2][2] = {
        {"; does the port want `ssl`, or `username` and `password`?",
         "; does the port want `ssl`?"},
        {"; does the port want `username` and `password`?", ""},
    };
    bool odd = kind == KAFKA_CUT || kind == KAFKA_SILENT || kind == KAFKA_STRANGE;
    return odd ? hints[tls][user] : "";
}

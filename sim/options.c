// SPDX-License-Identifier: Apache-2.0
// One row per option: how it is written, what its value is, where it goes, what help says.
#include "sim/options.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "base/parse.h"
#include "base/time.h"
#include "sim/sim.h"

enum option_type {
    OPTION_LISTEN,
    OPTION_TEXT,
    OPTION_TEXTS,
    OPTION_NUMBER,
    OPTION_INSTANT,
    OPTION_DURATION,
    OPTION_PHONES,
    OPTION_HELP,
    OPTION_VERSION
};

struct option_row {
    const char *name, *value;
    enum option_type type;
    size_t offset;     // in struct options
    size_t offset_n;   // of the count, for OPTION_TEXTS
    uint64_t min, max; // for OPTION_NUMBER
    const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct option_row rows[] = {
    {"--listen", "HOST:PORT", OPTION_LISTEN, 0, 0, 0, 0,
     "address and port; port 0: any free one (default 127.0.0.1:0)"},
    {"--port-file", "FILE", OPTION_TEXT, AT(port_file), 0, 0, 0,
     "write the port there when ready to serve"},
    {"--tls-cert", "FILE", OPTION_TEXT, AT(tls_cert), 0, 0, 0,
     "serve https with this PEM certificate (chain)"},
    {"--tls-key", "FILE", OPTION_TEXT, AT(tls_key), 0, 0, 0, "its PEM private key"},
    {"--tls-make", "DIR", OPTION_TEXT, AT(tls_make), 0, 0, 0,
     "serve https with a certificate for localhost that is made in DIR, together with the CA to "
     "trust, DIR/ca.pem, which is used again when it is there"},
    {"--tls-name", "NAME", OPTION_TEXTS, AT(tls_names), AT(n_tls_names), 0, 0,
     "one more host name or address for the certificate of --tls-make; may be repeated"},
    {"--apps", "FILE", OPTION_TEXT, AT(apps), 0, 0, 0,
     "service apps that may fetch tokens: a JSON array"},
    {"--users", "FILE", OPTION_TEXT, AT(users), 0, 0, 0,
     "the org's users with their factors and phones, a JSON array (default: the people of the "
     "company that does not exist)"},
    {"--phones", "HOW", OPTION_PHONES, 0, 0, 0, 0,
     "what phones without a script do with a push: ignore it, approve or deny it at once, or ask "
     "you on this terminal (default ignore: answer at /_sim/phone, or through the control API)"},
    {"--events", "FILE", OPTION_TEXTS, AT(events), AT(n_events), 0, 0,
     "load events: one JSON event per line, or one array; may be repeated. Their order is kept, "
     "and each appears when the clock has reached its published"},
    {"--generate", "N", OPTION_NUMBER, AT(generate), 0, 0, 100000000,
     "make N events of a company that does not exist"},
    {"--seed", "S", OPTION_NUMBER, AT(seed), 0, 0, UINT64_MAX,
     "for --generate and everything else that is drawn (default 1)"},
    {"--generate-span", "DURATION", OPTION_DURATION, AT(span_ms), 0, 0, 0,
     "how far back from now the made events spread (default 24h)"},
    {"--api-token", "T", OPTION_TEXTS, AT(tokens), AT(n_tokens), 0, 0,
     "accept `Authorization: SSWS T`; may be repeated (default " SIM_DEFAULT_TOKEN ")"},
    {"--rate-limit", "N", OPTION_NUMBER, AT(rate_limit), 0, 1, 1000000000,
     "the org's ceiling for /api/v1/logs, requests per minute (default 120)"},
    {"--token-share", "PERCENT", OPTION_NUMBER, AT(token_share), 0, 1, 100,
     "the share of the ceiling that one token may use (default 50)"},
    {"--concurrency", "N", OPTION_NUMBER, AT(concurrency), 0, 0, 1000000,
     "requests that may be in progress at once (default 75)"},
    {"--now", "INSTANT", OPTION_INSTANT, AT(now_ms), 0, 0, 0,
     "what the clock shows at the start, such as 2026-11-22T10:00:00Z; it runs on from there "
     "(default: the real time)"},
    {"--help", NULL, OPTION_HELP, 0, 0, 0, 0, "print this and exit"},
    {"--version", NULL, OPTION_VERSION, 0, 0, 0, 0, "print the version and exit"},
};

enum { HELP_COLUMN = 29, HELP_WIDTH = 90 };

static void print_wrapped(FILE *out, const char *text) {
    size_t column = HELP_COLUMN;
    struct str rest = str_from(text);
    while (rest.p) {
        struct str word = str_split(&rest, ' ');
        if (column > HELP_COLUMN && column + 1 + word.n > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", STR_ARG(word));
        column += word.n;
    }
    fputc('\n', out);
}

void options_help(FILE *out) {
    fputs("Usage: okta-sim [OPTION]...\n\n"
          "Serves Okta's System Log, users, factors, pushes and access tokens as strictly as Okta\n"
          "does, from memory. A control API below /_sim/ adds events and users, answers pushes,\n"
          "sets the clock, switches faults on, and reports what was asked; docs/simulator.md\n"
          "describes it. People can answer pushes at /_sim/phone.\n\n"
          "Options (values also as --name=value):\n",
          out);
    for (size_t i = 0; i < LEN(rows); i++) {
        int n = fprintf(out, "  %s%s%s", rows[i].name, rows[i].value ? " " : "",
                        rows[i].value ? rows[i].value : "");
        fprintf(out, "%*s", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "");
        print_wrapped(out, rows[i].help);
    }
    fputs("\nExit status: 0 ended by SIGTERM or SIGINT, 1 failed, 2 wrong usage.\n", out);
}

static int wrong(struct fault *fault, const struct option_row *row, const char *value,
                 const char *expected) {
    return fault_set(fault, OPTIONS_E_USAGE, "%s: \"%s\" is not %s", row->name, value, expected);
}

static bool is_address(const char *host) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

// HOST:PORT; an IPv6 address stands in brackets.
static int set_listen(struct options *o, const struct option_row *row, const char *value,
                      struct fault *fault) {
    struct str text = str_from(value);
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') colon--;
    struct str host = str_sub(text, 0, colon ? colon - 1 : 0);
    bool brackets = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (brackets) host = str_sub(host, 1, host.n - 1);
    uint64_t port;
    bool good = host.n && host.n < sizeof o->host && parse_u64(str_sub(text, colon, text.n), &port);
    if (!good || port > UINT16_MAX)
        return wrong(fault, row, value, "an address and a port, such as 127.0.0.1:8080");
    if (str_eqz(host, "localhost")) host = STR("127.0.0.1");
    memcpy(o->host, host.p, host.n);
    o->host[host.n] = '\0';
    o->port = port;
    if (!is_address(o->host)) return wrong(fault, row, value, "an address (not a name) and a port");
    return 0;
}

static int add_text(struct options *o, const struct option_row *row, const char *value,
                    struct fault *fault) {
    const char **texts = (const char **)(void *)((char *)o + row->offset);
    size_t *n = (size_t *)(void *)((char *)o + row->offset_n);
    if (*n == OPTIONS_REPEAT_MAX)
        return fault_set(fault, OPTIONS_E_USAGE, "%s: given more than %d times", row->name,
                         OPTIONS_REPEAT_MAX);
    texts[(*n)++] = value;
    return 0;
}

static int set_number(uint64_t *place, const struct option_row *row, const char *value,
                      struct fault *fault) {
    uint64_t n;
    if (!parse_u64(str_from(value), &n) || n < row->min || n > row->max)
        return fault_set(fault, OPTIONS_E_USAGE, "%s: \"%s\" is not a number from %llu to %llu",
                         row->name, value, (unsigned long long)row->min,
                         (unsigned long long)row->max);
    *place = n;
    return 0;
}

static int set_phones(struct options *o, const struct option_row *row, const char *value,
                      struct fault *fault) {
    o->terminal = strcmp(value, "terminal") == 0;
    o->phones = PHONE_IGNORE;
    if (o->terminal) return 0;
    bool good = phone_read_deed(&o->phones, str_from(value)) && o->phones <= PHONE_DENY;
    return good ? 0 : wrong(fault, row, value, "ignore, approve, deny or terminal");
}

static int set_value(struct options *o, const struct option_row *row, const char *value,
                     struct fault *fault) {
    void *place = (char *)o + row->offset;
    switch (row->type) {
    case OPTION_LISTEN: return set_listen(o, row, value, fault);
    case OPTION_TEXT: memcpy(place, &value, sizeof value); return 0;
    case OPTION_TEXTS: return add_text(o, row, value, fault);
    case OPTION_NUMBER: return set_number(place, row, value, fault);
    case OPTION_INSTANT:
        if (time_parse_iso8601(str_from(value), place)) return 0;
        return wrong(fault, row, value, "an instant, such as 2026-11-22T10:00:00Z");
    case OPTION_DURATION:
        if (parse_duration_ms(str_from(value), place)) return 0;
        return wrong(fault, row, value, "a duration, such as 24h");
    case OPTION_PHONES: return set_phones(o, row, value, fault);
    case OPTION_HELP: return OPTIONS_E_HELP;
    case OPTION_VERSION: return OPTIONS_E_VERSION;
    }
    return 0;
}

static const struct option_row *find_row(struct str name, struct fault *fault) {
    const char *names[LEN(rows)];
    for (size_t i = 0; i < LEN(rows); i++) {
        names[i] = rows[i].name;
        if (str_eqz(name, names[i])) return &rows[i];
    }
    const char *near = str_nearest(name, names, LEN(rows));
    fault_set(fault, OPTIONS_E_USAGE, "unknown option %.*s%s%s%s", STR_ARG(name),
              near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

// Handles argv[*at] and moves past it and its value.
static int parse_one(struct options *o, int argc, char **argv, int *at, struct fault *fault) {
    struct str value = str_from(argv[(*at)++]);
    struct str name = str_split(&value, '=');
    const struct option_row *row = find_row(name, fault);
    if (!row) return OPTIONS_E_USAGE;
    if (!row->value && value.p)
        return fault_set(fault, OPTIONS_E_USAGE, "%s takes no value", row->name);
    if (!row->value || value.p) return set_value(o, row, value.p, fault);
    if (*at == argc)
        return fault_set(fault, OPTIONS_E_USAGE, "%s needs a value: %s", row->name, row->value);
    return set_value(o, row, argv[(*at)++], fault);
}

int options_parse(struct options *ret, int argc, char **argv, struct fault *fault) {
    struct options o = {.host = "127.0.0.1",
                        .seed = 1,
                        .rate_limit = 120,
                        .token_share = 50,
                        .concurrency = 75,
                        .now_ms = INT64_MIN,
                        .span_ms = TIME_DAY_MS};
    int at = 1;
    while (at < argc) {
        int e = parse_one(&o, argc, argv, &at, fault);
        if (e) return e;
    }
    if (!o.tls_cert != !o.tls_key)
        return fault_set(fault, OPTIONS_E_USAGE, "--tls-cert and --tls-key go together");
    if (o.tls_make && o.tls_cert)
        return fault_set(fault, OPTIONS_E_USAGE, "--tls-make and --tls-cert exclude each other");
    if (o.n_tls_names && !o.tls_make)
        return fault_set(fault, OPTIONS_E_USAGE, "--tls-name needs --tls-make");
    *ret = o;
    return 0;
}

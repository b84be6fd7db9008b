// SPDX-License-Identifier: Apache-2.0
#ifndef SETTINGS_FIXTURE_H
#define SETTINGS_FIXTURE_H
// Settings as text, in an environment and with files that are nobody's, and what becomes of them.
// For tests that include cmocka.h before.

#include <errno.h>

#include "daemon/settings.h"

static const char *fake_variable(void *ctx, const char *name) {
    (void)ctx;
    if (strcmp(name, "OKTA_API_KEY") == 0) return "00secret";
    if (strcmp(name, "ES_API_KEY") == 0) return "id:key";
    if (strcmp(name, "SPACED") == 0) return "a: [b, ${OKTA_API_KEY}]";
    if (strcmp(name, "EMPTY") == 0) return "";
    return NULL;
}

static int fake_file(void *ctx, const char *path, struct buf *into) {
    (void)ctx;
    if (strcmp(path, "/etc/gatehouse/okta-api-key") != 0) return -ENOENT;
    buf_addz(into, "00fromfile\r\n");
    return 0;
}

static int fake_readable(void *ctx, const char *path) {
    (void)ctx;
    return strcmp(path, "/there.pem") == 0 ? 0 : -ENOENT;
}

static const struct conf_env fake_env = {
    .variable = fake_variable, .file = fake_file, .readable = fake_readable};

struct result {
    int rc;
    struct settings *settings;
    struct buf text; // of the errors
};

static struct result parse_all(const char *text, uint32_t mode, const char *const *sets, size_t n) {
    struct conf_errors errors = {0};
    struct result r = {.text = buf_make(1 << 20)};
    struct settings_input input = {.name = "g.yml",
                                   .text = str_from(text),
                                   .mode = mode,
                                   .overrides = sets,
                                   .override_count = n,
                                   .env = &fake_env};
    r.rc = settings_parse(&r.settings, &input, &errors);
    conf_errors_write(&errors, &r.text);
    return r;
}

static void result_fini(struct result *r) {
    settings_free(r->settings);
    buf_fini(&r->text);
}
DEFINE_AUTO_FINI(result)

#define URL "https://acme.okta.com/api/v1/logs"
#define SMALL                                                                                      \
    "sources:\n"                                                                                   \
    "  - url: " URL "\n"                                                                           \
    "    api_key: k\n"                                                                             \
    "outputs:\n"                                                                                   \
    "  - type: sqlite\n"                                                                           \
    "    path: events.db\n"

// The text is refused, and the message has `expected` in it.
static void refused(const char *text, const char *expected, const char *const *sets, size_t n) {
    AUTO_FINI(result) struct result r = parse_all(text, 0, sets, n);
    const char *z = buf_z(&r.text);
    if (r.rc != SETTINGS_E_WRONG || !z || !strstr(z, expected))
        fail_msg("expected: %s\ngot %d: %s", expected, r.rc, z);
}

static struct result accepted(const char *text, const char *const *sets, size_t n) {
    struct result r = parse_all(text, 0, sets, n);
    if (r.rc != 0) fail_msg("refused (%d): %.*s", r.rc, STR_ARG(buf_str(&r.text)));
    return r;
}

#endif

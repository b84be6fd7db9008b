// SPDX-License-Identifier: Apache-2.0
#ifndef PATHS_H
#define PATHS_H
// Short forms for tests of paths: one request and what is expected of it. After gate-fixture.h.

enum { PATHS_KEPT = 128 };
static char paths_text[PATHS_KEPT][8192]; // the latest texts that were taken out of answers
static unsigned paths_next;

static inline const char *paths_keep(struct str s) {
    char *to = paths_text[paths_next++ % PATHS_KEPT];
    size_t n = s.n < sizeof paths_text[0] - 1 ? s.n : sizeof paths_text[0] - 1;
    if (n) memcpy(to, s.p, n);
    to[n] = '\0';
    return to;
}

// Asks; the status and the first error must be these. `error` NULL: none.
static inline void refused(struct fixture *f, int status, const char *error, const char *method,
                           const char *path, const char *token, const char *body) {
    struct said s = ask(f, method, path, token, body);
    if (s.status != status)
        fail_msg("%s %s %s: %d instead of %d: %.*s", method, path, body ? body : "", s.status,
                 status, STR_ARG(buf_str(&s.text)));
    if (error) assert_string_equal(paths_keep(said_error(&s)), error);
    said_fini(&s);
}

// Asks, and gives the text (or the number, or the whole value as JSON) at a path of the answer.
static inline const char *asked(struct fixture *f, const char *method, const char *path,
                                const char *token, const char *body, const char *member) {
    struct said s = ask(f, method, path, token, body);
    if (s.status != 200)
        fail_msg("%s %s %s: %d: %.*s", method, path, body ? body : "", s.status,
                 STR_ARG(buf_str(&s.text)));
    const struct json *v = json_path(s.json, member);
    AUTO_FINI(buf) struct buf text = buf_make(8000);
    if (json_type(v) == JSON_STRING) buf_add_str(&text, json_str(v));
    else assert_int_equal(json_add_value(&text, v), 0);
    const char *kept = paths_keep(buf_str(&text));
    said_fini(&s);
    return kept;
}

// A new token with that body (NULL: none), by that token.
static inline const char *new_token(struct fixture *f, const char *by, const char *body) {
    return asked(f, "POST", "auth/token/create", by, body, "auth.client_token");
}

// A member of what lookup-self says.
static inline const char *self(struct fixture *f, const char *token, const char *member) {
    char path[128];
    snprintf(path, sizeof path, "data.%s", member);
    return asked(f, "GET", "auth/token/lookup-self", token, NULL, path);
}

// {"token":"...", extra}
static inline const char *token_body(const char *token, const char *extra) {
    char text[2 * sizeof paths_text[0]];
    snprintf(text, sizeof text, "{\"token\":\"%s\"%s}", token, extra);
    return paths_keep(str_from(text));
}

static inline void write_policy(struct fixture *f, const char *name, const char *hcl) {
    char path[128], body[4096];
    snprintf(path, sizeof path, "sys/policies/acl/%s", name);
    snprintf(body, sizeof body, "{\"policy\":\"%s\"}", hcl);
    ask_for(f, 204, "PUT", path, "root", body);
}

#endif

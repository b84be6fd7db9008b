// SPDX-License-Identifier: Apache-2.0
// Lines of METHOD:CREDENTIAL as X-Vault-MFA had them, read for the method "m": what is taken lies
// inside of what was given and has its form, no text has a digit of a passcode, and what was meant
// for other methods changes nothing.
#include "mfa/credential.h"

#include "fuzz.h"

enum { LIST_MAX_BYTES = 1 << 20 };

static void check_inside(const struct buf *given, struct str part) {
    if (!part.p) return;
    MUST(part.n > 0 && part.p >= given->p && part.p + part.n <= given->p + given->n);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void check_taken(const struct buf *given, const struct credential *c) {
    check_inside(given, c->passcode);
    check_inside(given, c->device);
    check_inside(given, c->challenge);
    if (c->passcode.p)
        MUST(c->passcode.n >= PASSCODE_MIN_DIGITS && c->passcode.n <= PASSCODE_MAX_DIGITS);
    for (size_t i = 0; i < c->passcode.n; i++) MUST(is_digit(c->passcode.p[i]));
    if (c->challenge.p) MUST(c->challenge.n == 18 && str_starts(c->challenge, STR("c-")));
    MUST(!c->challenge.p || !c->passcode.p);
}

// "c- and 16 letters or digits" is the only number that is told.
static void check_text(const char *text) {
    MUST(*text);
    struct str s = str_from(text);
    if (str_find(s, STR("c- and 16 letters")) < s.n) return;
    for (size_t i = 0; i < s.n; i++) MUST(!is_digit(s.p[i]));
}

static bool is_same(const struct credential *a, const struct credential *b) {
    return str_eq(a->passcode, b->passcode) && str_eq(a->device, b->device) &&
           str_eq(a->challenge, b->challenge) && a->number == b->number;
}

static void check(const struct buf *given, const struct buf *own) {
    struct fault fault = {{0}}, again = {{0}};
    struct credential all = {.number = false}, mine = {.number = false};
    int r = credential_read(list_of(given), STR("m"), &all, &fault);
    MUST(r == 0 || r == CREDENTIAL_E_REFUSED);
    MUST(credential_read(list_of(own), STR("m"), &mine, &again) == r);
    MUST(strcmp(fault.text, again.text) == 0);
    if (r) return check_text(fault.text);
    check_taken(given, &all);
    MUST(is_same(&all, &mine));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FINI(buf) struct buf given = buf_make(LIST_MAX_BYTES), own = buf_make(LIST_MAX_BYTES);
    struct str rest = {(const char *)data, size};
    while (rest.p) {
        struct str credential = str_split(&rest, '\n');
        struct str method = str_split(&credential, ':');
        if (!credential.p) credential = STR("");
        list_add(&given, method);
        list_add(&given, credential);
        if (!str_eqz(method, "m")) continue;
        list_add(&own, method);
        list_add(&own, credential);
    }
    if (!given.error && !own.error) check(&given, &own);
    return 0;
}

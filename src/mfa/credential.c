// SPDX-License-Identifier: Apache-2.0
// A wish is a word, or a key with a value. What could be meant as a code or as a challenge but is
// none refuses: taken for "any other word" it would send a push that nobody asked for.
#include "mfa/credential.h"

enum { CHALLENGE_ID_BYTES = 18 }; // "c-" and 16

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_letter_or_digit(char c) { return is_digit(c) || is_letter(c); }

static bool is_all(struct str s, bool (*is)(char c)) {
    for (size_t i = 0; i < s.n; i++)
        if (!is(s.p[i])) return false;
    return s.n > 0;
}

static bool is_passcode(struct str s) {
    return s.n >= PASSCODE_MIN_DIGITS && s.n <= PASSCODE_MAX_DIGITS && is_all(s, is_digit);
}

static bool is_challenge(struct str s) {
    return s.n == CHALLENGE_ID_BYTES && is_all(str_sub(s, 2, s.n), is_letter_or_digit);
}

static bool is_anything(struct str s) { return s.n > 0; }

// What a wish may be about.
struct kind {
    size_t offset; // in struct credential
    bool (*fits)(struct str value);
    const char *unfit, *several;
};

enum { PASSCODE, DEVICE, CHALLENGE };

static const struct kind kinds[] = {
    [PASSCODE] = {offsetof(struct credential, passcode), is_passcode, "invalid passcode",
                  "found multiple passcodes for the same MFA method"},
    [DEVICE] = {offsetof(struct credential, device), is_anything,
                "found an invalid MFA cred: device=",
                "found multiple devices for the same MFA method"},
    [CHALLENGE] = {offsetof(struct credential, challenge), is_challenge,
                   "found an invalid MFA cred: a challenge is c- and 16 letters or digits",
                   "found multiple challenges for the same MFA method"},
};

static const struct {
    const char *key;
    const struct kind *kind;
} keys[] = {{"passcode", &kinds[PASSCODE]}, {"device", &kinds[DEVICE]}};

static int refuse(struct fault *fault, const char *text) {
    return fault_set(fault, CREDENTIAL_E_REFUSED, "%s", text);
}

static int take(const struct kind *kind, struct str value, struct credential *c,
                struct fault *fault) {
    struct str *place = (struct str *)(void *)((char *)c + kind->offset);
    if (!kind->fits(value)) return refuse(fault, kind->unfit);
    if (place->p) return refuse(fault, kind->several);
    *place = value;
    return 0;
}

// The key alone is told, and of that no digits: either side may be a passcode gone astray.
static int refuse_key(struct str key, struct fault *fault) {
    char shown[64];
    size_t n = key.n < sizeof shown ? key.n : sizeof shown;
    for (size_t i = 0; i < n; i++) shown[i] = is_digit(key.p[i]) ? '*' : key.p[i];
    return fault_set(fault, CREDENTIAL_E_REFUSED, "found an invalid MFA cred: %.*s=", (int)n,
                     shown);
}

static int take_pair(struct str key, struct str value, struct credential *c, struct fault *fault) {
    for (size_t i = 0; i < LEN(keys); i++)
        if (str_eqz(key, keys[i].key)) return take(keys[i].kind, value, c, fault);
    return refuse_key(key, fault);
}

static int take_word(struct str word, struct credential *c, struct fault *fault) {
    if (is_all(word, is_digit)) return take(&kinds[PASSCODE], word, c, fault);
    if (str_starts(word, STR("c-"))) return take(&kinds[CHALLENGE], word, c, fault);
    if (str_eqz(word, "number")) c->number = true;
    return 0;
}

static int take_wish(struct str wish, struct credential *c, struct fault *fault) {
    struct str value = str_trim(wish);
    struct str key = str_split(&value, '=');
    return value.p ? take_pair(key, value, c, fault) : take_word(key, c, fault);
}

int credential_read(struct list given, struct str method, struct credential *ret,
                    struct fault *fault) {
    struct credential c = {.number = false};
    struct str rest = given.packed, name, wish;
    while (list_next(&rest, &name) && list_next(&rest, &wish)) {
        int r = str_eq(name, method) ? take_wish(wish, &c, fault) : 0;
        if (r) return r;
    }
    if (c.challenge.p && c.passcode.p)
        return refuse(fault, "found a passcode and a challenge for the same MFA method");
    *ret = c;
    return 0;
}

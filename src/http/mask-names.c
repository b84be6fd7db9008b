// SPDX-License-Identifier: Apache-2.0
// Names are compared without case, '_' and '-': client_secret, clientSecret and Client-Secret are
// one name. Whole names and ends of names are secret in JSON, or every event would lose members;
// headers are few, there any part will do.
#include "http/mask-internal.h"

enum { NAME_MAX_BYTES = 64 };

enum match { WHOLE, END, PART };

struct name_row {
    const char *text;
    enum match match;
    bool header, form, member;
};

static const struct name_row names[] = {
    // text, match, header, form, member
    {"authorization", END, true, true, true}, {"authenticationinfo", WHOLE, true, false, false},
    {"cookie", END, true, true, true},        {"dpop", WHOLE, true, true, true},
    {"token", PART, true, false, false},      {"secret", PART, true, false, false},
    {"key", PART, true, false, false},        {"nonce", PART, true, false, false},
    {"password", PART, true, false, false},   {"credential", PART, true, false, false},
    {"session", PART, true, false, false},    {"assertion", PART, true, false, false},
    {"token", END, false, true, true},        {"secret", END, false, true, true},
    {"password", END, false, true, true},     {"passphrase", END, false, true, true},
    {"passcode", END, false, true, true},     {"assertion", END, false, true, true},
    {"nonce", END, false, true, true},        {"privatekey", END, false, true, true},
    {"apikey", END, false, true, true},       {"samlresponse", WHOLE, false, true, true},
    {"answer", WHOLE, false, true, true},     {"codeverifier", WHOLE, false, true, true},
    {"devicecode", WHOLE, false, true, true}, {"code", WHOLE, false, true, false},
};

static bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80);
}

// The end of a long name decides, so the end is what is kept.
static struct str fold(struct str name, char to[NAME_MAX_BYTES]) {
    name = str_sub(name, name.n > NAME_MAX_BYTES ? name.n - NAME_MAX_BYTES : 0, name.n);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 'a' - 'A');
        if (is_letter_or_digit(c)) to[n++] = c;
    }
    return (struct str){to, n};
}

static bool matches(const struct name_row *row, struct str name) {
    struct str text = str_from(row->text);
    switch (row->match) {
    case WHOLE: return str_eq(name, text);
    case END: return str_ends(name, text);
    case PART: return str_find(name, text) < name.n;
    default: return true;
    }
}

static bool applies(const struct name_row *row, enum mask_place place) {
    if (place == MASK_HEADER) return row->header;
    return place == MASK_FORM ? row->form : row->member;
}

bool mask_is_secret_name(enum mask_place place, struct str name) {
    char folded[NAME_MAX_BYTES];
    struct str f = fold(name, folded);
    for (size_t i = 0; i < LEN(names); i++)
        if (applies(&names[i], place) && matches(&names[i], f)) return true;
    return false;
}

struct str mask_scheme(struct str text) {
    static const struct str schemes[] = {
        {"SSWS ", 5},  {"Bearer ", 7}, {"DPoP ", 5},
        {"Basic ", 6}, {"Digest ", 7}, {"Negotiate ", 10},
    };
    for (size_t i = 0; i < LEN(schemes); i++)
        if (str_eq_nocase(str_sub(text, 0, schemes[i].n), schemes[i]))
            return str_sub(text, 0, schemes[i].n);
    return STR_NONE;
}

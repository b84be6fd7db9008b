// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_FACTORS_H
#define SIM_FACTORS_H
// What a person proves their presence with (okta-api.md section 4.2): phones that get pushes, and
// everything that makes a code.

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "sim/company.h"
#include "sim/event-write.h"
#include "json/read.h"

enum factor_answer {
    FACTOR_BY_PUSH,
    FACTOR_BY_CODE,     // passCode at once
    FACTOR_BY_MESSAGE,  // without a passCode one is sent; then passCode
    FACTOR_BY_QUESTION, // answer
    FACTOR_BY_BROWSER,  // cannot be verified by this API
};

struct factor_kind {
    const char *type, *prefix; // factorType; how ids begin
    const char *provider, *vendor;
    enum factor_answer answer;
    enum event_method method; // what the System Log calls it
};

enum { FACTOR_STATUS_MAX = 24, FACTOR_PROVIDER_MAX = 16 };

struct factor {
    const struct factor_kind *kind;
    char id[COMPANY_ID_MAX];
    char provider[FACTOR_PROVIDER_MAX], vendor[FACTOR_PROVIDER_MAX], status[FACTOR_STATUS_MAX];
    int64_t created_ms, updated_ms;
    char *name;         // owned: profile.name, the device's
    char *profile;      // owned: JSON
    char *codes;        // owned: right codes, one per line; NULL: none
    struct buf secret;  // of TOTP; empty: none
    uint64_t used_step; // the last one that a code was taken of; 0: none
};

struct factors {
    struct factor *each;
    size_t n, cap;
};

// Outcome of factors_read: not an array of factors; `fault` says where and why.
enum { FACTORS_E_BAD = 1 };

void factors_fini(struct factors *f);

struct factors_owner {
    const char *login;
    int64_t now_ms;
    struct rand *rand; // ids of factors that come without
};

// Reads the factors of a person from a JSON array. Outcomes: 0; FACTORS_E_BAD; -ENOMEM.
int factors_read(struct factors *ret, const struct json *array, const struct factors_owner *owner,
                 struct fault *fault) MUST_USE;

// By id; or by factorType: the first active one, else the first. NULL: none. Borrowed.
struct factor *factors_find(const struct factors *f, struct str id_or_type);

// "ACTIVE"?
bool factor_is_active(const struct factor *f);

enum factor_judgement { FACTOR_RIGHT, FACTOR_WRONG, FACTOR_REPLAYED, FACTOR_LATE };

// Is this the right code or answer at that instant? One of TOTP is good once, in its own step and
// those beside it. Outcomes: 0; -ENOMEM.
int factor_judge(struct factor *f, struct str code, int64_t now_ms,
                 enum factor_judgement *ret) MUST_USE;

// Appends the object as Okta shows it; `user_url` is the user's. Failures stick in `out`.
void factor_write(struct buf *out, const struct factor *f, struct str user_url);

#endif

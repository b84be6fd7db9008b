// SPDX-License-Identifier: Apache-2.0
// One walk over the factors keeps the best of those that fit. What is better is a row of
// comparisons: the first that sees a difference decides, and of equals the first in Okta's order
// stays.
#include "mfa/choice.h"

#include "mfa/reason.h"

static const char *const push_types[] = {"push", NULL};
// Those whose code is there without being sent first (okta-api section 4.3).
static const char *const code_types[] = {"token:software:totp", "token:hotp", "token:hardware",
                                         "token", NULL};

static bool is_one_of(struct str type, const char *const *types) {
    for (; *types; types++)
        if (str_eqz(type, *types)) return true;
    return false;
}

static bool is_named(struct str device, const struct okta_factor *f) {
    return str_eq_nocase(device, f->name) || str_eq_nocase(device, f->provider) ||
           str_eq_nocase(device, f->id);
}

static bool fits(const struct choice *wanted, const struct okta_factor *f) {
    if (!str_eqz(f->status, "ACTIVE")) return false;
    if (!is_one_of(f->type, wanted->code ? code_types : push_types)) return false;
    return !wanted->device.n || is_named(wanted->device, f);
}

// Among those used, from the latest; beyond them all when it never was.
static size_t rank_of_use(const struct choice *wanted, const struct okta_factor *f) {
    struct str rest = wanted->used.packed, id;
    size_t rank = 0;
    while (list_next(&rest, &id) && !str_eq(id, f->id)) rank++;
    return rank;
}

// >0: a is better; <0: b is; 0: no difference. Of a device that the caller named, use says nothing.
static int by_use(const struct choice *wanted, const struct okta_factor *a,
                  const struct okta_factor *b) {
    if (wanted->device.n) return 0;
    size_t of_a = rank_of_use(wanted, a), of_b = rank_of_use(wanted, b);
    return (of_a < of_b) - (of_a > of_b);
}

static int by_age(const struct choice *wanted, const struct okta_factor *a,
                  const struct okta_factor *b) {
    (void)wanted;
    return (a->created_ms > b->created_ms) - (a->created_ms < b->created_ms);
}

static int by_provider(const struct choice *wanted, const struct okta_factor *a,
                       const struct okta_factor *b) {
    (void)wanted;
    return (int)str_eqz(a->provider, "OKTA") - (int)str_eqz(b->provider, "OKTA");
}

static int (*const comparisons[])(const struct choice *, const struct okta_factor *,
                                  const struct okta_factor *) = {by_use, by_age, by_provider};

static bool is_better(const struct choice *wanted, const struct okta_factor *a,
                      const struct okta_factor *b) {
    for (size_t i = 0; i < LEN(comparisons); i++) {
        int r = comparisons[i](wanted, a, b);
        if (r) return r > 0;
    }
    return false;
}

const struct okta_factor *choice_make(const struct choice *wanted, const struct okta_factor *all,
                                      size_t n, const char **ret_why) {
    const struct okta_factor *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (fits(wanted, &all[i]) && (!best || is_better(wanted, &all[i], best))) best = &all[i];
    if (best) return best;
    enum challenge_reason missing = wanted->code ? REASON_NO_CODE_FACTOR : REASON_NO_PUSH_FACTOR;
    *ret_why = challenge_reason_text(n ? missing : REASON_NO_FACTORS);
    return NULL;
}

// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_ORGS_H
#define MFA_ORGS_H
// The orgs that methods are asked at: those of sources, which methods name, and one of their own
// for each address and API token, made when it is first needed and kept for a while. Loop thread.

#include "mfa/method.h"
#include "mfa/stepup.h"
#include "okta/org.h"

enum {
    ORGS_IDLE_MS = 5 * 60 * 1000, // how long one that nobody uses is kept,
    ORGS_IDLE_MAX = 32,           // and how many
};

struct orgs;

struct orgs_org {
    struct okta_org *okta;     // borrowed of a source's, owned of others; NULL: its source is gone
    char *host;                // as subjects of the guard are named
    char *source, *client_id;  // NULL: none
    struct http_origin origin; // of its requests
    // orgs.c's
    struct orgs_org *prev, *next;
    size_t users;
    bool listed;          // it can be found
    int64_t idle_mono_ms; // since when nobody uses it
    char *url, *api_token;
};

struct orgs_opts {
    struct loop *loop;
    const struct log *log;
    const struct http_client_opts *http; // borrowed; NULL: none can be made
    const char *okta_url;                // borrowed; NULL: each method's own
    double rate_limit_early_limit;
    int64_t http_client_timeout_ms;
};

// Outcomes: 0; -ENOMEM; -EINVAL with fault (TLS files, okta_url).
int orgs_new(struct orgs **ret, const struct orgs_opts *opts, struct fault *fault) MUST_USE;
// Nobody may use one any more. NULL-safe; returns NULL.
struct orgs *orgs_free(struct orgs *o);
DEFINE_AUTO_FREE(orgs)

// The org of a method, with one user more. Outcomes: 0; ORGS_E_NONE with fault: no such source, or
// no such address; -ENOMEM.
enum { ORGS_E_NONE = 1 };
int orgs_take(struct orgs *o, const struct method *m, struct orgs_org **ret,
              struct fault *fault) MUST_USE;
struct orgs_org *orgs_hold(struct orgs_org *org);                 // one user more
struct orgs_org *orgs_drop(struct orgs *o, struct orgs_org *org); // one less; NULL-safe; NULL

// The sources' orgs instead of those given before. Those in use go on with the org of the same name
// if it is asked at the same place; else their `okta` is NULL. Outcomes: 0; -ENOMEM (none is left).
int orgs_use_sources(struct orgs *o, const struct stepup_source *sources, size_t n) MUST_USE;
const struct orgs_org *orgs_of_source(const struct orgs *o, const char *name); // NULL
// Whether the log of that host is read.
bool orgs_is_watched(const struct orgs *o, struct str host);

size_t orgs_count(const struct orgs *o); // all that there are
// Frees what nobody has used for long.
void orgs_tidy(struct orgs *o, int64_t mono_ms);

// The share of the org's rate budget that is spent, 0 to 1; 0 when nothing is known.
double orgs_used(const struct orgs_org *org, int64_t mono_ms);

#endif

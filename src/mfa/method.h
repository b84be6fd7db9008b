// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_METHOD_H
#define MFA_METHOD_H
// MFA methods (Vault Enterprise: sys/mfa/method/okta/:name; reference 2.1 to 2.6).

#include "identity/state.h"

struct method {
    struct record record;
    struct str name; // primary key, over all types
    struct str id;   // uuid, kept over updates; index 1
    struct str mount_accessor, username_format;
    struct str org_name;
    struct str api_token; // secret
    struct str base_url;  // empty: by `production`
    bool production;
    bool primary_email;
    // Beyond Vault; shown only where they are set.
    struct str okta_source; // name of a configured source whose org and credentials are used
                            // instead of org_name, base_url and api_token; empty: none
    int64_t remember_s;     // a pass counts for the token and address so long; 0: once
    bool number_matching;   // every push has a number
    bool share_challenge;   // parallel requests of one token share one challenge
};
extern const struct record_type method_type;

// https://ORG_NAME.BASE_URL, what requests of a method with an api_token begin with
// (reference 2.2). Appended.
void method_url(const struct method *m, struct buf *out);

const struct method *method_get(const struct state *s, struct str name);

// A write: texts that are present (p != NULL) are what the request gave. Checked in the order of
// reference 2.3.
struct method_write {
    struct str name, mount_accessor, username_format, org_name, api_token, base_url;
    bool has_production, production;
    bool primary_email;
    struct str okta_source;
    int64_t remember_s;
    bool number_matching, share_challenge;
};
// Outcomes: 0; METHOD_E_REFUSED with fault: the text for the 400; -errno.
enum { METHOD_E_REFUSED = 1 };
int method_put(struct draft *d, const struct method_write *w, struct fault *fault) MUST_USE;
// Appends `data` of a read; `with_token`: api_token too (design decision 8).
void method_write_json(const struct method *m, bool with_token, struct buf *out);

#endif

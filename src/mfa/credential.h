// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_CREDENTIAL_H
#define MFA_CREDENTIAL_H
// What a caller wishes of one method by X-Vault-MFA (reference 3.3, docs/mfa.md):
//
//   my_okta                     a push                  my_okta:number         a push with a number
//   my_okta:123456              a code, no push         my_okta:passcode=123456
//   my_okta:device=NAME         the push or code of that device (name, provider or id of a factor)
//   my_okta:c-7f3a...           goes on with a challenge whose number was shown
//
// Several headers for one method add up. As in Vault, any other word without "=" means a push; but
// what could be meant as a code or as a challenge and is none (digits, "c-...") refuses, so that a
// slip sends no push. Keywords are in lower case; blanks around a credential do not count. Pure.

#include "base/error.h"
#include "identity/list.h"

struct credential {
    struct str passcode;  // secret; absent: none
    struct str device;    // absent: any
    struct str challenge; // absent: a new one
    bool number;          // the caller can be shown a number
};

enum { PASSCODE_MIN_DIGITS = 4, PASSCODE_MAX_DIGITS = 10 };

// `given`: method, credential, method, credential, ... (struct request). What is returned borrows
// from it. Outcomes: 0; CREDENTIAL_E_REFUSED with fault (reference 3.3's texts, which never quote a
// passcode).
enum { CREDENTIAL_E_REFUSED = 1 };
int credential_read(struct list given, struct str method, struct credential *ret,
                    struct fault *fault) MUST_USE;

#endif

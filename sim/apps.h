// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_APPS_H
#define SIM_APPS_H
// The service applications that may fetch tokens: their credentials, public keys and granted
// scopes.

#include "base/error.h"
#include "crypto/key.h"
#include "sim/limits.h"
#include "json/read.h"

enum { APPS_KEYS_MAX = 50 };

enum app_auth { APP_PRIVATE_KEY_JWT, APP_CLIENT_SECRET_BASIC };

// A public key of an app. `alg` is what the JWK names; NULL: none, so that every fitting one will
// do.
struct app_key {
    char *kid, *alg; // owned; NULL: not named
    struct crypto_key *key;
};

struct app {
    char *client_id;
    char *name, *secret; // NULL: none
    enum app_auth auth;
    bool integration; // made from the OIN catalogue: may use a secret
    struct app_key keys[APPS_KEYS_MAX];
    size_t n_keys;
    char *scopes, *grants; // words with blanks between them
    bool service;          // application_type
    bool roles;            // has an admin role; else the API answers 403 E0000006
    bool dpop;             // its tokens are bound to a key
    bool disabled;
    struct limits_principal principal;
    uint64_t issued; // tokens
};

struct apps {
    struct app **each; // owned
    size_t n, cap;
};

// Outcome of apps_set and apps_read: not what it should be; `fault` says which member.
enum { APPS_E_BAD = 1 };

void apps_fini(struct apps *a);

// The app of that client id; NULL. Stays where it is until it is removed.
struct app *apps_find(const struct apps *a, struct str client_id);

// Adds an app, or changes the members that are given of the one of that client_id. Outcomes: 0 with
// the app; APPS_E_BAD (a new app is not added; of another one, what stood before the bad member is
// changed already); -ENOMEM.
int apps_set(struct apps *a, const struct json *object, struct app **ret,
             struct fault *fault) MUST_USE;

// Adds the apps of a JSON array. Outcomes: 0; APPS_E_BAD; -ENOMEM.
int apps_read(struct apps *a, const struct json *array, struct fault *fault) MUST_USE;

// False when there is none of that client id.
bool apps_remove(struct apps *a, struct str client_id);

// Is the word one of those?
bool app_has_word(const char *words, struct str word);

// Appends what the control API shows: everything but the secret. Outcomes: 0; -ENOMEM.
int app_write(struct buf *out, const struct app *app) MUST_USE;

#endif

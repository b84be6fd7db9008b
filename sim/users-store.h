// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_USERS_STORE_H
#define SIM_USERS_STORE_H
// The people of the org, in the order in which they were added (okta-api.md section 4.1).

#include "base/error.h"
#include "base/rand.h"
#include "json/read.h"

struct company;

struct user {
    char *id, *login, *json; // json: everything but _links
    size_t json_n;
};

struct users {
    struct user *each;
    size_t n, cap;
    struct rand rand; // ids of users that come without
};

// Outcome of users_set and users_read: not a user; `fault` says why.
enum { USERS_E_BAD = 1 };

// Outcomes: 0; -ENOMEM.
int users_new(struct users **ret) MUST_USE;
struct users *users_free(struct users *u);
DEFINE_AUTO_FREE(users)

// Adds a user, or replaces the one of that id or login. profile.login is needed; what else is
// missing is filled in. Outcomes: 0 with the user; USERS_E_BAD; -ENOMEM.
int users_set(struct users *u, const struct json *object, int64_t now_ms, const struct user **ret,
              struct fault *fault) MUST_USE;

// Adds the users of a JSON array, or one object. Outcomes: 0; USERS_E_BAD; -ENOMEM.
int users_read(struct users *u, const struct json *json, int64_t now_ms, size_t *ret_n,
               struct fault *fault) MUST_USE;

// Adds the company's people. Outcomes: 0; -ENOMEM.
int users_add_company(struct users *u, const struct company *company, struct json_reader *reader,
                      int64_t now_ms) MUST_USE;

// By id, login, or login without its domain when only one user has it. NULL: none.
const struct user *users_find(const struct users *u, struct str name);

// The place of the user with that id; users->n when there is none.
size_t users_place(const struct users *u, struct str id);

// False when there is none of that id or login.
bool users_remove(struct users *u, struct str name);

void users_clear(struct users *u);

#endif

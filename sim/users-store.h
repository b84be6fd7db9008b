// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_USERS_STORE_H
#define SIM_USERS_STORE_H
// The people of the org, in the order in which they were added (okta-api.md section 4.1).

#include "base/error.h"
#include "base/rand.h"
#include "sim/factors.h"
#include "sim/phone.h"
#include "sim/users-index.h"
#include "json/read.h"

struct company;

enum { USER_STATUS_MAX = 24, USER_WRONG_CODES_MAX = 5 };

struct user {
    char *id, *login, *name, *json; // json: everything but _links
    size_t json_n;
    char status[USER_STATUS_MAX];
    struct factors factors;
    struct phone phone;
    unsigned wrong_codes; // in a row
};

struct users {
    struct user *each;
    size_t n, cap;
    struct users_index index;
    struct rand rand; // ids of users that come without
};

// Outcome of users_set and users_read: not a user; `fault` says why.
enum { USERS_E_BAD = 1 };

// Outcomes: 0; -ENOMEM.
int users_new(struct users **ret) MUST_USE;
struct users *users_free(struct users *u);
DEFINE_AUTO_FREE(users)

// Adds a user, or replaces the one of that id or login. profile.login is needed; what else is
// missing is filled in. `factors` and `phone` (a script) stay when they are not given. Outcomes: 0
// with the user; USERS_E_BAD; -ENOMEM.
int users_set(struct users *u, const struct json *object, int64_t now_ms, const struct user **ret,
              struct fault *fault) MUST_USE;

// Adds the users of a JSON array, or one object. Outcomes: 0; USERS_E_BAD; -ENOMEM.
int users_read(struct users *u, const struct json *json, int64_t now_ms, size_t *ret_n,
               struct fault *fault) MUST_USE;

// Adds the company's people. Outcomes: 0; -ENOMEM.
int users_add_company(struct users *u, const struct company *company, struct json_reader *reader,
                      int64_t now_ms) MUST_USE;

// By id, login, or login without its domain when only one user has it. NULL: none. Borrowed until a
// user is added or removed.
struct user *users_find(const struct users *u, struct str name);

// Changes the status. What `reader` read last is gone. Outcomes: 0; -ENOMEM.
int user_set_status(struct user *user, const char *status, struct json_reader *reader,
                    int64_t now_ms) MUST_USE;

// The place of the user with that id; users->n when there is none.
size_t users_place(const struct users *u, struct str id);

// Outcome of users_remove: there is none of that id or login.
enum { USERS_E_NONE = 1 };
// Outcomes: 0; USERS_E_NONE; -ENOMEM, still there.
int users_remove(struct users *u, struct str name) MUST_USE;

void users_clear(struct users *u);

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_MFA_H
#define CLI_MFA_H
// `gatehouse mfa`: what its parts share.

#include "cli/args.h"
#include "cli/gate-client.h"

struct mfa_command {
    const struct args *args;
    const char *name; // "mfa guard"
    struct gate_client *client;
    struct gate_answer answer; // the last one
};

struct mfa_request {
    const char *method;     // "GET"
    const char *path;       // "sys/mfa/guard"
    const char *item;       // what stands behind it, any bytes; NULL: nothing
    const char *query;      // "?list=true"; NULL: none
    const char *capability; // that a policy has to grant: "read"
};
// Says the answer's warnings on stderr. Outcomes: EXIT_DONE, with an answer below 300;
// MFA_E_NOTHING: 404 without an error text: there is nothing of that kind; EXIT_FAILED, which has
// been said.
enum { MFA_E_NOTHING = 3 };
int mfa_ask(struct mfa_command *m, const struct mfa_request *r) MUST_USE;

// One request, however many there are: a policy may demand a push for each.
struct mfa_listing {
    const char *path;
    bool (*wants)(const struct json *info); // NULL: all
    // Of each at most --limit of the keys, in order; `info`: its key_info, NULL: it has none.
    // Outcomes: EXIT_DONE; EXIT_FAILED, which has been said.
    int (*show)(struct mfa_command *m, struct str key, const struct json *info, void *ctx);
    void *ctx;
    size_t shown, left; // how many were, and how many more there are
};
// Outcomes: EXIT_DONE, also when there are none; others, which have been said.
int mfa_list(struct mfa_command *m, struct mfa_listing *l) MUST_USE;

// Says what is wrong on stderr; gives EXIT_FAILED, and EXIT_USAGE.
int mfa_failed(const struct mfa_command *m, const char *what);
int mfa_wrong(const struct mfa_command *m, const char *what);

// Prints an object as one line of JSON, with "name" in front unless `name` is absent. Gives
// EXIT_DONE or EXIT_FAILED.
int mfa_print_json(const struct mfa_command *m, struct str name, const struct json *v) MUST_USE;
// Prints what was collected, lines or columns. Gives EXIT_DONE or EXIT_FAILED.
int mfa_print(const struct mfa_command *m, const struct buf *text) MUST_USE;
int mfa_print_columns(const struct mfa_command *m, const struct buf *columns) MUST_USE;
// "... and 5 more (--limit)", unless it is none.
void mfa_print_left(size_t left);

// A member's text without what a terminal would act upon; "" when it is absent.
void mfa_add_text(struct buf *out, const struct json *object, const char *key);
bool mfa_is_set(const struct json *object, const char *key); // neither absent, null nor empty
// "42 s", "5 min", "3 h", "2 d": rounded, for people.
void mfa_add_span(struct buf *out, int64_t ms);
// An instant of an answer: true and its milliseconds.
bool mfa_instant(const struct json *object, const char *key, int64_t *ret_ms);

int mfa_guard(struct mfa_command *m);
int mfa_challenges(struct mfa_command *m);

#endif

// SPDX-License-Identifier: Apache-2.0
// Bodies of users, factors and transactions (okta-api sections 4.1 to 4.4). Every member may be
// missing, null or of another type: what is not told counts as not told, and what nothing can be
// done with is left out. Only what would let the wrong person in is an error.
#include <errno.h>
#include <limits.h>

#include "base/parse.h"
#include "base/time.h"
#include "okta/push-internal.h"

// Missing texts are empty, so that nobody has to ask.
static struct str text_of(const struct json *object, const char *key) {
    struct str s = json_str(json_get(object, key));
    return s.p ? s : STR("");
}

static int64_t instant_of(const struct json *object, const char *key) {
    int64_t ms = 0;
    return time_parse_iso8601(json_str(json_get(object, key)), &ms) ? ms : 0;
}

static enum okta_ask_result strange(struct okta_answer *answer, const struct okta_org *org,
                                    const char *what) {
    return (enum okta_ask_result)fault_set(&answer->fault, OKTA_ASK_STRANGE, "%s answered %d: %s",
                                           org->origin.host, answer->status, what);
}

// ---- users ----

// Of the states of okta-api section 4.1. PASSWORD_EXPIRED and RECOVERY are about the password,
// which the gate neither asks for nor relies on: such a person has a phone that answers for them as
// before. STAGED and PROVISIONED have never signed in, and the others were shut out on purpose.
static const char *const active_states[] = {"ACTIVE", "PASSWORD_EXPIRED", "RECOVERY"};

static bool is_active(struct str status) {
    for (size_t i = 0; i < LEN(active_states); i++)
        if (str_eqz(status, active_states[i])) return true;
    return false;
}

static struct str asked_name(const struct okta_ask *ask) {
    return str_sub(buf_str(&ask->texts), 0, ask->name_n);
}

static enum okta_ask_result read_user(struct okta_ask *ask, const struct json *v,
                                      struct okta_answer *ret) {
    const struct json *profile = json_get(v, "profile");
    struct okta_user *user = &ask->users[ret->user_count];
    *user = (struct okta_user){
        .id = text_of(v, "id"),
        .login = text_of(profile, "login"),
        .status = text_of(v, "status"),
    };
    user->active = is_active(user->status);
    struct str found = ask->by_email ? text_of(profile, "email") : user->login;
    if (!okta_is_id(user->id))
        return strange(ret, ask->call.org, "a user without an id that can be used");
    // Logins that differ in case alone are one login at Okta, and so are addresses to a person.
    if (!str_eq_nocase(found, asked_name(ask)))
        return strange(ret, ask->call.org,
                       "a user with another login or address than was asked for");
    ret->user_count++;
    return OKTA_ASK_ANSWERED;
}

enum okta_ask_result okta_read_users(struct okta_ask *ask, const struct json *v,
                                     struct okta_answer *ret) {
    if (json_type(v) != JSON_ARRAY) return strange(ret, ask->call.org, "no list of users");
    enum okta_ask_result result = OKTA_ASK_ANSWERED;
    struct json_iter it = json_iter(v);
    ret->users = ask->users;
    while (result == OKTA_ASK_ANSWERED && ret->user_count < OKTA_USERS_MAX && json_next(&it))
        result = read_user(ask, it.value, ret);
    return result;
}

// ---- factors ----

static bool read_factor(const struct json *v, struct okta_factor *ret) {
    *ret = (struct okta_factor){
        .id = text_of(v, "id"),
        .type = text_of(v, "factorType"),
        .provider = text_of(v, "provider"),
        .status = text_of(v, "status"),
        .name = text_of(json_get(v, "profile"), "name"),
        .created_ms = instant_of(v, "created"),
        .last_updated_ms = instant_of(v, "lastUpdated"),
    };
    return okta_is_id(ret->id);
}

enum okta_ask_result okta_read_factors(struct okta_ask *ask, const struct json *v,
                                       struct okta_answer *ret) {
    if (json_type(v) != JSON_ARRAY) return strange(ret, ask->call.org, "no list of factors");
    ask->factors = mem_new_array(json_count(v) + 1, sizeof *ask->factors);
    if (!ask->factors)
        return (enum okta_ask_result)fault_set(&ret->fault, OKTA_ASK_RETRY, "%s",
                                               error_text(-ENOMEM));
    struct json_iter it = json_iter(v);
    ret->factors = ask->factors;
    while (json_next(&it))
        ret->factor_count += read_factor(it.value, &ask->factors[ret->factor_count]);
    return OKTA_ASK_ANSWERED;
}

// ---- transactions ----

struct result_row {
    const char *text;
    enum okta_factor_result result;
};

static const struct result_row results[] = {
    {"SUCCESS", OKTA_FACTOR_SUCCESS},
    {"WAITING", OKTA_FACTOR_WAITING},
    {"REJECTED", OKTA_FACTOR_REJECTED},
    {"TIMEOUT", OKTA_FACTOR_TIMEOUT},
};

static enum okta_factor_result result_of(struct str text) {
    for (size_t i = 0; i < LEN(results); i++)
        if (str_eqz(text, results[i].text)) return results[i].result;
    return OKTA_FACTOR_OTHER;
}

// The samples show a number; texts of digits are taken, too.
static int number_of(const struct json *v) {
    int64_t number = -1;
    bool is_number =
        json_type(v) == JSON_STRING ? parse_i64(json_str(v), &number) : json_i64(v, &number);
    return is_number && number >= 0 && number <= INT_MAX ? (int)number : -1;
}

// HAL: a relation is one link, or an array of them.
static const struct json *first_of(const struct json *v) {
    return json_type(v) == JSON_ARRAY ? json_at(v, 0) : v;
}

static struct str href_of(const struct json *links, const char *relation) {
    const struct json *link = first_of(json_get(links, relation));
    return json_str(first_of(json_get(link, "href")));
}

// True: there is none, or it leads where it must, and to the same transaction as the one before.
static bool take_link(struct okta_place *place, struct str href, struct str *ret) {
    struct str id;
    if (!href.p) return true;
    if (!okta_transaction_link(place, href, &id)) return false;
    place->transaction_id = id;
    *ret = href;
    return true;
}

static enum okta_ask_result read_links(struct okta_ask *ask, const struct json *links,
                                       struct okta_answer *ret) {
    struct okta_transaction *t = &ret->transaction;
    struct okta_place place = okta_ask_place(ask);
    bool poll = take_link(&place, href_of(links, "poll"), &t->poll_url);
    bool cancel = take_link(&place, href_of(links, "cancel"), &t->cancel_url);
    if (t->poll_url.p) t->id = place.transaction_id;
    if (poll && cancel) return OKTA_ASK_ANSWERED;
    return strange(ret, ask->call.org,
                   poll ? "the transaction's cancel link leads to another host, user, factor or "
                          "transaction; it is not followed"
                        : "the transaction's poll link leads to another host, user, factor or "
                          "transaction; it is not followed");
}

enum okta_ask_result okta_read_transaction(struct okta_ask *ask, const struct json *v,
                                           struct okta_answer *ret) {
    struct okta_transaction *t = &ret->transaction;
    t->result_text = json_str(json_get(v, "factorResult"));
    t->result = result_of(t->result_text);
    t->expires_ms = instant_of(v, "expiresAt");
    t->number = number_of(json_path(v, "_embedded.challenge.correctAnswer"));
    enum okta_ask_result result = read_links(ask, json_get(v, "_links"), ret);
    if (t->result_text.p || result != OKTA_ASK_ANSWERED) return result;
    return strange(ret, ask->call.org, "no factorResult");
}

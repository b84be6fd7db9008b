// SPDX-License-Identifier: Apache-2.0
// The attributes of a user (okta-api.md section 4.1). `filter` knows a few and compares them with
// case; `search` knows all, and every attribute of the profile, and compares without.
#include "base/mem.h"
#include "sim/filter.h"

static const char *const filter_fields[] = {"status",          "lastUpdated",   "id",
                                            "profile.login",   "profile.email", "profile.firstName",
                                            "profile.lastName"};

static const char *const search_fields[] = {"id",        "status",          "created",
                                            "activated", "statusChanged",   "lastUpdated",
                                            "lastLogin", "passwordChanged", "type.id"};

static bool is_listed(struct str attribute, const char *const *fields, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eqz(attribute, fields[i])) return true;
    return false;
}

static bool set_path(struct str attribute, char *ret_path, size_t path_bytes) {
    if (attribute.n + 2 > path_bytes) return false;
    for (size_t i = 0; i < attribute.n; i++)
        ret_path[i] = attribute.p[i] == '.' ? '\0' : attribute.p[i];
    ret_path[attribute.n] = ret_path[attribute.n + 1] = '\0';
    return true;
}

static bool find_for_filter(struct str attribute, char *ret_path, size_t path_bytes) {
    return is_listed(attribute, filter_fields, LEN(filter_fields)) &&
           set_path(attribute, ret_path, path_bytes);
}

// profile.<name>, with a name that has no dots.
static bool is_of_profile(struct str attribute) {
    struct str name = attribute;
    return str_eqz(str_split(&name, '.'), "profile") && name.n &&
           str_find_char(name, '.') == name.n;
}

static bool find_for_search(struct str attribute, char *ret_path, size_t path_bytes) {
    bool known =
        is_listed(attribute, search_fields, LEN(search_fields)) || is_of_profile(attribute);
    return known && set_path(attribute, ret_path, path_bytes);
}

static bool is_order(enum filter_op op) { return op >= FILTER_GT && op <= FILTER_LE; }

static bool filter_refuses(struct str attribute, enum filter_op op) {
    return op != FILTER_EQ && !(is_order(op) && str_eqz(attribute, "lastUpdated"));
}

static bool search_refuses(struct str attribute, enum filter_op op) {
    (void)attribute;
    return op == FILTER_NE || op == FILTER_EW;
}

const struct filter_dialect filter_users = {
    .find = find_for_filter, .refuses = filter_refuses, .dates = true};
const struct filter_dialect filter_users_search = {
    .find = find_for_search, .refuses = search_refuses, .folds = true, .dates = true};

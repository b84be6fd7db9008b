// SPDX-License-Identifier: Apache-2.0
#include "sim/users.h"

#include <errno.h>

#include "base/parse.h"
#include "sim/args.h"
#include "json/write.h"

enum { LIMIT_MAX = 200, LIMIT_OF_Q = 10, PATH_MAX_BYTES = 64 << 10, URL_MAX_BYTES = 1 << 20 };

struct listing {
    struct call *call;
    struct args args;
    struct str filter_text, search_text, q;
    struct filter *filter; // owned; NULL: none
    uint64_t limit;
    size_t from;      // place of the first user to look at
    size_t n;         // users in the answer
    const char *last; // id of the last of them
    bool more;
};

static void listing_fini(struct listing *l) {
    args_fini(&l->args);
    filter_free(l->filter);
}
DEFINE_AUTO_FINI(listing)

static void add_link_to_self(struct buf *out, const struct call *call, const struct user *user) {
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    request_add_origin(&url, call->request);
    buf_addf(&url, "/api/v1/users/%s", user->id);
    json_key(out, STR("_links"));
    buf_addz(out, "{\"self\":{\"href\":");
    json_add_text(out, buf_str(&url));
    buf_addz(out, "}}");
}

// The stored object with one more member.
static void write_user(struct call *call, const struct user *user) {
    struct buf *out = &call->reply->body;
    json_comma(out);
    buf_add(out, user->json, user->json_n - 1);
    add_link_to_self(out, call, user);
    buf_addc(out, '}');
}

int users_of_path(struct call *call, struct user **ret) {
    AUTO_FINI(buf) struct buf name = buf_make(PATH_MAX_BYTES);
    call_add_segment(&name, call, 0);
    if (name.error) return name.error;
    *ret = users_find(call->sim->users, buf_str(&name));
    if (*ret) return 0;
    return api_error_set(&call->error, CALL_E_REFUSED, API_NOT_FOUND, "%.*s (User)",
                         STR_ARG(buf_str(&name)));
}

int users_get(struct call *call) {
    struct user *user;
    int e = users_of_path(call, &user);
    if (e) return e;
    write_user(call, user);
    return call_finish(call);
}

static int read_limit(struct listing *l) {
    struct str text = args_get(&l->args, "limit");
    l->limit = l->q.n ? LIMIT_OF_Q : LIMIT_MAX;
    if (!text.n) return 0;
    if (!parse_u64(text, &l->limit) || l->limit == 0)
        return call_refuse(l->call, API_BAD_USER_LIMIT);
    if (l->limit > LIMIT_MAX) l->limit = LIMIT_MAX;
    return 0;
}

static int read_after(struct listing *l) {
    const struct users *users = l->call->sim->users;
    struct str after = args_get(&l->args, "after");
    if (!after.n) return 0;
    l->from = users_place(users, after) + 1;
    return l->from > users->n ? call_refuse(l->call, API_BAD_AFTER) : 0;
}

static int compile(struct listing *l) {
    l->filter_text = args_get(&l->args, "filter");
    l->search_text = args_get(&l->args, "search");
    int e = 0;
    if (l->search_text.n)
        e = filter_compile(&l->filter, &filter_users_search, l->search_text, &l->call->error);
    else if (l->filter_text.n)
        e = filter_compile(&l->filter, &filter_users, l->filter_text, &l->call->error);
    return e > 0 ? call_refuse(l->call, API_BAD_SEARCH) : e;
}

static int read_listing(struct listing *l) {
    const struct request *request = l->call->request;
    int e = args_parse(&l->args, request->query.p ? request->query : STR(""));
    if (e > 0) return call_refuse(l->call, API_BAD_ENCODING);
    l->q = args_get(&l->args, "q");
    if (!e) e = read_limit(l);
    if (!e) e = read_after(l);
    return e ? e : compile(l);
}

static bool starts_nocase(struct str text, struct str with) {
    return with.n <= text.n && str_eq_nocase(str_sub(text, 0, with.n), with);
}

static bool fits_q(struct str q, const struct json *user) {
    static const char *const members[] = {"profile.firstName", "profile.lastName", "profile.email"};
    for (size_t i = 0; i < LEN(members); i++)
        if (starts_nocase(json_str(json_path(user, members[i])), q)) return true;
    return false;
}

// A plain list leaves out who is gone; a filter or search finds them, too.
static bool fits(const struct listing *l, const struct json *user) {
    if (l->filter) return filter_match(l->filter, user);
    if (str_eqz(json_str(json_get(user, "status")), "DEPROVISIONED")) return false;
    return !l->q.n || fits_q(l->q, user);
}

static int add_one(struct listing *l, const struct user *user) {
    const struct json *json;
    struct str text = {user->json, user->json_n};
    int e = json_read(l->call->sim->reader, text, &json, NULL);
    if (e) return e < 0 ? e : -EINVAL;
    if (!fits(l, json)) return 0;
    l->more = l->n == l->limit;
    if (l->more) return 0;
    write_user(l->call, user);
    l->last = user->id;
    l->n++;
    return 0;
}

// Where the filter names one login, only its user needs to be looked at.
static bool is_by_login(const struct listing *l, size_t *ret_place) {
    struct str login = l->filter ? filter_only_value(l->filter, "profile.login") : STR_NONE;
    if (!login.p) return false;
    const struct user *user = users_find(l->call->sim->users, login);
    *ret_place = user ? (size_t)(user - l->call->sim->users->each) : SIZE_MAX;
    return true;
}

static int add_users(struct listing *l) {
    const struct users *users = l->call->sim->users;
    size_t place;
    int e = 0;
    if (is_by_login(l, &place))
        return place < users->n && place >= l->from ? add_one(l, &users->each[place]) : 0;
    for (size_t i = l->from; !e && i < users->n && !l->more; i++) e = add_one(l, &users->each[i]);
    return e;
}

static void add_argument(struct buf *out, const char *name, struct str value) {
    if (!value.n) return;
    buf_addc(out, '&');
    buf_addz(out, name);
    buf_addc(out, '=');
    args_encode(out, value);
}

static int add_links(struct listing *l) {
    AUTO_FINI(buf) struct buf self = buf_make(URL_MAX_BYTES);
    AUTO_FINI(buf) struct buf next = buf_make(URL_MAX_BYTES);
    const struct request *request = l->call->request;
    request_add_origin(&self, request);
    buf_add_str(&self, request->path);
    buf_add_str(&next, buf_str(&self));
    if (request->query.p) buf_addc(&self, '?');
    buf_add_str(&self, request->query);
    buf_addf(&next, "?after=%s", l->last ? l->last : "");
    add_argument(&next, "filter", l->filter_text);
    buf_addf(&next, "&limit=%llu", (unsigned long long)l->limit);
    add_argument(&next, "search", l->search_text);
    if (self.error || next.error) return self.error ? self.error : next.error;
    bool show = l->more && !l->q.n;
    call_add_links(l->call, buf_str(&self), show ? buf_str(&next) : STR_NONE);
    return 0;
}

int users_list(struct call *call) {
    AUTO_FINI(listing) struct listing l = {.call = call};
    int e = read_listing(&l);
    if (e) return e;
    buf_addc(&call->reply->body, '[');
    e = add_users(&l);
    buf_addc(&call->reply->body, ']');
    if (!e) e = add_links(&l);
    return e ? e : call_finish(call);
}

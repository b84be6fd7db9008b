// SPDX-License-Identifier: Apache-2.0
// A user is kept as the JSON that is shown. One row per member says what stands there when it is
// not given.
#include "sim/users-store.h"

#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "sim/company.h"
#include "json/write.h"

enum { USER_MAX_BYTES = 1 << 20, AGE_DAYS = 400 };
#define USER_TYPE_ID "otyfnly5cQjJT9PnR1t6"

static void user_fini(struct user *user) {
    free(user->id);
    free(user->login);
    free(user->name);
    free(user->json);
    factors_fini(&user->factors);
    phone_fini(&user->phone);
}

int users_new(struct users **ret) {
    struct users *u = mem_new(sizeof *u);
    if (!u) return -ENOMEM;
    u->rand = rand_make(0x75736572);
    *ret = u;
    return 0;
}

void users_clear(struct users *u) {
    while (u->n) user_fini(&u->each[--u->n]);
    users_index_fini(&u->index);
}

struct users *users_free(struct users *u) {
    if (!u) return NULL;
    users_clear(u);
    free(u->each);
    free(u);
    return NULL;
}

size_t users_place(const struct users *u, struct str id) {
    size_t place = users_index_find(&u->index, u->each, id);
    bool found = place != SIZE_MAX && str_eqz(id, u->each[place].id);
    return found ? place : u->n;
}

static struct user *find_whole(const struct users *u, struct str name) {
    size_t place = users_index_find(&u->index, u->each, name);
    return place == SIZE_MAX ? NULL : &u->each[place];
}

static struct user *find_short(const struct users *u, struct str name) {
    struct user *found = NULL;
    for (size_t i = 0; name.n && i < u->n; i++) {
        struct str login = str_from(u->each[i].login);
        if (!str_eq_nocase(str_split(&login, '@'), name)) continue;
        if (found) return NULL;
        found = &u->each[i];
    }
    return found;
}

struct user *users_find(const struct users *u, struct str name) {
    struct user *user = find_whole(u, name);
    return user ? user : find_short(u, name);
}

// The index is made for those that will be left before anything is changed.
int users_remove(struct users *u, struct str name) {
    struct user *user = find_whole(u, name);
    if (!user) return USERS_E_NONE;
    size_t place = (size_t)(user - u->each);
    struct user gone = *user;
    memmove(user, user + 1, (u->n - place - 1) * sizeof *user);
    int e = users_index_build(&u->index, u->each, u->n - 1);
    if (e) {
        memmove(user + 1, user, (u->n - place - 1) * sizeof *user);
        *user = gone;
        return e;
    }
    user_fini(&gone);
    u->n--;
    return 0;
}

enum filling { FILL_NULL, FILL_NOW, FILL_ACTIVE, FILL_TYPE, FILL_CREDENTIALS };

static const struct {
    const char *key;
    enum filling filling;
} members[] = {
    {"status", FILL_ACTIVE},        {"created", FILL_NOW},    {"activated", FILL_NOW},
    {"statusChanged", FILL_NOW},    {"lastLogin", FILL_NULL}, {"lastUpdated", FILL_NOW},
    {"passwordChanged", FILL_NULL}, {"type", FILL_TYPE},      {"credentials", FILL_CREDENTIALS},
};

static void fill(struct buf *out, enum filling filling, int64_t now_ms) {
    char now[TIME_RFC3339_MAX];
    switch (filling) {
    case FILL_NULL: json_add_null(out); break;
    case FILL_NOW:
        time_format_rfc3339(now_ms, now);
        json_add_str(out, str_from(now));
        break;
    case FILL_ACTIVE: json_add_str(out, STR("ACTIVE")); break;
    case FILL_TYPE: json_add_raw(out, STR("{\"id\":\"" USER_TYPE_ID "\"}")); break;
    case FILL_CREDENTIALS:
        json_add_raw(out, STR("{\"provider\":{\"type\":\"OKTA\",\"name\":\"OKTA\"}}"));
        break;
    }
}

static int add_profile(struct buf *out, const struct json *profile) {
    static const char *const nulls[] = {"firstName", "lastName", "mobilePhone", "secondEmail"};
    struct json_iter it = json_iter(profile);
    int e = 0;
    json_key(out, STR("profile"));
    json_open(out, '{');
    for (size_t i = 0; i < LEN(nulls); i++) {
        if (json_get(profile, nulls[i])) continue;
        json_key(out, str_from(nulls[i]));
        json_add_null(out);
    }
    if (!json_get(profile, "email")) {
        json_key(out, STR("email"));
        json_add_str(out, json_str(json_get(profile, "login")));
    }
    while (!e && json_next(&it)) {
        json_key(out, it.key);
        e = json_add_value(out, it.value);
    }
    json_close(out, '}');
    return e;
}

static int write_user(struct buf *out, const struct json *object, const char *id, int64_t now_ms) {
    int e = 0;
    json_open(out, '{');
    json_key(out, STR("id"));
    json_add_str(out, str_from(id));
    for (size_t i = 0; !e && i < LEN(members); i++) {
        const struct json *given = json_get(object, members[i].key);
        json_key(out, str_from(members[i].key));
        if (given) e = json_add_value(out, given);
        else fill(out, members[i].filling, now_ms);
    }
    if (!e) e = add_profile(out, json_get(object, "profile"));
    json_close(out, '}');
    return e ? e : out->error;
}

// First and last name, as the System Log shows a person; else the login.
static char *make_name(const struct json *object) {
    struct str first = json_str(json_path(object, "profile.firstName"));
    struct str last = json_str(json_path(object, "profile.lastName"));
    struct str login = json_str(json_path(object, "profile.login"));
    AUTO_FINI(buf) struct buf name = buf_make(USER_MAX_BYTES);
    buf_add_str(&name, first);
    if (first.n && last.n) buf_addc(&name, ' ');
    buf_add_str(&name, last);
    if (name.n == 0) buf_add_str(&name, login);
    return buf_take(&name);
}

static void set_status(struct user *user, struct str status) {
    if (!status.n) status = STR("ACTIVE");
    snprintf(user->status, sizeof user->status, "%.*s", STR_ARG(status));
}

static int make_user(struct user *ret, const struct json *object, const char *id, int64_t now_ms) {
    struct str login = json_str(json_path(object, "profile.login"));
    AUTO_FINI(buf) struct buf text = buf_make(USER_MAX_BYTES);
    int e = write_user(&text, object, id, now_ms);
    if (e) return e;
    struct user user = {.id = mem_copy(id, strlen(id)),
                        .login = mem_copy(login.p, login.n),
                        .name = make_name(object),
                        .json_n = text.n};
    user.json = buf_take(&text);
    set_status(&user, json_str(json_get(object, "status")));
    if (user.id && user.login && user.name && user.json) {
        *ret = user;
        return 0;
    }
    user_fini(&user);
    return -ENOMEM;
}

// The object anew, with other times and another status.
static int rewrite(struct buf *out, const struct json *object, const char *status, int64_t now_ms) {
    char now[TIME_RFC3339_MAX];
    struct json_iter it = json_iter(object);
    int e = 0;
    time_format_rfc3339(now_ms, now);
    json_open(out, '{');
    while (!e && json_next(&it)) {
        bool time = str_eqz(it.key, "statusChanged") || str_eqz(it.key, "lastUpdated");
        json_key(out, it.key);
        if (str_eqz(it.key, "status")) json_add_str(out, str_from(status));
        else if (time) json_add_str(out, str_from(now));
        else e = json_add_value(out, it.value);
    }
    json_close(out, '}');
    return e ? e : out->error;
}

int user_set_status(struct user *user, const char *status, struct json_reader *reader,
                    int64_t now_ms) {
    AUTO_FINI(buf) struct buf text = buf_make(USER_MAX_BYTES);
    const struct json *object;
    int e = json_read(reader, (struct str){user->json, user->json_n}, &object, NULL);
    if (e) return e < 0 ? e : -EINVAL;
    e = rewrite(&text, object, status, now_ms);
    if (e) return e;
    size_t n = text.n;
    char *json = buf_take(&text);
    if (!json) return -ENOMEM;
    free(user->json);
    user->json = json;
    user->json_n = n;
    set_status(user, str_from(status));
    return 0;
}

// What is not given stays as the user had it.
static void keep_old(struct user *fresh, struct user *old, const struct json *object) {
    if (!json_get(object, "factors")) {
        fresh->factors = old->factors;
        old->factors = (struct factors){.each = NULL};
    }
    struct phone script = fresh->phone;
    fresh->phone = old->phone;
    old->phone = (struct phone){.steps = NULL};
    if (!json_get(object, "phone")) return;
    free(fresh->phone.steps);
    fresh->phone.steps = script.steps;
    fresh->phone.n = script.n;
    fresh->phone.next = 0;
}

static int read_devices(struct user *user, const struct json *object, struct users *u,
                        int64_t now_ms, struct fault *fault) {
    struct factors_owner owner = {.login = user->login, .now_ms = now_ms, .rand = &u->rand};
    const struct json *factors = json_get(object, "factors"), *phone = json_get(object, "phone");
    struct fault inner = {.text = ""};
    int e = factors ? factors_read(&user->factors, factors, &owner, &inner) : 0;
    if (e > 0) return fault_set(fault, USERS_E_BAD, "factors: %s", inner.text);
    if (!e && phone) e = phone_read(&user->phone, phone, &inner);
    return e > 0 ? fault_set(fault, USERS_E_BAD, "phone: %s", inner.text) : e;
}

static int check(const struct json *object, struct fault *fault) {
    struct str id = json_str(json_get(object, "id"));
    struct str login = json_str(json_path(object, "profile.login"));
    if (!login.n || login.n >= COMPANY_NAME_MAX)
        return fault_set(fault, USERS_E_BAD, "profile.login: expected a string of 1 to %d bytes",
                         COMPANY_NAME_MAX - 1);
    if (json_get(object, "id") && (!id.n || id.n >= COMPANY_ID_MAX))
        return fault_set(fault, USERS_E_BAD, "id: expected a string of at most 23 characters");
    return 0;
}

// The place keeps its new user whatever comes; on failure the next build finds it.
static int replace(struct users *u, struct user *old, struct user *fresh, const struct json *object,
                   const struct user **ret) {
    bool same = strcmp(old->id, fresh->id) == 0 && strcmp(old->login, fresh->login) == 0;
    keep_old(fresh, old, object);
    user_fini(old);
    *old = *fresh;
    *ret = old;
    return same ? 0 : users_index_build(&u->index, u->each, u->n);
}

static int append(struct users *u, struct user *fresh, const struct user **ret) {
    u->each[u->n] = *fresh;
    int e = users_index_add(&u->index, u->each, u->n);
    if (e) {
        user_fini(fresh);
        return e;
    }
    *ret = &u->each[u->n++];
    return 0;
}

int users_set(struct users *u, const struct json *object, int64_t now_ms, const struct user **ret,
              struct fault *fault) {
    char id[COMPANY_ID_MAX];
    int e = check(object, fault);
    if (!e) e = mem_grow(&u->each, &u->cap, u->n + 1, sizeof *u->each);
    if (e) return e;
    struct str given = json_str(json_get(object, "id"));
    struct user *old = find_whole(u, given);
    if (!old) old = find_whole(u, json_str(json_path(object, "profile.login")));
    if (given.n) snprintf(id, sizeof id, "%.*s", STR_ARG(given));
    else if (old) snprintf(id, sizeof id, "%s", old->id);
    else company_id(id, "00u", &u->rand);
    struct user user;
    e = make_user(&user, object, id, now_ms);
    if (e) return e == -ELOOP ? fault_set(fault, USERS_E_BAD, "nested too deeply") : e;
    e = read_devices(&user, object, u, now_ms, fault);
    if (e) {
        user_fini(&user);
        return e;
    }
    return old ? replace(u, old, &user, object, ret) : append(u, &user, ret);
}

int users_read(struct users *u, const struct json *json, int64_t now_ms, size_t *ret_n,
               struct fault *fault) {
    const struct user *user;
    *ret_n = 0;
    if (json_type(json) == JSON_OBJECT) {
        *ret_n = 1;
        return users_set(u, json, now_ms, &user, fault);
    }
    if (json_type(json) != JSON_ARRAY)
        return fault_set(fault, USERS_E_BAD, "expected a JSON array of users");
    struct json_iter it = json_iter(json);
    while (json_next(&it)) {
        struct fault inner = {.text = ""};
        int e = users_set(u, it.value, now_ms, &user, &inner);
        if (e > 0) return fault_set(fault, e, "user %zu: %s", *ret_n + 1, inner.text);
        if (e) return e;
        ++*ret_n;
    }
    return 0;
}

static void write_person(struct buf *out, const struct person *person, int64_t now_ms) {
    char since[TIME_RFC3339_MAX], login[TIME_RFC3339_MAX];
    struct str last = str_from(person->name);
    struct str first = str_split(&last, ' ');
    time_format_rfc3339(now_ms - (int64_t)(AGE_DAYS - person->number) * TIME_DAY_MS, since);
    time_format_rfc3339(now_ms - (int64_t)person->number * TIME_MINUTE_MS, login);
    buf_addf(out, "{\"id\":\"%s\",\"created\":\"%s\",\"activated\":\"%s\",", person->id, since,
             since);
    buf_addf(out, "\"statusChanged\":\"%s\",\"lastUpdated\":\"%s\",", since, since);
    buf_addf(out, "\"passwordChanged\":\"%s\",\"lastLogin\":\"%s\",", since, login);
    buf_addf(out, "\"profile\":{\"firstName\":\"%.*s\",\"lastName\":\"%.*s\",", STR_ARG(first),
             STR_ARG(last));
    buf_addf(out, "\"mobilePhone\":\"+1-555-%04u\",\"secondEmail\":null,", 100 + person->number);
    buf_addf(out, "\"login\":\"%s\",\"email\":\"%s\"},", person->login, person->login);
    buf_addf(out, "\"factors\":[{\"factorType\":\"push\",\"id\":\"%s\",", person->factor_id);
    buf_addf(out, "\"created\":\"%s\",\"name\":\"%s\"}]}", since,
             strstr(person->phone->raw, "iOS") || strstr(person->phone->raw, "iPhone")
                 ? "iPhone 15 Pro"
                 : "Pixel 8");
}

int users_add_company(struct users *u, const struct company *company, struct json_reader *reader,
                      int64_t now_ms) {
    AUTO_FINI(buf) struct buf text = buf_make(USER_MAX_BYTES);
    const struct user *user;
    const struct json *json;
    int e = 0;
    for (size_t i = 0; !e && i < COMPANY_PEOPLE; i++) {
        buf_reset(&text);
        write_person(&text, &company->people[i], now_ms);
        e = text.error ? text.error : json_read(reader, buf_str(&text), &json, NULL);
        if (!e) e = users_set(u, json, now_ms, &user, NULL);
    }
    return e;
}

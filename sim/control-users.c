// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"
#include "sim/control-call.h"
#include "json/write.h"

int control_find_user(struct control_call *call, struct str name, struct user **ret) {
    *ret = users_find(call->sim->users, name);
    if (*ret) return 0;
    return fault_set(call->fault, CONTROL_E_BAD, "user: there is no user \"%.*s\"", STR_ARG(name));
}

// As the users file would have it, except that no secret is shown.
static void add_factors(struct buf *out, const struct factors *factors) {
    json_key(out, STR("factors"));
    json_open(out, '[');
    for (size_t i = 0; i < factors->n; i++) {
        const struct factor *f = &factors->each[i];
        json_open(out, '{');
        control_add_text(out, "id", f->id);
        control_add_text(out, "factorType", f->kind->type);
        control_add_text(out, "provider", f->provider);
        control_add_text(out, "status", f->status);
        control_add_instant(out, "created", f->created_ms);
        control_add_instant(out, "lastUpdated", f->updated_ms);
        if (f->name) control_add_text(out, "name", f->name);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void add_user(struct buf *out, const struct user *user) {
    json_key(out, STR("user"));
    json_open(out, '{');
    control_add_text(out, "id", user->id);
    control_add_text(out, "login", user->login);
    control_add_text(out, "status", user->status);
    control_add_number(out, "wrong_codes_in_a_row", user->wrong_codes);
    add_factors(out, &user->factors);
    json_key(out, STR("phone"));
    phone_write_script(out, &user->phone);
    json_close(out, '}');
}

// With ?user=, that one, too.
int control_get_users(struct control_call *call) {
    struct str name = args_get(call->args, "user");
    struct user *user;
    if (name.p) {
        int e = control_find_user(call, name, &user);
        if (e) return e;
        add_user(call->out, user);
    }
    control_add_number(call->out, "users", (int64_t)call->sim->users->n);
    return 0;
}

int control_set_users(struct control_call *call) {
    size_t n;
    int64_t now_ms = simclock_now(&call->sim->clock);
    int e = users_read(call->sim->users, call->body, now_ms, &n, call->fault);
    if (e) return e > 0 ? CONTROL_E_BAD : e;
    control_add_number(call->out, "set", (int64_t)n);
    control_add_number(call->out, "users", (int64_t)call->sim->users->n);
    return 0;
}

// With ?user=, that one; else all.
int control_remove_users(struct control_call *call) {
    struct str name = args_get(call->args, "user");
    int e = 0;
    if (name.p) e = users_remove(call->sim->users, name);
    else users_clear(call->sim->users);
    if (e < 0) return e;
    if (e)
        return fault_set(call->fault, CONTROL_E_BAD, "user: there is no user \"%.*s\"",
                         STR_ARG(name));
    control_add_number(call->out, "users", (int64_t)call->sim->users->n);
    return 0;
}

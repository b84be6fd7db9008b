// SPDX-License-Identifier: Apache-2.0
#include "sim/control-call.h"
#include "json/write.h"

int control_get_users(struct control_call *call) {
    json_key(call->out, STR("users"));
    json_add_i64(call->out, (int64_t)call->sim->users->n);
    return 0;
}

int control_set_users(struct control_call *call) {
    size_t n;
    int64_t now_ms = simclock_now(&call->sim->clock);
    int e = users_read(call->sim->users, call->body, now_ms, &n, call->fault);
    if (e) return e > 0 ? CONTROL_E_BAD : e;
    json_key(call->out, STR("set"));
    json_add_i64(call->out, (int64_t)n);
    return control_get_users(call);
}

// With ?user=, that one; else all.
int control_remove_users(struct control_call *call) {
    struct str name = args_get(call->args, "user");
    if (!name.p) users_clear(call->sim->users);
    else if (!users_remove(call->sim->users, name))
        return fault_set(call->fault, CONTROL_E_BAD, "user: there is no user \"%.*s\"",
                         STR_ARG(name));
    return control_get_users(call);
}

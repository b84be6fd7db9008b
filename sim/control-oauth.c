// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"
#include "sim/access.h"
#include "sim/control-call.h"
#include "json/write.h"

int control_get_apps(struct control_call *call) {
    const struct apps *apps = &call->sim->oauth.apps;
    int e = 0;
    json_key(call->out, STR("apps"));
    json_open(call->out, '[');
    for (size_t i = 0; !e && i < apps->n; i++) e = app_write(call->out, apps->each[i]);
    json_close(call->out, ']');
    return e;
}

static int add_apps(struct control_call *call) {
    struct app *app;
    if (json_type(call->body) == JSON_ARRAY)
        return apps_read(&call->sim->oauth.apps, call->body, call->fault);
    return apps_set(&call->sim->oauth.apps, call->body, &app, call->fault);
}

int control_set_app(struct control_call *call) {
    int e = add_apps(call);
    if (e) return e > 0 ? CONTROL_E_BAD : e;
    return control_get_apps(call);
}

int control_remove_app(struct control_call *call) {
    struct str client_id = args_get(call->args, "client_id");
    if (!apps_remove(&call->sim->oauth.apps, client_id))
        return fault_set(call->fault, CONTROL_E_BAD, "client_id: there is no app \"%.*s\"",
                         STR_ARG(client_id));
    return control_get_apps(call);
}

int control_revoke_tokens(struct control_call *call) {
    int64_t now_ms = simclock_now(&call->sim->clock);
    control_add_number(call->out, "revoked", (int64_t)access_revoke_all(&call->sim->oauth, now_ms));
    return 0;
}

int control_rotate_nonces(struct control_call *call) {
    struct nonces *nonces = &call->sim->oauth.nonces;
    nonces_rotate(nonces);
    json_key(call->out, STR("nonce"));
    json_add_str(call->out, str_from(nonces_current(nonces, simclock_now(&call->sim->clock))));
    return 0;
}

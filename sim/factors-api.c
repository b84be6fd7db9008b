// SPDX-License-Identifier: Apache-2.0
#include "sim/factors-api.h"

#include "sim/users.h"
#include "json/write.h"

enum { NAME_MAX_BYTES = 64 << 10, URL_MAX_BYTES = 1 << 20 };

void factors_add_user_url(struct buf *out, const struct call *call, const struct user *user) {
    request_add_origin(out, call->request);
    buf_addf(out, "/api/v1/users/%s", user->id);
}

int factors_of_path(struct call *call, struct user **ret_user, struct factor **ret) {
    AUTO_FINI(buf) struct buf name = buf_make(NAME_MAX_BYTES);
    int e = users_of_path(call, ret_user);
    if (e) return e;
    call_add_segment(&name, call, 1);
    if (name.error) return name.error;
    *ret = factors_find(&(*ret_user)->factors, buf_str(&name));
    if (*ret) return 0;
    return api_error_set(&call->error, CALL_E_REFUSED, API_NOT_FOUND, "%.*s (UserFactor)",
                         STR_ARG(buf_str(&name)));
}

int factors_list(struct call *call) {
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    struct buf *out = &call->reply->body;
    struct user *user;
    int e = users_of_path(call, &user);
    if (e) return e;
    factors_add_user_url(&url, call, user);
    buf_addc(out, '[');
    for (size_t i = 0; i < user->factors.n; i++)
        factor_write(out, &user->factors.each[i], buf_str(&url));
    buf_addc(out, ']');
    return url.error ? url.error : call_finish(call);
}

int factors_get(struct call *call) {
    AUTO_FINI(buf) struct buf url = buf_make(URL_MAX_BYTES);
    struct user *user;
    struct factor *factor;
    int e = factors_of_path(call, &user, &factor);
    if (e) return e;
    factors_add_user_url(&url, call, user);
    factor_write(&call->reply->body, factor, buf_str(&url));
    return url.error ? url.error : call_finish(call);
}

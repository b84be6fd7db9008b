// SPDX-License-Identifier: Apache-2.0
// Credentials become one line of the request's head, once, and are wiped wherever they were in
// between.
#include <errno.h>

#include "elastic/engine-internal.h"

static void add_base64(struct buf *out, struct str bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i < 3 ? bytes.n - i : 3;
        uint32_t three = 0;
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (k < left ? (unsigned char)bytes.p[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            buf_addc(out, k <= left ? digits[three >> (18 - 6 * k) & 63] : '=');
    }
}

static bool has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F) return true;
    return false;
}

// Appending may move the buffer, and what it leaves behind is not wiped: all of it at once.
static char *make_line(const char *scheme, struct str credentials, bool encode) {
    AUTO_WIPED struct buf line = buf_make(ELASTIC_LINE_MAX_BYTES);
    if (!buf_reserve(&line, strlen(scheme) + credentials.n * 2 + 32)) return NULL;
    buf_addf(&line, "Authorization: %s ", scheme);
    if (encode) add_base64(&line, credentials);
    else buf_add_str(&line, credentials);
    return line.error ? NULL : mem_copy(line.p, line.n);
}

int elastic_auth_basic(char **ret, const char *setting, struct str username, struct str password,
                       struct fault *fault) {
    if (str_find_char(username, ':') < username.n)
        return fault_set(fault, -EINVAL, "%s: the user name holds a ':', which ends it in HTTP",
                         setting);
    if (has_control(username) || has_control(password))
        return fault_set(fault, -EINVAL,
                         "%s: the user name or the password holds a control character", setting);
    AUTO_WIPED struct buf pair = buf_make(ELASTIC_LINE_MAX_BYTES);
    buf_reserve(&pair, username.n + password.n + 1);
    buf_add_str(&pair, username);
    buf_addc(&pair, ':');
    buf_add_str(&pair, password);
    if (pair.error == -EMSGSIZE)
        return fault_set(fault, -EINVAL, "%s: name and password are too long", setting);
    *ret = pair.error ? NULL : make_line("Basic", buf_str(&pair), true);
    return *ret ? 0 : -ENOMEM;
}

static bool is_encoded(struct str key) {
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("+/=-_", c);
        if (!good) return false;
    }
    return key.n > 0;
}

static int key_line(char **ret, struct str key, struct fault *fault) {
    size_t colon = str_find_char(key, ':');
    bool is_pair = colon < key.n;
    bool good = is_pair ? colon > 0 && colon + 1 < key.n && !has_control(key) : is_encoded(key);
    if (!good || key.n > ELASTIC_LINE_MAX_BYTES / 2)
        return fault_set(fault, -EINVAL, "api_key: neither id:key nor the base64 of that");
    *ret = make_line("ApiKey", key, is_pair);
    return *ret ? 0 : -ENOMEM;
}

static bool is_given(const char *text) { return text && text[0]; }

static bool has_header(const struct elastic_opts *opts, struct str name) {
    for (size_t i = 0; i < opts->header_count; i++) {
        struct str rest = str_from(opts->headers[i]);
        if (str_eq_nocase(str_trim(str_split(&rest, '=')), name)) return true;
    }
    return false;
}

int elastic_auth_check(const struct elastic_opts *opts, struct fault *fault) {
    bool has_name = is_given(opts->username), has_key = is_given(opts->api_key);
    if (!has_name && is_given(opts->password))
        return fault_set(fault, -EINVAL, "password: there is no username that it belongs to");
    if (has_name && has_key)
        return fault_set(fault, -EINVAL, "api_key: there is a username, too; only one may be set");
    if ((has_name || has_key) && has_header(opts, STR("Authorization")))
        return fault_set(fault, -EINVAL,
                         "headers: Authorization is set by %s already; only one may be set",
                         has_key ? "api_key" : "username");
    return 0;
}

int elastic_auth_line(char **ret, const struct elastic_opts *opts, struct fault *fault) {
    *ret = NULL;
    if (is_given(opts->api_key)) return key_line(ret, str_from(opts->api_key), fault);
    if (!is_given(opts->username)) return 0;
    return elastic_auth_basic(ret, "username", str_from(opts->username), str_from(opts->password),
                              fault);
}

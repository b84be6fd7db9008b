// SPDX-License-Identifier: Apache-2.0
#include "daemon/credentials.h"

#include <errno.h>

#include "crypto/digest.h"
#include "daemon/settings.h"

enum { KEY_FILE_MAX_BYTES = 256 * 1024 };

static int private_only(struct crypto_key **key, struct fault *fault) {
    if (crypto_key_is_private(*key)) return 0;
    *key = crypto_key_free(*key);
    return fault_set(fault, -EINVAL, "it is a public key, the private one is needed");
}

static int parse(struct crypto_key **ret, struct str text, struct fault *fault) {
    bool is_json = str_starts(str_trim(text), STR("{"));
    int e = is_json ? crypto_key_from_jwk(ret, text, fault) : crypto_key_from_pem(ret, text, fault);
    if (e) return e < 0 ? e : -EINVAL;
    return private_only(ret, fault);
}

static int parse_file(struct crypto_key **ret, const char *path, const struct conf_env *env,
                      struct fault *fault) {
    AUTO_WIPED struct buf text = buf_make(KEY_FILE_MAX_BYTES);
    struct fault why = {{0}};
    int e = env->file(env->ctx, path, &text);
    if (e == -ENOMEM) return e;
    if (e) return fault_set(fault, -EINVAL, "%s: %s", path, error_text(e));
    e = parse(ret, buf_str(&text), &why);
    return e ? fault_set(fault, e, "%s: %s", path, why.text) : 0;
}

int credentials_app_key(struct crypto_key **ret, const struct settings_source *source,
                        const struct conf_env *env, const char **ret_setting, struct fault *fault) {
    *ret = NULL;
    *ret_setting = source->jwk_file ? "jwk_file" : source->jwk_json ? "jwk_json" : "key_pem";
    if (source->jwk_file) return parse_file(ret, source->jwk_file, env, fault);
    if (source->jwk_json) return parse(ret, str_from(source->jwk_json), fault);
    return source->key_pem ? parse(ret, str_from(source->key_pem), fault) : 0;
}

int credentials_dpop_key(struct crypto_key **ret, const struct settings_source *source,
                         struct fault *fault) {
    *ret = NULL;
    return source->dpop_key_pem ? parse(ret, str_from(source->dpop_key_pem), fault) : 0;
}

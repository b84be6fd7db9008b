// SPDX-License-Identifier: Apache-2.0
#include "sim/oauth.h"

#include <errno.h>

#include "base/parse.h"
#include "base/time.h"

enum { LEEWAY_MS = 5000, TOKEN_LIFE_MS = TIME_HOUR_MS, ID_MAX_BYTES = 1 << 20 };
#define SECONDS_MAX 1e15

int oauth_init(struct oauth *o, uint64_t seed) {
    *o = (struct oauth){.nonces = nonces_make(seed),
                        .token_life_ms = TOKEN_LIFE_MS,
                        .leeway_ms = LEEWAY_MS,
                        .nonce_required = true};
    int e = json_reader_new(&o->header);
    return e ? e : json_reader_new(&o->claims);
}

void oauth_fini(struct oauth *o) {
    apps_fini(&o->apps);
    memo_fini(&o->spent);
    memo_fini(&o->tokens);
    o->header = json_reader_free(o->header);
    o->claims = json_reader_free(o->claims);
    o->key = crypto_key_free(o->key);
}

int oauth_spend(struct oauth *o, struct str space, struct str id, int64_t until_ms,
                int64_t now_ms) {
    AUTO_FINI(buf) struct buf text = buf_make(ID_MAX_BYTES);
    buf_add_str(&text, space);
    buf_addc(&text, '\0');
    buf_add_str(&text, id);
    if (text.error) return text.error;
    struct hash128 key = hash128(buf_str(&text));
    if (memo_find(&o->spent, key, now_ms)) return OAUTH_E_SPENT;
    return memo_add(&o->spent, key, until_ms, NULL, now_ms);
}

int oauth_key(struct oauth *o, const struct crypto_key **ret) {
    int e = o->key ? 0 : crypto_key_generate(&o->key, CRYPTO_RSA_2048);
    if (!e) *ret = o->key;
    return e;
}

bool oauth_read_seconds(const struct json *v, int64_t *ret_ms) {
    double seconds;
    struct str text = json_number(v);
    if (!text.p || !parse_double(text, &seconds)) return false;
    if (seconds < -SECONDS_MAX || seconds > SECONDS_MAX) return false;
    *ret_ms = (int64_t)(seconds * TIME_SECOND_MS);
    return true;
}

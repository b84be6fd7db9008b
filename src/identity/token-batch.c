// SPDX-License-Identifier: Apache-2.0
// Batch tokens: the record itself, sealed, is the token.
#include <errno.h>

#include "crypto/digest.h"
#include "crypto/seal.h"
#include "identity/token-internal.h"

enum { BATCH_MAX_BYTES = 64 << 10 };

static const struct str prefix = STR("b.");
static const struct str seal_name = STR("batch token");

bool token_is_batch(struct str token) { return str_starts(token, prefix); }

int token_create_batch(const struct state *s, const struct token *want, struct buf *ret_id) {
    AUTO(crypto_sealer) struct crypto_sealer *sealer = NULL;
    AUTO_FINI(buf) struct buf json = buf_make(BATCH_MAX_BYTES);
    AUTO_FINI(buf) struct buf sealed = buf_make(BATCH_MAX_BYTES);
    int r = crypto_sealer_new(&sealer, token_key(s), NULL);
    if (r < 0) return r;
    struct token t = *want;
    t.hash = t.accessor = STR_NONE;
    token_encode(&t, &json);
    if (json.error) return json.error;
    r = crypto_seal(sealer, seal_name, buf_str(&json), &sealed);
    if (r < 0) return r;
    buf_add_str(ret_id, prefix);
    crypto_base64url(ret_id, buf_str(&sealed));
    return ret_id->error;
}

static int decode(struct str json, struct token **ret) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    void *made = NULL;
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, json, &v, NULL);
    if (r == 0) r = token_decode(&made, v, NULL);
    if (r) return r == -ENOMEM ? r : TOKEN_E_BAD;
    *ret = made;
    (*ret)->kind = TOKEN_BATCH;
    return 0;
}

int token_open_batch(const struct state *s, struct str token, struct token **ret) {
    AUTO(crypto_sealer) struct crypto_sealer *sealer = NULL;
    AUTO_FINI(buf) struct buf sealed = buf_make(BATCH_MAX_BYTES);
    AUTO_FINI(buf) struct buf json = buf_make(BATCH_MAX_BYTES);
    if (token.n > BATCH_MAX_BYTES) return TOKEN_E_BAD;
    bool ok = crypto_base64url_decode(&sealed, str_sub(token, prefix.n, token.n));
    if (sealed.error) return sealed.error;
    if (!ok) return TOKEN_E_BAD;
    int r = crypto_sealer_new(&sealer, token_key(s), NULL);
    if (r < 0) return r == -EINVAL ? TOKEN_E_BAD : r;
    r = crypto_unseal(sealer, seal_name, buf_str(&sealed), &json);
    if (r) return r < 0 ? r : TOKEN_E_BAD;
    return decode(buf_str(&json), ret);
}

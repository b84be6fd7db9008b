// SPDX-License-Identifier: Apache-2.0
// Passwords by crypt(3). Its work area is large and holds what the password passes through, so it
// is made for each call and wiped.
#include <crypt.h>
#include <errno.h>

#include "base/parse.h"
#include "crypto/digest.h"
#include "identity/user.h"

enum { SETTING_MAX = CRYPT_GENSALT_OUTPUT_SIZE, BCRYPT_BYTES = 60, BCRYPT_COST_MIN = 5 };

struct work {
    struct crypt_data data;
    char password[CRYPT_MAX_PASSPHRASE_SIZE + 1];
};

static struct work *work_free(struct work *w) {
    if (!w) return NULL;
    crypto_wipe(w, sizeof *w);
    free(w);
    return NULL;
}
DEFINE_AUTO_FREE(work)

static bool takes(struct str password) {
    return password.n < CRYPT_MAX_PASSPHRASE_SIZE && !memchr(password.p, 0, password.n);
}

// The hash of the password under that setting, borrowed from `w`; NULL when crypt does not know it.
static const char *run(struct work *w, struct str password, const char *setting) {
    if (password.n) memcpy(w->password, password.p, password.n);
    w->password[password.n] = 0;
    errno = 0;
    const char *hash = crypt_r(w->password, setting, &w->data);
    return hash && hash[0] != '*' ? hash : NULL;
}

// A fresh salt at the system's default cost.
static int new_setting(char ret[SETTING_MAX]) {
    char random[32];
    int r = crypto_random(random, sizeof random);
    if (r < 0) return r;
    if (crypt_gensalt_rn(NULL, 0, random, sizeof random, ret, SETTING_MAX)) return 0;
    return errno ? -errno : -EINVAL;
}

int user_hash(struct str password, struct buf *out, struct fault *fault) {
    char setting[SETTING_MAX];
    if (!takes(password))
        return fault_set(fault, -EINVAL, "a password has at most %d bytes and no NUL among them",
                         CRYPT_MAX_PASSPHRASE_SIZE - 1);
    AUTO(work) struct work *w = mem_new(sizeof *w);
    if (!w) return -ENOMEM;
    int r = new_setting(setting);
    if (r < 0) return r;
    const char *hash = run(w, password, setting);
    if (!hash) return errno ? -errno : -EINVAL;
    buf_addz(out, hash);
    return out->error;
}

int user_check(struct str password, struct str hash) {
    char setting[CRYPT_OUTPUT_SIZE];
    AUTO(work) struct work *w = mem_new(sizeof *w);
    if (!w) return -ENOMEM;
    bool real = hash.n > 0 && hash.n < sizeof setting && takes(password);
    if (real) {
        memcpy(setting, hash.p, hash.n);
        setting[hash.n] = 0;
    } else {
        int r = new_setting(setting);
        if (r < 0) return r;
    }
    const char *made = run(w, takes(password) ? password : STR(""), setting);
    if (!made && errno == ENOMEM) return -ENOMEM;
    return real && made && crypto_equal(str_from(made), hash) ? 0 : USER_E_WRONG;
}

// ---- hashes from elsewhere

static bool is_bcrypt(struct str hash, uint64_t *ret_cost) {
    if (hash.n != BCRYPT_BYTES || hash.p[0] != '$' || hash.p[1] != '2') return false;
    if (!memchr("aby", hash.p[2], 3) || hash.p[3] != '$' || hash.p[6] != '$') return false;
    if (!parse_u64(str_sub(hash, 4, 6), ret_cost) || *ret_cost < 4 || *ret_cost > 31) return false;
    for (size_t i = 7; i < hash.n; i++) {
        char c = hash.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '/') return false;
    }
    return true;
}

int user_check_bcrypt(struct str hash, struct fault *fault) {
    uint64_t cost;
    if (!is_bcrypt(hash, &cost))
        return fault_set(fault, -EINVAL, "password_hash is not a valid bcrypt hash");
    if (cost < BCRYPT_COST_MIN)
        return fault_set(fault, -EINVAL, "bcrypt cost of %d is too low, want %d at minimum",
                         (int)cost, BCRYPT_COST_MIN);
    return 0;
}

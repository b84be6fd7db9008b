// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

enum { RECORD_MAX_BYTES = 32 * 1024 };

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

// JSON's escapes serve both formats; control characters never reach the terminal.
static void add_escaped(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') buf_addf(out, "\\%c", c);
        else if (c == '\n') buf_addz(out, "\\n");
        else if (c < 0x20 || c == 0x7F) buf_addf(out, "\\u%04x", c);
        else buf_addc(out, (char)c);
    }
}

static void add_quoted(struct buf *out, struct str s) {
    buf_addc(out, '"');
    add_escaped(out, s);
    buf_addc(out, '"');
}

static bool is_plain(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7F) return false;
    }
    return s.n > 0;
}

static void add_value(struct buf *out, const struct log_kv *kv, bool always_quote) {
    if (kv->type == LOG_KV_INT) buf_add_i64(out, kv->i);
    else if (kv->type == LOG_KV_NUM) buf_addf(out, "%.6g", kv->num);
    else if (!always_quote && is_plain(kv->str)) buf_add_str(out, kv->str);
    else add_quoted(out, kv->str);
}

static void add_text(struct buf *out, enum log_level level, const char *name,
                     const struct log_kv *kv) {
    buf_addf(out, " %-5s %s", level_names[level], name);
    for (; kv->type != LOG_KV_END; kv++) {
        buf_addf(out, " %s=", kv->key);
        add_value(out, kv, false);
    }
}

static void add_json(struct buf *out, enum log_level level, const char *name,
                     const struct log_kv *kv) {
    buf_addf(out, "\",\"level\":\"%s\",\"name\":\"%s\"", level_names[level], name);
    for (; kv->type != LOG_KV_END; kv++) {
        buf_addf(out, ",\"%s\":", kv->key);
        add_value(out, kv, true);
    }
    buf_addc(out, '}');
}

static void write_all(int fd, struct str s) {
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n <= 0) return;
        s = str_sub(s, (size_t)n, s.n);
    }
}

void log_write(const struct log *lg, enum log_level level, const char *name,
               const struct log_kv *kvs) {
    if (!lg || lg->fd < 0 || level < lg->level) return;
    AUTO_FINI(buf) struct buf out = buf_make(RECORD_MAX_BYTES);
    if (lg->format == LOG_JSON) buf_addz(&out, "{\"time\":\"");
    char stamp[TIME_RFC3339_MAX];
    time_format_rfc3339(time_now_ms(), stamp);
    buf_addz(&out, stamp);
    if (lg->format == LOG_JSON) add_json(&out, level, name, kvs);
    else add_text(&out, level, name, kvs);
    buf_addc(&out, '\n');
    if (out.error) return;
    if (lg->counts) atomic_fetch_add_explicit(&lg->counts[level], 1, memory_order_relaxed);
    if (lg->before) lg->before(lg->before_ctx);
    write_all(lg->fd, buf_str(&out));
}

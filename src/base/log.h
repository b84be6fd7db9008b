// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_LOG_H
#define BASE_LOG_H
// Log records: a constant dotted name plus typed pairs, one line each on a file descriptor.
//
//   log_warn(lg, "okta.poll.throttled", KV_STR("source", name), KV_INT("retry_after_ms", n));
//
// Text for people (`2026-11-22T10:00:00.000Z WARN okta.poll.throttled source=acme ...`), JSON for
// machines. Rooms up to `sink` do not log, they return; `watch`, `daemon` and `cli` log, once,
// where the error stops. Any thread may log: a record is one write(2).

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_LEVELS = LOG_ERROR + 1 };
enum log_format { LOG_TEXT, LOG_JSON };

enum log_kv_type { LOG_KV_END, LOG_KV_STR, LOG_KV_INT, LOG_KV_NUM };

struct log_kv {
    enum log_kv_type type;
    const char *key;
    struct str str;
    int64_t i;
    double num;
};

#define KV_STR(k, z) ((struct log_kv){.type = LOG_KV_STR, .key = (k), .str = str_from(z)})
#define KV_SLICE(k, s) ((struct log_kv){.type = LOG_KV_STR, .key = (k), .str = (s)})
#define KV_INT(k, v) ((struct log_kv){.type = LOG_KV_INT, .key = (k), .i = (int64_t)(v)})
#define KV_NUM(k, v) ((struct log_kv){.type = LOG_KV_NUM, .key = (k), .num = (v)})

struct log {
    int fd;               // borrowed; -1: nowhere
    enum log_level level; // records below it are not written
    enum log_format format;
    void (*before)(
        void *); // called before each record is written (to clear a progress line); may be NULL
    void *before_ctx;
    atomic_llong *counts; // LOG_LEVELS of them, of the records written; NULL: nobody counts
};

// Writes one record; `kvs` ends with a LOG_KV_END element. Values are escaped so that a record is
// one line in both formats. A NULL `lg` writes nothing.
void log_write(const struct log *lg, enum log_level level, const char *name,
               const struct log_kv *kvs);

#define LOG_AT(lg, level, name, ...)                                                               \
    log_write((lg), (level), (name),                                                               \
              (const struct log_kv[]){__VA_ARGS__ __VA_OPT__(, ){.type = LOG_KV_END}})
#define log_debug(lg, ...) LOG_AT((lg), LOG_DEBUG, __VA_ARGS__)
#define log_info(lg, ...) LOG_AT((lg), LOG_INFO, __VA_ARGS__)
#define log_warn(lg, ...) LOG_AT((lg), LOG_WARN, __VA_ARGS__)
#define log_error(lg, ...) LOG_AT((lg), LOG_ERROR, __VA_ARGS__)

#endif

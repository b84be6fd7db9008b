// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_TIME_H
#define BASE_TIME_H
// Instants are int64_t milliseconds since 1970-01-01T00:00:00Z (`_ms`); durations are milliseconds
// too.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    TIME_SECOND_MS = 1000,
    TIME_MINUTE_MS = 60000,
    TIME_HOUR_MS = 3600000,
    TIME_DAY_MS = 86400000
};
enum { TIME_RFC3339_MAX = 40 };

int64_t time_now_ms(void);  // wall clock
int64_t time_mono_ms(void); // monotonic clock: for waiting, never shown

// "2026-11-22T10:00:00.123Z" with a NUL into `ret`. Years outside 0000..9999 are cut to that range.
void time_format_rfc3339(int64_t ms, char ret[TIME_RFC3339_MAX]);

// RFC 3339 and the ISO 8601 forms that Elasticsearch's date processor takes: date, or date and time
// with minutes, seconds and a fraction of any length (cut to milliseconds; point or comma), zone Z,
// +hh:mm, +hhmm, +hh or none (then UTC). No blank instead of T, no 24:00, no :60. False when it is
// something else.
bool time_parse_iso8601(struct str s, int64_t *ret_ms);

// An HTTP date (RFC 9110 section 5.6.7, IMF-fixdate): "Sun, 06 Nov 1994 08:49:37 GMT".
bool time_parse_http(struct str s, int64_t *ret_ms);
void time_format_http(int64_t ms, char ret[TIME_RFC3339_MAX]);

#endif

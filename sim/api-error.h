// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_API_ERROR_H
#define SIM_API_ERROR_H
// Okta's error answers: status, code, summary and causes (okta-api.md sections 1.5 and 3.2).

#include "base/buf.h"
#include "base/rand.h"

enum api_error_kind {
    API_BAD_DATE,
    API_BAD_LIMIT,
    API_BAD_SORT,
    API_BAD_AFTER,
    API_SINCE_FUTURE,
    API_SINCE_OLD,
    API_Q_LONG,
    API_Q_MANY,
    API_BAD_ENCODING,
    API_BAD_USER_LIMIT,
    API_BAD_SEARCH,
    API_FILTER_SYNTAX,
    API_FILTER_FIELD,
    API_FILTER_COMBINATION,
    API_NO_SESSION,
    API_BAD_TOKEN,
    API_NO_ROLE,
    API_NOT_FOUND,
    API_GONE_TRANSACTION,
    API_BAD_METHOD,
    API_NOT_JSON,
    API_NO_MEDIA_TYPE,
    API_BAD_MEDIA_TYPE,
    API_NOT_ACCEPTABLE,
    API_NO_PASSCODE,
    API_BAD_LIFETIME,
    API_WRONG_CODE,
    API_REPLAYED_CODE,
    API_LATE_CODE,
    API_USER_LOCKED,
    API_USER_STATUS,
    API_USER_NOT_ACTIVE,
    API_FACTOR_NOT_ACTIVE,
    API_FACTOR_SUSPENDED,
    API_FACTOR_STATE,
    API_RATE,
    API_INTERNAL_LOG,
    API_SLOW_QUERY,
    API_READ_ONLY,
    API_ERROR_KINDS
};

enum { API_ERROR_DETAIL_MAX = 64 << 10 };

// One error answer to be. Empty until api_error_set.
struct api_error {
    enum api_error_kind kind;
    struct buf detail; // what the summary speaks about; where the kind takes something
};

static inline struct api_error api_error_make(void) {
    return (struct api_error){.detail = buf_make(API_ERROR_DETAIL_MAX)};
}
void api_error_fini(struct api_error *e);
DEFINE_AUTO_FINI(api_error)

// Sets kind and detail, and returns `code`, so that a refusal is one line.
int api_error_set(struct api_error *e, int code, enum api_error_kind kind, const char *format, ...)
    PRINTF_LIKE(4, 5);

// The HTTP status and the error code of a kind.
int api_error_status(enum api_error_kind kind);
const char *api_error_code(enum api_error_kind kind);

// Appends the JSON object; its errorId is drawn from `rand`. Failures stick in `out`.
void api_error_write(struct buf *out, const struct api_error *e, struct rand *rand);

#endif

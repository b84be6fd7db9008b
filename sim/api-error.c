// SPDX-License-Identifier: Apache-2.0
// One row per kind. In a text, "%" stands for the detail. A validation error says the same twice:
// in the summary, behind the name of the parameter, and in its causes.
#include "sim/api-error.h"

#include "json/write.h"

#define DATE_FORMAT                                                                                \
    "The date format in your query is not recognized. Please enter dates using ISO8601 string "    \
    "format."
#define DATE_PATTERN "must be in the format yyyy-MM-dd'T'HH:mm:ss.SSSZZ."

struct api_error_row {
    int status;
    const char *code;
    const char *summary;
    const char *causes[2];
};

static const struct api_error_row rows[API_ERROR_KINDS] = {
    [API_BAD_DATE] = {400,
                      "E0000001",
                      "Api validation failed: '%': " DATE_FORMAT " '%': " DATE_PATTERN,
                      {"%: " DATE_FORMAT, "%: " DATE_PATTERN}},
    [API_BAD_LIMIT] = {400,
                       "E0000001",
                       "Api validation failed: 'limit': The limit must be a number from 0 to 1000.",
                       {"limit: The limit must be a number from 0 to 1000."}},
    [API_BAD_SORT] = {400,
                      "E0000001",
                      "Api validation failed: 'sortOrder': The sort order must be ASCENDING or "
                      "DESCENDING.",
                      {"sortOrder: The sort order must be ASCENDING or DESCENDING."}},
    [API_BAD_AFTER] = {400,
                       "E0000001",
                       "Api validation failed: 'after': The after parameter is not valid.",
                       {"after: The after parameter is not valid."}},
    [API_SINCE_FUTURE] = {400,
                          "E0000001",
                          "Api validation failed: 'since': The since parameter is in the future.",
                          {"since: The since parameter is in the future."}},
    [API_SINCE_OLD] = {400,
                       "E0000053",
                       "Invalid parameter: The since parameter is over 180 days prior to the "
                       "current day.",
                       {NULL}},
    [API_Q_LONG] = {400,
                    "E0000001",
                    "Api validation failed: 'q': Freeform search cannot contain items longer than "
                    "40 characters.",
                    {"q: Freeform search cannot contain items longer than 40 characters."}},
    [API_Q_MANY] =
        {400,
         "E0000001",
         "Api validation failed: 'q': Freeform search cannot contain more than 10 items.",
         {"q: Freeform search cannot contain more than 10 items."}},
    [API_BAD_ENCODING] = {400,
                          "E0000001",
                          "Api validation failed: The query is not URL-encoded: %",
                          {"The query is not URL-encoded: %"}},
    [API_BAD_USER_LIMIT] = {400,
                            "E0000001",
                            "Api validation failed: 'limit': The limit must be a number above 0.",
                            {"limit: The limit must be a number above 0."}},
    [API_BAD_SEARCH] = {400, "E0000031", "Invalid search criteria.", {NULL}},
    [API_FILTER_SYNTAX] = {400, "E0000053", "Invalid filter %", {NULL}},
    [API_FILTER_FIELD] = {400, "E0000053", "field is not valid: %", {NULL}},
    [API_FILTER_COMBINATION] = {400,
                                "E0000031",
                                "The supplied combination of operator and field is not currently "
                                "supported. %",
                                {NULL}},
    [API_NO_SESSION] = {403, "E0000005", "Invalid session", {NULL}},
    [API_BAD_TOKEN] = {401, "E0000011", "Invalid token provided", {NULL}},
    [API_NO_ROLE] = {403,
                     "E0000006",
                     "You do not have permission to perform the requested action",
                     {NULL}},
    [API_NOT_FOUND] = {404, "E0000007", "Not found: Resource not found: %", {NULL}},
    [API_GONE_TRANSACTION] = {404, "E0000191", "Verification timed out. Please try again.", {NULL}},
    [API_NOT_JSON] = {400, "E0000003", "The request body was not well-formed.", {NULL}},
    [API_NO_MEDIA_TYPE] = {400,
                           "E0000018",
                           "Bad request.  Accept and/or Content-Type headers are likely not set.",
                           {NULL}},
    [API_BAD_MEDIA_TYPE] = {400,
                            "E0000021",
                            "Bad request.  Accept and/or Content-Type headers likely do not match "
                            "supported values.",
                            {NULL}},
    [API_NOT_ACCEPTABLE] = {406,
                            "E0000122",
                            "Accept Header did not contain supported media type "
                            "'application/json'",
                            {NULL}},
    [API_NO_PASSCODE] = {400,
                         "E0000001",
                         "Api validation failed: %",
                         {"%: The field cannot be left blank"}},
    [API_BAD_LIFETIME] = {400,
                          "E0000001",
                          "Api validation failed: tokenLifetimeSeconds",
                          {"tokenLifetimeSeconds: The value must be between 1 and 86400."}},
    [API_WRONG_CODE] = {403,
                        "E0000068",
                        "Invalid Passcode/Answer",
                        {"Your passcode doesn't match our records. Please try again."}},
    [API_REPLAYED_CODE] = {403,
                           "E0000082",
                           "Each code can only be used once. Please wait for a new code and try "
                           "again.",
                           {NULL}},
    [API_LATE_CODE] = {403, "E0000083", "PassCode is valid but exceeded time window.", {NULL}},
    [API_USER_LOCKED] = {403, "E0000069", "User Locked", {NULL}},
    [API_USER_STATUS] = {403,
                         "E0000038",
                         "This operation is not allowed in the user's current status.",
                         {NULL}},
    [API_USER_NOT_ACTIVE] = {423, "E0000155", "User is not currently active.", {NULL}},
    [API_FACTOR_NOT_ACTIVE] = {410,
                               "E0000154",
                               "Invalid factor id, it is not currently active.",
                               {NULL}},
    [API_FACTOR_SUSPENDED] = {423, "E0000180", "Factor id is currently not active.", {NULL}},
    [API_FACTOR_STATE] = {403,
                          "E0000079",
                          "This operation is not allowed in the current authentication state.",
                          {NULL}},
    [API_BAD_METHOD] = {405,
                        "E0000022",
                        "The endpoint does not support the provided HTTP method",
                        {NULL}},
    [API_RATE] = {429,
                  "E0000047",
                  "API call exceeded rate limit due to too many requests.",
                  {NULL}},
    [API_INTERNAL_LOG] = {500,
                          "E0000053",
                          "Sorry, there's been an error. Please try again later.",
                          {NULL}},
    [API_SLOW_QUERY] = {500,
                        "E0000009",
                        "Your last request took too long to complete. Please try again with a "
                        "smaller time range, a simpler filter or a lower limit.",
                        {NULL}},
    [API_READ_ONLY] = {503, "E0000010", "Service is in read only mode", {NULL}},
};

void api_error_fini(struct api_error *e) { buf_fini(&e->detail); }

int api_error_set(struct api_error *e, int code, enum api_error_kind kind, const char *format,
                  ...) {
    e->kind = kind;
    buf_reset(&e->detail);
    va_list args;
    va_start(args, format);
    buf_addv(&e->detail, format, args);
    va_end(args);
    return code;
}

int api_error_status(enum api_error_kind kind) { return rows[kind].status; }
const char *api_error_code(enum api_error_kind kind) { return rows[kind].code; }

static void add_text(struct buf *out, const char *text, struct str detail) {
    AUTO_FINI(buf) struct buf whole = buf_make(API_ERROR_DETAIL_MAX * 3);
    for (; *text; text++) {
        if (*text == '%') buf_add_str(&whole, detail);
        else buf_addc(&whole, *text);
    }
    json_add_text(out, buf_str(&whole));
}

static void add_causes(struct buf *out, const struct api_error_row *row, struct str detail) {
    json_key(out, STR("errorCauses"));
    json_open(out, '[');
    for (size_t i = 0; i < LEN(row->causes) && row->causes[i]; i++) {
        json_open(out, '{');
        json_key(out, STR("errorSummary"));
        add_text(out, row->causes[i], detail);
        json_close(out, '}');
    }
    json_close(out, ']');
}

// "oae" and 22 more letters and digits.
static void add_error_id(struct buf *out, struct rand *rand) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    buf_addz(out, "\"oae");
    for (int i = 0; i < 22; i++) buf_addc(out, letters[rand_below(rand, sizeof letters - 1)]);
    buf_addc(out, '"');
}

void api_error_write(struct buf *out, const struct api_error *e, struct rand *rand) {
    const struct api_error_row *row = &rows[e->kind];
    struct str detail = buf_str(&e->detail);
    json_open(out, '{');
    json_key(out, STR("errorCode"));
    json_add_str(out, str_from(row->code));
    json_key(out, STR("errorSummary"));
    add_text(out, row->summary, detail);
    json_key(out, STR("errorLink"));
    json_add_str(out, str_from(row->code));
    json_key(out, STR("errorId"));
    add_error_id(out, rand);
    add_causes(out, row, detail);
    json_close(out, '}');
}

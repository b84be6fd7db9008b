// SPDX-License-Identifier: Apache-2.0
#include "okta/rate.h"

#include "base/parse.h"
#include "base/time.h"

struct rate_field {
    const char *name;
    int64_t least; // smaller numbers do not count
    int64_t value; // -1: none so far
};

enum { LIMIT, REMAINING, RESET, FIELDS };

static void read_numbers(struct rate_field *field, struct str value) {
    while (value.p) {
        int64_t number;
        if (!parse_i64(str_trim(str_split(&value, ',')), &number) || number < field->least)
            continue;
        if (field->value < 0 || number < field->value) field->value = number;
    }
}

void okta_rate_read(const struct http_header *headers, size_t count, struct rate_headers *ret) {
    struct rate_field fields[FIELDS] = {
        [LIMIT] = {"x-rate-limit-limit", 0, -1},
        [REMAINING] = {"x-rate-limit-remaining", 0, -1},
        [RESET] = {"x-rate-limit-reset", 1, -1},
    };
    *ret = (struct rate_headers){.present = false};
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; f < FIELDS; f++)
            if (str_eq_nocase(headers[i].name, str_from(fields[f].name)))
                read_numbers(&fields[f], headers[i].value);
        if (ret->date_ms == 0 && str_eq_nocase(headers[i].name, STR("date")))
            time_parse_http(headers[i].value, &ret->date_ms);
    }
    ret->present =
        fields[LIMIT].value >= 0 && fields[REMAINING].value >= 0 && fields[RESET].value > 0;
    if (!ret->present) return;
    ret->limit = fields[LIMIT].value;
    ret->remaining = fields[REMAINING].value;
    ret->reset_s = fields[RESET].value;
}

// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_ms(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t time_now_ms(void) { return clock_ms(CLOCK_REALTIME); }
int64_t time_mono_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years start in March, so
// that the leap day comes last.
static int64_t days_from_date(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct date {
    int64_t year;
    int month, day;
};

static struct date date_from_days(int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    struct date date = {
        .year = year_of_era + era * 400,
        .month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9),
        .day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1),
    };
    date.year += date.month <= 2;
    return date;
}

static bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int days_in_month(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static void put_digits(char *at, int64_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void time_format_rfc3339(int64_t ms, char ret[TIME_RFC3339_MAX]) {
    const int64_t first = days_from_date(0, 1, 1) * TIME_DAY_MS;
    const int64_t last = days_from_date(10000, 1, 1) * TIME_DAY_MS - 1;
    if (ms < first) ms = first;
    if (ms > last) ms = last;

    int64_t days = floor_div(ms, TIME_DAY_MS);
    int64_t rest = ms - days * TIME_DAY_MS;
    struct date date = date_from_days(days);
    memcpy(ret, "0000-00-00T00:00:00.000Z", sizeof "0000-00-00T00:00:00.000Z");
    put_digits(ret, date.year, 4);
    put_digits(ret + 5, date.month, 2);
    put_digits(ret + 8, date.day, 2);
    put_digits(ret + 11, rest / TIME_HOUR_MS, 2);
    put_digits(ret + 14, rest / TIME_MINUTE_MS % 60, 2);
    put_digits(ret + 17, rest / 1000 % 60, 2);
    put_digits(ret + 20, rest % 1000, 3);
}

// A reader over the text: each step takes what it wants from the front, or marks the text as bad.
struct scan {
    struct str s;
    bool bad;
};

static bool take_char(struct scan *in, char c) {
    if (in->s.n == 0 || in->s.p[0] != c) return false;
    in->s = str_sub(in->s, 1, in->s.n);
    return true;
}

static void need_char(struct scan *in, char c) {
    if (!take_char(in, c)) in->bad = true;
}

static int need_digits(struct scan *in, size_t n) {
    int value = 0;
    if (in->s.n < n) in->bad = true;
    for (size_t i = 0; i < n && !in->bad; i++) {
        if (in->s.p[i] < '0' || in->s.p[i] > '9') in->bad = true;
        else value = value * 10 + (in->s.p[i] - '0');
    }
    in->s = str_sub(in->s, n, in->s.n);
    return value;
}

static int need_range(struct scan *in, size_t digits, int low, int high) {
    int value = need_digits(in, digits);
    if (value < low || value > high) in->bad = true;
    return value;
}

static bool at_digit(const struct scan *in) {
    return in->s.n > 0 && in->s.p[0] >= '0' && in->s.p[0] <= '9';
}

static int64_t take_fraction_ms(struct scan *in) {
    if (!take_char(in, '.') && !take_char(in, ',')) return 0;
    int64_t ms = 0;
    int64_t unit = 100;
    if (!at_digit(in)) in->bad = true;
    while (at_digit(in)) {
        ms += (in->s.p[0] - '0') * unit;
        unit /= 10;
        in->s = str_sub(in->s, 1, in->s.n);
    }
    return ms;
}

static int64_t take_zone_ms(struct scan *in) {
    if (in->s.n == 0 || take_char(in, 'Z')) return 0;
    int sign = take_char(in, '-') ? -1 : 1;
    if (sign == 1) need_char(in, '+');
    int64_t minutes = need_range(in, 2, 0, 18) * 60;
    if (take_char(in, ':') || at_digit(in)) minutes += need_range(in, 2, 0, 59);
    return sign * minutes * TIME_MINUTE_MS;
}

static int64_t take_clock_ms(struct scan *in) {
    int64_t ms = (int64_t)need_range(in, 2, 0, 23) * TIME_HOUR_MS;
    need_char(in, ':');
    ms += (int64_t)need_range(in, 2, 0, 59) * TIME_MINUTE_MS;
    if (take_char(in, ':')) {
        ms += (int64_t)need_range(in, 2, 0, 59) * TIME_SECOND_MS;
        ms += take_fraction_ms(in);
    }
    return ms - take_zone_ms(in);
}

bool time_parse_iso8601(struct str s, int64_t *ret_ms) {
    struct scan in = {.s = s};
    int64_t year = need_digits(&in, 4);
    need_char(&in, '-');
    int month = need_range(&in, 2, 1, 12);
    need_char(&in, '-');
    int day = need_range(&in, 2, 1, 31);
    if (in.bad || day > days_in_month(year, month)) return false;
    int64_t ms = days_from_date(year, month, day) * TIME_DAY_MS;
    if (take_char(&in, 'T')) ms += take_clock_ms(&in);
    if (in.bad || in.s.n > 0) return false;
    *ret_ms = ms;
    return true;
}

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "ThuFriSatSunMonTueWed"; // 1970-01-01 was a Thursday

static int need_month_name(struct scan *in) {
    for (int i = 0; i < 12; i++) {
        struct str name = {month_names + 3 * i, 3};
        if (!str_starts(in->s, name)) continue;
        in->s = str_sub(in->s, 3, in->s.n);
        return i + 1;
    }
    in->bad = true;
    return 1;
}

bool time_parse_http(struct str s, int64_t *ret_ms) {
    struct scan in = {.s = str_trim(s)};
    size_t comma = str_find_char(in.s, ',');
    if (comma != 3) return false;
    in.s = str_sub(in.s, 4, in.s.n);
    need_char(&in, ' ');
    int day = need_range(&in, 2, 1, 31);
    need_char(&in, ' ');
    int month = need_month_name(&in);
    need_char(&in, ' ');
    int64_t year = need_digits(&in, 4);
    need_char(&in, ' ');
    int64_t ms = (int64_t)need_range(&in, 2, 0, 23) * TIME_HOUR_MS;
    need_char(&in, ':');
    ms += (int64_t)need_range(&in, 2, 0, 59) * TIME_MINUTE_MS;
    need_char(&in, ':');
    ms += (int64_t)need_range(&in, 2, 0, 60) * TIME_SECOND_MS;
    if (in.bad || !str_eq(in.s, STR(" GMT")) || day > days_in_month(year, month)) return false;
    *ret_ms = ms + days_from_date(year, month, day) * TIME_DAY_MS;
    return true;
}

void time_format_http(int64_t ms, char ret[TIME_RFC3339_MAX]) {
    int64_t days = floor_div(ms, TIME_DAY_MS);
    int64_t seconds = floor_div(ms - days * TIME_DAY_MS, 1000);
    struct date date = date_from_days(days);
    int weekday = (int)(((days % 7) + 7) % 7);
    snprintf(ret, TIME_RFC3339_MAX, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
             day_names + 3 * weekday, date.day, month_names + 3 * (date.month - 1), (int)date.year,
             (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
}

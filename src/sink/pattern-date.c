// SPDX-License-Identifier: Apache-2.0
// Dates by letters: a run of one letter is one element of the date, and how long the run is says
// how it is written. Everything that is no letter stands for itself, and so does what is in quotes.
#include "sink/pattern-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/time.h"

// What a letter may ask for, worked out once per date.
struct moment {
    struct tm day, thursday; // of the same week: its year is the week's
    int millisecond;
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

static int64_t year_of(const struct tm *t) { return (int64_t)t->tm_year + 1900; }
static int64_t year(const struct moment *m) { return year_of(&m->day); }
static int64_t week_year(const struct moment *m) { return year_of(&m->thursday); }
static int64_t week(const struct moment *m) { return m->thursday.tm_yday / 7 + 1; }
static int64_t weekday(const struct moment *m) { return m->day.tm_wday; }
static int64_t day_of_year(const struct moment *m) { return m->day.tm_yday + 1; }
static int64_t month(const struct moment *m) { return m->day.tm_mon + 1; }
static int64_t day(const struct moment *m) { return m->day.tm_mday; }
static int64_t hour(const struct moment *m) { return m->day.tm_hour; }
static int64_t half_hour(const struct moment *m) { return m->day.tm_hour % 12; }
static int64_t half(const struct moment *m) { return m->day.tm_hour / 12; }
static int64_t minute(const struct moment *m) { return m->day.tm_min; }
static int64_t second(const struct moment *m) { return m->day.tm_sec; }
static int64_t millisecond(const struct moment *m) { return m->millisecond; }

typedef void add_fn(struct buf *out, int64_t value, size_t run);

static void add_number(struct buf *out, int64_t value, size_t run) {
    buf_addf(out, "%0*" PRId64, (int)run, value);
}

static void add_year(struct buf *out, int64_t value, size_t run) {
    add_number(out, run == 2 ? value % 100 : value, run);
}

// Short names are the first three letters.
static void add_name(struct buf *out, const char *name, size_t run) {
    buf_add_str(out, str_sub(str_from(name), 0, run >= 4 ? SIZE_MAX : 3));
}

static void add_month(struct buf *out, int64_t value, size_t run) {
    if (run >= 3) add_name(out, months[value - 1], run);
    else add_number(out, value, run);
}

static void add_weekday(struct buf *out, int64_t value, size_t run) {
    add_name(out, weekdays[value], run);
}

static void add_half(struct buf *out, int64_t value, size_t run) {
    (void)run;
    buf_addz(out, value ? "PM" : "AM");
}

static void add_fraction(struct buf *out, int64_t value, size_t run) {
    char digits[8];
    int n = snprintf(digits, sizeof digits, "%03d", (int)value);
    for (size_t i = 0; i < run; i++) buf_addc(out, i < (size_t)n ? digits[i] : '0');
}

static void add_zone(struct buf *out, int64_t value, size_t run) {
    (void)value, (void)run;
    buf_addz(out, "+00:00");
}

struct letter {
    char letter;
    int64_t (*get)(const struct moment *m); // NULL: nothing to get
    add_fn *add;                            // NULL: not to be had, for this reason:
    const char *why;
};

static const struct letter letters_known[] = {
    {'y', year, add_year, NULL},
    {'Y', year, add_year, NULL},
    {'x', week_year, add_year, NULL},
    {'w', week, add_number, NULL},
    {'e', weekday, add_number, NULL},
    {'E', weekday, add_weekday, NULL},
    {'D', day_of_year, add_number, NULL},
    {'M', month, add_month, NULL},
    {'d', day, add_number, NULL},
    {'a', half, add_half, NULL},
    {'K', half_hour, add_number, NULL},
    {'H', hour, add_number, NULL},
    {'m', minute, add_number, NULL},
    {'s', second, add_number, NULL},
    {'S', millisecond, add_fraction, NULL},
    {'z', NULL, add_zone, NULL},
    {'h', NULL, NULL, "Beats writes the hour after it; use H or K"},
    {'k', NULL, NULL, "Beats writes the hour after it; use H or K"},
};

enum { RUN_MAX = 20 };

static const struct letter *find_letter(char c) {
    for (size_t i = 0; i < LEN(letters_known); i++)
        if (letters_known[i].letter == c) return &letters_known[i];
    return NULL;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static size_t run_at(struct str s, size_t at) {
    size_t end = at + 1;
    while (end < s.n && s.p[end] == s.p[at]) end++;
    return end - at;
}

// What stands in quotes from `at` (the first quote) on; '' is one quote, inside and outside.
// Returns where it ends, 0 when it does not. `out` may be NULL.
static size_t read_quoted(struct str s, size_t at, struct buf *out) {
    if (at + 1 < s.n && s.p[at + 1] == '\'') {
        if (out) buf_addc(out, '\'');
        return at + 2;
    }
    for (at++; at < s.n; at++) {
        bool quote = s.p[at] == '\'';
        if (quote && (at + 1 == s.n || s.p[at + 1] != '\'')) return at + 1;
        if (quote) at++;
        if (out) buf_addc(out, s.p[at]);
    }
    return 0;
}

static int check_run(struct str run, struct fault *fault) {
    const struct letter *l = find_letter(run.p[0]);
    if (!l) return fault_set(fault, -EINVAL, "the letter '%c' means nothing in a date", run.p[0]);
    if (!l->add)
        return fault_set(fault, -EINVAL, "the letter '%c' is not taken: %s", run.p[0], l->why);
    if (run.n > RUN_MAX)
        return fault_set(fault, -EINVAL, "more than %d letters '%c'", RUN_MAX, run.p[0]);
    return 0;
}

int pattern_date_check(struct str letters, struct fault *fault) {
    if (letters.n == 0) return fault_set(fault, -EINVAL, "a date without letters");
    for (size_t at = 0; at < letters.n;) {
        if (is_letter(letters.p[at])) {
            size_t n = run_at(letters, at);
            int r = check_run(str_sub(letters, at, at + n), fault);
            if (r) return r;
            at += n;
        } else if (letters.p[at] == '\'') {
            at = read_quoted(letters, at, NULL);
            if (!at) return fault_set(fault, -EINVAL, "a quote in the date is not closed");
        } else {
            at++;
        }
    }
    return 0;
}

static struct tm broken_down(int64_t ms) {
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm t = {0};
    gmtime_r(&seconds, &t);
    return t;
}

static struct moment moment_at(int64_t ms) {
    struct moment m = {.day = broken_down(ms), .millisecond = (int)((ms % 1000 + 1000) % 1000)};
    int from_monday = (m.day.tm_wday + 6) % 7;
    m.thursday = broken_down(ms + (int64_t)(3 - from_monday) * TIME_DAY_MS);
    return m;
}

void pattern_date_add(struct buf *out, struct str letters, int64_t ms) {
    struct moment m = moment_at(ms);
    for (size_t at = 0; at < letters.n;) {
        const struct letter *l = find_letter(letters.p[at]);
        if (l) {
            size_t n = run_at(letters, at);
            l->add(out, l->get ? l->get(&m) : 0, n);
            at += n;
        } else if (letters.p[at] == '\'') {
            at = read_quoted(letters, at, out);
        } else {
            buf_addc(out, letters.p[at++]);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_COMPANY_DATA_H
#define SIM_COMPANY_DATA_H
// What the company is made of: names, places, devices. Addresses are from networks that belong to
// nobody (RFC 2544, RFC 5737's neighbours are too small), AS numbers from documentation ranges
// where the place is not a public provider.

#include "sim/company.h"

enum {
    DATA_FIRST = 40,
    DATA_LAST = 48,
    DATA_PLACES = 12,
    DATA_STRANGE = 5,
    DATA_DESKS = 6,
    DATA_PHONES = 4
};

extern const char *const data_first[DATA_FIRST];
extern const char *const data_last[DATA_LAST];
extern const struct place data_places[DATA_PLACES];
extern const struct place data_strange[DATA_STRANGE];
extern const struct agent data_desks[DATA_DESKS];
extern const struct agent data_phones[DATA_PHONES];
extern const struct agent data_script;
extern const char *const data_apps[COMPANY_APPS][2]; // name, label
extern const char *const data_clients[COMPANY_CLIENTS][2];
extern const char *const data_groups[COMPANY_GROUPS];
extern const char *const data_policies[COMPANY_POLICIES][2]; // policy, rule

#endif

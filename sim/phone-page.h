// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_PHONE_PAGE_H
#define SIM_PHONE_PAGE_H
// /_sim/phone: every phone of the org on one page, for people who answer by hand.

// The page. It asks the control API what waits.
const char *phone_page(void);

#endif

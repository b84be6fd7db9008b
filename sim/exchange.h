// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_EXCHANGE_H
#define SIM_EXCHANGE_H
// From the HTTP library's callbacks to sim_handle and back.

#include <microhttpd.h>

#include "sim/body.h"
#include "sim/sim.h"

struct exchange_context {
    struct sim *sim; // borrowed
    struct parking parking;
    bool tls;
};

// MHD_OPTION_URI_LOG_CALLBACK: keeps the URL as it was sent. `cls` is the context, as in all.
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection);

// The access handler: gathers the body, then answers.
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **request);

// MHD_OPTION_NOTIFY_COMPLETED.
void exchange_end(void *cls, struct MHD_Connection *connection, void **request,
                  enum MHD_RequestTerminationCode code);

#endif

// SPDX-License-Identifier: Apache-2.0
#ifndef API_SERVER_INTERNAL_H
#define API_SERVER_INTERNAL_H
// The parts of the HTTP server: links (one per connection, with a deadline), exchanges (one per
// request), answers, TLS credentials.

#include <netinet/in.h>

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "api/http-forwarded.h"
#include "api/http-headers.h"
#include "api/http-path.h"
#include "api/listening.h"
#include "api/server.h"

struct tls_keys;  // the files, and what was read from them last (server-tls.c)
struct tls_chain; // certificates and key as once read; counted

// One connection. Made and freed by the library's threads, watched by the warden's.
struct link {
    struct server *server;
    struct link *next, *previous;
    int fd;
    atomic_llong due_ms;     // monotonic: when it has to have got on; 0: it is we who are working
    struct tls_chain *chain; // what its handshake used; NULL: nothing yet
    char remote_address[HTTP_ADDRESS_MAX];
};

// Ends connections that take too long over what they have to send or to take. (The library's own
// time-out starts anew with every byte, which a slow client can keep up for ever.)
struct warden {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct link *links; // locked
    bool running, stop; // stop: locked
};
// Outcomes: 0; -errno.
int warden_start(struct warden *w) MUST_USE;
void warden_stop(struct warden *w); // no-op when it was never started
void warden_add(struct warden *w, struct link *l);
void warden_remove(struct warden *w, struct link *l);
// From now on `allowed_ms` are left; 0: no limit. Any thread.
void link_allow(struct link *l, int64_t allowed_ms);

// Notices clients that go away while their requests wait for a person (server-hangup.c).
struct hangup {
    struct gate *gate;
    pthread_t thread;
    int epoll_fd, stop_fd;
    bool begun, running;
};
// Outcomes: 0; -errno (hangup_stop all the same).
int hangup_start(struct hangup *h, struct gate *gate) MUST_USE;
void hangup_stop(struct hangup *h); // no-op when it was never started
// When the peer of that socket ends its side, gate_give_up is called with the ticket, from another
// thread, once. False: the system has no room for it. The library's threads, as the next one.
bool hangup_watch(struct hangup *h, int fd, uint64_t ticket) MUST_USE;
// Before the socket is used again or closed. The call may still come, for that ticket.
void hangup_forget(struct hangup *h, int fd);

// Where request ids come from: hashes of a count with a random seed. They have to differ, not to be
// secret, and random bytes for each would cost more than reading a record.
struct id_source {
    char seed[16];
    atomic_ullong given;
};

struct server {
    struct server_opts opts; // address, files, proxies: only while server_new runs
    struct MHD_Daemon *daemon;
    struct listening listening;
    struct warden warden;
    struct hangup hangup;
    struct buf proxies;    // list: whose X-Forwarded-For is believed
    struct tls_keys *keys; // NULL: plain http
    atomic_llong buffered; // bytes that bodies take now
    struct id_source ids;
    atomic_bool closing;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    int working, unfinished; // locked: in the gate; not yet sent
};

// Callbacks of the library.
void *exchange_begin(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *server, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **exchange);
void exchange_end(void *server, struct MHD_Connection *connection, void **exchange,
                  enum MHD_RequestTerminationCode code);
struct link *link_of(struct MHD_Connection *connection);

// What the library lets pass (server-wire.c): given the target and then each header line, sees
// whether anything stood between them that the library did not hand on.
struct wire_check {
    const char *expected; // where the next text has to start
    bool gap;
};
void wire_check_begin(struct wire_check *w, const char *target);
void wire_check_version(struct wire_check *w, const char *version);
void wire_check_line(struct wire_check *w, const char *name, const char *value);
void wire_check_end(struct wire_check *w);

// What the server itself answers, without the gate.
struct early {
    int status;
    const char *content_type; // NULL: none
    struct buf body;
    struct str location; // absent: none
    bool bare;           // without Cache-Control and Strict-Transport-Security
    bool close;          // and ends the connection
};
// {"errors":["text"]}, or no errors when `text` is absent.
void early_error(struct early *e, int status, struct str text);
struct MHD_Response *early_response(const struct early *e) MUST_USE; // NULL: no memory
// The gate's answer.
struct MHD_Response *answer_response(const struct answer *a) MUST_USE;
void response_echo(struct MHD_Response *r, struct str namespace);

// A request from its lines (server-request.c).
struct demand {
    struct http_path path;
    struct http_headers headers;
    bool is_http_1_0;
    struct json_reader *reader; // NULL until there is something to read
    char id[37];
    char client[HTTP_ADDRESS_MAX]; // when a proxy speaks for somebody
    struct request request;
};
// Fills `d->request`, or `e` with what is to be answered at once. `method` is as sent. Outcomes: 0;
// DEMAND_E_EARLY; -ENOMEM.
enum { DEMAND_E_EARLY = 1 };
int demand_read(struct demand *d, struct str method, struct str body, struct id_source *ids,
                struct early *e) MUST_USE;
// What can be said before the body has come: the target and the framing. Outcomes as above.
int demand_check(struct demand *d, struct str method, struct early *e) MUST_USE;
void demand_fini(struct demand *d);
// Whose request it is: the peer's, or of whom it speaks for if it is one of `proxies`.
void demand_set_client(struct demand *d, struct list proxies, struct str peer);
// Does a request of this method carry its data in the body?
bool demand_has_body(struct str method);

// TLS. Outcomes: 0; -EINVAL, -ENOMEM, ... with fault, which names the file.
int tls_keys_new(struct tls_keys **ret, const char *cert_file, const char *key_file,
                 struct fault *fault) MUST_USE;
struct tls_keys *tls_keys_free(struct tls_keys *k);
DEFINE_AUTO_FREE(tls_keys)
int tls_keys_reload(struct tls_keys *k, struct fault *fault) MUST_USE;
// Drops a connection's hold on its certificates. NULL-safe.
void tls_chain_drop(struct tls_chain *c);
// The library's MHD_OPTION_HTTPS_CERT_CALLBACK2: chooses the certificates of a handshake.
int tls_choose(struct gnutls_session_int *session, const struct gnutls_cert_retr_st *info,
               gnutls_pcert_st **ret, unsigned *ret_n, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_n,
               gnutls_privkey_t *key, unsigned *flags);

#endif

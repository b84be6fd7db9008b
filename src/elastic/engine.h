// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_ENGINE_H
#define ELASTIC_ENGINE_H
// A cluster of Elasticsearch or OpenSearch: its hosts, one of which is asked at a time,
// credentials, compression. The settings are called as Filebeat's (output.elasticsearch). Blocking:
// for jobs and for commands; one thread at a time.

#include <stdatomic.h>

#include "base/buf.h"
#include "base/error.h"
#include "http/client.h"

enum elastic_kind { ELASTIC_ELASTICSEARCH, ELASTIC_OPENSEARCH };

// Strings are borrowed for as long as the engine lives.
struct elastic_opts {
    enum elastic_kind kind;
    const char *const *hosts; // "https://es:9200", "es:9200", "es"; at least one
    size_t host_count;
    const char *protocol;            // for hosts without a scheme: "http" (as Filebeat), "https"
    const char *path;                // put before every path, unless the host has one; NULL: none
    const char *username, *password; // NULL: none
    const char *api_key;             // "id:key", or the two base64-encoded; NULL: none
    const char *const *headers;      // "Name=value", sent with every request
    size_t header_count;
    const char *const *parameters; // "name=value", added to the query of bulk requests
    size_t parameter_count;
    int compression_level; // 0: none; 1..9 gzip
    int64_t timeout_ms;    // of one request
    const char *proxy_url;
    const char *no_proxy;
    bool proxy_disable; // whatever the environment says
    struct http_tls tls;

    // of documents
    const char *index;    // sink/pattern.h; NULL: the data stream logs-DATASET-NAMESPACE
    const char *pipeline; // ingest pipeline; NULL: what the index says
    int bulk_max_size;    // documents in one request
    bool template;        // our index template is put where the engine has none for the data stream
    int64_t retention_ms; // of the template's lifecycle; 0: everything is kept
    bool raw;             // documents are Elastic Agent's: none of our templates
};

// Whether hosts, credentials and headers are what elastic_new takes; nobody is asked. Outcomes: 0;
// -ENOMEM; -EINVAL with fault, which begins with the setting ("hosts: ...") and holds no secret.
int elastic_check(const struct elastic_opts *opts, struct fault *fault) MUST_USE;

struct elastic;

// Hosts are read as Filebeat reads them: "https://user:p%40ss@es:9200/path", of which only the name
// is required; the port is 9200 if none is given; user and password of a host are sent to that host
// only. `stop` (may be NULL) ends a request that waits. Outcomes: 0; -ENOMEM; -EINVAL with fault,
// which begins with the setting that is wrong ("hosts: ...", "ssl.key: ...").
int elastic_new(struct elastic **ret, const struct elastic_opts *opts, const atomic_bool *stop,
                struct fault *fault) MUST_USE;
struct elastic *elastic_free(struct elastic *e); // NULL-safe, returns NULL
DEFINE_AUTO_FREE(elastic)

struct elastic_request {
    const char *method; // "GET"
    const char *path;   // "/_bulk?x=y", encoded; behind host and opts.path
    struct str body;    // absent: none
    bool ndjson;        // of the body: application/x-ndjson, else application/json
    const char *header; // one more, "Name: value"; NULL: none
};

struct elastic_answer {
    int status;
    struct str body;        // borrowed until the next request
    int64_t retry_after_ms; // 0: none given; an hour at most
    bool repeated;          // the request may be under way at another host, too, or have reached
                            // this one before, over a connection that died
    const char *host;       // who gave it, without credentials; NULL: nobody is to be named
};

// Asks one host, the next one where the first is unreachable or broken, each once at most. What the
// engine says, whatever its status, is an answer; only 502, 503 and 504 make the next host be
// asked, and are the answer when none has a better one. The host that answered is asked first next
// time. A request may reach the engine twice. Outcomes: 0; -EIO with fault (no host gave an answer:
// the last one's reason, with its name; or the answer is larger than 64 MB); -ECANCELED; -ENOMEM.
int elastic_ask(struct elastic *e, const struct elastic_request *request,
                struct elastic_answer *ret, struct fault *fault) MUST_USE;

// What the answer's body says of an error, for a person: "index_not_found_exception: no such index
// [x]", or the first bytes of what is no JSON. `what`: "GET /_resolve/index/x"; the line begins
// with the host, where there is one. Always sets the fault; never holds credentials. Returns
// `code`.
int elastic_say(const struct elastic_answer *a, const char *what, int code, struct fault *fault);

// The same of an answer as no engine gives it (a page of a proxy, another service): says so, with a
// hint about the path. Returns -EIO.
int elastic_say_strange(const struct elastic_answer *a, const char *what, struct fault *fault);

// What an answer to `GET /` tells of who gave it.
struct elastic_greeting {
    bool json;              // it is an object of JSON
    bool engine;            // it has a version, or is an error as engines tell them
    bool known;             // it says which of the two it is:
    enum elastic_kind kind; // this one
    char version[64];       // "9.5.3"; empty: it keeps it to itself
};
int elastic_greeting_read(const struct elastic_answer *a,
                          struct elastic_greeting *ret) MUST_USE; // 0; -ENOMEM
// Is it of the kind that the settings say? Outcomes: 0, it is, or nobody knows; -EINVAL with fault.
int elastic_greeting_check(const struct elastic *e, const struct elastic_greeting *g,
                           struct fault *fault) MUST_USE;

// Asks for a sign of life, and who is there. Outcomes: 0; -EIO (nobody, a cluster that is not
// ready) with fault; -EACCES (credentials), -EPROTO (something that is no engine), -EINVAL (of the
// other kind) with fault, which only settings mend; -ECANCELED; -ENOMEM.
int elastic_knock(struct elastic *e, struct fault *fault) MUST_USE;

const struct elastic_opts *elastic_opts_of(const struct elastic *e);
const char *elastic_host(const struct elastic *e); // whose answer (or silence) was the last one,
                                                   // without credentials: for messages

#endif

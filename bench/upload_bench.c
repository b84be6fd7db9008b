// SPDX-License-Identifier: Apache-2.0
// The least that any program has to do that brings documents into Elasticsearch or OpenSearch: read
// a body that is ready, compress it, send it with libcurl, and look whether all of it was taken.
// What gatehouse needs beyond this is fetching, mapping, and a verdict for each document.
//
//   upload_bench URL LEVEL COUNT FILE    prints the number of documents and requests
//
// FILE holds what `_bulk` wants, two lines for each document; each request takes COUNT of them,
// compressed by gzip's LEVEL (0: not at all).
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/parse.h"

enum { BODY_MAX_BYTES = 256 << 20, ANSWER_MAX_BYTES = 64 << 20, GZIP_WINDOW_BITS = 15 + 16 };

struct upload {
    CURL *curl;
    struct curl_slist *headers;
    z_stream z;
    bool zips;
    struct buf body, packed, answer;
};

static size_t take_answer(char *data, size_t size, size_t n, void *ctx) {
    struct buf *answer = ctx;
    buf_add(answer, data, size * n);
    return answer->error ? 0 : size * n;
}

static int set_up(struct upload *u, const char *url, int level) {
    u->curl = curl_easy_init();
    u->headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    u->zips = level > 0;
    if (u->zips) {
        u->headers = curl_slist_append(u->headers, "Content-Encoding: gzip");
        if (deflateInit2(&u->z, level, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY))
            return -1;
    }
    if (!u->curl || !u->headers) return -1;
    curl_easy_setopt(u->curl, CURLOPT_URL, url);
    curl_easy_setopt(u->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(u->curl, CURLOPT_HTTPHEADER, u->headers);
    curl_easy_setopt(u->curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(u->curl, CURLOPT_WRITEDATA, &u->answer);
    curl_easy_setopt(u->curl, CURLOPT_FAILONERROR, 1L);
    return 0;
}

static void tear_down(struct upload *u) {
    if (u->zips) deflateEnd(&u->z);
    curl_slist_free_all(u->headers);
    curl_easy_cleanup(u->curl);
    buf_fini(&u->body);
    buf_fini(&u->packed);
    buf_fini(&u->answer);
}

static int pack(struct upload *u) {
    size_t room = deflateBound(&u->z, u->body.n);
    buf_reset(&u->packed);
    if (!buf_reserve(&u->packed, room)) return -1;
    u->z.next_in = (Bytef *)u->body.p;
    u->z.avail_in = (uInt)u->body.n;
    u->z.next_out = (Bytef *)u->packed.p;
    u->z.avail_out = (uInt)room;
    if (deflate(&u->z, Z_FINISH) != Z_STREAM_END) return -1;
    u->packed.n = room - u->z.avail_out;
    return deflateReset(&u->z) == Z_OK ? 0 : -1;
}

// What the engine says of the request as a whole: an error of one document is one of the run.
static int check_answer(const struct upload *u) {
    yyjson_doc *doc = yyjson_read(u->answer.p, u->answer.n, YYJSON_READ_NOFLAG);
    bool good = yyjson_is_false(yyjson_obj_get(yyjson_doc_get_root(doc), "errors"));
    yyjson_doc_free(doc);
    if (!good) fprintf(stderr, "upload_bench: %.*s\n", (int)u->answer.n, u->answer.p);
    return good ? 0 : -1;
}

static int post(struct upload *u) {
    if (u->zips && pack(u)) return -1;
    const struct buf *sent = u->zips ? &u->packed : &u->body;
    buf_reset(&u->answer);
    curl_easy_setopt(u->curl, CURLOPT_POSTFIELDS, sent->p);
    curl_easy_setopt(u->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sent->n);
    CURLcode code = curl_easy_perform(u->curl);
    if (code == CURLE_OK) return check_answer(u);
    fprintf(stderr, "upload_bench: %s\n", curl_easy_strerror(code));
    return -1;
}

// Reads the lines of the next documents. Gives their number; -1 when there is no memory for them.
static long read_some(FILE *file, uint64_t count, struct buf *body) {
    char *line = NULL;
    size_t size = 0;
    uint64_t lines = 0;
    buf_reset(body);
    for (ssize_t n; lines < 2 * count && (n = getline(&line, &size, file)) > 0; lines++)
        buf_add(body, line, (size_t)n);
    free(line);
    return body->error ? -1 : (long)(lines / 2);
}

static int upload_all(struct upload *u, FILE *file, uint64_t count) {
    long documents = 0;
    long requests = 0;
    long n;
    for (; (n = read_some(file, count, &u->body)) > 0; documents += n, requests++)
        if (post(u)) return 1;
    if (n < 0) return 1;
    printf("{\"documents\":%ld,\"requests\":%ld}\n", documents, requests);
    return 0;
}

int main(int argc, char **argv) {
    struct upload u = {.body = buf_make(BODY_MAX_BYTES),
                       .packed = buf_make(BODY_MAX_BYTES),
                       .answer = buf_make(ANSWER_MAX_BYTES)};
    uint64_t level = 0;
    uint64_t count = 0;
    if (argc != 5 || !parse_u64(str_from(argv[2]), &level) || level > 9 ||
        !parse_u64(str_from(argv[3]), &count) || count == 0) {
        fprintf(stderr, "usage: upload_bench URL LEVEL COUNT FILE\n");
        return 2;
    }
    FILE *file = fopen(argv[4], "r");
    if (!file) {
        perror(argv[4]);
        return 1;
    }
    int status = set_up(&u, argv[1], (int)level) ? 1 : upload_all(&u, file, count);
    tear_down(&u);
    fclose(file);
    return status;
}

// SPDX-License-Identifier: Apache-2.0
// The least that any collector has to do: download each page with libcurl, follow the next link,
// and read the page with yyjson. What gatehouse needs beyond this is mapping, delivering and
// committing.
//
//   download_bench URL TOKEN        prints the number of events and pages
#include <curl/curl.h>
#include <stdio.h>
#include <yyjson.h>

#include "base/buf.h"

enum { PAGE_MAX_BYTES = 64 << 20, URL_MAX_BYTES = 8192 };

struct download {
    CURL *curl;
    struct buf body;
    struct buf next; // URL of the next page; empty: the answer named none
};

static size_t take_body(char *data, size_t size, size_t n, void *ctx) {
    struct buf *body = ctx;
    buf_add(body, data, size * n);
    return body->error ? 0 : size * n;
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx) {
    struct download *d = ctx;
    struct str line = {data, size * n};
    if (!str_eq_nocase(str_sub(line, 0, 5), STR("link:"))) return line.n;
    if (str_find(line, STR("rel=\"next\"")) == line.n) return line.n;
    size_t from = str_find_char(line, '<') + 1;
    size_t to = str_find_char(line, '>');
    buf_reset(&d->next);
    buf_add_str(&d->next, str_sub(line, from, to));
    return line.n;
}

static struct curl_slist *set_up(struct download *d, const char *token) {
    char authorization[256];
    snprintf(authorization, sizeof authorization, "Authorization: SSWS %s", token);
    struct curl_slist *headers = curl_slist_append(NULL, authorization);
    curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(d->curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(d->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(d->curl, CURLOPT_WRITEDATA, &d->body);
    curl_easy_setopt(d->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(d->curl, CURLOPT_HEADERDATA, d);
    curl_easy_setopt(d->curl, CURLOPT_FAILONERROR, 1L);
    return headers;
}

// Gives the number of events of one page; -1 when it could not be had.
static long get_page(struct download *d, const char *url) {
    buf_reset(&d->body);
    buf_reset(&d->next);
    curl_easy_setopt(d->curl, CURLOPT_URL, url);
    CURLcode code = curl_easy_perform(d->curl);
    if (code != CURLE_OK) {
        fprintf(stderr, "download_bench: %s: %s\n", url, curl_easy_strerror(code));
        return -1;
    }
    yyjson_doc *doc = yyjson_read(d->body.p, d->body.n, YYJSON_READ_NOFLAG);
    if (!yyjson_is_arr(yyjson_doc_get_root(doc))) return -1;
    long events = (long)yyjson_arr_size(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return events;
}

// Follows the next links until an empty page.
static int download_all(struct download *d, const char *url) {
    long events = 0;
    long pages = 0;
    char *at = mem_copy(url, strlen(url));
    long n = 0;
    while (at && (n = get_page(d, at)) > 0) {
        events += n;
        pages++;
        free(at);
        at = buf_take(&d->next);
    }
    free(at);
    if (n < 0) return 1;
    printf("{\"events\":%ld,\"pages\":%ld}\n", events, pages);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: download_bench URL TOKEN\n");
        return 2;
    }
    struct download d = {.curl = curl_easy_init(),
                         .body = buf_make(PAGE_MAX_BYTES),
                         .next = buf_make(URL_MAX_BYTES)};
    if (!d.curl) return 1;
    struct curl_slist *headers = set_up(&d, argv[2]);
    int status = download_all(&d, argv[1]);
    curl_slist_free_all(headers);
    curl_easy_cleanup(d.curl);
    buf_fini(&d.body);
    buf_fini(&d.next);
    return status;
}

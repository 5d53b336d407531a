#include "loop/http_client.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/curl_loop.h"

enum {
    CALLS_MAX = 8,
    TIMEOUT_MS = 30000,
    ANSWER_MAX = 1 << 20,
};

struct http_client {
    struct curl_loop curl;
    char *ca_file; /* owned; NULL: the system's */
    size_t calls_max;
    size_t running;
    struct list calls;   /* owned; those that run */
    struct list waiting; /* owned */
};

struct http_call {
    struct list node;
    struct http_client *client; /* borrowed: cancels its calls before it goes */
    CURL *easy;                 /* owned; NULL while it waits */
    struct curl_slist *headers; /* owned */
    char *method;               /* owned, as all texts */
    char *url;
    char *user;
    char *password;
    struct buf body;
    struct buf answer;
    size_t answer_max;
    unsigned timeout_ms;
    bool is_too_long;
    char error[CURL_ERROR_SIZE];
    http_client_done *done;
    void *arg; /* borrowed: the caller's */
};

static void free_call(struct http_call *call) {
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->method);
    free(call->url);
    free(call->user);
    free(call->password);
    buf_done(&call->body);
    buf_done(&call->answer);
    free(call);
}

/* --- one call --- */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
    struct http_call *call = arg;
    size_t len = size * count;

    if (len > call->answer_max - call->answer.len) {
        call->is_too_long = true;
        return 0;
    }
    buf_add(&call->answer, bytes, len);
    return len;
}

static void set_request(struct http_call *call) {
    CURL *easy = call->easy;
    bool has_body = strcmp(call->method, "GET") != 0 && strcmp(call->method, "HEAD") != 0;

    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                         call->body.len > 0 ? (const char *)call->body.data : "");
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    }
    if (call->user) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, call->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, call->password ? call->password : "");
    }
}

static void start_call(struct http_call *call) {
    struct http_client *client = call->client;
    CURL *easy = curl_easy_init();

    if (!easy)
        abort(); /* as every allocation that fails */
    call->easy = easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "roostd/" ROOST_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    if (client->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    set_request(call);
    list_add_tail(&client->calls, &call->node);
    client->running++;
    curl_multi_add_handle(client->curl.multi, easy);
}

static void start_waiting(struct http_client *client) {
    while (client->running < client->calls_max && !list_is_empty(&client->waiting))
        start_call(container_of(list_pop(&client->waiting), struct http_call, node));
}

static void end_call(struct http_call *call) {
    curl_multi_remove_handle(call->client->curl.multi, call->easy);
    list_remove(&call->node);
    call->client->running--;
}

static void finish_call(struct http_call *call, CURLcode code) {
    struct http_answer answer = { .body = buf_slice(&call->answer) };
    curl_off_t retry_after_s = 0;
    long status = 0;

    if (code == CURLE_OK) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        answer.status = (unsigned)status;
        answer.retry_after_s = (unsigned)retry_after_s;
    } else {
        answer.error = call->is_too_long ? "the answer is too long"
                       : call->error[0]  ? call->error
                                         : curl_easy_strerror(code);
        answer.body = (struct slice) { 0 };
    }
    end_call(call);
    call->done(call->arg, &answer);
    free_call(call);
}

static void on_end(void *arg, CURLcode code) {
    finish_call(arg, code);
}

static void on_idle(struct curl_loop *curl) {
    start_waiting(container_of(curl, struct http_client, curl));
}

/* --- the client --- */

struct http_client *http_client_new(const struct http_client_config *config) {
    struct http_client *client = mem_new(sizeof(*client));

    *client = (struct http_client) {
        .ca_file = mem_strdup(config->ca_file),
        .calls_max = config->calls_max ? config->calls_max : CALLS_MAX,
    };
    curl_loop_init(&client->curl, config->loop);
    client->curl.on_end = on_end;
    client->curl.on_idle = on_idle;
    list_init(&client->calls);
    list_init(&client->waiting);
    curl_multi_setopt(client->curl.multi, CURLMOPT_MAXCONNECTS, (long)client->calls_max);
    return client;
}

struct http_client *http_client_free(struct http_client *client) {
    if (!client)
        return NULL;
    list_for_each_safe(node, after, &client->waiting)
        free_call(container_of(node, struct http_call, node));
    list_for_each_safe(node, after, &client->calls) {
        struct http_call *call = container_of(node, struct http_call, node);
        end_call(call);
        free_call(call);
    }
    curl_loop_done(&client->curl);
    free(client->ca_file);
    free(client);
    return NULL;
}

struct http_call *http_client_start(struct http_client *client,
                                    const struct http_request *request,
                                    http_client_done *done,
                                    void *arg) {
    struct http_call *call = mem_new(sizeof(*call));

    *call = (struct http_call) {
        .client = client,
        .method = mem_strdup(request->method),
        .url = mem_strdup(request->url),
        .user = mem_strdup(request->user),
        .password = mem_strdup(request->password),
        .answer_max = request->answer_max ? request->answer_max : ANSWER_MAX,
        .timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_MS,
        .done = done,
        .arg = arg,
    };
    buf_add_slice(&call->body, request->body);
    for (const char *const *header = request->headers; header && *header; header++)
        call->headers = curl_slist_append(call->headers, *header);
    list_add_tail(&client->waiting, &call->node);
    curl_loop_post(&client->curl);
    return call;
}

struct http_call *http_client_cancel(struct http_call *call) {
    if (!call)
        return NULL;
    struct http_client *client = call->client;
    if (call->easy) {
        end_call(call);
        curl_loop_post(&client->curl); /* there is room now */
    } else {
        list_remove(&call->node);
    }
    free_call(call);
    return NULL;
}

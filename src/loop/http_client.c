#include "loop/http_client.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum {
    CALLS_MAX = 8,
    TIMEOUT_MS = 30000,
    ANSWER_MAX = 1 << 20,
};

struct http_client {
    struct loop *loop; /* borrowed: outlives us */
    CURLM *multi;      /* owned */
    char *ca_file;     /* owned; NULL: the system's */
    size_t calls_max;
    size_t running;
    struct list calls;   /* owned; those that run */
    struct list waiting; /* owned */
    struct timer timer;  /* curl's */
    struct task look;    /* for calls that ended, and room for those that wait */
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

/* --- what curl wants of the loop --- */

static void on_events(void *arg, int events);

/* A socket that curl watches; found again by curl_multi_assign(). */
struct watch {
    struct http_client *client; /* borrowed: the client that frees it through curl */
    struct loop_poll *poll;     /* owned */
    curl_socket_t fd;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *seen) {
    struct http_client *client = arg;
    struct watch *watch = seen;

    if (what == CURL_POLL_REMOVE) {
        if (watch)
            loop_poll_free(watch->poll);
        free(watch);
        curl_multi_assign(client->multi, fd, NULL);
        return 0;
    }
    if (!watch) {
        watch = mem_new(sizeof(*watch));
        watch->client = client;
        watch->fd = fd;
        watch->poll = loop_poll_new(client->loop, fd, on_events, watch);
        if (!watch->poll) {
            free(watch);
            return -1;
        }
        curl_multi_assign(client->multi, fd, watch);
    }
    loop_poll_set(watch->poll, (what & CURL_POLL_IN ? POLLIN : 0) |
                                   (what & CURL_POLL_OUT ? POLLOUT : 0));
    return 0;
}

static void on_events(void *arg, int events) {
    struct watch *watch = arg;
    struct http_client *client = watch->client;
    int mask = (events & POLLIN ? CURL_CSELECT_IN : 0) |
               (events & POLLOUT ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(client->multi, watch->fd, mask, &running);
    loop_post(client->loop, &client->look);
}

static int on_timeout_wish(CURLM *multi, long timeout_ms, void *arg) {
    struct http_client *client = arg;

    if (timeout_ms < 0)
        timer_stop(&client->timer);
    else
        timer_start(client->loop, &client->timer, (uint64_t)timeout_ms);
    return 0;
}

static void on_timer(struct timer *timer) {
    struct http_client *client = container_of(timer, struct http_client, timer);
    int running;

    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    loop_post(client->loop, &client->look);
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
    curl_multi_add_handle(client->multi, easy);
}

static void start_waiting(struct http_client *client) {
    while (client->running < client->calls_max && !list_is_empty(&client->waiting))
        start_call(container_of(list_pop(&client->waiting), struct http_call, node));
}

static void end_call(struct http_call *call) {
    curl_multi_remove_handle(call->client->multi, call->easy);
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

/* Not from inside of curl: done may start and cancel calls. */
static void on_look(struct task *task) {
    struct http_client *client = container_of(task, struct http_client, look);
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct http_call *call;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish_call(call, code);
    }
    start_waiting(client);
}

/* --- the client --- */

struct http_client *http_client_new(const struct http_client_config *config) {
    struct http_client *client = mem_new(sizeof(*client));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    *client = (struct http_client) {
        .loop = config->loop,
        .multi = curl_multi_init(),
        .ca_file = mem_strdup(config->ca_file),
        .calls_max = config->calls_max ? config->calls_max : CALLS_MAX,
        .timer.fire = on_timer,
        .look.run = on_look,
    };
    list_init(&client->calls);
    list_init(&client->waiting);
    if (!client->multi)
        abort(); /* as every allocation that fails */
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->calls_max);
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
    curl_multi_cleanup(client->multi);
    timer_stop(&client->timer);
    loop_cancel(&client->look);
    free(client->ca_file);
    free(client);
    curl_global_cleanup();
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
    loop_post(client->loop, &client->look);
    return call;
}

struct http_call *http_client_cancel(struct http_call *call) {
    if (!call)
        return NULL;
    struct http_client *client = call->client;
    if (call->easy) {
        end_call(call);
        loop_post(client->loop, &client->look); /* there is room now */
    } else {
        list_remove(&call->node);
    }
    free_call(call);
    return NULL;
}

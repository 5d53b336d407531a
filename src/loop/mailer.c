#include "loop/mailer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/curl_loop.h"

enum {
    TIMEOUT_MS = 60000,
    IDLE_S = 10, /* a connection is kept for the next message */
    /* What RFC 4954 and 3207 answer where a setting is wrong: it may be mended. */
    SMTP_NO_LOGIN = 530,
    SMTP_WEAK_LOGIN = 534,
    SMTP_BAD_LOGIN = 535,
    SMTP_NEEDS_TLS = 538,
};

struct mailer {
    struct curl_loop curl;
    char *ca_file;     /* owned; NULL: the system's */
    struct list calls; /* owned */
};

struct mailer_call {
    struct list node;
    struct mailer *mailer; /* borrowed: cancels its calls before it goes */
    CURL *easy;            /* owned */
    struct curl_slist *to; /* owned */
    struct buf body;
    size_t sent;
    char error[CURL_ERROR_SIZE];
    mailer_done *done;
    void *arg; /* borrowed: the caller's */
};

static void free_call(struct mailer_call *call) {
    curl_multi_remove_handle(call->mailer->curl.multi, call->easy);
    list_remove(&call->node);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->to);
    buf_done(&call->body);
    free(call);
}

static size_t on_want(char *at, size_t size, size_t count, void *arg) {
    struct mailer_call *call = arg;
    size_t room = size * count;
    size_t left = call->body.len - call->sent;
    size_t len = left < room ? left : room;

    if (len > 0)
        memcpy(at, call->body.data + call->sent, len);
    call->sent += len;
    return len;
}

/* It has to be sent again over another connection. */
static int on_seek(void *arg, curl_off_t offset, int origin) {
    struct mailer_call *call = arg;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > call->body.len)
        return CURL_SEEKFUNC_CANTSEEK;
    call->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t drop_answer(char *at, size_t size, size_t count, void *arg) {
    (void)at;
    (void)arg;
    return size * count;
}

static int result_of(CURLcode code, long status) {
    if (code == CURLE_OK)
        return 0;
    if (code == CURLE_LOGIN_DENIED || status < 500 || status > 599)
        return -EIO;
    if (status == SMTP_NO_LOGIN || status == SMTP_WEAK_LOGIN ||
        status == SMTP_BAD_LOGIN || status == SMTP_NEEDS_TLS)
        return -EIO;
    return -EPERM;
}

static void on_end(void *arg, CURLcode code) {
    struct mailer_call *call = arg;
    struct mailer_answer answer = { 0 };
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.result = result_of(code, status);
    if (code != CURLE_OK)
        answer.error = call->error[0] ? call->error : curl_easy_strerror(code);
    list_remove(&call->node); /* done may free the mailer's other calls, not this one */
    call->done(call->arg, &answer);
    free_call(call);
}

struct mailer *mailer_new(const struct mailer_config *config) {
    struct mailer *mailer = mem_new(sizeof(*mailer));

    mailer->ca_file = mem_strdup(config->ca_file);
    list_init(&mailer->calls);
    curl_loop_init(&mailer->curl, config->loop);
    mailer->curl.on_end = on_end;
    return mailer;
}

struct mailer *mailer_free(struct mailer *mailer) {
    if (!mailer)
        return NULL;
    list_for_each_safe(node, after, &mailer->calls)
        free_call(container_of(node, struct mailer_call, node));
    curl_loop_done(&mailer->curl);
    free(mailer->ca_file);
    free(mailer);
    return NULL;
}

static void set_message(struct mailer_call *call, const struct mailer_message *message) {
    CURL *easy = call->easy;
    long tls = message->require_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY;

    curl_easy_setopt(easy, CURLOPT_URL, message->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_USE_SSL, tls);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, message->from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, call->to);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    if (message->user && *message->user) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, message->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD,
                         message->password ? message->password : "");
    }
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     (long)(message->timeout_ms ? message->timeout_ms : TIMEOUT_MS));
}

static void set_body(struct mailer_call *call) {
    CURL *easy = call->easy;

    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_want);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->body.len);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_answer);
}

struct mailer_call *mailer_start(struct mailer *mailer,
                                 const struct mailer_message *message,
                                 mailer_done *done,
                                 void *arg) {
    struct mailer_call *call = mem_new(sizeof(*call));

    call->mailer = mailer;
    call->done = done;
    call->arg = arg;
    call->easy = curl_easy_init();
    if (!call->easy)
        abort(); /* as every allocation that fails */
    buf_add_slice(&call->body, message->body);
    for (const char *const *to = message->to; to && *to; to++)
        call->to = curl_slist_append(call->to, *to);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(call->easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
    if (mailer->ca_file)
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, mailer->ca_file);
    set_message(call, message);
    set_body(call);
    list_add_tail(&mailer->calls, &call->node);
    curl_multi_add_handle(mailer->curl.multi, call->easy);
    return call;
}

struct mailer_call *mailer_cancel(struct mailer_call *call) {
    if (call)
        free_call(call);
    return NULL;
}

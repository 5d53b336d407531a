#include "loop/dialler_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/hex.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/dialler.h"
#include "wire/http1.h"

enum {
    ANSWER_HEAD_MAX = 16384,
    PORT_DEFAULT = 80, /* curl takes 1080; an HTTP URL means 80 */
};

struct dialler_tunnel {
    struct conn *conn; /* borrowed: the dialler's */
    void (*on_done)(void *arg, const char *why);
    void *arg;            /* borrowed: the dialler */
    struct http1 *answer; /* owned */
};

/* --- the address --- */

/* "%40" -> "@"; a stray % stays. */
static char *decode_percent(const char *text, size_t len) {
    struct buf out = { 0 };

    for (size_t i = 0; i < len; i++) {
        char digits[3] = "";
        uint8_t byte;
        if (text[i] == '%' && len - i > 2)
            memcpy(digits, text + i + 1, 2);
        if (digits[0] && hex_decode(&byte, 1, digits)) {
            buf_add_byte(&out, byte);
            i += 2;
        } else {
            buf_add_byte(&out, (uint8_t)text[i]);
        }
    }
    return buf_take_text(&out);
}

static bool parse_port(const char *text, size_t len, unsigned *ret_port) {
    char digits[6] = "";

    if (len == 0 || len > 5 || strspn(text, "0123456789") < len)
        return false;
    memcpy(digits, text, len);
    unsigned long port = strtoul(digits, NULL, 10);
    if (port == 0 || port > 65535)
        return false;
    *ret_port = (unsigned)port;
    return true;
}

static bool parse_place(const char *text, size_t len, struct dialler_proxy *proxy) {
    size_t host_len = len;
    const char *colon = memrchr(text, ':', len);

    if (len > 0 && text[len - 1] == ']')
        colon = NULL; /* an IPv6 address without a port */
    proxy->port = PORT_DEFAULT;
    if (colon) {
        host_len = (size_t)(colon - text);
        if (!parse_port(colon + 1, len - host_len - 1, &proxy->port))
            return false;
    }
    if (host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    }
    if (host_len == 0)
        return false;
    proxy->host = mem_dup(text, host_len);
    return true;
}

bool dialler_proxy_parse(const char *text, struct dialler_proxy *ret_proxy) {
    struct dialler_proxy proxy = { 0 };

    if (strncasecmp(text, "http://", 7) == 0)
        text += 7;
    else if (strstr(text, "://"))
        return false;
    size_t len = strcspn(text, "/?#");
    const char *at = memrchr(text, '@', len);
    size_t place = at ? (size_t)(at - text) + 1 : 0;
    if (!parse_place(text + place, len - place, &proxy))
        return false;
    if (at)
        proxy.credentials = decode_percent(text, place - 1);
    *ret_proxy = proxy;
    return true;
}

void dialler_proxy_done(struct dialler_proxy *proxy) {
    if (proxy->credentials)
        mem_wipe(proxy->credentials, strlen(proxy->credentials));
    free(proxy->credentials);
    free(proxy->host);
    *proxy = (struct dialler_proxy) { 0 };
}

/* --- the environment --- */

static const char *variable(const char *lower, const char *upper) {
    const char *value = getenv(lower);
    if (!value)
        value = getenv(upper);
    return value && value[0] != '\0' ? value : NULL;
}

/* "example.org" and ".example.org" cover the name itself and all names below it. */
static bool covers(const char *host, const char *entry, size_t len) {
    size_t host_len = strlen(host);

    if (len == 1 && entry[0] == '*')
        return true;
    if (len > 1 && entry[0] == '*' && entry[1] == '.') {
        entry++;
        len--;
    }
    if (len > 0 && entry[0] == '.') {
        entry++;
        len--;
    }
    if (len == 0 || host_len < len || strncasecmp(host + host_len - len, entry, len) != 0)
        return false;
    return host_len == len || host[host_len - len - 1] == '.';
}

static bool is_excepted(const char *host, const char *list) {
    while (*list) {
        size_t len;
        list += strspn(list, ", \t");
        len = strcspn(list, ", \t");
        if (covers(host, list, len))
            return true;
        list += len;
    }
    return false;
}

char *dialler_proxy_for(const char *host) {
    const char *proxy = variable("https_proxy", "HTTPS_PROXY");
    const char *exceptions = variable("no_proxy", "NO_PROXY");

    if (!proxy || (exceptions && is_excepted(host, exceptions)))
        return NULL;
    return mem_strdup(proxy);
}

/* --- the CONNECT (RFC 9110, 9.3.6) --- */

static void finish(struct dialler_tunnel *tunnel, const char *why) {
    tunnel->on_done(tunnel->arg, why); /* the tunnel may be gone here */
}

static void judge(struct dialler_tunnel *tunnel, struct slice rest) {
    const char *status = headers_get(&http1_message(tunnel->answer)->head, ":status");
    char why[128];

    if (status && status[0] == '2') {
        conn_unread(tunnel->conn, rest);
        finish(tunnel, NULL);
        return;
    }
    unsigned code = status ? (unsigned)strtoul(status, NULL, 10) : 0;
    const char *words =
        code == 407 ? "Proxy Authentication Required" : http1_reason(code);
    snprintf(why, sizeof(why), "the proxy answered %u %s", code, words);
    finish(tunnel, why);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct dialler_tunnel *tunnel = owner;
    size_t taken = 0;

    int r = http1_feed(tunnel->answer, bytes, &taken);
    if (http1_message(tunnel->answer)->has_head)
        judge(tunnel, slice_after(bytes, taken));
    else if (r != 0)
        finish(tunnel, "the proxy does not speak HTTP");
}

static void on_closed(void *owner, int reason) {
    char why[128];

    snprintf(why, sizeof(why), "the proxy closed the connection%s%s", reason ? ": " : "",
             reason ? strerror(-reason) : "");
    finish(owner, why);
}

static void add_credentials(struct buf *out, const char *credentials) {
    buf_add_text(out, "Proxy-Authorization: Basic ");
    base64_encode(out, slice_of_text(credentials));
    buf_add_text(out, "\r\n");
}

static void ask(struct conn *conn,
                const struct dialler_proxy *proxy,
                const char *host,
                unsigned port) {
    struct buf out = { 0 };
    bool is_v6 = strchr(host, ':') != NULL;
    auto_(mem_freep) char *target = mem_printf(is_v6 ? "[%s]:%u" : "%s:%u", host, port);

    buf_printf(&out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target);
    if (proxy->credentials)
        add_credentials(&out, proxy->credentials);
    buf_add_text(&out, "\r\n");
    conn_send(conn, buf_slice(&out));
    mem_wipe(out.data, out.len);
    buf_done(&out);
}

struct dialler_tunnel *dialler_proxy_tunnel(struct conn *conn,
                                            const struct dialler_proxy *proxy,
                                            const char *host,
                                            unsigned port,
                                            void (*on_done)(void *arg, const char *why),
                                            void *arg) {
    static const struct conn_events events = {
        .on_bytes = on_bytes,
        .on_closed = on_closed,
    };
    struct dialler_tunnel *tunnel = mem_new(sizeof(*tunnel));

    tunnel->conn = conn;
    tunnel->on_done = on_done;
    tunnel->arg = arg;
    tunnel->answer = http1_new(HTTP1_RESPONSE, ANSWER_HEAD_MAX);
    http1_no_body(tunnel->answer);
    conn_set_owner(conn, &events, tunnel);
    ask(conn, proxy, host, port);
    return tunnel;
}

struct dialler_tunnel *dialler_proxy_tunnel_free(struct dialler_tunnel *tunnel) {
    if (!tunnel)
        return NULL;
    http1_free(tunnel->answer);
    free(tunnel);
    return NULL;
}

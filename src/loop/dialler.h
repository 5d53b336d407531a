/*
 * dialler - opens connections
 *
 * Resolves the name, races IPv6 and IPv4 (RFC 8305: 250 ms apart), goes through an HTTP
 * proxy by CONNECT when there is one (Basic authentication), and does TLS. Each step has
 * a time limit and a name, so that a failure can be explained.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct dial;
struct loop;
struct sockaddr_storage;
struct tls_client;

enum dial_step { DIAL_RESOLVE, DIAL_CONNECT, DIAL_PROXY, DIAL_TLS };

struct dial_config {
    const char *host; /* name or address; or "unix:/PATH": then no port and no proxy */
    unsigned port;
    const char *proxy;       /* "http://[USER:PASSWORD@]HOST:PORT", or NULL */
    struct tls_client *tls;  /* borrowed: outlives the dial and the conn; NULL: plain */
    const char *server_name; /* SNI and the name to check; NULL: host */
    const char *alpn;        /* "h2" or "http/1.1" */
    unsigned timeout_ms;     /* for all of it */
    /* Steps as they succeed, for doctor; may be NULL. text says what was found
     * (addresses, TLS version). */
    void (*on_step)(void *arg, enum dial_step step, const char *text);
    /* What the host was resolved to: keeps those that may be dialled, may change them,
     * and returns how many; without any the dial fails at DIAL_RESOLVE. May be NULL. */
    size_t (*keep)(void *arg, struct sockaddr_storage *addresses, size_t count);
    /* The result: a conn to own, or NULL with the step that failed and a text for a
     * person. */
    void (*on_done)(void *arg, struct conn *conn, enum dial_step failed, const char *why);
    void *arg;
};

/* Starts; config's strings are copied. on_done comes later, once, unless cancelled. */
struct dial *dialler_start(struct loop *loop, const struct dial_config *config);

/* Stops a dial that is under way; on_done does not come. NULL is fine; always returns
 * NULL. */
struct dial *dialler_cancel(struct dial *dial);

/*
 * The proxy that the environment names for a host: https_proxy or HTTPS_PROXY, unless
 * no_proxy lists the host (names, .suffixes, addresses, *). Returned string is the
 * caller's, or NULL.
 */
char *dialler_proxy_for(const char *host);

/* Is the host a socket in the file system, "unix:/PATH"? */
bool dialler_is_path(const char *host);

/* "DNS", "TCP", "proxy", "TLS". */
const char *dialler_step_name(enum dial_step step);

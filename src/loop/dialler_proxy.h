/*
 * dialler_proxy - what an HTTP proxy's address says, and the CONNECT through it
 */
#pragma once

#include <stdbool.h>

struct conn;

struct dialler_proxy {
    char *host; /* owned */
    unsigned port;
    char *credentials; /* owned; "user:password" decoded, or NULL */
};

/* Reads "http://[USER:PASSWORD@]HOST:PORT[/]", "http://" may be missing: false when it
 * makes no sense. */
bool dialler_proxy_parse(const char *text, struct dialler_proxy *ret_proxy);
void dialler_proxy_done(struct dialler_proxy *proxy);

/*
 * Asks the proxy at the other end of the conn, which is borrowed meanwhile, to connect to
 * host and port. on_done(arg, why) comes later, once: why is NULL when the conn now leads
 * to the host.
 */
struct dialler_tunnel;
struct dialler_tunnel *dialler_proxy_tunnel(struct conn *conn,
                                            const struct dialler_proxy *proxy,
                                            const char *host,
                                            unsigned port,
                                            void (*on_done)(void *arg, const char *why),
                                            void *arg);

/* Ends the asking, before or after on_done; the conn is left alone. Always returns NULL.
 */
struct dialler_tunnel *dialler_proxy_tunnel_free(struct dialler_tunnel *tunnel);

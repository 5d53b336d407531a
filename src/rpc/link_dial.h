/*
 * link_dial - the agent's side of a link's handshake
 *
 * One attempt: dial, ask for the upgrade, and hand over a conn that carries the link's
 * bytes. It does not decide what to try next; what it met is told in full.
 */
#pragma once

#include "loop/dialler.h"
#include "rpc/link.h"

struct conn;
struct headers;
struct link_dial;
struct link_dial_result;
struct loop;

struct link_dial_config {
    struct dial_config
        dial; /* host, port, proxy, TLS, timeout; alpn and callbacks are set here */
    enum link_transport transport;
    struct link_hello hello;                                           /* copied */
    void (*on_step)(void *arg, enum dial_step step, const char *text); /* may be NULL */
    void (*on_done)(void *arg, const struct link_dial_result *result);
    void *arg;
};

enum link_dial_end {
    LINK_DIAL_READY,      /* conn is the link's; NULL unless the intent was LINK_RUN */
    LINK_DIAL_UNREACHED,  /* the dial failed at `step` */
    LINK_DIAL_NO_UPGRADE, /* something answered, but not our hub's yes or no: try the
                             other transport */
    LINK_DIAL_REFUSED,    /* the hub refused: `error` says why */
};

struct link_dial_result {
    enum link_dial_end end;
    struct conn *conn; /* the receiver's, when READY */
    enum dial_step step;
    int http_status;
    const char *error;      /* LINK_ERROR_*; "" otherwise; lent */
    const char *message;    /* for a person; lent */
    const char *name;       /* READY: the node's name on the hub; lent */
    const char *credential; /* after a join; NULL otherwise; lent */
};

/* Starts; on_done comes later, once, unless cancelled. */
struct link_dial *link_dial_start(struct loop *loop,
                                  const struct link_dial_config *config);

/* NULL is fine; always returns NULL. */
struct link_dial *link_dial_cancel(struct link_dial *dial);

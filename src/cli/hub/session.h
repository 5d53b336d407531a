/*
 * session - one connection to a hub, and calls on it that wait for their answers
 *
 * A command line does one thing after the other, so opening and unary calls run the loop
 * until they are done. Streams are started with rpc/client.h on session_target() and
 * waited for with session_wait().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/dialler.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct headers;
struct loop;
struct session;
struct target;
struct tls_client;
struct url;

enum {
    SESSION_E_DIAL = 1, /* no connection; the problem tells at which step and why */
};

struct session_config {
    struct loop *loop;      /* borrowed: outlives the session */
    const struct url *url;  /* copied; its address counts unless there is a path */
    const char *path;       /* a socket of this machine; NULL: none */
    struct tls_client *tls; /* borrowed: outlives the loop; NULL for http */
    const char *name;       /* what the certificate must say; NULL: the url's host */
    const char *token;      /* copied; NULL: none */
    const char *scheme;     /* before the token; copied; NULL: "Bearer" */
    bool is_direct;         /* the other end is no hub: the token is for the callee */
    uint64_t timeout_ms;    /* for connecting */
    /* Steps as they succeed; may be NULL. */
    void (*on_step)(void *arg, enum dial_step step, const char *text);
    void *arg;
    const bool *cancelled; /* borrowed; stop when it becomes true; may be NULL */
};

struct session_problem {
    enum dial_step step;
    char why[256];
};

/* Connects: 0, or SESSION_E_DIAL and *ret_problem is filled. */
int session_open(const struct session_config *config,
                 struct session **ret_session,
                 struct session_problem *ret_problem);

/* Closes at once; calls on it must be over or cancelled. Always returns NULL. */
struct session *session_free(struct session *session);

struct loop *session_loop(const struct session *session);
struct target *session_target(const struct session *session);

/* Is the other end no hub, but the callee itself? */
bool session_is_direct(const struct session *session);

/* Has the connection ended? */
bool session_is_lost(const struct session *session);

/* Fills the metadata of a call: who asks, and which node is meant (NULL: the hub). */
void session_metadata(const struct session *session,
                      const char *node,
                      struct headers *ret_metadata);

/* Runs the loop until *done; whoever sets it calls loop_stop(). */
void session_wait(struct session *session, const bool *done);

struct session_ask {
    const char *node;   /* NULL: the hub */
    const char *method; /* "/roost.v1.Nodes/List" */
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *reply_type;
    uint64_t timeout_ms;
};

struct session_answer {
    enum grpc_status status;
    char *message;           /* owned; why not */
    ProtobufCMessage *reply; /* owned (pb_free); NULL unless status is GRPC_OK */
};

/* Asks and waits. */
void session_call(struct session *session,
                  const struct session_ask *ask,
                  struct session_answer *ret_answer);

void session_answer_done(struct session_answer *answer);

/*
 * handover - a new roostd takes over from the one that runs
 *
 * The running process starts the program anew and gives it its listening sockets, so that
 * no connection is refused meanwhile. When the new one has read its settings and
 * certificates it asks for the data folder; the old one closes its store, from then on
 * only proxies what is under way, and ends. If the new one cannot start, nothing changes.
 *
 *   old  SIGUSR2 --spawn--> waits --asked: releases the store--> yielded --> drains, ends
 *   new  reads settings --asks--> waits --yielded--> opens the store, serves --says so
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct handover;
struct inheritance;
struct loop;

/* A listening socket, and which of the settings' addresses it serves. */
struct handover_socket {
    int fd;           /* borrowed */
    const char *name; /* borrowed: "tls :8000", "plain 127.0.0.1:8080" */
};

/* What becomes of it; each once at most, later. */
struct handover_events {
    void (*on_asked)(void *arg);   /* let go of the data folder, then handover_yield() */
    void (*on_serving)(void *arg); /* the new process serves; ours may end */
    /* It could not start; why is for a person. yielded: nobody has the data folder. */
    void (*on_failed)(void *arg, bool yielded, const char *why);
    void *arg; /* borrowed: outlives the handover */
};

/* Starts the program at path with the arguments of this process. 0 or -errno. */
int handover_start(struct loop *loop,
                   const char *path,
                   char *const *argv,
                   const struct handover_socket *sockets,
                   size_t count,
                   const struct handover_events *events,
                   struct handover **ret_handover);

/* The new process. */
int handover_pid(const struct handover *handover);

/* The data folder is free. */
void handover_yield(struct handover *handover);

/* Lets go; the new process lives on. NULL is fine; always returns NULL. */
struct handover *handover_free(struct handover *handover);

/* In the new process: what the old one gave, or NULL when there is none. */
struct inheritance *handover_inherit(void);

/* Asks for the data folder and waits until it is free: 0, or -errno when the old process
 * has ended without a word or does not answer. */
int handover_ask(struct inheritance *inheritance);

/* Takes the socket of that name: a descriptor that is the caller's, 0 when there is none.
 * inheritance may be NULL. */
int handover_take(struct inheritance *inheritance, const char *name);

/* We do not start after all. NULL is fine; always returns NULL. */
struct inheritance *handover_drop(struct inheritance *inheritance);

/* We serve: tells the old process. Frees; sockets that nobody took are closed. NULL is
 * fine; always returns NULL. */
struct inheritance *handover_serve(struct inheritance *inheritance);

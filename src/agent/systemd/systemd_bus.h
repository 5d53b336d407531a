/*
 * systemd_bus - a connection to a manager over D-Bus, on our loop
 *
 * Opened by the first call and closed some seconds after the last answer, so that what
 * systemd tells everybody wakes no idle agent and its library takes no memory. One that
 * dies fails its calls; the next call opens another. The system's manager, or the user's
 * own: that one is asked by its private socket where it has one, as systemctl does, else
 * over the user's bus.
 */
#pragma once

#include <stdbool.h>

#include "agent/systemd/systemd_fault.h"

struct loop;
struct sd_bus_message;
struct systemd_bus;
struct systemd_call;
struct systemd_library;

/* An answer: reply, lent for the call, or why there is none. */
typedef void systemd_bus_reply_fn(void *arg,
                                  struct sd_bus_message *reply,
                                  const struct systemd_fault *fault);

struct systemd_bus_config {
    struct loop *loop;   /* borrowed: outlives it */
    const char *library; /* path, or NULL: the usual one; borrowed likewise */
    const char *root;    /* where the host's "/" is seen; borrowed likewise */
    bool is_user;
    /* A job is over, "/org/freedesktop/systemd1/job/7" "done"; after
     * systemd_bus_hold(). May be NULL. */
    void (*on_job)(void *arg, const char *job, const char *result);
    /* The connection is gone: jobs will not be told. May be NULL. */
    void (*on_lost)(void *arg, const struct systemd_fault *fault);
    void *arg;
};

/* Where a method is. */
struct systemd_bus_method {
    const char *destination; /* NULL: systemd's manager */
    const char *path;        /* NULL: the manager's */
    const char *interface;   /* NULL: the manager's */
    const char *member;
};

/* Opens nothing. Copies the config. */
struct systemd_bus *systemd_bus_new(const struct systemd_bus_config *config);

/* Calls under way are never answered. NULL is fine; always returns NULL. */
struct systemd_bus *systemd_bus_free(struct systemd_bus *bus);

/*
 * Calls a method; values are as sd_bus_message_append(3) takes them. on_reply is called
 * once, never from inside this function. What is returned is lent until then: for
 * systemd_bus_cancel().
 */
struct systemd_call *systemd_bus_call(struct systemd_bus *bus,
                                      const struct systemd_bus_method *method,
                                      systemd_bus_reply_fn *on_reply,
                                      void *arg,
                                      const char *types,
                                      ...);

/* Nobody waits for the answer. NULL is fine; always returns NULL. */
struct systemd_call *systemd_bus_cancel(struct systemd_call *call);

/* Asks to be told of jobs, before the first one is made.
 * While it is held, the connection is not closed for being idle. */
void systemd_bus_hold(struct systemd_bus *bus);
void systemd_bus_release(struct systemd_bus *bus);

/* The library once it is loaded, to read messages; or NULL. It goes with the connection:
 * lent for the call, systemd_library_ref() for longer. */
struct systemd_library *systemd_bus_library(const struct systemd_bus *bus);

/* Loads the library now, and keeps it for some seconds: NULL, or why it cannot be. Lent.
 */
const struct systemd_fault *systemd_bus_load(struct systemd_bus *bus);

bool systemd_bus_is_user(const struct systemd_bus *bus);

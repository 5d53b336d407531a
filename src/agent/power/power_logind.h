/*
 * power_logind - reboot and shutdown by systemd-logind, over D-Bus
 *
 * Each function asks and is answered later, once, unless it is freed before. Nothing
 * here asks a person who sits at the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/power/power_kind.h"

struct loop;
struct power_logind;
struct systemd_fault;

/* Opens nothing yet. library: path of libsystemd, NULL: the usual one; root: where the
 * host's "/" is seen. All are borrowed: they outlive it. */
struct power_logind *power_logind_new(struct loop *loop,
                                      const char *library,
                                      const char *root);

/* What was asked is not answered any more. NULL is fine; always returns NULL. */
struct power_logind *power_logind_free(struct power_logind *logind);

/* What logind has in mind. */
struct power_logind_look {
    bool is_planned;
    enum power_kind kind; /* of what is planned */
    int64_t at_ms;        /* wall time; likewise */
    char **inhibitors;    /* who holds a shutdown up: "apt: upgrading packages (root)" */
    size_t inhibitor_count;
};

/* An answer, or why there is none; both are lent for the call. */
typedef void power_logind_look_fn(void *arg,
                                  const struct power_logind_look *look,
                                  const struct systemd_fault *fault);
typedef void power_logind_done_fn(void *arg, const struct systemd_fault *fault);
typedef void power_logind_can_fn(void *arg,
                                 const char *can, /* "yes", "no", "challenge", "na" */
                                 const struct systemd_fault *fault);

void power_logind_look(struct power_logind *logind,
                       power_logind_look_fn *done,
                       void *arg);

/* May the agent's user do it? */
void power_logind_can(struct power_logind *logind,
                      enum power_kind kind,
                      power_logind_can_fn *done,
                      void *arg);

/* What those who are logged in will be told. */
void power_logind_tell(struct power_logind *logind,
                       const char *message,
                       power_logind_done_fn *done,
                       void *arg);

void power_logind_plan(struct power_logind *logind,
                       enum power_kind kind,
                       int64_t at_ms,
                       power_logind_done_fn *done,
                       void *arg);

void power_logind_cancel(struct power_logind *logind,
                         power_logind_done_fn *done,
                         void *arg);

/* Now; force: in spite of inhibitors. */
void power_logind_do(struct power_logind *logind,
                     enum power_kind kind,
                     bool force,
                     power_logind_done_fn *done,
                     void *arg);

/*
 * systemd_list - which units a manager has
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/units.pb-c.h"

struct systemd_bus;
struct systemd_fault;
struct systemd_list;

/* The answer, lent, its units by name; or why there is none. Called once, never from
 * inside systemd_list_new(). */
typedef void systemd_list_fn(void *arg,
                             Roost__V1__ListUnitsResponse *response,
                             const struct systemd_fault *fault);

/* Is this a type that is listed? */
bool systemd_list_has_type(const char *type);

/* Copies of the request what it needs. Lent until on_done. A user's manager lists what
 * that user brought, not what comes with the system. */
struct systemd_list *systemd_list_new(struct systemd_bus *bus,
                                      const Roost__V1__ListUnitsRequest *request,
                                      systemd_list_fn *on_done,
                                      void *arg);

/* Nobody waits for it. NULL is fine; always returns NULL. */
struct systemd_list *systemd_list_cancel(struct systemd_list *list);

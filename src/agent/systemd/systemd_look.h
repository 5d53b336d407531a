/*
 * systemd_look - asking a manager about one unit
 *
 * Loads the unit, as systemctl does, and reads all its properties. A unit that is not
 * there has facts as well: its load state says so.
 */
#pragma once

struct systemd_bus;
struct systemd_fault;
struct systemd_look;
struct systemd_unit;

/* The facts, lent, or why there are none. Called once, never from inside
 * systemd_look_new(). */
typedef void systemd_look_fn(void *arg,
                             const struct systemd_unit *unit,
                             const struct systemd_fault *fault);

/* Lent until on_done. Copies the name, which is a whole one. */
struct systemd_look *systemd_look_new(struct systemd_bus *bus,
                                      const char *name,
                                      systemd_look_fn *on_done,
                                      void *arg);

/* Nobody waits for it. NULL is fine; always returns NULL. */
struct systemd_look *systemd_look_cancel(struct systemd_look *look);

/*
 * systemd_name - names of units, as people write them and as systemd takes them
 *
 * Pure: what is refused here never reaches a bus.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    SYSTEMD_NAME_CAP = 256, /* systemd's own limit, with the NUL */
    SYSTEMD_NAME_E_BAD = 1, /* no unit can be called so */
};

/* Writes the whole name, "nginx" as "nginx.service": 0 or SYSTEMD_NAME_E_BAD. */
int systemd_name_whole(const char *text, char ret_name[static SYSTEMD_NAME_CAP]);

/* What is behind the last dot of a whole name: "service". Lent. */
const char *systemd_name_type(const char *name);

/* May it be started, stopped and so on: services, timers and sockets. */
bool systemd_name_is_for_acts(const char *name);

/* Does starting it end or suspend the host? That is of the verb power. */
bool systemd_name_is_power(const char *name);

/* "foo@.service": units are made from it. */
bool systemd_name_is_template(const char *name);

/* The template of an instance, "foo@.service" of "foo@1.service"; false: it is none. */
bool systemd_name_template(const char *name, char ret_name[static SYSTEMD_NAME_CAP]);

/* Does the filter fit? A pattern with '*' or '?' is of the whole name, other text may be
 * a part of name or description, in upper or lower case. "" fits. */
bool systemd_name_fits(const char *filter, const char *name, const char *description);

/*
 * The unit that a process of this /proc/PID/cgroup is in, as the manager of the system
 * (or of that user) calls it; false: in none.
 */
bool systemd_name_of_cgroup(const char *text,
                            bool is_user,
                            char ret_name[static SYSTEMD_NAME_CAP]);

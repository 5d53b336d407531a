/*
 * systemd_unit - what a manager says of one unit
 *
 * Facts are what the bus said, for those who decide; a Roost__V1__Unit is made of them
 * for those who asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roost/v1/units.pb-c.h"

struct sd_bus_message;
struct systemd_library;

/* Strings that came one after the other. */
struct systemd_unit_words {
    char **items; /* owned, and each */
    size_t count;
};

/* Zero it, end it with systemd_unit_done(). Strings may be NULL; UINT64_MAX: not known.
 */
struct systemd_unit {
    char *id; /* owned, as every pointer here: "nginx.service", never an alias */
    char *description;
    char *load_state;
    char *active_state;
    char *sub_state;
    char *file_state;
    char *file;
    char *result;
    char *kind; /* of a service: "simple", "oneshot" */
    struct systemd_unit_words names;
    struct systemd_unit_words triggers;
    struct systemd_unit_words listens;
    uint64_t active_enter_us; /* times of the wall clock, 0: never */
    uint64_t active_exit_us;
    uint64_t inactive_enter_us;
    uint64_t inactive_exit_us;
    uint64_t next_wall_us;
    uint64_t next_monotonic_us;
    uint64_t memory;
    uint64_t tasks;
    uint64_t cpu_ns;
    uint32_t job; /* 0: nothing is under way */
    uint32_t main_pid;
    uint32_t restarts;
    int32_t exit_kind; /* CLD_EXITED and so on; 0: it has not ended */
    int32_t exit_status;
    bool can_start;
    bool can_stop;
    bool can_reload;
};

/* Clocks that a Roost__V1__Unit is made by. */
struct systemd_unit_clocks {
    int64_t wall_us;
    uint64_t monotonic_us;
};

/* Reads the answer of GetAll: 0 or -errno. Anything unknown is stepped over. */
int systemd_unit_read(const struct systemd_library *library,
                      struct sd_bus_message *reply,
                      struct systemd_unit *ret_unit);

void systemd_unit_done(struct systemd_unit *unit);

/* The message, to be freed with pb_free(). */
Roost__V1__Unit *systemd_unit_message(const struct systemd_unit *unit,
                                      const struct systemd_unit_clocks *clocks);

/* Is it up, as far as its manager knows? */
bool systemd_unit_is_active(const struct systemd_unit *unit);

/* Is it down and stays so? */
bool systemd_unit_is_down(const struct systemd_unit *unit);

/* Did it fail, or is it about to be started again since it did? */
bool systemd_unit_is_failing(const struct systemd_unit *unit);

/*
 * A sentence on a job that did not end well: verb "start", result as systemd's JobRemoved
 * says it ("failed"), or "done" for a unit that fell over right behind it. To be freed.
 */
char *systemd_unit_reason(const struct systemd_unit *unit,
                          const char *verb,
                          const char *result);

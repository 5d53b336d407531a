#include "agent/systemd/systemd_unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

static void words_done(struct systemd_unit_words *words) {
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
    free(words->items);
}

void systemd_unit_done(struct systemd_unit *unit) {
    free(unit->id);
    free(unit->description);
    free(unit->load_state);
    free(unit->active_state);
    free(unit->sub_state);
    free(unit->file_state);
    free(unit->file);
    free(unit->result);
    free(unit->kind);
    words_done(&unit->names);
    words_done(&unit->triggers);
    words_done(&unit->listens);
    *unit = (struct systemd_unit) { 0 };
}

static bool is(const char *text, const char *wanted) {
    return text && strcmp(text, wanted) == 0;
}

bool systemd_unit_is_active(const struct systemd_unit *unit) {
    return is(unit->active_state, "active") || is(unit->active_state, "reloading");
}

bool systemd_unit_is_down(const struct systemd_unit *unit) {
    return is(unit->active_state, "inactive") || is(unit->active_state, "failed");
}

bool systemd_unit_is_failing(const struct systemd_unit *unit) {
    return is(unit->active_state, "failed") || is(unit->sub_state, "auto-restart");
}

/* --- the message --- */

static void set_text(char **field, const char *text) {
    if (text && text[0])
        *field = mem_strdup(text);
}

/* When the state that it is in began; microseconds of the wall clock, 0: never. */
static uint64_t since_us(const struct systemd_unit *unit) {
    if (systemd_unit_is_active(unit))
        return unit->active_enter_us;
    if (systemd_unit_is_down(unit))
        return unit->inactive_enter_us;
    return is(unit->active_state, "activating") ? unit->inactive_exit_us
                                                : unit->active_exit_us;
}

static bool is_known(uint64_t value) {
    return value != UINT64_MAX;
}

/* When a timer elapses next; 0: never. */
static uint64_t next_us(const struct systemd_unit *unit,
                        const struct systemd_unit_clocks *clocks) {
    uint64_t wall = is_known(unit->next_wall_us) ? unit->next_wall_us : 0;
    uint64_t monotonic = unit->next_monotonic_us;

    if (monotonic == 0 || !is_known(monotonic))
        return wall;
    int64_t left = (int64_t)(monotonic - clocks->monotonic_us);
    uint64_t at = (uint64_t)(clocks->wall_us + left);
    return wall == 0 || at < wall ? at : wall;
}

static void set_time(Google__Protobuf__Timestamp **field, uint64_t wall_us) {
    if (wall_us == 0 || !is_known(wall_us))
        return;
    *field =
        (Google__Protobuf__Timestamp *)pb_new(&google__protobuf__timestamp__descriptor);
    timestamp_set(*field, (int64_t)(wall_us / 1000));
}

static void set_figures(Roost__V1__Unit *out, const struct systemd_unit *unit) {
    if (is_known(unit->memory)) {
        out->memory_bytes_known_case = ROOST__V1__UNIT__MEMORY_BYTES_KNOWN_MEMORY_BYTES;
        out->memory_bytes = unit->memory;
    }
    if (is_known(unit->tasks)) {
        out->tasks_known_case = ROOST__V1__UNIT__TASKS_KNOWN_TASKS;
        out->tasks = unit->tasks;
    }
    if (is_known(unit->cpu_ns)) {
        out->cpu_us_known_case = ROOST__V1__UNIT__CPU_US_KNOWN_CPU_US;
        out->cpu_us = unit->cpu_ns / 1000;
    }
}

static void set_exit(Roost__V1__Unit *out, const struct systemd_unit *unit) {
    if (unit->exit_kind == CLD_EXITED) {
        out->exit_code_known_case = ROOST__V1__UNIT__EXIT_CODE_KNOWN_EXIT_CODE;
        out->exit_code = unit->exit_status;
    } else if (unit->exit_kind == CLD_KILLED || unit->exit_kind == CLD_DUMPED) {
        out->exit_signal_known_case = ROOST__V1__UNIT__EXIT_SIGNAL_KNOWN_EXIT_SIGNAL;
        out->exit_signal = (uint32_t)unit->exit_status;
    }
}

Roost__V1__Unit *systemd_unit_message(const struct systemd_unit *unit,
                                      const struct systemd_unit_clocks *clocks) {
    Roost__V1__Unit *out = (Roost__V1__Unit *)pb_new(&roost__v1__unit__descriptor);

    set_text(&out->name, unit->id);
    set_text(&out->description, unit->description);
    set_text(&out->load_state, unit->load_state);
    set_text(&out->active_state, unit->active_state);
    set_text(&out->sub_state, unit->sub_state);
    set_text(&out->file_state, unit->file_state);
    set_text(&out->file, unit->file);
    set_text(&out->result, unit->result);
    if (unit->triggers.count > 0)
        set_text(&out->triggers, unit->triggers.items[0]);
    set_time(&out->since, since_us(unit));
    set_time(&out->next, next_us(unit, clocks));
    set_figures(out, unit);
    set_exit(out, unit);
    out->main_pid = unit->main_pid;
    out->restarts = unit->restarts;
    out->can_start = unit->can_start;
    out->can_stop = unit->can_stop;
    out->can_reload = unit->can_reload;
    if (unit->listens.count > 0) {
        out->listens = mem_new_array(unit->listens.count, sizeof(char *));
        out->n_listens = unit->listens.count;
        for (size_t i = 0; i < unit->listens.count; i++)
            out->listens[i] = mem_strdup(unit->listens.items[i]);
    }
    return out;
}

/* --- the reason --- */

static const struct {
    const char *result;
    const char *text;
} results[] = {
    { "exit-code", "a process of it ended with an error" },
    { "signal", "a process of it was ended by a signal" },
    { "core-dump", "a process of it crashed" },
    { "timeout", "it took longer than its unit allows" },
    { "watchdog", "it stopped telling its watchdog that it lives" },
    { "start-limit-hit", "it was started too often in a short time" },
    { "oom-kill", "the host ran out of memory" },
    { "resources", "what it needs to run could not be had" },
    { "protocol", "it did not do what its type of service has to" },
    { "exec-condition", "its condition for being started does not hold" },
};

static void add_exit(struct buf *out, const struct systemd_unit *unit) {
    if (unit->exit_kind == CLD_EXITED && unit->exit_status != 0)
        buf_printf(out, " (exit code %d)", (int)unit->exit_status);
    else if (unit->exit_kind == CLD_KILLED || unit->exit_kind == CLD_DUMPED)
        buf_printf(out, " (signal %d)", (int)unit->exit_status);
}

static void add_result(struct buf *out, const struct systemd_unit *unit) {
    const char *text = NULL;

    if (!unit->result || is(unit->result, "success"))
        return;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (strcmp(results[i].result, unit->result) == 0)
            text = results[i].text;
    buf_printf(out, ": %s", text ? text : unit->result);
    add_exit(out, unit);
}

char *systemd_unit_reason(const struct systemd_unit *unit,
                          const char *verb,
                          const char *result) {
    struct buf out = { 0 };
    const char *name = unit->id ? unit->id : "the unit";

    if (is(result, "done"))
        buf_printf(&out, "%s failed right after its %s", name, verb);
    else if (is(result, "timeout"))
        buf_printf(&out, "the %s of %s took too long and was given up", verb, name);
    else if (is(result, "canceled"))
        buf_printf(&out, "the %s of %s was cancelled by another request", verb, name);
    else if (is(result, "dependency"))
        buf_printf(&out, "the %s of %s failed since a unit that it needs did", verb,
                   name);
    else if (is(result, "skipped"))
        buf_printf(&out, "the %s of %s does not apply in its present state", verb, name);
    else
        buf_printf(&out, "the %s of %s failed", verb, name);
    add_result(&out, unit);
    return buf_take_text(&out);
}

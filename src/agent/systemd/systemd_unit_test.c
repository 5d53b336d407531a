#include "agent/systemd/systemd_unit.h"

#include <signal.h>
#include <string.h>

#include "agent/systemd/systemd_fault.h"
#include "agent/systemd/systemd_line.h"
#include "base/check.h"
#include "base/mem.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

static const struct systemd_unit_clocks clocks = { 1000000000, 5000000 };

static struct systemd_unit a_unit(const char *active, const char *sub) {
    return (struct systemd_unit) {
        .id = mem_strdup("a.service"),
        .active_state = mem_strdup(active),
        .sub_state = mem_strdup(sub),
        .active_enter_us = 1000,
        .active_exit_us = 2000,
        .inactive_enter_us = 3000,
        .inactive_exit_us = 4000,
        .memory = UINT64_MAX,
        .tasks = UINT64_MAX,
        .cpu_ns = UINT64_MAX,
    };
}

static void the_time_is_that_of_the_present_state(void) {
    static const struct {
        const char *state;
        int64_t ms;
    } rows[] = {
        { "active", 1 },   { "reloading", 1 }, { "deactivating", 2 },
        { "inactive", 3 }, { "failed", 3 },    { "activating", 4 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct systemd_unit unit = a_unit(rows[i].state, "x");
        Roost__V1__Unit *message = systemd_unit_message(&unit, &clocks);
        CHECK(timestamp_get(message->since) == rows[i].ms);
        pb_free(&message->base);
        systemd_unit_done(&unit);
    }
}

static void what_is_not_known_is_not_told(void) {
    struct systemd_unit unit = a_unit("active", "running");
    Roost__V1__Unit *message = systemd_unit_message(&unit, &clocks);

    CHECK(message->memory_bytes_known_case == 0);
    CHECK(message->tasks_known_case == 0);
    CHECK(message->cpu_us_known_case == 0);
    CHECK(message->exit_code_known_case == 0);
    CHECK(message->exit_signal_known_case == 0);
    CHECK(!message->next);
    pb_free(&message->base);

    unit.memory = 7;
    unit.tasks = 0;
    unit.cpu_ns = 3000;
    unit.exit_kind = CLD_KILLED;
    unit.exit_status = 9;
    message = systemd_unit_message(&unit, &clocks);
    CHECK(message->memory_bytes == 7);
    CHECK(message->tasks_known_case != 0 && message->tasks == 0);
    CHECK(message->cpu_us == 3);
    CHECK(message->exit_signal == 9 && message->exit_code_known_case == 0);
    pb_free(&message->base);
    systemd_unit_done(&unit);
}

static int64_t next_ms(uint64_t wall_us, uint64_t monotonic_us) {
    struct systemd_unit unit = a_unit("active", "waiting");
    unit.next_wall_us = wall_us;
    unit.next_monotonic_us = monotonic_us;
    Roost__V1__Unit *message = systemd_unit_message(&unit, &clocks);
    int64_t ms = timestamp_get(message->next);
    pb_free(&message->base);
    systemd_unit_done(&unit);
    return ms;
}

static void a_timer_elapses_at_the_earlier_of_its_clocks(void) {
    CHECK(next_ms(0, 0) == 0);
    CHECK(next_ms(UINT64_MAX, UINT64_MAX) == 0);
    CHECK(next_ms(2000000000, 0) == 2000000);
    CHECK(next_ms(0, 6000000) == 1001000);
    CHECK(next_ms(2000000000, 6000000) == 1001000);
    CHECK(next_ms(1000500000, 6000000) == 1000500);
    CHECK(next_ms(UINT64_MAX, 4000000) == 999000);
}

static void states_are_told_apart(void) {
    static const struct {
        const char *active, *sub;
        bool up, down, failing;
    } rows[] = {
        { "active", "running", true, false, false },
        { "active", "exited", true, false, false },
        { "reloading", "reload", true, false, false },
        { "inactive", "dead", false, true, false },
        { "failed", "failed", false, true, true },
        { "activating", "auto-restart", false, false, true },
        { "activating", "start-pre", false, false, false },
        { "deactivating", "stop-sigterm", false, false, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct systemd_unit unit = a_unit(rows[i].active, rows[i].sub);
        CHECK(systemd_unit_is_active(&unit) == rows[i].up);
        CHECK(systemd_unit_is_down(&unit) == rows[i].down);
        CHECK(systemd_unit_is_failing(&unit) == rows[i].failing);
        systemd_unit_done(&unit);
    }
    struct systemd_unit none = { 0 };
    CHECK(!systemd_unit_is_active(&none) && !systemd_unit_is_down(&none));
}

static void check_reason(const char *result, const char *job, const char *wanted) {
    struct systemd_unit unit = a_unit("failed", "failed");
    unit.result = mem_strdup(result);
    unit.exit_kind = CLD_EXITED;
    unit.exit_status = 3;
    auto_(mem_freep) char *reason = systemd_unit_reason(&unit, "start", job);
    if (strcmp(reason, wanted) != 0)
        print_message("%s\n", reason);
    CHECK(strcmp(reason, wanted) == 0);
    systemd_unit_done(&unit);
}

static void a_reason_is_a_sentence(void) {
    check_reason("exit-code", "failed",
                 "the start of a.service failed: a process of it ended with an error "
                 "(exit code 3)");
    check_reason("success", "dependency",
                 "the start of a.service failed since a unit that it needs did");
    check_reason("brand-new", "done",
                 "a.service failed right after its start: brand-new (exit code 3)");
    check_reason("success", "canceled",
                 "the start of a.service was cancelled by another request");
}

static void errors_of_the_bus_have_a_status_and_a_remedy(void) {
    static const struct {
        const char *name;
        enum grpc_status status;
        const char *part;
    } rows[] = {
        { "org.freedesktop.systemd1.NoSuchUnit", GRPC_NOT_FOUND, "Unit x not found" },
        { "org.freedesktop.systemd1.UnitMasked", GRPC_FAILED_PRECONDITION, "" },
        { "org.freedesktop.DBus.Error.AccessDenied", GRPC_PERMISSION_DENIED,
          "roost-agent policy apply" },
        { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
          GRPC_PERMISSION_DENIED, "roost-agent policy apply" },
        { "org.freedesktop.DBus.Error.ServiceUnknown", GRPC_UNIMPLEMENTED,
          "not run by systemd" },
        { "com.example.Odd", GRPC_UNKNOWN, "Unit x not found" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_(mem_freep) char *text =
            systemd_fault_text(rows[i].name, "Unit x not found.", false);
        CHECK(systemd_fault_status(rows[i].name) == rows[i].status);
        CHECK(strstr(text, rows[i].part));
        CHECK(text[strlen(text) - 1] != '.');
    }
    auto_(mem_freep) char *empty = systemd_fault_text("com.example.Odd", NULL, false);
    CHECK(strcmp(empty, "com.example.Odd") == 0);
}

static void lines_are_text_whatever_was_logged(void) {
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } rows[] = {
        { "plain", 5, "plain" },      { "", 0, "" },
        { "a\0b", 3, "a?b" },         { "gr\xc3\xbcn", 5, "gr\xc3\xbcn" },
        { "\xff\xfe", 2, "??" },      { "cut \xc3", 5, "cut ?" },
        { "\xed\xa0\x80", 3, "???" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_(mem_freep) char *text =
            systemd_line_clean(slice_of(rows[i].bytes, rows[i].len));
        CHECK(strcmp(text, rows[i].text) == 0);
    }
}

TESTS(TEST(the_time_is_that_of_the_present_state),
      TEST(what_is_not_known_is_not_told),
      TEST(a_timer_elapses_at_the_earlier_of_its_clocks),
      TEST(states_are_told_apart),
      TEST(a_reason_is_a_sentence),
      TEST(errors_of_the_bus_have_a_status_and_a_remedy),
      TEST(lines_are_text_whatever_was_logged))

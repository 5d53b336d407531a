#include "cli/nodes/panel.h"

#include "base/check.h"
#include "base/mem.h"
#include "cli/nodes/overview.h"

static const struct terminal plain = { 0 };

static struct values sample(void) {
    static const struct {
        const char *name;
        const char *unit;
        double number;
    } rows[] = {
        { "cpu", "%", 91 },
        { "disk", "%", 50 },
        { "disk.total:/", "By", 2048 },
        { "disk.used:/", "By", 1024 },
        { "disk:/", "%", 50 },
        { "load1", "1", 0.25 },
        { "mem", "%", 25 },
        { "net.rx", "By/s", 1500 },
        { "temp.cpu", "Cel", 71 },
    };
    size_t count = sizeof(rows) / sizeof(rows[0]);
    struct values values = { .items = mem_new_array(count, sizeof(struct value)),
                             .count = count,
                             .time_ms = 1000,
                             .online = true };
    for (size_t i = 0; i < count; i++)
        values.items[i] = (struct value) {
            .name = mem_strdup(rows[i].name),
            .unit = mem_strdup(rows[i].unit),
            .number = rows[i].number,
            .is_there = true,
        };
    return values;
}

static void check_text(struct table *table, const char *wanted) {
    struct buf out = { 0 };

    table_render(table, &plain, "\n", 0, &out);
    CHECK_TEXT(buf_text(&out), wanted);
    buf_done(&out);
    table_free(table);
}

static void a_panel_has_a_line_for_what_is_there(void) {
    struct values values = sample();

    check_text(panel_make(&plain, &values, NULL, 0),
               "cpu       ###########.      91 %  load 0.25\n"
               "memory    ###.........      25 %\n"
               "disk      ######......      50 %\n"
               "  /       ######......      50 %  1.0 KiB of 2.0 KiB\n"
               "net in                  1.5 kB/s\n"
               "cpu temp  #########...      71 C\n");
    values_done(&values);
}

static void high_values_are_marked_by_colour(void) {
    struct values values = sample();

    CHECK_INT(panel_colour(values_find(&values, "cpu")), TERMINAL_RED);
    CHECK_INT(panel_colour(values_find(&values, "mem")), TERMINAL_GREEN);
    CHECK_INT(panel_colour(values_find(&values, "temp.cpu")), TERMINAL_YELLOW);
    CHECK_INT(panel_colour(values_find(&values, "net.rx")), TERMINAL_PLAIN);
    values_done(&values);
}

static void an_overview_says_when_a_node_was_seen(void) {
    struct values values = sample();
    const struct overview_row rows[] = {
        { .name = "pi", .values = &values, .online = true, .seen_ms = 1000 },
        { .name = "old", .values = &values, .online = false, .seen_ms = 1000 },
    };
    const char *const metrics[] = { "cpu", "gpu", NULL };

    check_text(overview_make(&plain, rows, 2, metrics, 181000),
               "NODE  STATE                       CPU\n"
               "pi    * online                   91 %\n"
               "old   - offline, seen 3 min ago  91 %\n");
    values_done(&values);
}

TESTS(TEST(a_panel_has_a_line_for_what_is_there),
      TEST(high_values_are_marked_by_colour),
      TEST(an_overview_says_when_a_node_was_seen))

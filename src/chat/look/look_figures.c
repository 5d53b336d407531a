#include "chat/look/look_figures.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/look/look_state.h"
#include "chat/look/look_text.h"
#include "chat/turn/turn.h"
#include "chat/values/look_values.h"
#include "wire/timestamp.h"

enum {
    TITLE_MAX = 48,
    PROCESS_NAME_MAX = 20,
    MOUNT_NAME_MAX = 24,
    PROCESSES_MAX = 5,
    DISKS_MAX = 8,
    FULL_PERCENT = 90,
};

void look_figures_title(struct view *view,
                        const struct turn *turn,
                        const Roost__V1__Node *node,
                        const Roost__V1__NodeValues *values) {
    auto_(mem_freep) char *title = look_text_cut(node->title, TITLE_MAX);
    bool has_title = title[0] != '\0' && strcmp(title, node->name) != 0;

    view_title(view, "%s %s%s%s%s", look_state_mark(turn, node, values), node->name,
               has_title ? " (" : "", has_title ? title : "", has_title ? ")" : "");
}

void look_figures_time(struct view *view,
                       const struct turn *turn,
                       const Roost__V1__Node *node,
                       const Roost__V1__NodeValues *values) {
    int64_t seen_ms = timestamp_get(node->last_seen);
    char clock[LOOK_TEXT_LEN];
    char ago[LOOK_TEXT_LEN];

    if (node->state != ROOST__V1__NODE_STATE__ONLINE)
        view_text(view, turn_say(turn, "Offline: last seen %s (%s)."),
                  look_text_clock(turn, seen_ms, clock),
                  look_text_ago(turn, seen_ms, ago));
    if (!values || values->n_values == 0 || !values->time) {
        view_note(view, "%s", turn_say(turn, "No values yet."));
        return;
    }
    int64_t time_ms = timestamp_get(values->time);
    if (look_state_is_stale(turn, values))
        view_note(view, turn_say(turn, "⚠ Values of %s (%s)"),
                  look_text_clock(turn, time_ms, clock),
                  look_text_ago(turn, time_ms, ago));
    else
        view_note(view, turn_say(turn, "Updated %s"),
                  look_text_clock(turn, time_ms, clock));
}

/* A metric as it is, if it is there. */
static void add_value(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__NodeValues *values,
                      const char *label,
                      const char *metric) {
    char text[LOOK_TEXT_LEN];
    double value;

    if (look_values_find(values, metric, &value))
        view_field(view, label, "%s", look_text_value(turn, metric, NULL, value, text));
}

/* " (54 °C)" */
static void add_temperature(struct buf *out,
                            const struct turn *turn,
                            const Roost__V1__NodeValues *values,
                            const char *metric) {
    char text[LOOK_TEXT_LEN];
    double value;

    if (look_values_find(values, metric, &value))
        buf_printf(out, ", %s", look_text_value(turn, metric, NULL, value, text));
}

/* "███░░░░░░░ 34 %" */
static bool add_bar(struct buf *out,
                    const Roost__V1__NodeValues *values,
                    const char *metric) {
    char text[LOOK_TEXT_LEN];
    char bar[LOOK_TEXT_LEN];
    double percent;

    if (!look_values_find(values, metric, &percent))
        return false;
    buf_printf(out, "%s %s", look_text_bar(percent, bar),
               look_text_percent(percent, text));
    return true;
}

/* ", 1.2 GiB / 4.0 GiB" */
static void add_sizes(struct buf *out,
                      const Roost__V1__NodeValues *values,
                      const char *used_metric,
                      const char *total_metric) {
    char used_text[LOOK_TEXT_LEN];
    char total_text[LOOK_TEXT_LEN];
    double used;
    double total;

    if (look_values_find(values, used_metric, &used) &&
        look_values_find(values, total_metric, &total))
        buf_printf(out, ", %s / %s", look_text_bytes(used, used_text),
                   look_text_bytes(total, total_text));
}

/* A percentage with its bar, its sizes and its temperature, each if there is one. */
static void add_share(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__NodeValues *values,
                      const char *label,
                      const char *metric,
                      const char *temperature) {
    auto_(mem_freep) char *used = mem_printf("%s.used", metric);
    auto_(mem_freep) char *total = mem_printf("%s.total", metric);
    struct buf line = { 0 };

    if (add_bar(&line, values, metric)) {
        add_sizes(&line, values, used, total);
        if (temperature)
            add_temperature(&line, turn, values, temperature);
        view_field(view, label, "%s", buf_text(&line));
    }
    buf_done(&line);
}

static void add_load(struct view *view,
                     const struct turn *turn,
                     const Roost__V1__NodeValues *values) {
    double load[3];

    if (look_values_find(values, "load1", &load[0]) &&
        look_values_find(values, "load5", &load[1]) &&
        look_values_find(values, "load15", &load[2]))
        view_field(view, turn_say(turn, "Load"), "%.2f %.2f %.2f", load[0], load[1],
                   load[2]);
}

/* Swap that is not there is not worth a line. */
static void add_swap(struct view *view,
                     const struct turn *turn,
                     const Roost__V1__NodeValues *values) {
    double total;

    if (look_values_find(values, "swap.total", &total) && total > 0)
        add_share(view, turn, values, turn_say(turn, "Swap"), "swap", NULL);
}

static void add_network(struct view *view,
                        const struct turn *turn,
                        const Roost__V1__NodeValues *values) {
    char down_text[LOOK_TEXT_LEN];
    char up_text[LOOK_TEXT_LEN];
    double down;
    double up;

    if (look_values_find(values, "net.rx", &down) &&
        look_values_find(values, "net.tx", &up))
        view_field(view, turn_say(turn, "Network"), "↓ %s  ↑ %s",
                   look_text_bits(down, down_text), look_text_bits(up, up_text));
}

static bool is_idle(const Roost__V1__ProcessGroup *group) {
    return strncasecmp(group->name, "system idle process", 19) == 0;
}

static void add_processes(struct view *view,
                          const struct turn *turn,
                          const Roost__V1__TopResponse *top) {
    struct buf lines = { 0 };
    char percent[LOOK_TEXT_LEN];
    char size[LOOK_TEXT_LEN];
    size_t count = 0;

    for (size_t i = 0; top && i < top->n_groups && count < PROCESSES_MAX; i++) {
        if (is_idle(top->groups[i]))
            continue;
        auto_(mem_freep) char *name =
            look_text_cut(top->groups[i]->name, PROCESS_NAME_MAX);
        buf_printf(&lines, "%s%s — %s, %s", count++ > 0 ? "\n" : "", name,
                   look_text_percent(top->groups[i]->cpu_percent, percent),
                   look_text_bytes((double)top->groups[i]->rss_bytes, size));
    }
    if (count > 0) {
        view_text(view, "%s\n%s", turn_say(turn, "Top processes:"), buf_text(&lines));
    }
    buf_done(&lines);
}

static void add_disk(struct buf *lines,
                     const Roost__V1__NodeValues *values,
                     const char *mount,
                     double percent) {
    auto_(mem_freep) char *metric = mem_printf("disk:%s", mount);
    auto_(mem_freep) char *used = mem_printf("disk.used:%s", mount);
    auto_(mem_freep) char *total = mem_printf("disk.total:%s", mount);

    if (lines->len > 0)
        buf_add_byte(lines, '\n');
    look_text_add(lines, mount, MOUNT_NAME_MAX);
    buf_add_byte(lines, ' ');
    add_bar(lines, values, metric);
    add_sizes(lines, values, used, total);
    if (percent >= FULL_PERCENT)
        buf_add_text(lines, " ⚠");
}

static void add_disks(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__NodeValues *values) {
    static const char prefix[] = "disk:";
    struct buf lines = { 0 };
    size_t count = 0;

    for (size_t i = 0; values && i < values->n_values; i++) {
        const char *name = values->values[i]->key;
        if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
            continue;
        if (count++ < DISKS_MAX)
            add_disk(&lines, values, name + sizeof(prefix) - 1, values->values[i]->value);
    }
    if (count > DISKS_MAX) {
        buf_add_byte(&lines, '\n');
        buf_printf(&lines, turn_say(turn, "and %zu more"), count - DISKS_MAX);
    }
    if (count > 0)
        view_text(view, "%s\n%s", turn_say(turn, "Disks:"), buf_text(&lines));
    buf_done(&lines);
    if (count == 0)
        add_share(view, turn, values, turn_say(turn, "Disk"), "disk", NULL);
}

static void add_throttle(struct view *view,
                         const struct turn *turn,
                         const Roost__V1__NodeValues *values) {
    double value;

    if (look_values_find(values, "throttle.undervoltage", &value) && value != 0)
        view_text(view, "⚠ %s", turn_say(turn, "The supply voltage is too low now."));
    else if (look_values_find(values, "throttle", &value) && value != 0)
        view_text(view, "⚠ %s",
                  turn_say(turn, "The processor is slowed by heat or low voltage."));
}

void look_figures_add(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__NodeValues *values,
                      const Roost__V1__TopResponse *top,
                      bool is_short) {
    double uptime_s;
    char text[LOOK_TEXT_LEN];

    if (look_values_find(values, "uptime", &uptime_s))
        view_field(view, turn_say(turn, "Uptime"), "%s",
                   look_text_duration(turn, (int64_t)(uptime_s * 1000), text));
    add_share(view, turn, values, "CPU", "cpu", "temp.cpu");
    add_share(view, turn, values, "RAM", "mem", NULL);
    if (is_short) {
        add_share(view, turn, values, turn_say(turn, "Disk"), "disk", NULL);
        add_throttle(view, turn, values);
        return;
    }
    add_swap(view, turn, values);
    add_load(view, turn, values);
    add_processes(view, turn, top);
    add_network(view, turn, values);
    add_share(view, turn, values, "GPU", "gpu", "temp.gpu");
    add_share(view, turn, values, "VRAM", "vram", NULL);
    add_disks(view, turn, values);
    add_value(view, turn, values, turn_say(turn, "Battery"), "battery");
    add_throttle(view, turn, values);
}

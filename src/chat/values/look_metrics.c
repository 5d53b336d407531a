#include "chat/values/look_metrics.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_pages.h"
#include "chat/look/look_text.h"
#include "chat/values/look_values.h"
#include "wire/pb.h"

enum {
    LATEST = 0,
    PER_PAGE = 18,
    GROUPS_A_ROW = 3,
    METRICS_A_ROW = 3,
    GROUPS_MAX = 48,
    NAME_MAX_SHOWN = 32,
    LABEL_MAX = 20,
};

/* What people call the groups; the others have their own names. */
static const struct {
    const char *name;
    const char *label;
} labels[] = {
    { "cpu", "Processor" },    { "load", "Load" },
    { "psi", "Pressure" },     { "mem", "Memory" },
    { "swap", "Swap" },        { "net", "Network" },
    { "disk", "Disks" },       { "temp", "Temperatures" },
    { "fan", "Fans" },         { "throttle", "Throttling" },
    { "gpu", "GPU" },          { "vram", "GPU memory" },
    { "battery", "Battery" },  { "power", "Power supply" },
    { "proc", "Processes" },   { "tcp", "Connections" },
    { "files", "Open files" }, { "uptime", "Uptime" },
};

/* How long the group's name is: "load" of "load15", "net" of "net.rx:eth0". */
static size_t group_len(const char *metric) {
    return strcspn(metric, ".:0123456789");
}

static const char *find_label(const struct turn *turn, const char *group) {
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        if (strcmp(labels[i].name, group) == 0)
            return turn_say(turn, labels[i].label);
    return group;
}

static int by_name(const void *a, const void *b) {
    const Roost__V1__NodeValues__ValuesEntry *const *one = a;
    const Roost__V1__NodeValues__ValuesEntry *const *two = b;
    return strcmp((*one)->key, (*two)->key);
}

struct group {
    const char *first; /* borrowed: the name of its first metric */
    size_t len;        /* of the group's name */
    size_t count;
};

/* The groups of sorted values: how many there are. */
static size_t find_groups(const Roost__V1__NodeValues *values,
                          struct group groups[static GROUPS_MAX]) {
    size_t count = 0;

    for (size_t i = 0; i < values->n_values; i++) {
        const char *name = values->values[i]->key;
        size_t len = group_len(name);
        struct group *last = count > 0 ? &groups[count - 1] : NULL;
        if (last && last->len == len && strncmp(last->first, name, len) == 0)
            last->count++;
        else if (count < GROUPS_MAX)
            groups[count++] = (struct group) { name, len, 1 };
    }
    return count;
}

static void show_groups(struct turn *turn, const Roost__V1__NodeValues *values) {
    struct group groups[GROUPS_MAX];
    size_t count = find_groups(values, groups);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Metrics of %s"), turn_node(turn));
    view_text(view, turn_say(turn, "It measures %zu values. Choose a group:"),
              values->n_values);
    for (size_t i = 0; i < count; i++) {
        auto_(mem_freep) char *name = mem_dup(groups[i].first, groups[i].len);
        auto_(mem_freep) char *cut = look_text_cut(find_label(turn, name), LABEL_MAX);
        auto_(mem_freep) char *label = mem_printf("%s (%zu)", cut, groups[i].count);
        struct buf word = { 0 };
        if (i % GROUPS_A_ROW == 0)
            view_row(view);
        view_quote(&word, name);
        view_button(view, VIEW_PLAIN, label, "metrics %s %s", turn_node(turn),
                    buf_text(&word));
        buf_done(&word);
    }
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", turn_node(turn));
    turn_show(turn, view);
}

/* Is it of this group, or, when there is no such group, has it the word in its name? */
static bool is_wanted(const char *metric, const char *word, bool is_group) {
    size_t len = group_len(metric);

    if (is_group)
        return strlen(word) == len && strncasecmp(metric, word, len) == 0;
    return look_text_has(metric, word);
}

static bool has_group(const Roost__V1__NodeValues *values, const char *word) {
    for (size_t i = 0; i < values->n_values; i++)
        if (is_wanted(values->values[i]->key, word, true))
            return true;
    return false;
}

static void add_value(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__NodeValues *values,
                      const Roost__V1__NodeValues__ValuesEntry *entry) {
    auto_(mem_freep) char *name = look_text_cut(entry->key, NAME_MAX_SHOWN);
    char text[LOOK_TEXT_LEN];
    const char *const cells[] = {
        name,
        look_text_value(turn, entry->key, look_values_unit(values, entry->key),
                        entry->value, text),
    };

    view_cells(view, cells);
}

static void add_charts(struct view *view,
                       const struct turn *turn,
                       Roost__V1__NodeValues__ValuesEntry *const *entries,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        auto_(mem_freep) char *label = look_text_cut(entries[i]->key, LABEL_MAX);
        struct buf name = { 0 };
        if (i % METRICS_A_ROW == 0)
            view_row(view);
        view_quote(&name, entries[i]->key);
        view_button(view, VIEW_PLAIN, label, "chart %s %s 1h", turn_node(turn),
                    buf_text(&name));
        buf_done(&name);
    }
}

static void show_metrics(struct turn *turn,
                         const Roost__V1__NodeValues *values,
                         const char *word) {
    bool is_group = has_group(values, word);
    Roost__V1__NodeValues__ValuesEntry **wanted =
        mem_new_array(values->n_values + 1, sizeof(*wanted));
    auto_(mem_freep) char *cut = look_text_cut(word, LABEL_MAX);
    struct view *view = view_new();
    struct buf action = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < values->n_values; i++)
        if (is_wanted(values->values[i]->key, word, is_group))
            wanted[count++] = values->values[i];
    struct look_pages pages = look_pages_of(turn, count, PER_PAGE);
    buf_printf(&action, "metrics %s ", turn_node(turn));
    view_quote(&action, word);
    view_title(view, "%s: %s", turn_node(turn), is_group ? find_label(turn, cut) : cut);
    if (count == 0)
        view_text(view, "%s", turn_say(turn, "It has no metric of that name."));
    else
        view_table(view, turn_say(turn, "Metric"), turn_say(turn, "Now"), (char *)NULL);
    for (size_t i = pages.first; i < pages.end; i++)
        add_value(view, turn, values, wanted[i]);
    if (count > 0)
        view_note(view, "%s", turn_say(turn, "A button draws its chart."));
    add_charts(view, turn, wanted + pages.first, pages.end - pages.first);
    look_pages_add(&pages, view, buf_text(&action));
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Groups"), "metrics %s",
                turn_node(turn));
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", turn_node(turn));
    buf_done(&action);
    free(wanted);
    turn_show(turn, view);
}

static void on_all(struct turn *turn, struct look_gather *gather) {
    if (look_gather_fail(gather, turn, LATEST, turn_say(turn, "Read the metrics")))
        return;
    Roost__V1__LatestResponse *latest =
        (Roost__V1__LatestResponse *)gather->slots[LATEST].reply;
    Roost__V1__NodeValues *values = latest->n_nodes > 0 ? latest->nodes[0] : NULL;
    if (!values || values->n_values == 0) {
        struct view *view = view_new();
        view_title(view, turn_say(turn, "Metrics of %s"), turn_node(turn));
        view_text(view, "%s", turn_say(turn, "No values yet."));
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s",
                    turn_node(turn));
        turn_show(turn, view);
        return;
    }
    qsort(values->values, values->n_values, sizeof(values->values[0]), by_name);
    if (turn_word(turn, 0))
        show_metrics(turn, values, turn_word(turn, 0));
    else
        show_groups(turn, values);
}

void look_metrics_run(struct turn *turn) {
    struct look_gather *gather = turn_state(turn, sizeof(*gather), look_gather_done);
    Roost__V1__LatestRequest latest = ROOST__V1__LATEST_REQUEST__INIT;

    latest.select = pb_lend(turn_node(turn));
    look_gather_start(gather, on_all);
    look_gather_call(gather, turn, LATEST, NULL, "/roost.v1.Metrics/Latest",
                     &latest.base);
}

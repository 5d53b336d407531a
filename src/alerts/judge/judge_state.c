#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/judge/judge.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"

enum { FIELDS_MAX = 12 };

/*
 * Lines of fields with tabs between them (no name has one):
 *   n EPOCH SEQ LAST INTERVAL FIRST SLEEPS                     the node
 *   a RULE LEAF STATE JOIN TRUE SINCE CLEAR ABSENT VALUE SERIES   an active
 *   f RULE SINCE FIRED INCIDENT COVER HELD SERIES OBJECT       a firing; no OBJECT: -
 *   w RULE LEAF SERIES                                         a window, then its points
 *   p TIME VALUE
 */
static void write_window(const struct judge_window *window, struct buf *out) {
    buf_printf(out, "w\t%s\t%u\t%s\n", window->rule->rule->name, window->leaf,
               window->series);
    for (size_t i = 0; i < window->count; i++)
        buf_printf(out, "p\t%" PRId64 "\t%.17g\n", window->times_ms[i],
                   window->values[i]);
}

void judge_state_write(const struct judge_node *node, struct buf *out) {
    buf_printf(out,
               "n\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\t%" PRIu32 "\t%" PRId64 "\t%d\n",
               node->epoch, node->seq, node->last_ms, node->interval_ms, node->first_ms,
               node->sleeps);
    for (size_t i = 0; i < node->active_count; i++) {
        const struct judge_active *active = node->actives[i];
        buf_printf(out,
                   "a\t%s\t%u\t%d\t%d\t%d\t%" PRId64 "\t%" PRId64 "\t%" PRId64
                   "\t%.17g\t%s\n",
                   active->rule->rule->name, active->leaf, active->state,
                   active->is_of_join, active->is_true, active->since_ms,
                   active->clear_ms, active->absent_ms, active->value, active->series);
    }
    for (size_t i = 0; i < node->firing_count; i++) {
        const struct judge_firing *firing = node->firings[i];
        buf_printf(out,
                   "f\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRIu64 "\t%d\t%d\t%s\t%s%s\n",
                   firing->rule->rule->name, firing->since_ms, firing->fired_ms,
                   firing->incident, firing->cover, firing->is_held, firing->series,
                   firing->object ? "=" : "-", firing->object ? firing->object : "");
    }
    for (size_t i = 0; i < node->window_count; i++)
        write_window(node->windows[i], out);
}

static int64_t number(const char *text) {
    return strtoll(text, NULL, 10);
}

static void read_node(struct judge_node *node, char **fields) {
    node->epoch = strtoull(fields[1], NULL, 10);
    node->seq = strtoull(fields[2], NULL, 10);
    node->last_ms = number(fields[3]);
    node->interval_ms = (uint32_t)number(fields[4]);
    node->first_ms = number(fields[5]);
    node->sleeps = number(fields[6]) != 0;
}

/* The rule, if it still has such a leaf. */
static struct judge_rule *find_leaf(const struct alerts *alerts,
                                    const char *name,
                                    const char *leaf,
                                    unsigned *ret_leaf) {
    struct judge_rule *rule = map_get(alerts->rules, name);
    int64_t at = number(leaf);

    if (!rule || at < 0 || at >= (int64_t)rule->leaf_count)
        return NULL;
    *ret_leaf = (unsigned)at;
    return rule;
}

static void read_active(const struct alerts *alerts,
                        struct judge_node *node,
                        char **fields) {
    unsigned leaf = 0;
    struct judge_rule *rule = find_leaf(alerts, fields[1], fields[2], &leaf);
    int64_t state = number(fields[3]);

    if (!rule || state < JUDGE_PENDING || state > JUDGE_CLEARING ||
        judge_find(node, rule, leaf, fields[10]))
        return;
    struct judge_active *active =
        judge_begin(node, rule, leaf, fields[10], number(fields[6]));
    if (!active)
        return;
    active->state = (enum judge_state)state;
    active->is_of_join = number(fields[4]) != 0;
    active->is_true = number(fields[5]) != 0;
    active->clear_ms = number(fields[7]);
    active->absent_ms = number(fields[8]);
    active->value = strtod(fields[9], NULL);
}

static void read_firing(const struct alerts *alerts,
                        struct judge_node *node,
                        char **fields) {
    struct judge_rule *rule = map_get(alerts->rules, fields[1]);
    int64_t cover = number(fields[5]);

    if (!rule || cover < JUDGE_OWN || cover > JUDGE_OF_UPLINK)
        return;
    struct judge_firing *firing = judge_fire_add(node);
    firing->rule = rule;
    firing->since_ms = number(fields[2]);
    firing->fired_ms = number(fields[3]);
    firing->incident = strtoull(fields[4], NULL, 10);
    firing->cover = (enum judge_cover)cover;
    firing->is_held = number(fields[6]) != 0;
    firing->series = mem_strdup(fields[7]);
    firing->object = fields[8][0] == '=' ? mem_strdup(fields[8] + 1) : NULL;
}

/* Cuts the line into its fields; how many. */
static size_t cut(char *line, char *fields[static FIELDS_MAX]) {
    size_t count = 0;
    char *at = line;

    while (at && count < FIELDS_MAX) {
        fields[count++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    return count;
}

void judge_state_read(struct alerts *alerts, struct judge_node *node, const char *text) {
    auto_(mem_freep) char *copy = mem_strdup(text);
    struct judge_window *window = NULL;
    char *fields[FIELDS_MAX];
    char *rest = NULL;

    for (char *line = strtok_r(copy, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        size_t count = cut(line, fields);
        unsigned leaf = 0;
        if (line[0] == 'n' && count == 7) {
            read_node(node, fields);
        } else if (line[0] == 'a' && count == 11) {
            read_active(alerts, node, fields);
        } else if (line[0] == 'f' && count == 9) {
            read_firing(alerts, node, fields);
        } else if (line[0] == 'w' && count == 4) {
            struct judge_rule *rule = find_leaf(alerts, fields[1], fields[2], &leaf);
            window = rule ? judge_window_get(node, rule, leaf, fields[3]) : NULL;
        } else if (line[0] == 'p' && count == 3 && window) {
            judge_window_add(window, number(fields[1]), strtod(fields[2], NULL));
        }
    }
    node->is_dirty = false;
}

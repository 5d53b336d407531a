#include "cli/nodes/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "cli/nodes/node_cells.h"

enum { DECIMALS = 3 }; /* of a metric whose scale is not known */

void values_done(struct values *values) {
    for (size_t i = 0; i < values->count; i++) {
        free(values->items[i].name);
        free(values->items[i].unit);
    }
    free(values->items);
    *values = (struct values) { .time_ms = -1 };
}

/* Where the name is, or belongs. */
static size_t place_of(const struct values *values, const char *name, bool *ret_found) {
    size_t low = 0, high = values->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(values->items[middle].name, name);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

static struct value *put(struct values *values, const char *name) {
    bool found;
    size_t place = place_of(values, name, &found);

    if (found)
        return &values->items[place];
    values->items = mem_grow(values->items, (values->count + 1) * sizeof(*values->items));
    memmove(values->items + place + 1, values->items + place,
            (values->count - place) * sizeof(*values->items));
    values->count++;
    const struct metric *metric = metric_find(name);
    values->items[place] = (struct value) {
        .name = mem_strdup(name),
        .unit = mem_strdup(metric ? metric->unit : ""),
        .scale = metric ? metric->scale : DECIMALS,
    };
    return &values->items[place];
}

void values_take(struct values *values, const Roost__V1__NodeValues *from) {
    for (size_t i = 0; i < values->count; i++)
        values->items[i].is_there = false;
    for (size_t i = 0; i < from->n_info; i++) {
        struct value *value = put(values, from->info[i]->name);
        free(value->unit);
        value->unit = mem_strdup(from->info[i]->unit);
        value->scale = from->info[i]->scale;
    }
    for (size_t i = 0; i < from->n_values; i++) {
        struct value *value = put(values, from->values[i]->key);
        value->number = from->values[i]->value;
        value->is_there = true;
    }
    values->time_ms = node_cells_time_ms(from->time);
    values->online = from->online;
}

const struct value *values_find(const struct values *values, const char *name) {
    bool found;
    size_t place = place_of(values, name, &found);

    return found && values->items[place].is_there ? &values->items[place] : NULL;
}

double values_number(const struct values *values, const char *name, double fallback) {
    const struct value *value = values_find(values, name);
    return value && isfinite(value->number) ? value->number : fallback;
}

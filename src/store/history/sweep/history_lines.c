#include "store/history/sweep/history_lines.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "store/history/history_private.h"

struct line {
    struct history_series_row row; /* texts are owned */
    bool is_news;
};

struct history_lines {
    struct map *map; /* of lines, owned, by what they are */
    uint32_t last_id;
};

struct history_lines *history_lines_new(void) {
    struct history_lines *lines = mem_new(sizeof(*lines));
    lines->map = map_new();
    return lines;
}

struct history_lines *history_lines_free(struct history_lines *lines) {
    size_t at = 0;
    struct line *line;
    if (!lines)
        return NULL;
    while ((line = map_next(lines->map, &at, NULL))) {
        free((char *)line->row.name);
        free((char *)line->row.unit);
        free(line);
    }
    map_free(lines->map);
    free(lines);
    return NULL;
}

static char *make_key(const char *name, const char *unit, unsigned scale) {
    return mem_printf("%s\n%s\n%u", name, unit, scale);
}

static struct line *add_line(struct history_lines *lines,
                             const char *key,
                             const struct history_series_row *row) {
    struct line *line = mem_new(sizeof(*line));
    line->row = *row;
    line->row.name = mem_strdup(row->name);
    line->row.unit = mem_strdup(row->unit);
    if (row->id > lines->last_id)
        lines->last_id = row->id;
    map_put(lines->map, key, line);
    return line;
}

void history_lines_put(struct history_lines *lines,
                       const struct history_series_row *row) {
    auto_(mem_freep) char *key = make_key(row->name, row->unit, row->scale);
    if (!map_get(lines->map, key))
        add_line(lines, key, row);
}

uint32_t history_lines_id(struct history_lines *lines,
                          const struct history_metric *metric,
                          uint32_t interval_ms) {
    auto_(mem_freep) char *key = make_key(metric->name, metric->unit, metric->scale);
    struct line *line = map_get(lines->map, key);

    if (!line && map_count(lines->map) >= HISTORY_SERIES_OF_NODE_MAX)
        return 0;
    if (!line) {
        const struct history_series_row row = {
            .id = lines->last_id + 1,
            .name = metric->name,
            .unit = metric->unit,
            .scale = metric->scale,
        };
        line = add_line(lines, key, &row);
        line->is_news = true;
    }
    if (line->row.interval_ms != interval_ms) {
        line->row.interval_ms = interval_ms;
        line->is_news = true;
    }
    return line->row.id;
}

struct history_series_row *history_lines_take_news(struct history_lines *lines,
                                                   size_t *ret_count) {
    struct history_series_row *rows =
        mem_new_array(map_count(lines->map) + 1, sizeof(*rows));
    size_t at = 0, count = 0;
    struct line *line;

    while ((line = map_next(lines->map, &at, NULL))) {
        if (!line->is_news)
            continue;
        rows[count] = line->row;
        rows[count].name = mem_strdup(line->row.name);
        rows[count++].unit = mem_strdup(line->row.unit);
        line->is_news = false;
    }
    *ret_count = count;
    return rows;
}

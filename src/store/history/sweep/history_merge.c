#include "store/history/sweep/history_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/history/history_catalogue.h"
#include "store/history/sweep/history_lines.h"
#include "store/history/sweep/history_span.h"
#include "store/history/sweep/history_table.h"
#include "wire/sample.h"

enum { HOUR_MS = 3600 * 1000, WINDOW_MS = 2 * HOUR_MS /* the longest bucket */ };

/* One merge at work. */
struct merging {
    struct history_merge *merge; /* borrowed */
    const struct history_backend *backend;
    struct store_database *reader;
    struct chunk_codec *codec;
    struct history_lines *lines;   /* owned */
    struct history_table **tables; /* owned; by time */
    size_t table_count;
    struct history_span spans[TIER_COUNT]; /* that are open; count 0: none */
};

/* Tables. */

/* The place where the table of an hour is or belongs. */
static size_t find_place(const struct merging *all, int64_t hour_ms) {
    size_t low = 0, high = all->table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->tables[middle]->start_ms < hour_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct history_table *find_table(const struct merging *all, int64_t hour_ms) {
    size_t place = find_place(all, hour_ms);
    return place < all->table_count && all->tables[place]->start_ms == hour_ms
               ? all->tables[place]
               : NULL;
}

static struct history_table *add_table(struct merging *all, int64_t hour_ms) {
    size_t place = find_place(all, hour_ms);
    struct history_table *table = mem_new(sizeof(*table));

    history_table_init(table, hour_ms);
    all->tables =
        mem_grow(all->tables, (all->table_count + 1) * sizeof(struct history_table *));
    memmove(&all->tables[place + 1], &all->tables[place],
            (all->table_count - place) * sizeof(struct history_table *));
    all->tables[place] = table;
    all->table_count++;
    return table;
}

static int on_raw(void *arg, const struct history_chunk_row *row) {
    struct merging *all = arg;

    if (find_table(all, row->start_ms))
        return 0;
    struct history_table *table = add_table(all, row->start_ms);
    if (history_table_read(table, all->codec, row->body) != 0) {
        table->is_damaged = true;
        all->merge->damaged++;
    }
    return 0;
}

/* Reads the raw chunks of [from, until) that are not in memory. */
static int load_tables(struct merging *all, int64_t from_ms, int64_t until_ms) {
    if (from_ms >= until_ms)
        return 0;
    return all->backend->read_chunks(all->reader, all->merge->node, TIER_RAW, from_ms,
                                     until_ms, on_raw, all);
}

/* The table for new rows of an hour, with those that the hour has. */
static int get_table(struct merging *all,
                     int64_t hour_ms,
                     struct history_table **ret_table) {
    struct history_table *table = find_table(all, hour_ms);
    if (!table) {
        int r = load_tables(all, hour_ms, hour_ms + HOUR_MS);
        if (r != 0)
            return r;
        table = find_table(all, hour_ms);
    }
    *ret_table = table ? table : add_table(all, hour_ms);
    return 0;
}

/* Rows of one view on their way into tables. */
struct pouring {
    struct merging *all; /* borrowed */
    const struct history_catalogue *catalogue;
    uint64_t position;           /* of the next row */
    uint32_t *series;            /* owned; of each value, 0: not kept */
    size_t *places;              /* owned; its column in the table, SIZE_MAX: not kept */
    struct history_table *table; /* borrowed: that the places are of */
};

static void find_places(struct pouring *pouring, struct history_table *table) {
    for (size_t i = 0; i < pouring->catalogue->count; i++)
        pouring->places[i] = pouring->series[i] == 0
                                 ? SIZE_MAX
                                 : history_table_column(table, pouring->series[i]);
    pouring->table = table;
}

/* Has the table room for a row and for the series that it does not have yet? */
static bool has_room(const struct pouring *pouring, const struct history_table *table) {
    size_t missing = 0;

    if (history_table_has_room(table, pouring->catalogue->count))
        return true;
    for (size_t i = 0; i < pouring->catalogue->count; i++)
        missing += !history_table_has_column(table, pouring->series[i]);
    return history_table_has_room(table, missing);
}

static int pour_row(struct pouring *pouring, int64_t time_ms, const int64_t *values) {
    struct history_merge *merge = pouring->all->merge;
    struct history_table *table = pouring->table;
    int64_t hour_ms = tier_floor(time_ms, HOUR_MS);

    if (!table || table->start_ms != hour_ms) {
        int r = get_table(pouring->all, hour_ms, &table);
        if (r != 0)
            return r;
        if (!has_room(pouring, table)) {
            merge->lost++;
            return 0;
        }
        find_places(pouring, table);
    }
    if (!history_table_has_room(table, 0)) {
        merge->lost++;
        return 0;
    }
    size_t row = history_table_add_row(table, time_ms);
    for (size_t i = 0; i < pouring->catalogue->count; i++)
        if (pouring->places[i] != SIZE_MAX)
            table->columns[pouring->places[i]].values[row] = values[i];
    return 0;
}

static int on_row(void *arg, int64_t time_ms, const int64_t *values) {
    struct pouring *pouring = arg;
    struct history_merge *merge = pouring->all->merge;
    uint64_t position = pouring->position++;

    if (position <= merge->from.merged)
        return 0;
    merge->to.merged = position;
    /* What it belongs to is gone, and a tier must not be computed from the rest alone. */
    if (time_ms < merge->from.pruned_ms) {
        merge->lost++;
        return 0;
    }
    int64_t hour_ms = tier_floor(time_ms, HOUR_MS);
    if (hour_ms > merge->to.newest_ms)
        merge->to.newest_ms = hour_ms;
    return pour_row(pouring, time_ms, values);
}

static int pour_view(struct merging *all, const struct history_view *view) {
    const struct history_catalogue *catalogue = view->block->catalogue;
    struct pouring pouring = {
        .all = all,
        .catalogue = catalogue,
        .position = view->block->first_position,
        .series = mem_new_array(catalogue->count + 1, sizeof(*pouring.series)),
        .places = mem_new_array(catalogue->count + 1, sizeof(*pouring.places)),
    };

    for (size_t i = 0; i < catalogue->count; i++)
        pouring.series[i] =
            history_lines_id(all->lines, &catalogue->metrics[i], catalogue->interval_ms);
    int r = history_block_walk(view, on_row, &pouring);
    free(pouring.series);
    free(pouring.places);
    return r;
}

/* Tiers. */

static void keep_chunk(struct merging *all,
                       struct history_chunk_row row,
                       struct buf *body) {
    struct history_merge *merge = all->merge;

    row.node = merge->node;
    row.body = buf_slice(body); /* the bytes are the merge's from here on */
    merge->chunks =
        mem_grow(merge->chunks, (merge->chunk_count + 1) * sizeof(*merge->chunks));
    merge->chunks[merge->chunk_count++] = row;
}

static void close_span(struct merging *all, enum tier tier) {
    struct history_span *span = &all->spans[tier];
    struct history_chunk_row row;
    struct buf body = { 0 };

    if (span->count > 0 && history_span_write(span, all->codec, &body, &row))
        keep_chunk(all, row, &body);
    history_span_done(span);
}

static int on_span(void *arg, const struct history_chunk_row *row) {
    struct merging *all = arg;
    if (history_span_read(&all->spans[row->tier], all->codec, row->body) != 0)
        all->merge->damaged++;
    return 0;
}

/* The span of the tier that holds the window is open afterwards. */
static int open_span(struct merging *all, enum tier tier, int64_t window_ms) {
    struct history_span *span = &all->spans[tier];
    int64_t start_ms = tier_floor(window_ms, tier_span_ms(tier));

    if (span->count > 0 && span->start_ms == start_ms)
        return 0;
    close_span(all, tier);
    history_span_init(span, tier, start_ms);
    return all->backend->read_chunks(all->reader, all->merge->node, tier, start_ms,
                                     start_ms + tier_span_ms(tier), on_span, all);
}

/* Computes all buckets of two hours from their rows. */
static int compute_window(struct merging *all, int64_t window_ms) {
    struct history_table *tables[WINDOW_MS / HOUR_MS];
    size_t count = 0;

    for (int64_t at_ms = window_ms; at_ms < window_ms + WINDOW_MS; at_ms += HOUR_MS) {
        struct history_table *table = find_table(all, at_ms);
        if (table && table->is_damaged)
            return 0; /* what the tiers have is better than what is left of it */
        if (table && at_ms < all->merge->to.tiered_ms)
            tables[count++] = table;
    }
    for (enum tier tier = TIER_1M; tier < TIER_COUNT; tier = (enum tier)(tier + 1)) {
        int r = open_span(all, tier, window_ms);
        if (r != 0)
            return r;
        history_span_clear(&all->spans[tier], window_ms, window_ms + WINDOW_MS);
        for (size_t i = 0; i < count; i++)
            history_span_add(&all->spans[tier], tables[i]);
    }
    return 0;
}

/* Hours whose tiers are computed now: they have new rows, or are newly over. */
static bool is_due(const struct history_merge *merge, const struct history_table *table) {
    return table->start_ms < merge->to.tiered_ms &&
           (table->is_dirty || table->start_ms >= merge->from.tiered_ms);
}

static int compute_tiers(struct merging *all) {
    struct history_merge *merge = all->merge;
    int r = load_tables(all, merge->from.tiered_ms, merge->to.tiered_ms);
    int64_t last_ms = HISTORY_NEVER;

    for (size_t i = 0; r == 0 && i < all->table_count; i++) {
        if (!is_due(merge, all->tables[i]))
            continue;
        int64_t window_ms = tier_floor(all->tables[i]->start_ms, WINDOW_MS);
        if (window_ms == last_ms)
            continue;
        last_ms = window_ms;
        r = load_tables(all, window_ms, window_ms + WINDOW_MS);
        i = find_place(all, window_ms);
        for (size_t j = i;
             j < all->table_count && all->tables[j]->start_ms < window_ms + WINDOW_MS;
             j++)
            history_table_sort(all->tables[j]);
        if (r == 0)
            r = compute_window(all, window_ms);
    }
    for (enum tier tier = TIER_1M; tier < TIER_COUNT; tier = (enum tier)(tier + 1))
        close_span(all, tier);
    return r;
}

static void write_tables(struct merging *all) {
    for (size_t i = 0; i < all->table_count; i++) {
        struct history_table *table = all->tables[i];
        struct buf body = { 0 };
        uint64_t values;
        if (!table->is_dirty || table->count == 0)
            continue;
        history_table_sort(table);
        history_table_write(table, all->codec, &body, &values);
        const struct history_chunk_row row = {
            .tier = TIER_RAW,
            .start_ms = table->start_ms,
            .first_ms = table->times_ms[0],
            .last_ms = table->times_ms[table->count - 1],
            .rows = table->count,
            .values = values,
        };
        keep_chunk(all, row, &body);
    }
}

static int on_series(void *arg, const struct history_series_row *row) {
    struct merging *all = arg;
    history_lines_put(all->lines, row);
    return 0;
}

/* Hours before the newest are over, and those that ended long enough ago; what is over
 * never goes beyond what there is, or a clock that was wrong once would count for ever.
 */
static void find_over(struct history_merge *merge) {
    if (merge->to.newest_ms == HISTORY_NEVER)
        return;
    int64_t over_ms = tier_floor(merge->over_ms, HOUR_MS);
    if (over_ms > merge->to.newest_ms + HOUR_MS)
        over_ms = merge->to.newest_ms + HOUR_MS;
    if (over_ms < merge->to.newest_ms)
        over_ms = merge->to.newest_ms;
    if (over_ms > merge->to.tiered_ms)
        merge->to.tiered_ms = over_ms;
}

static int run(struct merging *all) {
    struct history_merge *merge = all->merge;

    int r = all->backend->read_progress(all->reader, merge->node, &merge->from);
    if (r == 0)
        r = all->backend->read_series(all->reader, merge->node, on_series, all);
    merge->to = merge->from;
    for (size_t i = 0; r == 0 && i < merge->view_count; i++)
        r = pour_view(all, &merge->views[i]);
    if (r != 0)
        return r;
    find_over(merge);
    r = compute_tiers(all);
    if (r != 0)
        return r;
    write_tables(all);
    merge->series = history_lines_take_news(all->lines, &merge->series_count);
    return 0;
}

void history_merge_run(struct history_merge *merge,
                       const struct history_backend *backend,
                       struct store_database *reader,
                       struct chunk_codec *codec) {
    struct merging all = {
        .merge = merge, .backend = backend, .reader = reader, .codec = codec
    };

    all.lines = history_lines_new();
    merge->result = backend->begin_read(reader);
    if (merge->result == 0) {
        merge->result = run(&all);
        backend->end_read(reader);
    }
    for (enum tier tier = TIER_1M; tier < TIER_COUNT; tier = (enum tier)(tier + 1))
        history_span_done(&all.spans[tier]);
    for (size_t i = 0; i < all.table_count; i++) {
        history_table_done(all.tables[i]);
        free(all.tables[i]);
    }
    free(all.tables);
    history_lines_free(all.lines);
}

int history_merge_write(const struct history_merge *merge,
                        const struct history_backend *backend,
                        struct store_database *db) {
    int r =
        backend->move_progress(db, merge->node, &merge->from, &merge->to, merge->lost);
    for (size_t i = 0; r == 0 && i < merge->series_count; i++)
        r = backend->put_series(db, merge->node, &merge->series[i]);
    for (size_t i = 0; r == 0 && i < merge->chunk_count; i++)
        r = backend->put_chunk(db, &merge->chunks[i]);
    return r;
}

void history_merge_done(struct history_merge *merge) {
    for (size_t i = 0; i < merge->series_count; i++) {
        free((char *)merge->series[i].name);
        free((char *)merge->series[i].unit);
    }
    for (size_t i = 0; i < merge->chunk_count; i++)
        free((uint8_t *)merge->chunks[i].body.at);
    free(merge->series);
    free(merge->chunks);
    free(merge->views);
}

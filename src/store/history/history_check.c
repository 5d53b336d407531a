#include "store/history/history_check.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/chunk/chunk.h"
#include "store/history/history_backend.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_facts.h"
#include "store/history/history_journal.h"
#include "store/store.h"

struct checking {
    struct chunk_codec *codec; /* owned */
    int64_t *nodes;            /* owned */
    size_t count;
    char *why;     /* owned; what is damaged */
    void *scratch; /* owned; times, values or buckets of a chunk */
    size_t cap;
};

static int on_node(void *arg, const struct history_node_row *row) {
    struct checking *checking = arg;
    struct history_facts facts;

    if (history_facts_read(row->facts, &facts) != 0) {
        checking->why =
            mem_printf("what is known of node %lld of the samples", (long long)row->id);
        return STORE_E_DAMAGED;
    }
    checking->nodes =
        mem_grow(checking->nodes, (checking->count + 1) * sizeof(*checking->nodes));
    checking->nodes[checking->count++] = row->id;
    return 0;
}

static int on_catalogue(void *arg, struct slice hash, struct slice body) {
    struct checking *checking = arg;
    struct history_catalogue *catalogue = history_catalogue_read(body);
    bool is_well = catalogue &&
                   slice_equal(hash, slice_of(catalogue->hash, sizeof(catalogue->hash)));

    history_catalogue_release(catalogue);
    if (!is_well)
        checking->why = mem_strdup("a catalogue of the samples");
    return is_well ? 0 : STORE_E_DAMAGED;
}

static int on_journal(void *arg, uint64_t id, struct slice body) {
    struct checking *checking = arg;
    struct history_entry entry;
    bool is_well = history_journal_open(&body);

    while (is_well && history_journal_next(&body, &entry)) {
    }
    is_well = is_well && body.len == 0;
    if (!is_well)
        checking->why =
            mem_printf("row %llu of the samples' journal", (unsigned long long)id);
    return is_well ? 0 : STORE_E_DAMAGED;
}

static void *make_scratch(struct checking *checking, size_t len) {
    if (len > checking->cap) {
        checking->cap = len;
        checking->scratch = mem_grow(checking->scratch, len);
    }
    return checking->scratch;
}

/* Are all times within the chunk's span, and do they rise? */
static bool are_times_well(struct checking *checking,
                           const struct chunk *chunk,
                           const struct history_chunk_row *row) {
    int64_t *times_ms = make_scratch(checking, (chunk->count + 1) * sizeof(*times_ms));
    int64_t last_ms = row->start_ms;

    if (chunk_read_times(checking->codec, chunk, times_ms) != 0)
        return false;
    for (size_t i = 0; i < chunk->count; i++) {
        if (times_ms[i] < last_ms ||
            times_ms[i] >= row->start_ms + tier_span_ms(row->tier))
            return false;
        last_ms = times_ms[i];
    }
    return true;
}

static bool is_column_well(struct checking *checking,
                           const struct chunk *chunk,
                           enum tier tier,
                           size_t place) {
    void *scratch =
        make_scratch(checking, (chunk->count + 1) * sizeof(struct tier_bucket));
    int r = tier == TIER_RAW ? chunk_read_values(checking->codec, chunk, place, scratch)
                             : chunk_read_buckets(checking->codec, chunk, place, scratch);
    return r == 0;
}

static bool is_chunk_well(struct checking *checking,
                          const struct history_chunk_row *row) {
    struct chunk chunk;

    if (chunk_open(row->body, &chunk) != 0 || !are_times_well(checking, &chunk, row))
        return false;
    for (size_t i = 0; i < chunk.series_count; i++)
        if (!is_column_well(checking, &chunk, row->tier, i))
            return false;
    return chunk.count == row->rows;
}

static int on_chunk(void *arg, const struct history_chunk_row *row) {
    struct checking *checking = arg;

    if (is_chunk_well(checking, row))
        return 0;
    checking->why = mem_printf("the chunk of tier %s at %lld of node %lld of the samples",
                               tier_word(row->tier), (long long)(row->start_ms / 1000),
                               (long long)row->node);
    return STORE_E_DAMAGED;
}

static int check_chunks(struct checking *checking,
                        const struct history_backend *backend,
                        struct store_database *reader) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < checking->count; i++)
        for (enum tier tier = TIER_RAW; r == 0 && tier < TIER_COUNT;
             tier = (enum tier)(tier + 1))
            r = backend->read_chunks(reader, checking->nodes[i], tier, INT64_MIN,
                                     INT64_MAX, on_chunk, checking);
    return r;
}

int history_check_run(const struct history_backend *backend,
                      struct store_database *reader,
                      char **ret_why) {
    struct checking checking = { .codec = chunk_codec_new() };

    int r = backend->read_nodes(reader, on_node, &checking);
    if (r == 0)
        r = backend->read_catalogues(reader, on_catalogue, &checking);
    if (r == 0)
        r = backend->read_journal(reader, on_journal, &checking);
    if (r == 0)
        r = check_chunks(&checking, backend, reader);
    if (r == STORE_E_DAMAGED)
        *ret_why = mem_printf("%s is damaged",
                              checking.why ? checking.why : "a table of the samples");
    chunk_codec_free(checking.codec);
    free(checking.nodes);
    free(checking.why);
    free(checking.scratch);
    return r;
}

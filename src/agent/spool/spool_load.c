#include "agent/spool/spool_load.h"

#include <stdlib.h>

#include "agent/collect/sampler.h"
#include "agent/spool/spool_catalogue.h"
#include "agent/spool/spool_parts.h"
#include "agent/spool/spool_segment.h"
#include "wire/sample.h"

struct load {
    struct spool *spool;        /* borrowed: the caller */
    struct spool_era *era;      /* borrowed: the spool, its newest; NULL at first */
    struct sample_chain *chain; /* owned; NULL before the first catalogue */
    uint64_t seq;               /* of the next row; 0 before the first block */
    struct spool_load_place place;
};

static int take_era(struct load *load, const struct spool_segment_record *record) {
    struct spool *spool = load->spool;
    struct spool_era *era = spool_find_era(spool, record->start.epoch);

    if (!era)
        era = spool_add_era(spool, &record->start);
    if (era->node.next != &spool->eras)
        return SPOOL_SEGMENT_E_DAMAGED; /* what is older comes first */
    era->start.interval_ms = record->start.interval_ms;
    era->anchor = record->anchor;
    if (era != load->era)
        load->seq = 0;
    load->era = era;
    return 0;
}

static int take_catalogue(struct load *load, const struct spool_segment_record *record) {
    struct metric_info *series;
    size_t count;

    int r = spool_segment_read_catalogue(record->catalogue, &series, &count);
    if (r != 0)
        return r;
    spool_set_catalogue(load->spool, series, count);
    free(series);
    sample_chain_free(load->chain);
    load->chain = spool_catalogue_chain(load->spool->catalogue);
    load->seq = 0;
    return 0;
}

static int take_rows(struct load *load, struct slice rows) {
    if (load->seq == 0 || rows.len == 0)
        return SPOOL_SEGMENT_E_DAMAGED;
    while (rows.len > 0) {
        if (load->seq == UINT64_MAX || sample_decode(load->chain, &rows) != 0)
            return SPOOL_SEGMENT_E_DAMAGED;
        struct spool_row row = {
            .era = load->era,
            .seq = load->seq++,
            .boot_ms = sample_chain_time_ms(load->chain),
            .values = sample_chain_values(load->chain),
        };
        load->place = (struct spool_load_place) { load->era->order, row.seq };
        if (row.seq <= load->era->last_seq)
            continue; /* written again after a disk was full */
        spool_add_row(load->spool, &row);
        load->spool->stats.loaded++;
    }
    return 0;
}

static int take_block(struct load *load, uint64_t seq) {
    if (!load->era || !load->chain || seq == 0)
        return SPOOL_SEGMENT_E_DAMAGED;
    sample_chain_reset(load->chain);
    load->seq = seq;
    return 0;
}

static int take_record(struct load *load, const struct spool_segment_record *record) {
    switch (record->kind) {
    case SPOOL_SEGMENT_ERA:
        return take_era(load, record);
    case SPOOL_SEGMENT_CATALOGUE:
        return take_catalogue(load, record);
    case SPOOL_SEGMENT_BLOCK:
        return take_block(load, record->seq);
    case SPOOL_SEGMENT_ROWS:
        return take_rows(load, record->rows);
    case SPOOL_SEGMENT_DURABLE:
        spool_durable(load->spool, record->durable);
        return 0;
    }
    return SPOOL_SEGMENT_E_DAMAGED;
}

int spool_load(struct spool *spool,
               struct slice file,
               struct spool_load_place *ret_place,
               size_t *ret_good) {
    struct load load = { .spool = spool };
    struct spool_segment_record record;
    struct slice rest = file;

    *ret_good = 0;
    int r = spool_segment_read_head(&rest);
    while (r == 0) {
        *ret_good = file.len - rest.len;
        r = spool_segment_next(&rest, &record);
        if (r == 0)
            r = take_record(&load, &record);
    }
    sample_chain_free(load.chain);
    *ret_place = load.place;
    return r == SPOOL_SEGMENT_E_END ? 0 : r;
}

#include "agent/spool/spool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool/spool_arena.h"
#include "agent/spool/spool_catalogue.h"
#include "agent/spool/spool_clock.h"
#include "agent/spool/spool_disk.h"
#include "agent/spool/spool_parts.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/sample.h"

enum {
    BLOCK_PAGES = 2,     /* some 150 rows: what goes at once when the oldest must */
    ROWS_MIN = 2,        /* that a block has room for, however long they are */
    EMPTY_ERAS_MAX = 64, /* whose loss is still to be told; each is 100 bytes */
    TELL_MS = 3600000,   /* how often the log hears of more losses */
};

/* No more rows for the open block: the pages that it did not need go back. */
static void seal(struct spool *spool) {
    struct spool_block *block = spool->open;

    if (!block)
        return;
    size_t pages = (block->len + SPOOL_ARENA_PAGE - 1) / SPOOL_ARENA_PAGE;
    spool_arena_give(spool->arena, block->data + pages * SPOOL_ARENA_PAGE,
                     block->pages - pages);
    block->pages = pages;
    spool->open = NULL;
}

/* What an earlier agent left comes first. */
static void open_disk(struct spool *spool) {
    const char *dir = spool->config.dir;

    int r = spool_disk_open(&spool->config, &spool->disk);
    if (r < 0) {
        log_error("%s: %s; samples are kept in memory alone", dir,
                  r == -EWOULDBLOCK ? "another agent uses it" : strerror(-r));
        return;
    }
    spool_disk_load(spool->disk, spool);
    spool->stats.durable = 0; /* that was the earlier agent */
    if (spool->stats.loaded > 0)
        log_info("%s: %llu samples of an earlier agent were found, %llu are still held",
                 dir, (unsigned long long)spool->stats.loaded,
                 (unsigned long long)spool->stats.held);
}

struct spool *spool_new(const struct spool_config *config) {
    struct spool *spool = mem_new(sizeof(*spool));

    assert(config->bytes_max >= SPOOL_BYTES_MIN);
    spool->config = *config;
    list_init(&spool->eras);
    list_init(&spool->blocks);
    list_init(&spool->readers);
    spool->arena = spool_arena_new(config->bytes_max);
    if (config->dir)
        open_disk(spool);
    spool->config.dir = NULL;
    seal(spool);
    spool->current = spool_add_era(spool, &config->start);
    return spool;
}

static struct spool_era *newest_era(const struct spool *spool) {
    return list_is_empty(&spool->eras)
               ? NULL
               : container_of(spool->eras.prev, struct spool_era, node);
}

static struct spool_block *oldest_block(const struct spool *spool) {
    return list_is_empty(&spool->blocks)
               ? NULL
               : container_of(spool->blocks.next, struct spool_block, node);
}

struct spool_era *spool_add_era(struct spool *spool, const struct spool_start *start) {
    struct spool_era *era = mem_new(sizeof(*era));
    const struct spool_era *before = newest_era(spool);

    era->start = *start;
    era->order = 1;
    if (before) {
        bool same_boot =
            memcmp(before->start.boot_id, start->boot_id, SPOOL_BOOT_ID_LEN) == 0;
        era->order = before->order + 1;
        era->base_ms = before->base_ms + (same_boot ? 0 : before->last_ms);
        era->last_ms = same_boot ? before->last_ms : 0;
    }
    list_add_tail(&spool->eras, &era->node);
    return era;
}

static void free_era(struct spool_era *era) {
    list_remove(&era->node);
    free(era);
}

/* Eras that nobody needs any more; those that are lost as a whole are, until a store
 * stands behind them. */
static void forget_eras(struct spool *spool) {
    size_t empty = 0;

    for (struct list *at = spool->eras.prev, *before = at->prev; at != &spool->eras;
         at = before, before = at->prev) {
        struct spool_era *era = container_of(at, struct spool_era, node);
        if (era == newest_era(spool) || era->blocks > 0)
            continue;
        if (era->done_seq >= era->last_seq || ++empty > EMPTY_ERAS_MAX)
            free_era(era);
    }
}

/* The sealed block that goes leaves its catalogue's cost to the next one. */
static void pass_charge(struct spool *spool, const struct spool_block *block) {
    struct spool_block *next = container_of(block->node.next, struct spool_block, node);

    if (block->node.next != &spool->blocks && next->catalogue == block->catalogue &&
        next->charge == 0)
        next->charge = block->charge;
    else
        spool->catalogue_bytes -= block->charge;
}

static void free_block(struct spool *spool, struct spool_block *block) {
    if (block == spool->open)
        spool->open = NULL;
    spool_reader_forget_block(spool, block);
    if (spool->disk)
        spool_disk_forget_block(spool->disk, block);
    pass_charge(spool, block);
    block->era->blocks--;
    spool->stats.held -= block->last_seq + 1 - block->first_seq;
    spool_arena_give(spool->arena, block->data, block->pages);
    spool_catalogue_unref(block->catalogue);
    list_remove(&block->node);
    free(block);
}

struct spool *spool_free(struct spool *spool) {
    if (!spool)
        return NULL;
    assert(list_is_empty(&spool->readers));
    spool_disk_free(spool->disk);
    spool->disk = NULL;
    while (!list_is_empty(&spool->blocks))
        free_block(spool, oldest_block(spool));
    while (!list_is_empty(&spool->eras))
        free_era(newest_era(spool));
    sample_chain_free(spool->chain);
    spool_catalogue_unref(spool->catalogue);
    buf_done(&spool->row);
    spool_arena_free(spool->arena);
    free(spool);
    return NULL;
}

/* Says once that samples are lost, then sums up. */
static void tell_dropped(struct spool *spool, const char *why) {
    unsigned long long count = spool->stats.dropped - spool->dropped_told;

    if (spool->is_dropping && spool->now_ms - spool->dropped_told_ms < TELL_MS)
        return;
    log_warning(
        "the spool is full (%s): %llu samples that the hub has not got are lost%s", why,
        count, spool->is_dropping ? "" : ", and more as time goes on");
    spool->is_dropping = true;
    spool->dropped_told = spool->stats.dropped;
    spool->dropped_told_ms = spool->now_ms;
}

static void drop_oldest(struct spool *spool, const char *why) {
    struct spool_block *block = oldest_block(spool);
    uint64_t done = block->era->done_seq;

    if (done < block->last_seq) {
        uint64_t first = done < block->first_seq ? block->first_seq : done + 1;
        spool->stats.dropped += block->last_seq + 1 - first;
        tell_dropped(spool, why);
    }
    free_block(spool, block);
    forget_eras(spool);
}

static bool is_old(const struct spool *spool, const struct spool_block *block) {
    uint64_t at_ms = block->era->base_ms + block->last_ms;

    return spool->config.span_ms > 0 && spool->now_ms > at_ms &&
           spool->now_ms - at_ms > spool->config.span_ms;
}

static void drop_old(struct spool *spool) {
    struct spool_block *block;

    while ((block = oldest_block(spool)) && block != spool->open && is_old(spool, block))
        drop_oldest(spool, "by time");
}

static bool is_over(const struct spool *spool, size_t more) {
    return spool_arena_used(spool->arena) + spool->catalogue_bytes + more >
           spool->config.bytes_max;
}

/* Pages for a block that begins with a row of this length; NULL when not even an empty
 * spool has so much room. */
static uint8_t *make_room(struct spool *spool, size_t row_len, size_t *ret_pages) {
    size_t pages = (ROWS_MIN * row_len + SPOOL_ARENA_PAGE - 1) / SPOOL_ARENA_PAGE;
    uint8_t *at = NULL;

    if (pages < BLOCK_PAGES)
        pages = BLOCK_PAGES;
    while (!at) {
        if (!is_over(spool, pages * SPOOL_ARENA_PAGE))
            at = spool_arena_take(spool->arena, pages);
        if (!at && list_is_empty(&spool->blocks))
            return NULL;
        if (!at)
            drop_oldest(spool, "by size");
    }
    *ret_pages = pages;
    return at;
}

static size_t charge_catalogue(struct spool *spool,
                               const struct spool_catalogue *catalogue) {
    const struct spool_block *before =
        container_of(spool->blocks.prev, struct spool_block, node);

    if (!list_is_empty(&spool->blocks) && before->catalogue == catalogue)
        return 0;
    spool->catalogue_bytes += catalogue->bytes;
    return catalogue->bytes;
}

/* Packs the row into spool->row, as the first of a chain or as the next. */
static void pack(struct spool *spool, const struct spool_row *row) {
    buf_clear(&spool->row);
    sample_encode(spool->chain, row->boot_ms, row->values, &spool->row);
}

static void begin_block(struct spool *spool, const struct spool_row *row) {
    size_t pages;

    seal(spool);
    sample_chain_reset(spool->chain);
    pack(spool, row);
    uint8_t *data = make_room(spool, spool->row.len, &pages);
    if (!data)
        return;
    struct spool_block *block = mem_new(sizeof(*block));
    *block = (struct spool_block) {
        .era = row->era,
        .catalogue = spool_catalogue_ref(spool->catalogue),
        .data = data,
        .pages = pages,
        .charge = charge_catalogue(spool, spool->catalogue),
        .first_seq = row->seq,
    };
    row->era->blocks++;
    list_add_tail(&spool->blocks, &block->node);
    spool->open = block;
}

void spool_set_catalogue(struct spool *spool,
                         const struct metric_info *series,
                         size_t count) {
    if (spool->catalogue && spool_catalogue_equals(spool->catalogue, series, count))
        return;
    seal(spool);
    spool_catalogue_unref(spool->catalogue);
    spool->catalogue = spool_catalogue_new(series, count);
    sample_chain_free(spool->chain);
    spool->chain = spool_catalogue_chain(spool->catalogue);
}

void spool_add_row(struct spool *spool, const struct spool_row *row) {
    struct spool_block *block = spool->open;
    struct spool_era *era = row->era;

    if (block && (block->era != era || block->last_seq + 1 != row->seq))
        seal(spool);
    if (spool->open)
        pack(spool, row);
    if (!spool->open || block->len + spool->row.len > block->pages * SPOOL_ARENA_PAGE)
        begin_block(spool, row);
    era->last_seq = row->seq;
    era->last_ms = row->boot_ms;
    spool->now_ms = era->base_ms + row->boot_ms;
    block = spool->open;
    if (!block) { /* longer than the whole spool */
        spool->stats.dropped++;
        tell_dropped(spool, "by size");
        return;
    }
    memcpy(block->data + block->len, spool->row.data, spool->row.len);
    block->len += spool->row.len;
    block->last_seq = row->seq;
    block->last_ms = row->boot_ms;
    spool->stats.held++;
}

void spool_renew(struct spool *spool, uint32_t interval_ms) {
    spool->current->start.interval_ms = interval_ms;
    seal(spool);
    spool->catalogue = spool_catalogue_unref(spool->catalogue);
}

void spool_keep(struct spool *spool, uint64_t span_ms) {
    spool->config.span_ms = span_ms;
}

void spool_take(struct spool *spool, const struct spool_sample *sample) {
    struct spool_row row = {
        .era = spool->current,
        .seq = spool->current->last_seq + 1,
        .boot_ms = sample->at.boot_ms,
        .values = sample->values,
    };

    if (!spool->catalogue || sample->catalogue_id != spool->catalogue_id)
        spool_set_catalogue(spool, sample->series, sample->count);
    spool->catalogue_id = sample->catalogue_id;
    if (spool_clock_is_sane(sample->at.wall_ms) ||
        !spool_clock_is_sane(spool->current->anchor.wall_ms))
        spool->current->anchor = sample->at;
    spool_add_row(spool, &row);
    spool->stats.taken++;
    drop_old(spool);
    if (spool->disk)
        spool_disk_save(spool->disk, spool, spool->now_ms);
}

struct spool_era *spool_find_era(const struct spool *spool, uint64_t epoch) {
    list_for_each_safe(node, after, &spool->eras) {
        struct spool_era *era = container_of(node, struct spool_era, node);
        if (era->start.epoch == epoch)
            return era;
    }
    return NULL;
}

/* The hub is back: the log hears the rest of the losses. */
static void sum_up(struct spool *spool) {
    unsigned long long more = spool->stats.dropped - spool->dropped_told;

    if (spool->is_dropping && more > 0)
        log_warning("%llu more samples were lost until the hub came back", more);
    spool->is_dropping = false;
    spool->dropped_told = spool->stats.dropped;
}

static void settle_era(struct spool *spool, struct spool_era *era, uint64_t seq) {
    if (seq > era->last_seq)
        seq = era->last_seq;
    if (seq <= era->done_seq)
        return;
    spool->stats.durable += seq - era->done_seq;
    era->done_seq = seq;
}

static void settle_eras(struct spool *spool, struct spool_era *last, uint64_t seq) {
    list_for_each_safe(node, after, &spool->eras) {
        struct spool_era *era = container_of(node, struct spool_era, node);
        settle_era(spool, era, era == last ? seq : era->last_seq);
        if (era == last)
            return;
    }
}

bool spool_durable(struct spool *spool, struct spool_cursor cursor) {
    struct spool_era *era = spool_find_era(spool, cursor.epoch);
    struct spool_block *block;

    if (!era)
        return false;
    settle_eras(spool, era, cursor.seq);
    if (spool->disk)
        spool_disk_durable(spool->disk, era);
    while ((block = oldest_block(spool)) && block != spool->open &&
           block->last_seq <= block->era->done_seq)
        free_block(spool, block);
    forget_eras(spool);
    sum_up(spool);
    return true;
}

struct spool_cursor spool_newest(const struct spool *spool) {
    return (struct spool_cursor) {
        .epoch = spool->current->start.epoch,
        .seq = spool->current->last_seq,
    };
}

void spool_get_stats(const struct spool *spool, struct spool_stats *ret_stats) {
    *ret_stats = spool->stats;
    list_for_each_safe(node, after, &spool->eras) {
        const struct spool_era *era = container_of(node, struct spool_era, node);
        ret_stats->waiting += era->last_seq - era->done_seq;
    }
    if (spool->disk) {
        ret_stats->disk_bytes = spool_disk_bytes(spool->disk);
        ret_stats->is_on_disk = spool_disk_is_well(spool->disk);
    }
    ret_stats->bytes = spool_arena_used(spool->arena) + spool->catalogue_bytes;
}

const struct spool_start *spool_era_start(const struct spool_era *era) {
    return &era->start;
}

uint64_t spool_era_order(const struct spool_era *era) {
    return era->order;
}

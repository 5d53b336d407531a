/*
 * memory - memory and swap, from /proc/meminfo
 *
 * In containers the lines may come from different books, so that "available" is more
 * than "total": every difference stops at 0.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    TOTAL,
    FREE,
    AVAILABLE,
    BUFFERS,
    CACHED,
    SWAP_TOTAL,
    SWAP_FREE,
    RECLAIMABLE,
    LINE_COUNT
};

/* In the order of the file. */
static const char *const lines[LINE_COUNT] = {
    [TOTAL] = "MemTotal:",         [FREE] = "MemFree:",
    [AVAILABLE] = "MemAvailable:", [BUFFERS] = "Buffers:",
    [CACHED] = "Cached:",          [SWAP_TOTAL] = "SwapTotal:",
    [SWAP_FREE] = "SwapFree:",     [RECLAIMABLE] = "SReclaimable:",
};

/* In the order of the catalogue. */
enum { SHARE, USED, USABLE, CACHE, BUFFER, SIZE, SWAP, SWAP_USED, SWAP_SIZE, COUNT };

static const char *const names[COUNT] = {
    [SHARE] = "mem",        [USED] = "mem.used",       [USABLE] = "mem.available",
    [CACHE] = "mem.cached", [BUFFER] = "mem.buffers",  [SIZE] = "mem.total",
    [SWAP] = "swap",        [SWAP_USED] = "swap.used", [SWAP_SIZE] = "swap.total",
};

struct memory {
    struct source info;
    int places[COUNT];
};

static void *memory_new(const struct sampling *sampling) {
    struct memory *memory = mem_new(sizeof(*memory));
    source_init(&memory->info, collector_proc_path(sampling, "meminfo"));
    return memory;
}

static void memory_free(void *self) {
    struct memory *memory = self;
    source_done(&memory->info);
    free(memory);
}

static bool memory_scan(void *self, struct sampling *sampling) {
    struct memory *memory = self;
    bool was_open = source_is_open(&memory->info);
    return source_open(&memory->info) == 0 && !was_open;
}

static void memory_declare(void *self, struct sampling *sampling) {
    struct memory *memory = self;

    for (size_t i = 0; i < COUNT && source_is_open(&memory->info); i++)
        memory->places[i] = collector_add(sampling, names[i], NULL);
}

/* Reads the wanted lines, in bytes; returns which were there, a bit each. */
static unsigned read_lines(const char *text, uint64_t ret_bytes[static LINE_COUNT]) {
    unsigned seen = 0;

    for (const char *at = text; *at; at = text_next_line(at)) {
        for (size_t i = 0; i < LINE_COUNT; i++) {
            uint64_t number;
            if (seen & 1u << i || !text_skip(&at, lines[i]) || !text_number(&at, &number))
                continue;
            ret_bytes[i] = number < UINT64_C(1) << 52 ? number * 1024 : 0;
            seen |= 1u << i;
        }
    }
    return seen;
}

static uint64_t less(uint64_t from, uint64_t by) {
    return from > by ? from - by : 0;
}

static void memory_take(void *self, struct sampling *sampling) {
    struct memory *memory = self;
    uint64_t line[LINE_COUNT] = { 0 };

    if (source_read(&memory->info, &sampling->page) < 0)
        return;
    unsigned seen = read_lines(sampling->page.text, line);
    if (!(seen & 1u << TOTAL))
        return;
    uint64_t cached = line[CACHED] + line[RECLAIMABLE];
    uint64_t available = line[AVAILABLE];
    if (!(seen & 1u << AVAILABLE)) /* before Linux 3.14 */
        available = line[FREE] + line[BUFFERS] + cached;
    if (available > line[TOTAL])
        available = line[TOTAL];
    uint64_t used = less(line[TOTAL], available);
    uint64_t swap_used = less(line[SWAP_TOTAL], line[SWAP_FREE]);

    const int64_t values[COUNT] = {
        [SHARE] = collector_share(used, line[TOTAL]),
        [USED] = (int64_t)used,
        [USABLE] = (int64_t)available,
        [CACHE] = (int64_t)cached,
        [BUFFER] = (int64_t)line[BUFFERS],
        [SIZE] = (int64_t)line[TOTAL],
        [SWAP] = collector_share(swap_used, line[SWAP_TOTAL]),
        [SWAP_USED] = (int64_t)swap_used,
        [SWAP_SIZE] = (int64_t)line[SWAP_TOTAL],
    };
    for (size_t i = 0; i < COUNT; i++)
        collector_set(sampling, memory->places[i], values[i]);
}

const struct collector memory_collector = {
    .new = memory_new,
    .free = memory_free,
    .scan = memory_scan,
    .declare = memory_declare,
    .take = memory_take,
};

#include "wire/sample.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/slice.h"

enum {
    GROUP = 8,
    MASK_MAX = SAMPLE_SERIES_MAX / GROUP,
    TOP_MAX = MASK_MAX / GROUP,
};

enum { NO_LEADER = UINT16_MAX };

struct sample_chain {
    size_t count;
    uint64_t time_ms;
    uint64_t step_ms;
    bool is_dead;
    int64_t *values;   /* owned; the row before, SAMPLE_ABSENT where there was none */
    uint64_t *bases;   /* owned; what differences count from: the last that was present */
    uint64_t *steps;   /* owned; what each base changed by in this row */
    uint16_t *leaders; /* owned; places, all before their followers; or NO_LEADER */
    size_t opposite;   /* the one follower that goes the opposite way */
    struct buf pending; /* of one row being encoded */
};

/* A follower of another metric: what the one gains, the other loses. */
static const char gaining[] = "mem.used", losing[] = "mem.available";

struct sample_chain *sample_chain_new(size_t count) {
    assert(count <= SAMPLE_SERIES_MAX);
    struct sample_chain *chain = mem_new(sizeof(*chain));
    chain->count = count;
    chain->values = mem_new_array(count + 1, sizeof(*chain->values));
    chain->bases = mem_new_array(count + 1, sizeof(*chain->bases));
    chain->steps = mem_new_array(count + 1, sizeof(*chain->steps));
    chain->leaders = mem_new_array(count + 1, sizeof(*chain->leaders));
    memset(chain->leaders, 0xff, count * sizeof(*chain->leaders));
    chain->opposite = count;
    return chain;
}

struct sample_chain *sample_chain_free(struct sample_chain *chain) {
    if (!chain)
        return NULL;
    free(chain->values);
    free(chain->bases);
    free(chain->steps);
    free(chain->leaders);
    buf_done(&chain->pending);
    free(chain);
    return NULL;
}

/* What is known of one metric while the names are walked. */
struct family {
    size_t leader;   /* place of "disk.read" */
    size_t follower; /* place of the first "disk.read:X", or 0 */
    bool is_split;   /* there is a second one */
};

static void join_family(struct sample_chain *chain, struct family *family, size_t place) {
    if (family->follower == 0 && !family->is_split) {
        family->follower = place;
        chain->leaders[place] = (uint16_t)family->leader;
    } else if (!family->is_split) {
        family->is_split = true;
        chain->leaders[family->follower] = NO_LEADER;
    }
}

void sample_chain_pair(struct sample_chain *chain, const char *const *names) {
    struct family *families = mem_new_array(chain->count + 1, sizeof(*families));
    struct map *known = map_new();

    for (size_t i = 0; i < chain->count; i++) {
        size_t len = strcspn(names[i], ":");
        char *metric = mem_dup(names[i], len);
        struct family *family = map_get(known, metric);
        if (names[i][len] == ':' && family) {
            join_family(chain, family, i);
        } else if (names[i][len] == '\0' && !family) {
            families[i].leader = i;
            map_put(known, metric, &families[i]);
        }
        family = strcmp(names[i], losing) == 0 ? map_get(known, gaining) : NULL;
        if (family && chain->opposite == chain->count) {
            chain->leaders[i] = (uint16_t)family->leader;
            chain->opposite = i;
        }
        free(metric);
    }
    map_free(known);
    free(families);
}

void sample_chain_reset(struct sample_chain *chain) {
    memset(chain->values, 0, chain->count * sizeof(*chain->values));
    memset(chain->bases, 0, chain->count * sizeof(*chain->bases));
    chain->time_ms = 0;
    chain->step_ms = 0;
    chain->is_dead = false;
}

static uint64_t zigzag(uint64_t difference) {
    return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static uint64_t unzigzag(uint64_t code) {
    return code >> 1 ^ (code & 1 ? UINT64_MAX : 0);
}

static void add_varint(struct buf *out, uint64_t value) {
    uint8_t bytes[10];
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (uint8_t)(value | 0x80);
    bytes[len++] = (uint8_t)value;
    buf_add(out, bytes, len);
}

/* What a value is expected to be if it is there. */
static uint64_t expect(const struct sample_chain *chain, size_t i) {
    uint64_t base = chain->bases[i];

    if (chain->leaders[i] == NO_LEADER)
        return base;
    uint64_t step = chain->steps[chain->leaders[i]];
    uint64_t expected = i == chain->opposite ? base - step : base + step;
    return (int64_t)expected == SAMPLE_ABSENT ? base : expected;
}

/* Notes a value that is there. */
static void settle(struct sample_chain *chain, size_t i, uint64_t value) {
    chain->steps[i] = value - chain->bases[i];
    chain->bases[i] = value;
    chain->values[i] = (int64_t)value;
}

static void add_mask(const uint8_t *mask, size_t groups, struct buf *out) {
    uint8_t top[TOP_MAX] = { 0 };

    for (size_t i = 0; i < groups; i++)
        if (mask[i])
            top[i / GROUP] |= (uint8_t)(1 << i % GROUP);
    buf_add(out, top, (groups + GROUP - 1) / GROUP);
    for (size_t i = 0; i < groups; i++)
        if (mask[i])
            buf_add_byte(out, mask[i]);
}

/* Takes the value into the chain; what is not as expected is marked and added. */
static void add_value(struct sample_chain *chain,
                      size_t i,
                      int64_t value,
                      uint8_t mask[static MASK_MAX],
                      struct buf *out) {
    bool is_there = value != SAMPLE_ABSENT, was_there = chain->values[i] != SAMPLE_ABSENT;
    uint64_t expected = expect(chain, i);

    if (is_there != was_there || (is_there && (uint64_t)value != expected)) {
        mask[i / GROUP] |= (uint8_t)(1 << i % GROUP);
        add_varint(out, is_there ? zigzag((uint64_t)value - expected) : 0);
    }
    if (is_there) {
        settle(chain, i, (uint64_t)value);
    } else {
        chain->values[i] = SAMPLE_ABSENT;
        chain->steps[i] = 0;
    }
}

void sample_encode(struct sample_chain *chain,
                   uint64_t time_ms,
                   const int64_t *values,
                   struct buf *out) {
    uint8_t mask[MASK_MAX];
    size_t groups = (chain->count + GROUP - 1) / GROUP;
    uint64_t step = time_ms - chain->time_ms;

    add_varint(out, zigzag(step - chain->step_ms));
    chain->step_ms = step;
    chain->time_ms = time_ms;

    /* The mask stands before the values and is known after them. */
    memset(mask, 0, groups);
    buf_clear(&chain->pending);
    for (size_t i = 0; i < chain->count; i++)
        add_value(chain, i, values[i], mask, &chain->pending);
    add_mask(mask, groups, out);
    buf_add_slice(out, buf_slice(&chain->pending));
}

static bool take_byte(struct slice *bytes, uint8_t *ret_byte) {
    if (bytes->len == 0)
        return false;
    *ret_byte = bytes->at[0];
    *bytes = slice_after(*bytes, 1);
    return true;
}

static bool take_varint(struct slice *bytes, uint64_t *ret_value) {
    uint64_t value = 0;
    uint8_t byte;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (!take_byte(bytes, &byte) || (shift == 63 && byte > 1))
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return byte != 0 || shift == 0; /* one way to write each number */
        }
    }
    return false;
}

/* Bits past the last of count must not be set. */
static bool has_stray(uint8_t byte, size_t at, size_t count) {
    size_t used = count - at * GROUP;
    return used < GROUP && byte >> used;
}

static bool take_mask(const struct sample_chain *chain,
                      struct slice *bytes,
                      uint8_t mask[static MASK_MAX]) {
    size_t groups = (chain->count + GROUP - 1) / GROUP;
    size_t tops = (groups + GROUP - 1) / GROUP;
    uint8_t top[TOP_MAX] = { 0 };

    for (size_t i = 0; i < tops; i++)
        if (!take_byte(bytes, &top[i]) || has_stray(top[i], i, groups))
            return false;
    memset(mask, 0, groups);
    for (size_t i = 0; i < groups; i++) {
        if (!(top[i / GROUP] & 1 << i % GROUP))
            continue;
        if (!take_byte(bytes, &mask[i]) || !mask[i] ||
            has_stray(mask[i], i, chain->count))
            return false;
    }
    return true;
}

/* Takes a value that is not as expected. */
static bool take_value(struct sample_chain *chain, size_t i, struct slice *bytes) {
    uint64_t code;

    if (!take_varint(bytes, &code))
        return false;
    if (code == 0 && chain->values[i] != SAMPLE_ABSENT) {
        chain->values[i] = SAMPLE_ABSENT;
        chain->steps[i] = 0;
        return true;
    }
    settle(chain, i, expect(chain, i) + unzigzag(code));
    return chain->values[i] != SAMPLE_ABSENT;
}

static void keep_value(struct sample_chain *chain, size_t i) {
    if (chain->values[i] != SAMPLE_ABSENT)
        settle(chain, i, expect(chain, i));
    else
        chain->steps[i] = 0;
}

static bool take_row(struct sample_chain *chain, struct slice *bytes) {
    uint8_t mask[MASK_MAX] = { 0 };
    uint64_t code;

    if (!take_varint(bytes, &code) || !take_mask(chain, bytes, mask))
        return false;
    chain->step_ms += unzigzag(code);
    chain->time_ms += chain->step_ms;
    for (size_t i = 0; i < chain->count; i++) {
        if (!(mask[i / GROUP] & 1 << i % GROUP))
            keep_value(chain, i);
        else if (!take_value(chain, i, bytes))
            return false;
    }
    return true;
}

int sample_decode(struct sample_chain *chain, struct slice *bytes) {
    if (chain->is_dead)
        return SAMPLE_E_DAMAGED;
    chain->is_dead = !take_row(chain, bytes);
    return chain->is_dead ? SAMPLE_E_DAMAGED : 0;
}

uint64_t sample_chain_time_ms(const struct sample_chain *chain) {
    return chain->time_ms;
}

const int64_t *sample_chain_values(const struct sample_chain *chain) {
    return chain->values;
}

size_t sample_chain_count(const struct sample_chain *chain) {
    return chain->count;
}

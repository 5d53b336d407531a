#include "agent/collect/hard_links.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { SLOTS_FIRST = 64 }; /* a power of 2 */

struct slot {
    uint64_t inode;
    uint64_t left; /* names to come; 0: the slot is free */
};

struct hard_links {
    struct slot *slots; /* owned; open addressing, at most half of them used */
    size_t slot_count;
    size_t count;
    size_t count_max;
};

struct hard_links *hard_links_new(size_t count_max) {
    struct hard_links *links = mem_new(sizeof(*links));

    links->count_max = count_max;
    links->slot_count = SLOTS_FIRST;
    links->slots = mem_new_array(SLOTS_FIRST, sizeof(*links->slots));
    return links;
}

struct hard_links *hard_links_free(struct hard_links *links) {
    if (!links)
        return NULL;
    free(links->slots);
    free(links);
    return NULL;
}

static size_t home_of(const struct hard_links *links, uint64_t inode) {
    return (size_t)(inode * 0x9e3779b97f4a7c15u >> 20) & (links->slot_count - 1);
}

static size_t next_of(const struct hard_links *links, size_t at) {
    return (at + 1) & (links->slot_count - 1);
}

/* The slot of the file, or the free one where it belongs. */
static size_t find(const struct hard_links *links, uint64_t inode) {
    size_t at = home_of(links, inode);

    while (links->slots[at].left > 0 && links->slots[at].inode != inode)
        at = next_of(links, at);
    return at;
}

static void grow(struct hard_links *links) {
    struct slot *old = links->slots;
    size_t old_count = links->slot_count;

    links->slot_count *= 2;
    links->slots = mem_new_array(links->slot_count, sizeof(*links->slots));
    for (size_t i = 0; i < old_count; i++)
        if (old[i].left > 0)
            links->slots[find(links, old[i].inode)] = old[i];
    free(old);
}

/* Frees the slot; those behind it that were pushed on by it move up. */
static void forget(struct hard_links *links, size_t hole) {
    size_t mask = links->slot_count - 1;

    links->slots[hole].left = 0;
    links->count--;
    for (size_t at = next_of(links, hole); links->slots[at].left > 0;
         at = next_of(links, at)) {
        size_t pushed = (at - home_of(links, links->slots[at].inode)) & mask;
        if (pushed < ((at - hole) & mask))
            continue;
        links->slots[hole] = links->slots[at];
        links->slots[at].left = 0;
        hole = at;
    }
}

int hard_links_meet(struct hard_links *links, uint64_t inode, uint64_t names) {
    size_t at = find(links, inode);

    if (links->slots[at].left > 0) {
        if (links->slots[at].left > 1)
            links->slots[at].left--;
        else
            forget(links, at);
        return HARD_LINKS_E_MET;
    }
    if (links->count >= links->count_max)
        return HARD_LINKS_E_FULL;
    if (2 * (links->count + 1) > links->slot_count) {
        grow(links);
        at = find(links, inode);
    }
    links->slots[at] = (struct slot) { .inode = inode, .left = names - 1 };
    links->count++;
    return 0;
}

size_t hard_links_count(const struct hard_links *links) {
    return links->count;
}

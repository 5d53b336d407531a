#include "hub/groups/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/nodes/node.h"

struct group {
    char *name;                   /* owned */
    struct group_member **member; /* owned, and a reference of each */
    size_t count;
    uint64_t turn;
};

struct group *group_new(const char *name) {
    struct group *group = mem_new(sizeof(*group));

    group->name = mem_strdup(name);
    return group;
}

static void unref(struct group_member *member) {
    if (--member->refs > 0)
        return;
    free(member->name);
    free(member);
}

/* It is no member any more; its calls may go on. */
static void let_go(struct group_member *member) {
    member->group = NULL;
    member->node = NULL;
    unref(member);
}

struct group *group_free(struct group *group) {
    if (!group)
        return NULL;
    for (size_t i = 0; i < group->count; i++)
        let_go(group->member[i]);
    free(group->member);
    free(group->name);
    free(group);
    return NULL;
}

const char *group_name(const struct group *group) {
    return group->name;
}

/* Where the member of that name is, or count. */
static size_t find(const struct group *group, const char *name) {
    size_t at = 0;

    while (at < group->count && strcmp(group->member[at]->name, name) != 0)
        at++;
    return at;
}

void group_join(struct group *group, struct node *node) {
    size_t at = find(group, node->name);

    if (at < group->count) {
        group->member[at]->node = node;
        return;
    }
    struct group_member *member = mem_new(sizeof(*member));
    *member = (struct group_member) {
        .group = group,
        .node = node,
        .name = mem_strdup(node->name),
        .refs = 1,
    };
    group->member =
        mem_grow(group->member, (group->count + 1) * sizeof(struct group_member *));
    group->member[group->count++] = member;
}

void group_leave(struct group *group, const char *name) {
    size_t at = find(group, name);

    if (at == group->count)
        return;
    let_go(group->member[at]);
    memmove(group->member + at, group->member + at + 1,
            (group->count - at - 1) * sizeof(struct group_member *));
    group->count--;
}

size_t group_count(const struct group *group) {
    return group->count;
}

struct group_member *group_at(const struct group *group, size_t i) {
    return group->member[i];
}

bool group_is_out(const struct group_member *member, uint64_t now_ms) {
    return now_ms < member->out_until_ms;
}

/* Has a fewer calls than b, or as many and waits longer for its turn? */
static bool goes_first(const struct group_member *a, const struct group_member *b) {
    return a->calls < b->calls || (a->calls == b->calls && a->turn < b->turn);
}

struct group_member *group_pick(struct group *group,
                                uint64_t now_ms,
                                bool (*fits)(void *arg,
                                             const struct group_member *member),
                                void *arg) {
    struct group_member *best = NULL;
    bool best_is_out = false;

    for (size_t i = 0; i < group->count; i++) {
        struct group_member *member = group->member[i];
        bool is_out = group_is_out(member, now_ms);
        if (best && (is_out && !best_is_out))
            continue;
        if (best && is_out == best_is_out && !goes_first(member, best))
            continue;
        if (!fits(arg, member))
            continue;
        best = member;
        best_is_out = is_out;
    }
    if (!best)
        return NULL;
    best->turn = ++group->turn;
    best->calls++;
    best->calls_total++;
    best->refs++;
    return best;
}

static size_t count_out(const struct group *group, uint64_t now_ms) {
    size_t count = 0;

    for (size_t i = 0; i < group->count; i++)
        count += group_is_out(group->member[i], now_ms);
    return count;
}

static void forget_results(struct group_member *member) {
    member->row = 0;
    member->recent = 0;
    member->recent_count = 0;
}

static void leave_out(struct group_member *member, uint64_t now_ms) {
    uint64_t out_ms = GROUP_OUT_MS;

    if (2 * (count_out(member->group, now_ms) + 1) > member->group->count)
        return;
    for (unsigned i = 0; i < member->outs && out_ms < GROUP_OUT_MAX_MS; i++)
        out_ms *= 2;
    if (out_ms > GROUP_OUT_MAX_MS)
        out_ms = GROUP_OUT_MAX_MS;
    member->outs++;
    member->out_until_ms = now_ms + out_ms;
    forget_results(member);
}

static void note(struct group_member *member, bool failed) {
    member->row = failed ? member->row + 1 : 0;
    member->recent = (member->recent << 1 | failed) & ((1U << GROUP_RECENT) - 1);
    if (member->recent_count < GROUP_RECENT)
        member->recent_count++;
    if (member->recent_count == GROUP_RECENT && member->recent == 0)
        member->outs = 0; /* it has been well for long enough */
}

static bool is_failing(const struct group_member *member) {
    return member->row >= GROUP_FAILURES_MAX ||
           (member->recent_count == GROUP_RECENT &&
            __builtin_popcount(member->recent) > GROUP_RECENT / 2);
}

void group_end(struct group_member *member, enum group_result result, uint64_t now_ms) {
    member->calls--;
    /* What began before it was left out says nothing new. */
    if (result != GROUP_NEVER_WENT && !group_is_out(member, now_ms)) {
        note(member, result == GROUP_FAILED);
        if (member->group && is_failing(member))
            leave_out(member, now_ms);
    }
    unref(member);
}

#include "hub/acts/approvals.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/gate/roles.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "rpc/actor.h"

struct approvals {
    struct approvals_config config;
    struct list items; /* of struct approvals_item, owned, the oldest first */
    size_t count;
    struct list watchers;
};

struct approvals *approvals_new(const struct approvals_config *config) {
    struct approvals *approvals = mem_new(sizeof(*approvals));

    approvals->config = *config;
    list_init(&approvals->items);
    list_init(&approvals->watchers);
    return approvals;
}

struct approvals *approvals_free(struct approvals *approvals) {
    if (!approvals)
        return NULL;
    assert(list_is_empty(&approvals->items) && list_is_empty(&approvals->watchers));
    free(approvals);
    return NULL;
}

void approvals_set(struct approvals *approvals,
                   const struct settings_list *tags,
                   uint64_t wait_ms) {
    approvals->config.tags = tags;
    approvals->config.wait_ms = wait_ms;
}

bool approvals_is_tag(const struct approvals *approvals, const char *tag) {
    const struct settings_list *tags = approvals->config.tags;

    for (size_t i = 0; i < tags->count; i++) {
        const char *item = tags->items[i];
        if (strcmp(item[0] == '@' ? item + 1 : item, tag) == 0)
            return true;
    }
    return false;
}

const char *approvals_tag_of(const struct approvals *approvals, const struct node *node) {
    for (char **tag = node->tags; *tag; tag++)
        if (approvals_is_tag(approvals, *tag))
            return *tag;
    return NULL;
}

static void tell(struct approvals *approvals, const struct approvals_item *item) {
    list_for_each_safe(at, after, &approvals->watchers) {
        struct approvals_watcher *watcher =
            container_of(at, struct approvals_watcher, node);
        watcher->on_change(watcher, item);
    }
}

static void forget(struct approvals_item *item) {
    list_remove(&item->in_list);
    item->approvals->count--;
    timer_stop(&item->late);
    tell(item->approvals, item);
    free(item->node);
    free(item->method);
    free(item->request);
    free(item->json);
    free(item->tag);
    free(item->decided_by);
    actor_unref(item->asker);
    free(item);
}

static void on_late(struct timer *timer) {
    struct approvals_item *item = container_of(timer, struct approvals_item, late);

    approvals_decide(item, APPROVALS_LAPSED, NULL, slice_of(NULL, 0),
                     "nobody gave his word in time");
}

static bool has_room(const struct approvals *approvals, const struct actor *asker) {
    size_t own = 0;

    list_for_each_safe(at, after, &approvals->items) own +=
        container_of(at, struct approvals_item, in_list)->asker->rights == asker->rights;
    return approvals->count < APPROVALS_MAX && own < APPROVALS_OF_ONE_MAX;
}

struct approvals_item *approvals_ask(struct approvals *approvals,
                                     const struct approvals_question *question) {
    if (!has_room(approvals, question->asker))
        return NULL;
    struct approvals_item *item = mem_new(sizeof(*item));
    uint8_t id[APPROVALS_ID_LEN / 2];

    *item = (struct approvals_item) {
        .approvals = approvals,
        .state = APPROVALS_WAITING,
        .node = mem_strdup(question->node->name),
        .method = mem_strdup(question->method),
        .request = mem_dup(question->request.at, question->request.len),
        .request_len = question->request.len,
        .json = mem_strdup(question->json),
        .tag = mem_strdup(question->tag ? question->tag : ""),
        .decided_by = mem_strdup(""),
        .asker = actor_ref(question->asker),
        .needs_signature = question->needs_signature,
        .asked_ms = clock_wall_ms(),
        .late.fire = on_late,
        .on_decided = question->on_decided,
        .arg = question->arg,
    };
    item->expires_ms = item->asked_ms + (int64_t)approvals->config.wait_ms;
    crypto_random(id, sizeof(id));
    hex_encode(item->id, id, sizeof(id));
    list_add_tail(&approvals->items, &item->in_list);
    approvals->count++;
    timer_start(approvals->config.loop, &item->late, approvals->config.wait_ms);
    activity_add(approvals->config.activity, "approval.asked", item->node,
                 item->asker->name, "%s waits for roost approve %s%s%s", item->method,
                 item->id, item->tag[0] ? ", because of @" : "", item->tag);
    tell(approvals, item);
    return item;
}

void approvals_drop(struct approvals_item *item) {
    item->on_decided = NULL;
    approvals_decide(item, APPROVALS_LAPSED, NULL, slice_of(NULL, 0),
                     "who asked has gone");
}

static enum actor_role role_there(const struct approvals *approvals,
                                  const struct approvals_item *item,
                                  const struct actor *actor) {
    const struct node *node = registry_find(approvals->config.registry, item->node);
    return node ? node_role(node, actor) : ACTOR_NOBODY;
}

static bool is_asker(const struct approvals_item *item, const struct actor *actor) {
    return item->asker->rights == actor->rights;
}

bool approvals_may_see(const struct approvals *approvals,
                       const struct approvals_item *item,
                       const struct actor *actor) {
    return is_asker(item, actor) || role_there(approvals, item, actor) >= ACTOR_OPERATOR;
}

struct approvals_item *approvals_find(const struct approvals *approvals,
                                      const struct actor *actor,
                                      const char *id) {
    struct approvals_item *found = NULL;
    size_t len = strlen(id);

    if (len < 4)
        return NULL;
    list_for_each_safe(at, after, &approvals->items) {
        struct approvals_item *item = container_of(at, struct approvals_item, in_list);
        if (strncmp(item->id, id, len) != 0 || !approvals_may_see(approvals, item, actor))
            continue;
        if (found)
            return NULL;
        found = item;
    }
    return found;
}

const char *approvals_fault(const struct approvals *approvals,
                            const struct approvals_item *item,
                            const struct actor *actor,
                            struct slice signature) {
    if (role_there(approvals, item, actor) < roles_needed(item->method))
        return "this needs the role operator on the node";
    if (item->tag[0] != '\0' && is_asker(item, actor))
        return "a second person is to agree: who asked cannot approve it";
    if (item->tag[0] != '\0' && !actor->is_person)
        return "a second person is to agree: a program cannot approve it";
    if (item->needs_signature && signature.len == 0)
        return "the node wants an operator's signature: roost approve makes one";
    return NULL;
}

static void record(const struct approvals_item *item, const char *by, const char *why) {
    static const char *const kinds[] = {
        [APPROVALS_APPROVED] = "approval.given",
        [APPROVALS_REJECTED] = "approval.rejected",
        [APPROVALS_LAPSED] = "approval.lapsed",
    };
    activity_add(item->approvals->config.activity, kinds[item->state], item->node, by,
                 "%s of %s (%s)%s%s", item->method, item->asker->name, item->id,
                 why && *why ? ": " : "", why ? why : "");
}

void approvals_decide(struct approvals_item *item,
                      enum approvals_state state,
                      const struct actor *actor,
                      struct slice signature,
                      const char *why) {
    item->state = state;
    if (actor) {
        free(item->decided_by);
        item->decided_by = mem_strdup(actor->name);
    }
    record(item, item->decided_by, why);
    if (item->on_decided)
        item->on_decided(item->arg, item, signature, why);
    forget(item);
}

struct approvals_item *approvals_next(const struct approvals *approvals,
                                      const struct approvals_item *item) {
    const struct list *next = item ? item->in_list.next : approvals->items.next;

    if (next == &approvals->items)
        return NULL;
    return container_of((struct list *)(uintptr_t)next, struct approvals_item, in_list);
}

void approvals_watch(struct approvals *approvals, struct approvals_watcher *watcher) {
    list_add_tail(&approvals->watchers, &watcher->node);
}

void approvals_unwatch(struct approvals_watcher *watcher) {
    list_remove(&watcher->node);
}

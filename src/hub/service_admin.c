#include "hub/service_admin.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "hub/metrics/history_status.h"
#include "hub/nodes/node.h"
#include "hub/nodes/selection.h"
#include "roost/v1/admin.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "store/history/history.h"
#include "store/tier.h"
#include "wire/pb.h"

struct service_admin {
    struct service_admin_config config;
};

/* One Storage call that waits for the history, which cannot be told to forget it. */
struct storage_ask {
    struct service_admin *service; /* borrowed: outlives its invocations */
    struct invocation *invocation; /* borrowed; NULL once it is gone */
    char *select;                  /* owned */
    bool is_answered;              /* by the history */
};

/* A node's usage as a message. */
struct node_part {
    Roost__V1__NodeStorage node;
    Roost__V1__TierStorage tiers[TIER_COUNT];
    Roost__V1__TierStorage *pointers[TIER_COUNT];
};

struct facts {
    uint64_t database_bytes;
    uint64_t journal_bytes;
    const struct history_usage *usage; /* borrowed: the call */
    size_t count;
};

static void fill_node(struct node_part *part,
                      struct node *node,
                      const struct history_usage *usage) {
    roost__v1__node_storage__init(&part->node);
    part->node.node = node->name;
    part->node.tiers = part->pointers;
    part->node.n_tiers = TIER_COUNT;
    part->node.lost = usage ? usage->lost : 0;
    for (int i = 0; i < TIER_COUNT; i++) {
        static const struct history_tier_usage none = { 0 };
        const struct history_tier_usage *from = usage ? &usage->tiers[i] : &none;
        Roost__V1__TierStorage *tier = &part->tiers[i];
        roost__v1__tier_storage__init(tier);
        tier->tier = (char *)tier_word((enum tier)i);
        tier->bytes = from->bytes;
        tier->chunks = from->chunks;
        tier->rows = from->rows;
        tier->values = from->values;
        tier->oldest_ms = from->oldest_ms;
        tier->newest_ms = from->newest_ms;
        part->node.bytes += from->bytes;
        part->pointers[i] = tier;
    }
}

static const struct history_usage *find_usage(const struct facts *facts,
                                              const char *name) {
    for (size_t i = 0; i < facts->count; i++)
        if (strcmp(facts->usage[i].node, name) == 0)
            return &facts->usage[i];
    return NULL;
}

static uint64_t free_bytes(const char *path) {
    struct statvfs fs;
    return statvfs(path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

/* Fills the parts of the response that are not of a node. */
static void fill_hub(const struct service_admin *service,
                     const struct facts *facts,
                     Roost__V1__StorageResponse__RetentionEntry *entries,
                     Roost__V1__StorageResponse *out) {
    const char *trouble = history_trouble(service->config.history);

    out->trouble = pb_lend(trouble);
    out->bytes = facts->database_bytes;
    out->journal_bytes = facts->journal_bytes;
    out->free_bytes = free_bytes(service->config.database);
    out->n_retention = TIER_COUNT;
    for (int i = 0; i < TIER_COUNT; i++) {
        roost__v1__storage_response__retention_entry__init(&entries[i]);
        entries[i].key = (char *)tier_word((enum tier)i);
        entries[i].value = service->config.retention_ms[i] / 1000;
        out->retention[i] = &entries[i];
    }
}

static void reply(const struct storage_ask *ask, const struct facts *facts) {
    const struct service_admin *service = ask->service;
    Roost__V1__StorageResponse response = ROOST__V1__STORAGE_RESPONSE__INIT;
    Roost__V1__StorageResponse__RetentionEntry entries[TIER_COUNT];
    Roost__V1__StorageResponse__RetentionEntry *pointers[TIER_COUNT];
    struct node **nodes = NULL;
    size_t count = 0;

    if (!selection_find(service->config.registry, ask->invocation, ask->select, &nodes,
                        &count))
        return;
    struct node_part *parts = mem_new_array(count, sizeof(*parts));
    response.nodes = mem_new_array(count, sizeof(*response.nodes));
    response.n_nodes = count;
    for (size_t i = 0; i < count; i++) {
        fill_node(&parts[i], nodes[i], find_usage(facts, nodes[i]->name));
        response.nodes[i] = &parts[i].node;
    }
    response.retention = pointers;
    fill_hub(service, facts, entries, &response);
    invocation_reply(ask->invocation, &response.base);
    free(response.nodes);
    free(parts);
    free(nodes);
}

/* An answer and the end of the call come in any order. */
static void free_if_done(struct storage_ask *ask) {
    if (!ask->is_answered || ask->invocation)
        return;
    free(ask->select);
    free(ask);
}

static void on_usage(void *arg,
                     int result,
                     uint64_t database_bytes,
                     uint64_t journal_bytes,
                     const struct history_usage *usage,
                     size_t count) {
    struct storage_ask *ask = arg;
    struct facts facts = { database_bytes, journal_bytes, usage, count };

    if (ask->invocation && result == 0)
        reply(ask, &facts);
    else if (ask->invocation)
        history_status_finish(ask->invocation, result);
    ask->is_answered = true;
    free_if_done(ask);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct storage_ask *ask = user;

    ask->invocation = NULL;
    free_if_done(ask);
}

static void on_storage(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct service_admin *service = arg;
    const Roost__V1__StorageRequest *request = (const Roost__V1__StorageRequest *)message;
    struct storage_ask *ask = mem_new(sizeof(*ask));

    *ask = (struct storage_ask) {
        .service = service,
        .invocation = invocation,
        .select = mem_strdup(request->select),
    };
    invocation_set_user(invocation, ask, on_gone);
    history_ask_usage(service->config.history, on_usage, ask);
}

static void on_bots(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    const struct service_admin *service = arg;
    Roost__V1__BotsResponse response = ROOST__V1__BOTS_RESPONSE__INIT;
    Roost__V1__Bot bot;
    Roost__V1__Bot *bots[] = { &bot };

    response.bots = bots;
    response.n_bots = service->config.report_bot(service->config.arg, &bot) ? 1 : 0;
    invocation_reply(invocation, &response.base);
}

static const struct service_method methods[] = {
    { "Storage", SERVICE_UNARY, on_storage },
    { "Bots", SERVICE_UNARY, on_bots },
    { 0 },
};

struct service_admin *service_admin_new(const struct service_admin_config *config) {
    struct service_admin *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__admin__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    services_add(config->services, &table);
    return service;
}

struct service_admin *service_admin_free(struct service_admin *service) {
    free(service);
    return NULL;
}

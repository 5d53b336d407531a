#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/config.h"
#include "hub/groups/groups.h"
#include "hub/hub_private.h"
#include "hub/keeper.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/users.h"
#include "hub/talk/hub_talk.h"
#include "hub/timekeeper.h"
#include "store/history/history.h"
#include "store/store.h"

/* What is kept of a node follows it: its row, and its samples. */
static void save_node(void *arg, const struct node *node) {
    const struct hub *hub = arg;
    struct registry_keeper keeper = keeper_of_nodes(hub->store);
    keeper.save(keeper.arg, node);
}

static void remove_node(void *arg, const char *name) {
    const struct hub *hub = arg;
    struct registry_keeper keeper = keeper_of_nodes(hub->store);
    keeper.remove(keeper.arg, name);
    if (hub->history)
        history_remove_node(hub->history, name);
}

static void rename_node(void *arg, const char *from, const char *to) {
    const struct hub *hub = arg;
    struct registry_keeper keeper = keeper_of_nodes(hub->store);
    keeper.rename(keeper.arg, from, to);
    history_rename_node(hub->history, from, to);
    hub_talk_rename_node(hub->talk, from, to);
}

static int64_t now_ms(void *arg) {
    const struct hub *hub = arg;
    return timekeeper_now_ms(hub->timekeeper);
}

static int fail_to_read(int r, char **ret_why) {
    *ret_why = mem_printf("the store cannot be read: %s",
                          r < 0 ? strerror(-r) : "it is damaged");
    return r < 0 ? r : -EINVAL;
}

static void read_retention(const struct hub_config *config,
                           int64_t ret_ms[static TIER_COUNT]) {
    for (int tier = 0; tier < TIER_COUNT; tier++)
        ret_ms[tier] = (int64_t)config->retention_ms[tier];
}

void hub_store_keep(struct hub *hub) {
    int64_t retention_ms[TIER_COUNT];

    read_retention(hub->config, retention_ms);
    history_keep(hub->history, retention_ms);
}

/* For whoever wants to find out what it was; also when the same row is met again. */
static int set_aside(void *arg, uint64_t id, struct slice body) {
    const struct hub *hub = arg;
    auto_(mem_freep) char *folder = mem_printf("%s/damaged", hub->config->data);
    auto_(mem_freep) char *path = mem_printf("%s/journal-%" PRIu64, folder, id);

    int r = file_make_dirs(folder, 0700);
    if (r == 0)
        r = file_write_atomic(path, body, 0600);
    if (r == 0)
        log_error("row %" PRIu64 " of the samples' journal is damaged: its %zu bytes are "
                  "in %s, and what else can be read is used",
                  id, body.len, path);
    else
        log_error("%s: %s: a damaged row of the samples' journal cannot be set aside",
                  path, strerror(-r));
    return r;
}

static int open_history(struct hub *hub, char **ret_why) {
    struct history_config config = {
        .loop = hub->loop,
        .store = hub->store,
        .now_ms = now_ms,
        .set_aside = set_aside,
        .arg = hub,
    };

    read_retention(hub->config, config.retention_ms);
    int r = history_new(&config, &hub->history, ret_why);
    return r < 0 ? r : r > 0 ? -EINVAL : 0;
}

static void take_record(void *arg,
                        const char *space,
                        const char *key,
                        struct slice value) {
    struct hub *hub = arg;
    records_put(&hub->records, space, key, value);
}

/* For hub_talk.c, whose parts are made later. */
static int load_records(struct hub *hub) {
    const struct store_loader loader = { .on_record = take_record, .arg = hub };
    return store_load(hub->store, &loader);
}

int hub_store_open(struct hub *hub, struct store_facts *ret_facts, char **ret_why) {
    struct registry_keeper nodes;
    struct access_keeper tokens;
    struct groups_keeper groups;
    struct users_keeper users;

    hub->database = config_store_path(hub->config);
    int r = store_open(hub->database, &hub->store, ret_why);
    if (r != 0)
        return r < 0 ? r : -EINVAL;
    nodes = (struct registry_keeper) { save_node, remove_node, rename_node, hub };
    tokens = keeper_of_tokens(hub->store);
    hub->registry = registry_new(&nodes);
    users = keeper_of_users(hub->store);
    hub->users = users_new(&users);
    hub->access = access_new(&tokens);
    groups = keeper_of_groups(hub->store);
    r = keeper_load(hub->store, hub->registry, hub->users, hub->access);
    hub->groups = groups_new(hub->registry, &groups);
    if (r == 0)
        r = keeper_load_groups(hub->store, hub->groups);
    if (r == 0)
        r = keeper_load_acts(hub->store, &hub->unclear);
    if (r == 0)
        r = load_records(hub);
    if (r == 0)
        r = timekeeper_new(hub->loop, hub->store, &hub->timekeeper);
    if (r == 0)
        r = store_start(hub->store, hub->loop, hub->config->events_max, ret_facts);
    if (r != 0)
        return fail_to_read(r, ret_why);
    timekeeper_start(hub->timekeeper);
    return open_history(hub, ret_why);
}

#include "store/sqlite/sqlite_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "store/sqlite/sqlite_activity.h"
#include "store/sqlite/sqlite_db.h"
#include "store/sqlite/sqlite_records.h"
#include "store/sqlite/sqlite_traffic.h"
#include "store/sqlite/sqlite_users.h"
#include "store/store_request.h"

/* Kinds of tokens.proto that fix a node's name. */
#define OF_JOINING "kind IN (1, 2)"    /* JOIN, NODE */
#define OF_NODE    "kind IN (1, 2, 4)" /* and DIALECT */

/* A list as one text: an item a line. */
static const char *join_lines(struct store_request *request,
                              const char *const *items,
                              size_t count) {
    struct buf text = { 0 };
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "\n" : "", items[i]);
    return store_request_own(request, buf_take_text(&text));
}

/* Cuts a text at its lines, in place; the result is to be freed. */
static const char **split_lines(char *text, size_t *ret_count) {
    size_t count = *text ? 1 : 0;
    for (const char *at = text; *at; at++)
        count += *at == '\n';

    const char **items = mem_new_array(count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = strsep(&text, "\n");
    *ret_count = count;
    return items;
}

static int put_node(struct store_database *db, struct store_request *request) {
    const struct store_node *node = &request->node;
    struct sqlite_query query = sqlite_db_query(
        db,
        "INSERT OR REPLACE INTO nodes (name, title, kind, tags, created, online_since,"
        " last_seen, address, version, capabilities, transport, generation, instance,"
        " networks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_text(&query, node->name);
    sqlite_db_bind_text(&query, node->title);
    sqlite_db_bind_int(&query, node->kind);
    sqlite_db_bind_text(&query, join_lines(request, node->tags, node->tag_count));
    sqlite_db_bind_int(&query, node->created_ms);
    sqlite_db_bind_int(&query, node->online_since_ms);
    sqlite_db_bind_int(&query, node->last_seen_ms);
    sqlite_db_bind_text(&query, node->address);
    sqlite_db_bind_text(&query, node->version);
    sqlite_db_bind_text(&query,
                        join_lines(request, node->capabilities, node->capability_count));
    sqlite_db_bind_text(&query, node->transport);
    sqlite_db_bind_int(&query, (int64_t)node->generation);
    sqlite_db_bind_text(&query, node->instance);
    sqlite_db_bind_text(&query, node->networks);
    return sqlite_db_finish(&query);
}

/* The samples of this name belong to nobody; the history removes them. */
static int leave_samples(struct store_database *db, const char *name) {
    struct sqlite_query query =
        sqlite_db_query(db, "UPDATE samples_nodes SET name = NULL WHERE name = ?");
    sqlite_db_bind_text(&query, name);
    return sqlite_db_finish(&query);
}

/* The history does the same with its next flush; here it goes with the node. */
static int rename_samples(struct store_database *db, const char *from, const char *to) {
    int r = leave_samples(db, to);
    if (r != 0)
        return r;
    struct sqlite_query query =
        sqlite_db_query(db, "UPDATE samples_nodes SET name = ? WHERE name = ?");
    sqlite_db_bind_text(&query, to);
    sqlite_db_bind_text(&query, from);
    return sqlite_db_finish(&query);
}

static int remove_node(struct store_database *db, struct store_request *request) {
    struct sqlite_query node = sqlite_db_query(db, "DELETE FROM nodes WHERE name = ?");
    sqlite_db_bind_text(&node, request->name);
    int r = sqlite_db_finish(&node);
    if (r != 0)
        return r;
    r = leave_samples(db, request->name);
    if (r == 0)
        r = sqlite_traffic_remove(db, request->name);
    if (r != 0)
        return r;
    struct sqlite_query tokens = sqlite_db_query(
        db, "UPDATE tokens SET revoked = 1 WHERE name = ? AND " OF_JOINING);
    sqlite_db_bind_text(&tokens, request->name);
    return sqlite_db_finish(&tokens);
}

static int rename_node(struct store_database *db, struct store_request *request) {
    struct sqlite_query node =
        sqlite_db_query(db, "UPDATE nodes SET name = ? WHERE name = ?");
    sqlite_db_bind_text(&node, request->other);
    sqlite_db_bind_text(&node, request->name);
    int r = sqlite_db_finish(&node);
    if (r != 0)
        return r;
    if (sqlite_db_changes(db) == 0)
        return STORE_E_NONE;
    r = rename_samples(db, request->name, request->other);
    if (r == 0)
        r = sqlite_traffic_rename(db, request->name, request->other);
    if (r != 0)
        return r;
    struct sqlite_query tokens =
        sqlite_db_query(db, "UPDATE tokens SET name = ? WHERE name = ? AND " OF_NODE);
    sqlite_db_bind_text(&tokens, request->other);
    sqlite_db_bind_text(&tokens, request->name);
    return sqlite_db_finish(&tokens);
}

static int touch(struct store_database *db, struct store_request *request) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < request->touch_count; i++) {
        const struct store_touch *one = &request->touches[i];
        struct sqlite_query query = sqlite_db_query(
            db, one->node ? "UPDATE nodes SET last_seen = ? WHERE name = ?"
                          : "UPDATE tokens SET last_used = ? WHERE hash = ?");
        sqlite_db_bind_int(&query, one->time_ms);
        if (one->node)
            sqlite_db_bind_text(&query, one->node);
        else
            sqlite_db_bind_blob(&query, one->token, sizeof(one->token));
        r = sqlite_db_finish(&query);
    }
    return r;
}

int sqlite_rows_put_token(struct store_database *db, struct store_request *request) {
    const struct store_token *token = &request->token;
    struct sqlite_query query = sqlite_db_query(
        db,
        "INSERT OR REPLACE INTO tokens (hash, kind, name, created, expires, last_used,"
        " reusable, used, revoked, admin, role, nodes, user, device)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_blob(&query, token->hash, sizeof(token->hash));
    sqlite_db_bind_int(&query, token->kind);
    sqlite_db_bind_text(&query, token->name);
    sqlite_db_bind_int(&query, token->created_ms);
    sqlite_db_bind_int(&query, token->expires_ms);
    sqlite_db_bind_int(&query, token->last_used_ms);
    sqlite_db_bind_int(&query, token->reusable);
    sqlite_db_bind_int(&query, token->used);
    sqlite_db_bind_int(&query, token->revoked);
    sqlite_db_bind_int(&query, token->admin);
    sqlite_db_bind_int(&query, token->role);
    sqlite_db_bind_text(&query, join_lines(request, token->nodes, token->node_count));
    sqlite_db_bind_text(&query, token->user);
    sqlite_db_bind_text(&query, token->device);
    return sqlite_db_finish(&query);
}

static int remove_token(struct store_database *db, struct store_request *request) {
    struct sqlite_query query = sqlite_db_query(db, "DELETE FROM tokens WHERE hash = ?");
    sqlite_db_bind_blob(&query, request->hash, sizeof(request->hash));
    return sqlite_db_finish(&query);
}

static int put_group(struct store_database *db, struct store_request *request) {
    const struct store_group *group = &request->group;
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT OR REPLACE INTO groups (name, members, created)"
                            " VALUES (?, ?, ?)");
    sqlite_db_bind_text(&query, group->name);
    sqlite_db_bind_text(&query, join_lines(request, group->members, group->member_count));
    sqlite_db_bind_int(&query, group->created_ms);
    return sqlite_db_finish(&query);
}

static int remove_group(struct store_database *db, struct store_request *request) {
    struct sqlite_query query = sqlite_db_query(db, "DELETE FROM groups WHERE name = ?");
    sqlite_db_bind_text(&query, request->name);
    return sqlite_db_finish(&query);
}

static int join(struct store_database *db, struct store_request *request) {
    struct sqlite_query query =
        sqlite_db_query(db, "UPDATE tokens SET used = 1, last_used = ? WHERE hash = ?"
                            " AND revoked = 0 AND (used = 0 OR reusable = 1)");
    sqlite_db_bind_int(&query, request->token.created_ms);
    sqlite_db_bind_blob(&query, request->hash, sizeof(request->hash));
    int r = sqlite_db_finish(&query);
    if (r == 0 && sqlite_db_changes(db) == 0)
        r = STORE_E_USED;
    return r == 0 ? sqlite_rows_put_token(db, request) : r;
}

static int claim(struct store_database *db, struct store_request *request) {
    uint8_t secret[STORE_CLAIM_LEN];
    struct sqlite_query query = sqlite_db_query(db, "SELECT secret FROM claim");
    bool open =
        sqlite_db_next(&query) && sqlite_db_blob(&query, 0, secret, sizeof(secret));
    int r = sqlite_db_finish(&query);
    if (r != 0)
        return r;
    if (!open || !crypto_equal(secret, request->secret, sizeof(secret)))
        return STORE_E_USED;

    struct sqlite_query use = sqlite_db_query(db, "UPDATE claim SET secret = NULL");
    r = sqlite_db_finish(&use);
    if (r == 0)
        r = sqlite_users_make_admin(db, &request->token);
    return r == 0 ? sqlite_rows_put_token(db, request) : r;
}

static int put_meta(struct store_database *db, struct store_request *request) {
    struct sqlite_query query =
        sqlite_db_query(db, request->other ? "INSERT OR REPLACE INTO meta VALUES (?, ?)"
                                           : "DELETE FROM meta WHERE key = ?");
    sqlite_db_bind_text(&query, request->name);
    if (request->other)
        sqlite_db_bind_text(&query, request->other);
    return sqlite_db_finish(&query);
}

int sqlite_rows_run(struct store_database *db, struct store_request *request) {
    static int (*const runs[])(struct store_database *, struct store_request *) = {
        [STORE_PUT_NODE] = put_node,
        [STORE_REMOVE_NODE] = remove_node,
        [STORE_RENAME_NODE] = rename_node,
        [STORE_TOUCH] = touch,
        [STORE_PUT_TOKEN] = sqlite_rows_put_token,
        [STORE_REMOVE_TOKEN] = remove_token,
        [STORE_PUT_USER] = sqlite_users_put,
        [STORE_REMOVE_USER] = sqlite_users_remove,
        [STORE_PUT_CODE] = sqlite_users_put_code,
        [STORE_REDEEM] = sqlite_users_redeem,
        [STORE_BEGIN_ACT] = sqlite_activity_begin_act,
        [STORE_END_ACT] = sqlite_activity_end_act,
        [STORE_PUT_GROUP] = put_group,
        [STORE_REMOVE_GROUP] = remove_group,
        [STORE_JOIN] = join,
        [STORE_CLAIM] = claim,
        [STORE_ADD_EVENT] = sqlite_activity_add,
        [STORE_LIST_EVENTS] = sqlite_activity_list,
        [STORE_PUT_META] = put_meta,
        [STORE_PUT_RECORDS] = sqlite_records_put,
        [STORE_ADD_TRAFFIC] = sqlite_traffic_add,
        [STORE_LIST_TRAFFIC] = sqlite_traffic_list,
    };
    return runs[request->op](db, request);
}

static int load_nodes(struct store_database *db, const struct store_loader *loader) {
    struct sqlite_query query = sqlite_db_query(
        db,
        "SELECT name, title, kind, tags, created, online_since, last_seen, address,"
        " version, capabilities, transport, generation, instance, networks FROM nodes");
    while (sqlite_db_next(&query)) {
        auto_(mem_freep) char *tags = mem_strdup(sqlite_db_text(&query, 3));
        auto_(mem_freep) char *capabilities = mem_strdup(sqlite_db_text(&query, 9));
        struct store_node node = {
            .name = sqlite_db_text(&query, 0),
            .title = sqlite_db_text(&query, 1),
            .kind = (unsigned)sqlite_db_int(&query, 2),
            .created_ms = sqlite_db_int(&query, 4),
            .online_since_ms = sqlite_db_int(&query, 5),
            .last_seen_ms = sqlite_db_int(&query, 6),
            .address = sqlite_db_text(&query, 7),
            .version = sqlite_db_text(&query, 8),
            .transport = sqlite_db_text(&query, 10),
            .generation = (uint64_t)sqlite_db_int(&query, 11),
            .instance = sqlite_db_text(&query, 12),
            .networks = sqlite_db_text(&query, 13),
        };
        auto_(mem_freep) const char **tag_items = split_lines(tags, &node.tag_count);
        auto_(mem_freep) const char **capability_items =
            split_lines(capabilities, &node.capability_count);
        node.tags = tag_items;
        node.capabilities = capability_items;
        loader->on_node(loader->arg, &node);
    }
    return sqlite_db_finish(&query);
}

static int load_tokens(struct store_database *db, const struct store_loader *loader) {
    struct sqlite_query query = sqlite_db_query(
        db,
        "SELECT hash, kind, name, created, expires, last_used, reusable, used, revoked,"
        " admin, role, nodes, user, device FROM tokens");
    bool whole = true;
    while (whole && sqlite_db_next(&query)) {
        auto_(mem_freep) char *nodes = mem_strdup(sqlite_db_text(&query, 11));
        struct store_token token = {
            .kind = (unsigned)sqlite_db_int(&query, 1),
            .name = sqlite_db_text(&query, 2),
            .created_ms = sqlite_db_int(&query, 3),
            .expires_ms = sqlite_db_int(&query, 4),
            .last_used_ms = sqlite_db_int(&query, 5),
            .reusable = sqlite_db_int(&query, 6) != 0,
            .used = sqlite_db_int(&query, 7) != 0,
            .revoked = sqlite_db_int(&query, 8) != 0,
            .admin = sqlite_db_int(&query, 9) != 0,
            .role = (unsigned)sqlite_db_int(&query, 10),
            .user = sqlite_db_text(&query, 12),
            .device = sqlite_db_text(&query, 13),
        };
        whole = sqlite_db_blob(&query, 0, token.hash, sizeof(token.hash));
        auto_(mem_freep) const char **items = split_lines(nodes, &token.node_count);
        token.nodes = items;
        if (whole)
            loader->on_token(loader->arg, &token);
    }
    int r = sqlite_db_finish(&query);
    return whole ? r : STORE_E_DAMAGED;
}

static int load_groups(struct store_database *db, const struct store_loader *loader) {
    struct sqlite_query query =
        sqlite_db_query(db, "SELECT name, members, created FROM groups");
    while (sqlite_db_next(&query)) {
        auto_(mem_freep) char *members = mem_strdup(sqlite_db_text(&query, 1));
        struct store_group group = {
            .name = sqlite_db_text(&query, 0),
            .created_ms = sqlite_db_int(&query, 2),
        };
        auto_(mem_freep) const char **items = split_lines(members, &group.member_count);
        group.members = items;
        loader->on_group(loader->arg, &group);
    }
    return sqlite_db_finish(&query);
}

static int load_meta(struct store_database *db, const struct store_loader *loader) {
    struct sqlite_query query = sqlite_db_query(db, "SELECT key, value FROM meta");
    while (sqlite_db_next(&query))
        loader->on_meta(loader->arg, sqlite_db_text(&query, 0),
                        sqlite_db_text(&query, 1));
    return sqlite_db_finish(&query);
}

int sqlite_rows_load(struct store_database *db, const struct store_loader *loader) {
    const struct {
        bool is_wanted;
        int (*load)(struct store_database *, const struct store_loader *);
    } tables[] = {
        { loader->on_meta, load_meta },
        { loader->on_node, load_nodes },
        { loader->on_user, sqlite_users_load },
        { loader->on_code, sqlite_users_load_codes },
        { loader->on_token, load_tokens },
        { loader->on_group, load_groups },
        { loader->on_act, sqlite_activity_load_acts },
        { loader->on_record, sqlite_records_load },
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(tables) / sizeof(tables[0]); i++)
        if (tables[i].is_wanted)
            r = tables[i].load(db, loader);
    return r;
}

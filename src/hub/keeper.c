#include "hub/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/activity/activity.h"

enum { VERBS_MAX = 32 };

static void on_written(void *arg, int result) {
    if (result < 0)
        log_error("the store cannot keep a change: %s; state in memory goes on",
                  strerror(-result));
}

/* A request that was not even taken. */
static void check(int result) {
    if (result < 0 && result != -ESHUTDOWN) /* then another process keeps it */
        on_written(NULL, result);
}

static void save_node(void *arg, const struct node *node) {
    char *verbs[VERBS_MAX];
    size_t verb_count = 0;
    char *text = mem_strdup(node->capabilities);
    char *rest = NULL;

    for (char *verb = strtok_r(text, ",", &rest); verb && verb_count < VERBS_MAX;
         verb = strtok_r(NULL, ",", &rest))
        verbs[verb_count++] = verb;
    struct store_node row = {
        .name = node->name,
        .title = node->title,
        .kind = (unsigned)node->kind,
        .tags = (const char *const *)node->tags,
        .tag_count = node_tag_count(node),
        .created_ms = node->created_ms,
        .online_since_ms = node->online_since_ms,
        .last_seen_ms = node->last_seen_ms,
        .address = node->address,
        .version = node->version,
        .capabilities = (const char *const *)verbs,
        .capability_count = verb_count,
        .networks = node->networks,
        .transport = node->transport,
        .generation = node->generation,
        .instance = node->instance,
    };
    check(store_put_node(arg, &row, on_written, NULL));
    free(text);
}

static void remove_node(void *arg, const char *name) {
    check(store_remove_node(arg, name, on_written, NULL));
}

static void rename_node(void *arg, const char *from, const char *to) {
    check(store_rename_node(arg, from, to, on_written, NULL));
}

struct registry_keeper keeper_of_nodes(struct store *store) {
    return (struct registry_keeper) {
        .save = save_node,
        .remove = remove_node,
        .rename = rename_node,
        .arg = store,
    };
}

struct store_token keeper_token(const struct access_token *token) {
    struct store_token row = {
        .kind = (unsigned)token->kind,
        .name = token->name,
        .created_ms = token->created_ms,
        .expires_ms = token->expires_ms,
        .last_used_ms = token->used_ms,
        .reusable = token->reusable,
        .used = token->used,
        .revoked = token->revoked,
        .admin = token->admin,
        .role = (unsigned)token->role,
        .nodes = (const char *const *)token->nodes,
        .user = token->user,
        .device = token->device,
    };

    memcpy(row.hash, token->hash, sizeof(row.hash));
    while (token->nodes[row.node_count])
        row.node_count++;
    return row;
}

static void save_token(void *arg, const struct access_token *token) {
    struct store_token row = keeper_token(token);
    check(store_put_token(arg, &row, on_written, NULL));
}

struct access_keeper keeper_of_tokens(struct store *store) {
    return (struct access_keeper) { .save = save_token, .arg = store };
}

static void save_group(void *arg, const struct groups_row *group) {
    struct store_group row = {
        .name = group->name,
        .members = (const char *const *)group->members,
        .member_count = group->count,
        .created_ms = group->created_ms,
    };
    check(store_put_group(arg, &row, on_written, NULL));
}

static void remove_group(void *arg, const char *name) {
    check(store_remove_group(arg, name, on_written, NULL));
}

struct groups_keeper keeper_of_groups(struct store *store) {
    return (struct groups_keeper) {
        .save = save_group,
        .remove = remove_group,
        .arg = store,
    };
}

void keeper_keep_event(void *arg, const struct activity_event *event) {
    struct store_event row = {
        .id = event->id,
        .time_ms = event->time_ms,
        .kind = event->kind,
        .node = event->node,
        .actor = event->actor,
        .text = event->text,
        .method = event->method,
        .arguments = event->arguments,
        .status = event->status,
        .duration_us = event->duration_us,
    };
    check(event->act_id ? store_end_act(arg, event->act_id, &row, on_written, NULL)
                        : store_add_event(arg, &row, on_written, NULL));
}

int keeper_put_user(struct store *store,
                    const struct users_row *row,
                    store_done *done,
                    void *arg) {
    auto_(mem_freep) struct store_grant *grants =
        mem_new_array(row->grant_count + 1, sizeof(*grants));
    struct store_user user = {
        .name = row->name,
        .admin = row->admin,
        .created_ms = row->created_ms,
        .grants = grants,
        .grant_count = row->grant_count,
    };

    for (size_t i = 0; i < row->grant_count; i++)
        grants[i] = (struct store_grant) {
            .nodes = row->grants[i].nodes,
            .role = (unsigned)row->grants[i].role,
            .expires_ms = row->grants[i].expires_ms,
            .granted_by = row->grants[i].granted_by,
            .created_ms = row->grants[i].created_ms,
        };
    return store_put_user(store, &user, done, arg);
}

static void save_user(void *arg, const struct users_row *row) {
    check(keeper_put_user(arg, row, on_written, NULL));
}

struct users_keeper keeper_of_users(struct store *store) {
    return (struct users_keeper) { .save = save_user, .arg = store };
}

struct loading {
    struct users *users;       /* borrowed: the caller */
    struct registry *registry; /* borrowed: the caller */
    struct access *access;     /* borrowed: the caller */
};

static void load_node(void *arg, const struct store_node *row) {
    struct loading *loading = arg;
    struct node *node = node_new(row->name);
    struct buf verbs = { 0 };

    node_set(&node->title, row->title ? row->title : "");
    node_set(&node->address, row->address ? row->address : "");
    node_set(&node->version, row->version ? row->version : "");
    node_set(&node->networks, row->networks ? row->networks : "");
    node_set(&node->transport, row->transport ? row->transport : "");
    node_set(&node->instance, row->instance ? row->instance : "");
    for (size_t i = 0; i < row->tag_count; i++)
        node_add_tag(node, row->tags[i]);
    for (size_t i = 0; i < row->capability_count; i++)
        buf_printf(&verbs, "%s%s", i > 0 ? "," : "", row->capabilities[i]);
    node_set(&node->capabilities, buf_text(&verbs));
    buf_done(&verbs);
    node->kind = (enum node_kind)row->kind;
    node->created_ms = row->created_ms;
    node->online_since_ms = row->online_since_ms;
    node->last_seen_ms = row->last_seen_ms;
    node->generation = row->generation;
    registry_load(loading->registry, node);
}

static enum actor_role role_of(unsigned number) {
    return number <= ACTOR_OWNER ? (enum actor_role)number : ACTOR_NOBODY;
}

static void load_user(void *arg, const struct store_user *kept) {
    struct loading *loading = arg;
    struct users_row *row =
        users_add(loading->users, kept->name, kept->admin, kept->created_ms);

    for (size_t i = 0; i < kept->grant_count; i++) {
        const struct store_grant *grant = &kept->grants[i];
        const struct users_grant copy = {
            .nodes = (char *)(uintptr_t)grant->nodes,
            .role = role_of(grant->role),
            .expires_ms = grant->expires_ms,
            .granted_by = (char *)(uintptr_t)grant->granted_by,
            .created_ms = grant->created_ms,
        };
        users_grant(loading->users, row, &copy);
    }
}

static void load_code(void *arg, const struct store_code *kept) {
    struct loading *loading = arg;
    struct users_code code = {
        .user = (char *)(uintptr_t)kept->user,
        .created_ms = kept->created_ms,
        .expires_ms = kept->expires_ms,
    };

    memcpy(code.hash, kept->hash, sizeof(code.hash));
    users_put_code(loading->users, &code);
}

/* A token of a user who is not there lets nobody in. */
static void load_owner(struct users *users,
                       struct access_token *token,
                       const struct store_token *row) {
    const struct users_row *user = users_find(users, row->user);

    if (row->user[0] == '\0')
        return;
    access_token_set_user(token, row->user, user ? user->rights : NULL);
    if (!user)
        token->revoked = true;
}

static void load_token(void *arg, const struct store_token *row) {
    struct loading *loading = arg;
    struct access_token *token =
        access_token_new((enum access_kind)row->kind, row->name ? row->name : "");

    memcpy(token->hash, row->hash, sizeof(token->hash));
    token->created_ms = row->created_ms;
    token->expires_ms = row->expires_ms;
    token->used_ms = row->last_used_ms;
    token->reusable = row->reusable;
    token->used = row->used;
    token->revoked = row->revoked;
    token->admin = row->admin;
    token->role = (int)row->role;
    access_token_set_nodes(token, row->nodes, row->node_count);
    node_set(&token->device, row->device);
    load_owner(loading->users, token, row);
    access_add(loading->access, token);
}

int keeper_load(struct store *store,
                struct registry *registry,
                struct users *users,
                struct access *access) {
    struct loading loading = { .users = users, .registry = registry, .access = access };
    struct store_loader loader = {
        .on_user = load_user,
        .on_code = load_code,
        .on_node = load_node,
        .on_token = load_token,
        .arg = &loading,
    };
    return store_load(store, &loader);
}

static void load_act(void *arg, const struct store_act *row) {
    struct keeper_acts *acts = arg;

    acts->rows = mem_grow(acts->rows, (acts->count + 1) * sizeof(*acts->rows));
    acts->rows[acts->count++] = (struct store_act) {
        .id = row->id,
        .time_ms = row->time_ms,
        .node = mem_strdup(row->node),
        .actor = mem_strdup(row->actor),
        .method = mem_strdup(row->method),
        .arguments = mem_strdup(row->arguments),
    };
}

int keeper_load_acts(struct store *store, struct keeper_acts *ret_acts) {
    struct store_loader loader = { .on_act = load_act, .arg = ret_acts };
    return store_load(store, &loader);
}

void keeper_acts_done(struct keeper_acts *acts) {
    for (size_t i = 0; i < acts->count; i++) {
        free((char *)(uintptr_t)acts->rows[i].node);
        free((char *)(uintptr_t)acts->rows[i].actor);
        free((char *)(uintptr_t)acts->rows[i].method);
        free((char *)(uintptr_t)acts->rows[i].arguments);
    }
    free(acts->rows);
    *acts = (struct keeper_acts) { 0 };
}

static void load_group(void *arg, const struct store_group *row) {
    groups_load(arg, row->name, row->members, row->member_count, row->created_ms);
}

int keeper_load_groups(struct store *store, struct groups *groups) {
    struct store_loader loader = { .on_group = load_group, .arg = groups };
    return store_load(store, &loader);
}

void keeper_touch(struct store *store, struct registry *registry, int64_t now_ms) {
    struct store_touch *touches =
        mem_new_array(registry_count(registry) + 1, sizeof(*touches));
    size_t count = 0;
    struct node *node;
    size_t at = 0;

    while ((node = registry_next(registry, &at)))
        if (node->session)
            touches[count++] =
                (struct store_touch) { .node = node->name, .time_ms = now_ms };
    if (count > 0)
        check(store_touch(store, touches, count, on_written, NULL));
    free(touches);
}

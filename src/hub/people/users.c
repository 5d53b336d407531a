#include "hub/people/users.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"

struct users {
    struct users_keeper keeper;
    struct map *rows;  /* owned; of owned struct users_row */
    struct map *codes; /* owned; hex of the hash -> owned struct users_code */
    struct list watchers;
};

struct users *users_new(const struct users_keeper *keeper) {
    struct users *users = mem_new(sizeof(*users));

    users->keeper = *keeper;
    users->rows = map_new();
    users->codes = map_new();
    list_init(&users->watchers);
    return users;
}

static void clear_grant(struct users_grant *grant) {
    free(grant->nodes);
    free(grant->granted_by);
}

static void free_row(struct users_row *row) {
    for (size_t i = 0; i < row->grant_count; i++)
        clear_grant(&row->grants[i]);
    free(row->grants);
    free(row->name);
    actor_rights_unref(row->rights);
    free(row);
}

static void free_code(struct users_code *code) {
    free(code->user);
    free(code);
}

struct users *users_free(struct users *users) {
    void *value;
    size_t at = 0;

    if (!users)
        return NULL;
    assert(list_is_empty(&users->watchers));
    while ((value = map_next(users->rows, &at, NULL)))
        free_row(value);
    at = 0;
    while ((value = map_next(users->codes, &at, NULL)))
        free_code(value);
    map_free(users->rows);
    map_free(users->codes);
    free(users);
    return NULL;
}

bool users_is_name(const char *text) {
    size_t len = strlen(text);

    return len > 0 && name_is_title(text) && !strpbrk(text, ",@*?[") && text[0] != ' ' &&
           text[len - 1] != ' ';
}

bool users_is_pattern(const char *text) {
    if (text[0] == '@')
        return name_is_valid(text + 1);
    if (text[0] == '\0' || strlen(text) > USERS_PATTERN_MAX)
        return false;
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-*?")] == '\0';
}

static void tell(struct users *users) {
    list_for_each_safe(at, after, &users->watchers) {
        struct users_watcher *watcher = container_of(at, struct users_watcher, node);
        watcher->on_change(watcher);
    }
}

/* The rights that all credentials share become what the grants say. */
static void set_rights(struct users_row *row) {
    actor_rights_clear(row->rights);
    row->rights->admin = row->admin;
    for (size_t i = 0; i < row->grant_count; i++)
        actor_rights_add(row->rights, row->grants[i].nodes, row->grants[i].role,
                         row->grants[i].expires_ms);
}

static void renew(struct users *users, struct users_row *row) {
    set_rights(row);
    tell(users);
}

struct users_row *users_add(struct users *users,
                            const char *name,
                            bool admin,
                            int64_t created_ms) {
    struct users_row *row = mem_new(sizeof(*row));

    assert(!users_find(users, name));
    row->name = mem_strdup(name);
    row->admin = admin;
    row->created_ms = created_ms;
    row->rights = actor_rights_new(admin);
    map_put(users->rows, name, row);
    return row;
}

struct users_row *users_find(const struct users *users, const char *name) {
    return map_get(users->rows, name);
}

struct users_row *users_next(const struct users *users, size_t *at) {
    return map_next(users->rows, at, NULL);
}

size_t users_count(const struct users *users) {
    return map_count(users->rows);
}

void users_make_admin(struct users *users, struct users_row *row) {
    row->admin = true;
    renew(users, row);
}

static struct users_grant *find_grant(const struct users_row *row, const char *nodes) {
    for (size_t i = 0; i < row->grant_count; i++)
        if (strcmp(row->grants[i].nodes, nodes) == 0)
            return &row->grants[i];
    return NULL;
}

const struct users_grant *users_find_grant(const struct users_row *row,
                                           const char *nodes) {
    return find_grant(row, nodes);
}

bool users_grant(struct users *users,
                 struct users_row *row,
                 const struct users_grant *grant) {
    struct users_grant copy = *grant;
    struct users_grant *place = find_grant(row, grant->nodes);

    if (!place && row->grant_count >= USERS_GRANTS_MAX)
        return false;
    copy.nodes = mem_strdup(grant->nodes);
    copy.granted_by = mem_strdup(grant->granted_by);
    if (place) {
        clear_grant(place);
    } else {
        row->grants =
            mem_grow(row->grants, (row->grant_count + 1) * sizeof(*row->grants));
        place = &row->grants[row->grant_count++];
    }
    *place = copy;
    renew(users, row);
    return true;
}

static void take_grant(struct users_row *row, struct users_grant *grant) {
    clear_grant(grant);
    *grant = row->grants[--row->grant_count];
}

bool users_revoke(struct users *users, struct users_row *row, const char *nodes) {
    struct users_grant *grant = find_grant(row, nodes);

    if (!grant)
        return false;
    take_grant(row, grant);
    renew(users, row);
    return true;
}

static void drop_code(struct users *users, struct users_code *code) {
    char key[2 * TOKEN_HASH_LEN + 1];

    hex_encode(key, code->hash, sizeof(code->hash));
    map_remove(users->codes, key);
    free_code(code);
}

static void drop_codes_of(struct users *users, const char *user) {
    struct users_code *code;
    size_t at = 0;

    while ((code = map_next(users->codes, &at, NULL))) {
        if (strcmp(code->user, user) != 0)
            continue;
        drop_code(users, code);
        at = 0; /* the map has changed */
    }
}

void users_remove(struct users *users, struct users_row *row) {
    map_remove(users->rows, row->name);
    drop_codes_of(users, row->name);
    actor_rights_clear(row->rights);
    row->rights->admin = false;
    row->rights->ended = true;
    tell(users);
    free_row(row);
}

void users_rename_node(struct users *users, const char *from, const char *to) {
    struct users_row *row;
    size_t at = 0;

    while ((row = map_next(users->rows, &at, NULL))) {
        struct users_grant *grant = find_grant(row, from);
        struct users_grant *other = find_grant(row, to);
        if (!grant)
            continue;
        if (other && other->role >= grant->role) { /* he had the new name before */
            take_grant(row, grant);
        } else {
            free(grant->nodes);
            grant->nodes = mem_strdup(to);
            if (other)
                take_grant(row, other);
        }
        set_rights(row);
        users->keeper.save(users->keeper.arg, row);
    }
}

void users_forget_node(struct users *users, const char *name) {
    struct users_row *row;
    size_t at = 0;

    while ((row = map_next(users->rows, &at, NULL)))
        if (users_revoke(users, row, name))
            users->keeper.save(users->keeper.arg, row);
}

void users_put_code(struct users *users, const struct users_code *code) {
    struct users_code *copy = mem_new(sizeof(*copy));
    char key[2 * TOKEN_HASH_LEN + 1];

    drop_codes_of(users, code->user);
    *copy = *code;
    copy->user = mem_strdup(code->user);
    hex_encode(key, code->hash, sizeof(code->hash));
    map_put(users->codes, key, copy);
}

const struct users_code *users_find_code(const struct users *users,
                                         const uint8_t hash[static TOKEN_HASH_LEN]) {
    char key[2 * TOKEN_HASH_LEN + 1];

    hex_encode(key, hash, TOKEN_HASH_LEN);
    return map_get(users->codes, key);
}

void users_drop_code(struct users *users, const uint8_t hash[static TOKEN_HASH_LEN]) {
    char key[2 * TOKEN_HASH_LEN + 1];

    hex_encode(key, hash, TOKEN_HASH_LEN);
    struct users_code *code = map_remove(users->codes, key);
    if (code)
        free_code(code);
}

void users_watch(struct users *users, struct users_watcher *watcher) {
    list_add_tail(&users->watchers, &watcher->node);
}

void users_unwatch(struct users_watcher *watcher) {
    list_remove(&watcher->node);
}

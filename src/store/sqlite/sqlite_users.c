#include "store/sqlite/sqlite_users.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite/sqlite_db.h"
#include "store/sqlite/sqlite_rows.h"
#include "store/store_request.h"

/* Runs a statement whose one parameter is the user. */
static int run_of(struct store_database *db, const char *sql, const char *user) {
    struct sqlite_query query = sqlite_db_query(db, sql);
    sqlite_db_bind_text(&query, user);
    return sqlite_db_finish(&query);
}

static int put_row(struct store_database *db, const struct store_user *user) {
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT OR REPLACE INTO users (name, admin, created) VALUES (?, ?, ?)");
    sqlite_db_bind_text(&query, user->name);
    sqlite_db_bind_int(&query, user->admin);
    sqlite_db_bind_int(&query, user->created_ms);
    return sqlite_db_finish(&query);
}

static int put_grant(struct store_database *db,
                     const char *user,
                     const struct store_grant *grant) {
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT OR REPLACE INTO grants (user, nodes, role, expires, granted_by,"
            " created) VALUES (?, ?, ?, ?, ?, ?)");
    sqlite_db_bind_text(&query, user);
    sqlite_db_bind_text(&query, grant->nodes);
    sqlite_db_bind_int(&query, grant->role);
    sqlite_db_bind_int(&query, grant->expires_ms);
    sqlite_db_bind_text(&query, grant->granted_by);
    sqlite_db_bind_int(&query, grant->created_ms);
    return sqlite_db_finish(&query);
}

int sqlite_users_put(struct store_database *db, struct store_request *request) {
    const struct store_user *user = &request->user;

    int r = put_row(db, user);
    if (r == 0)
        r = run_of(db, "DELETE FROM grants WHERE user = ?", user->name);
    for (size_t i = 0; r == 0 && i < user->grant_count; i++)
        r = put_grant(db, user->name, &user->grants[i]);
    return r;
}

int sqlite_users_remove(struct store_database *db, struct store_request *request) {
    int r = run_of(db, "DELETE FROM users WHERE name = ?", request->name);
    if (r == 0)
        r = run_of(db, "DELETE FROM grants WHERE user = ?", request->name);
    if (r == 0)
        r = run_of(db, "DELETE FROM codes WHERE user = ?", request->name);
    if (r == 0)
        r = run_of(db, "UPDATE tokens SET revoked = 1 WHERE user = ?", request->name);
    return r;
}

int sqlite_users_put_code(struct store_database *db, struct store_request *request) {
    const struct store_code *code = &request->code;

    int r = run_of(db, "DELETE FROM codes WHERE user = ?", code->user);
    if (r != 0)
        return r;
    struct sqlite_query query = sqlite_db_query(
        db, "INSERT INTO codes (hash, user, created, expires) VALUES (?, ?, ?, ?)");
    sqlite_db_bind_blob(&query, code->hash, sizeof(code->hash));
    sqlite_db_bind_text(&query, code->user);
    sqlite_db_bind_int(&query, code->created_ms);
    sqlite_db_bind_int(&query, code->expires_ms);
    return sqlite_db_finish(&query);
}

int sqlite_users_redeem(struct store_database *db, struct store_request *request) {
    struct sqlite_query query = sqlite_db_query(
        db, "DELETE FROM codes WHERE hash = ? AND user = ? AND expires > ?");
    sqlite_db_bind_blob(&query, request->hash, sizeof(request->hash));
    sqlite_db_bind_text(&query, request->token.user);
    sqlite_db_bind_int(&query, request->token.created_ms);
    int r = sqlite_db_finish(&query);
    if (r == 0 && sqlite_db_changes(db) == 0)
        r = STORE_E_USED;
    return r == 0 ? sqlite_rows_put_token(db, request) : r;
}

int sqlite_users_make_admin(struct store_database *db, const struct store_token *token) {
    if (token->user[0] == '\0')
        return 0;
    struct sqlite_query query =
        sqlite_db_query(db, "INSERT INTO users (name, admin, created) VALUES (?, 1, ?)"
                            " ON CONFLICT (name) DO UPDATE SET admin = 1");
    sqlite_db_bind_text(&query, token->user);
    sqlite_db_bind_int(&query, token->created_ms);
    return sqlite_db_finish(&query);
}

/* The rows of one user, in a request that owns their texts. */
static int read_grants(struct store_database *db,
                       struct store_request *request,
                       struct store_user *user) {
    struct sqlite_query query =
        sqlite_db_query(db, "SELECT nodes, role, expires, granted_by, created FROM grants"
                            " WHERE user = ?");
    struct store_grant *grants = NULL;
    sqlite_db_bind_text(&query, user->name);
    while (sqlite_db_next(&query)) {
        grants = mem_grow(grants, (user->grant_count + 1) * sizeof(*grants));
        grants[user->grant_count++] = (struct store_grant) {
            .nodes = store_request_copy_text(request, sqlite_db_text(&query, 0)),
            .role = (unsigned)sqlite_db_int(&query, 1),
            .expires_ms = sqlite_db_int(&query, 2),
            .granted_by = store_request_copy_text(request, sqlite_db_text(&query, 3)),
            .created_ms = sqlite_db_int(&query, 4),
        };
    }
    user->grants = grants ? store_request_own(request, grants) : NULL;
    return sqlite_db_finish(&query);
}

int sqlite_users_load(struct store_database *db, const struct store_loader *loader) {
    struct sqlite_query query =
        sqlite_db_query(db, "SELECT name, admin, created FROM users");
    int r = 0;
    while (r == 0 && sqlite_db_next(&query)) {
        struct store_request *request = store_request_new(STORE_PUT_USER);
        struct store_user user = {
            .name = store_request_copy_text(request, sqlite_db_text(&query, 0)),
            .admin = sqlite_db_int(&query, 1) != 0,
            .created_ms = sqlite_db_int(&query, 2),
        };
        r = read_grants(db, request, &user);
        if (r == 0)
            loader->on_user(loader->arg, &user);
        store_request_free(request);
    }
    int end = sqlite_db_finish(&query);
    return r != 0 ? r : end;
}

int sqlite_users_load_codes(struct store_database *db,
                            const struct store_loader *loader) {
    struct sqlite_query query =
        sqlite_db_query(db, "SELECT hash, user, created, expires FROM codes");
    bool whole = true;
    while (whole && sqlite_db_next(&query)) {
        struct store_code code = {
            .user = sqlite_db_text(&query, 1),
            .created_ms = sqlite_db_int(&query, 2),
            .expires_ms = sqlite_db_int(&query, 3),
        };
        whole = sqlite_db_blob(&query, 0, code.hash, sizeof(code.hash));
        if (whole)
            loader->on_code(loader->arg, &code);
    }
    int r = sqlite_db_finish(&query);
    return whole ? r : STORE_E_DAMAGED;
}

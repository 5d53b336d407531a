#include "store/store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "store/store_testing.h"

static void on_events(void *arg,
                      int result,
                      const struct store_event *events,
                      size_t count) {
    struct place *place = arg;
    size_t len = 0;
    place->text[0] = '\0';
    for (size_t i = 0; i < count && len < sizeof(place->text) - 24; i++)
        len +=
            (size_t)snprintf(place->text + len, sizeof(place->text) - len,
                             i > 0 ? " %llu" : "%llu", (unsigned long long)events[i].id);
    on_done(arg, result);
}

static void token_init(struct store_token *token, uint8_t seed) {
    *token = (struct store_token) { .kind = 2, .name = "pi", .created_ms = 1000 + seed };
    memset(token->hash, seed, sizeof(token->hash));
}

/* What was read back, as text. */
struct seen {
    char text[8192];
    size_t len;
    size_t nodes;
    size_t tokens;
};

static void add_text(struct seen *seen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_text(struct seen *seen, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len =
        vsnprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, format, args);
    va_end(args);
    CHECK(len >= 0 && (size_t)len < sizeof(seen->text) - seen->len);
    seen->len += (size_t)len;
}

static void see_node(void *arg, const struct store_node *node) {
    struct seen *seen = arg;
    if (seen->nodes++ > 5)
        return;
    add_text(seen, "node %s \"%s\" %u [", node->name, node->title, node->kind);
    for (size_t i = 0; i < node->tag_count; i++)
        add_text(seen, "%s,", node->tags[i]);
    add_text(seen, "] %lld %lld %lld %s %s [", (long long)node->created_ms,
             (long long)node->online_since_ms, (long long)node->last_seen_ms,
             node->address, node->version);
    for (size_t i = 0; i < node->capability_count; i++)
        add_text(seen, "%s,", node->capabilities[i]);
    add_text(seen, "] %s %llu %s\n", node->transport,
             (unsigned long long)node->generation, node->instance);
}

static void see_token(void *arg, const struct store_token *token) {
    struct seen *seen = arg;
    if (seen->tokens++ > 5)
        return;
    add_text(seen, "token %02x %u %s %lld %lld %lld %s%s%s%s %u [", token->hash[31],
             token->kind, token->name, (long long)token->created_ms,
             (long long)token->expires_ms, (long long)token->last_used_ms,
             token->reusable ? "R" : "-", token->used ? "U" : "-",
             token->revoked ? "X" : "-", token->admin ? "A" : "-", token->role);
    for (size_t i = 0; i < token->node_count; i++)
        add_text(seen, "%s,", token->nodes[i]);
    add_text(seen, "]\n");
}

static void see_group(void *arg, const struct store_group *group) {
    struct seen *seen = arg;
    add_text(seen, "group %s %lld [", group->name, (long long)group->created_ms);
    for (size_t i = 0; i < group->member_count; i++)
        add_text(seen, "%s;", group->members[i]);
    add_text(seen, "]\n");
}

/* Closes, opens again and reads all; the store is then open and not started. */
static const char *reopen(struct place *place, struct seen *seen) {
    const struct store_loader loader = {
        .on_node = see_node, .on_token = see_token, .on_group = see_group, .arg = seen
    };
    place->store = store_close(place->store);
    CHECK_INT(place_open(place), 0);
    *seen = (struct seen) { 0 };
    CHECK_INT(store_load(place->store, &loader), 0);
    return seen->text;
}

static void all_of_a_node_comes_back(void) {
    static const char *const tags[] = { "home", "pi" };
    static const char *const capabilities[] = { "host" };
    const struct store_node full = {
        .name = "pi4",
        .title = "Küche; DROP TABLE nodes",
        .kind = 1,
        .tags = tags,
        .tag_count = 2,
        .created_ms = 1,
        .online_since_ms = 2,
        .last_seen_ms = INT64_MAX,
        .address = "[::1]:5",
        .version = "0.1",
        .capabilities = capabilities,
        .capability_count = 1,
        .transport = "ptth",
        .generation = UINT64_MAX,
        .instance = "abc",
    };
    const struct store_node bare = { .name = "a" };
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 100);
    CHECK_INT(ASK(&place, store_put_node(place.store, &bare, on_done, &place)), 0);
    CHECK_INT(ASK(&place, store_put_node(place.store, &full, on_done, &place)), 0);
    CHECK_INT(ASK(&place, store_put_node(place.store, &full, on_done, &place)), 0);
    CHECK_TEXT(
        reopen(&place, &seen),
        "node a \"\" 0 [] 0 0 0   []  0 \n"
        "node pi4 \"Küche; DROP TABLE nodes\" 1 [home,pi,] 1 2 9223372036854775807 "
        "[::1]:5 0.1 [host,] ptth 18446744073709551615 abc\n");
    place_done(&place);
}

static void all_of_a_group_comes_back(void) {
    static const char *const members[] = { "pi*", "@home", "nas" };
    struct store_group group = {
        .name = "web",
        .members = members,
        .member_count = 3,
        .created_ms = 7,
    };
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 100);
    CHECK_INT(ASK(&place, store_put_group(place.store, &group, on_done, &place)), 0);
    group.name = "gone";
    CHECK_INT(ASK(&place, store_put_group(place.store, &group, on_done, &place)), 0);
    CHECK_INT(ASK(&place, store_remove_group(place.store, "gone", on_done, &place)), 0);
    group.name = "web";
    group.member_count = 0;
    CHECK_INT(ASK(&place, store_put_group(place.store, &group, on_done, &place)), 0);
    group.member_count = 2;
    CHECK_INT(ASK(&place, store_put_group(place.store, &group, on_done, &place)), 0);
    CHECK_TEXT(reopen(&place, &seen), "group web 7 [pi*;@home;]\n");
    place_done(&place);
}

static void all_of_a_token_comes_back(void) {
    static const char *const nodes[] = { "pi*", "@home" };
    struct store_token token;
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 100);
    token_init(&token, 7);
    token.expires_ms = 5;
    token.last_used_ms = 6;
    token.reusable = token.used = token.revoked = token.admin = true;
    token.role = 3;
    token.nodes = nodes;
    token.node_count = 2;
    CHECK_INT(ASK(&place, store_put_token(place.store, &token, on_done, &place)), 0);
    token_init(&token, 8);
    CHECK_INT(ASK(&place, store_put_token(place.store, &token, on_done, &place)), 0);
    CHECK_TEXT(reopen(&place, &seen), "token 07 2 pi 1007 5 6 RUXA 3 [pi*,@home,]\n"
                                      "token 08 2 pi 1008 0 0 ---- 0 []\n");

    CHECK_INT(store_start(place.store, place.loop, 100, &place.facts), 0);
    CHECK_INT(ASK(&place, store_remove_token(place.store, token.hash, on_done, &place)),
              0);
    CHECK(!strstr(reopen(&place, &seen), "token 08"));
    place_done(&place);
}

static void a_renamed_node_keeps_its_tokens(void) {
    const struct store_node one = { .name = "pi" }, two = { .name = "db" };
    struct store_token node, caller;
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 100);
    token_init(&node, 1);
    token_init(&caller, 2);
    caller.kind = 3;
    ASK(&place, store_put_node(place.store, &one, on_done, &place));
    ASK(&place, store_put_node(place.store, &two, on_done, &place));
    ASK(&place, store_put_token(place.store, &node, on_done, &place));
    ASK(&place, store_put_token(place.store, &caller, on_done, &place));
    CHECK_INT(ASK(&place, store_rename_node(place.store, "pi", "db", on_done, &place)),
              -EEXIST);
    CHECK_INT(ASK(&place, store_rename_node(place.store, "no", "x", on_done, &place)),
              STORE_E_NONE);
    CHECK_INT(ASK(&place, store_rename_node(place.store, "pi", "pi5", on_done, &place)),
              0);
    CHECK_TEXT(reopen(&place, &seen), "node db \"\" 0 [] 0 0 0   []  0 \n"
                                      "node pi5 \"\" 0 [] 0 0 0   []  0 \n"
                                      "token 01 2 pi5 1001 0 0 ---- 0 []\n"
                                      "token 02 3 pi 1002 0 0 ---- 0 []\n");

    CHECK_INT(store_start(place.store, place.loop, 100, &place.facts), 0);
    CHECK_INT(ASK(&place, store_remove_node(place.store, "pi5", on_done, &place)), 0);
    CHECK_TEXT(reopen(&place, &seen), "node db \"\" 0 [] 0 0 0   []  0 \n"
                                      "token 01 2 pi5 1001 0 0 --X- 0 []\n"
                                      "token 02 3 pi 1002 0 0 ---- 0 []\n");
    place_done(&place);
}

static void touching_moves_times_only(void) {
    const struct store_node node = { .name = "pi", .title = "t" };
    struct store_token token;
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 100);
    token_init(&token, 1);
    ASK(&place, store_put_node(place.store, &node, on_done, &place));
    ASK(&place, store_put_token(place.store, &token, on_done, &place));
    struct store_touch touches[3] = { { .node = "pi", .time_ms = 77 },
                                      { .time_ms = 88 },
                                      { .node = "nobody", .time_ms = 99 } };
    memcpy(touches[1].token, token.hash, sizeof(token.hash));
    CHECK_INT(ASK(&place, store_touch(place.store, touches, 3, on_done, &place)), 0);
    CHECK_TEXT(reopen(&place, &seen), "node pi \"t\" 0 [] 0 0 77   []  0 \n"
                                      "token 01 2 pi 1001 0 88 ---- 0 []\n");
    place_done(&place);
}

static void a_join_token_is_exchanged_once(void) {
    struct store_token join, credential;
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 100);
    token_init(&join, 1);
    join.kind = 1;
    token_init(&credential, 2);
    CHECK_INT(
        ASK(&place, store_join(place.store, join.hash, &credential, on_done, &place)),
        STORE_E_USED);
    ASK(&place, store_put_token(place.store, &join, on_done, &place));
    CHECK_INT(
        ASK(&place, store_join(place.store, join.hash, &credential, on_done, &place)), 0);
    token_init(&credential, 3);
    CHECK_INT(
        ASK(&place, store_join(place.store, join.hash, &credential, on_done, &place)),
        STORE_E_USED);
    CHECK_TEXT(reopen(&place, &seen), "token 01 1 pi 1001 0 1002 -U-- 0 []\n"
                                      "token 02 2 pi 1002 0 0 ---- 0 []\n");

    CHECK_INT(store_start(place.store, place.loop, 100, &place.facts), 0);
    join.reusable = true;
    ASK(&place, store_put_token(place.store, &join, on_done, &place));
    for (uint8_t i = 10; i < 13; i++) {
        token_init(&credential, i);
        CHECK_INT(
            ASK(&place, store_join(place.store, join.hash, &credential, on_done, &place)),
            0);
    }
    join.revoked = true;
    ASK(&place, store_put_token(place.store, &join, on_done, &place));
    CHECK_INT(
        ASK(&place, store_join(place.store, join.hash, &credential, on_done, &place)),
        STORE_E_USED);
    place_done(&place);
}

static void a_claim_code_works_once(void) {
    uint8_t secret[STORE_CLAIM_LEN] = "123456789", other[STORE_CLAIM_LEN] = "12345678x",
            read[STORE_CLAIM_LEN];
    struct store_token admin;
    struct place place;
    struct store *second;
    char *why;

    place_init(&place);
    CHECK_INT(place_open(&place), 0);
    CHECK_INT(store_read_claim_now(place.store, read), STORE_E_NONE);
    CHECK_INT(store_put_claim_now(place.store, other, 1), 0);
    CHECK_INT(store_start(place.store, place.loop, 100, &place.facts), 0);

    /* `roostd claim --new` while the hub runs. */
    CHECK_INT(store_open(place.path, &second, &why), 0);
    CHECK_INT(store_put_claim_now(second, secret, 2), 0);
    CHECK_INT(store_read_claim_now(second, read), 0);
    CHECK(memcmp(secret, read, sizeof(read)) == 0);

    token_init(&admin, 1);
    CHECK_INT(ASK(&place, store_claim(place.store, other, &admin, on_done, &place)),
              STORE_E_USED);
    CHECK_INT(ASK(&place, store_claim(place.store, secret, &admin, on_done, &place)), 0);
    CHECK_INT(ASK(&place, store_claim(place.store, secret, &admin, on_done, &place)),
              STORE_E_USED);
    CHECK_INT(store_read_claim_now(second, read), STORE_E_USED);
    store_close(second);
    place_done(&place);
}

static void what_waits_is_written_before_the_store_is_released(void) {
    struct place place;

    place_init(&place);
    place_start(&place, 100);
    place.waiting = 1;
    CHECK_INT(store_put_meta(place.store, "colour", "blue", on_done, &place), 0);
    store_release(place.store);
    CHECK_INT(place.waiting, 0);
    CHECK_INT(place.result, 0);
    CHECK_INT(store_put_meta(place.store, "colour", "red", on_done, &place), -ESHUTDOWN);
    store_release(place.store);
    place_done(&place);
}

static void add_event(struct place *place,
                      uint64_t id,
                      const char *node,
                      const char *actor) {
    const struct store_event event = { .id = id,
                                       .time_ms = (int64_t)id * 10,
                                       .kind = "call",
                                       .node = node,
                                       .actor = actor,
                                       .text = "text" };
    CHECK_INT(ASK(place, store_add_event(place->store, &event, on_done, place)), 0);
}

static void events_are_found_and_the_oldest_go(void) {
    static const struct {
        struct store_event_query query;
        const char *ids;
    } rows[] = {
        { { 0 }, "9 8 7 6 5 4 3 2" }, /* the first has gone: 8 are kept */
        { { .oldest_first = true }, "2 3 4 5 6 7 8 9" },
        { { .limit = 2 }, "9 8" },
        { { .node = "pi" }, "8 6 4 2" },
        { { .node = "pi", .oldest_first = true, .limit = 3 }, "2 4 6" },
        { { .actor = "ann" }, "9 6 3" },
        { { .actor = "ann", .oldest_first = true }, "3 6 9" },
        { { .node = "pi", .actor = "ann" }, "6" },
        { { .node = "pi", .actor = "ann", .oldest_first = true }, "6" },
        { { .node = "nobody" }, "" },
        { { .since_ms = 40, .until_ms = 70 }, "6 5 4" },
        { { .before_id = 4 }, "3 2" },
        { { .after_id = 7 }, "9 8" },
        { { .after_id = 3, .before_id = 6, .oldest_first = true }, "4 5" },
    };
    struct place place;

    place_init(&place);
    place_start(&place, 8);
    CHECK_INT(place.facts.last_event_id, 0);
    for (uint64_t id = 1; id <= 9; id++)
        add_event(&place, id, id % 2 == 0 ? "pi" : "db", id % 3 == 0 ? "ann" : NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(ASK(&place,
                      store_list_events(place.store, &rows[i].query, on_events, &place)),
                  0);
        CHECK_TEXT(place.text, rows[i].ids);
    }
    const struct store_event again = { .id = 9 };
    CHECK_INT(ASK(&place, store_add_event(place.store, &again, on_done, &place)),
              -EEXIST);
    place.store = store_close(place.store);
    place_start(&place, 8);
    CHECK_INT(place.facts.last_event_id, 9);
    place_done(&place);
}

static void see_meta(void *arg, const char *key, const char *value) {
    if (strcmp(key, "color") == 0)
        add_text(arg, "%s=%s", key, value);
}

static void keys_and_the_hub_stay(void) {
    const struct store_loader loader = { .on_meta = see_meta };
    struct store_loader with = loader;
    struct place place;
    struct seen seen = { 0 };
    char id[33];

    place_init(&place);
    place_start(&place, 8);
    CHECK_INT(place.facts.start, 1);
    CHECK_INT(strlen(place.facts.hub_id), 32);
    strcpy(id, place.facts.hub_id);
    ASK(&place, store_put_meta(place.store, "color", "red", on_done, &place));
    ASK(&place, store_put_meta(place.store, "color", "green", on_done, &place));
    store_close(place.store);

    CHECK_INT(place_open(&place), 0);
    with.arg = &seen;
    CHECK_INT(store_load(place.store, &with), 0);
    CHECK_TEXT(seen.text, "color=green");
    CHECK_INT(store_start(place.store, place.loop, 8, &place.facts), 0);
    CHECK_INT(place.facts.start, 2);
    CHECK_TEXT(place.facts.hub_id, id);
    ASK(&place, store_put_meta(place.store, "color", NULL, on_done, &place));
    store_close(place.store);

    CHECK_INT(place_open(&place), 0);
    seen = (struct seen) { 0 };
    CHECK_INT(store_load(place.store, &with), 0);
    CHECK_TEXT(seen.text, "");
    place_done(&place);
}

/* One request of a batch fails; its neighbours do not. */
static void a_failure_stays_alone_in_its_batch(void) {
    const struct store_node node = { .name = "pi" }, other = { .name = "db" };
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 8);
    place.waiting = 4;
    CHECK_INT(store_put_node(place.store, &node, on_done, &place), 0);
    CHECK_INT(store_put_node(place.store, &other, on_done, &place), 0);
    CHECK_INT(store_rename_node(place.store, "pi", "db", on_done, &place), 0);
    CHECK_INT(store_rename_node(place.store, "db", "web", on_done, &place), 0);
    loop_run(place.loop);
    CHECK_TEXT(reopen(&place, &seen), "node pi \"\" 0 [] 0 0 0   []  0 \n"
                                      "node web \"\" 0 [] 0 0 0   []  0 \n");
    place_done(&place);
}

static void closing_writes_and_answers_all(void) {
    enum { COUNT = 1700 };
    struct place place;
    struct seen seen;
    char name[16];

    place_init(&place);
    place_start(&place, 8);
    place.waiting = COUNT + 1;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        const struct store_node node = { .name = name };
        CHECK_INT(store_put_node(place.store, &node, on_done, &place), 0);
    }
    CHECK_INT(store_waiting(place.store), COUNT);
    reopen(&place, &seen);
    CHECK_INT(place.waiting, 1);
    CHECK_INT(seen.nodes, COUNT);
    place_done(&place);
}

static void too_many_requests_are_refused(void) {
    const struct store_node node = { .name = "pi" };
    struct place place;
    int taken = 0;

    place_init(&place);
    place_start(&place, 8);
    while (taken < 20000 && store_put_node(place.store, &node, NULL, NULL) == 0)
        taken++;
    CHECK_INT(taken, 10000);
    CHECK_INT(store_put_node(place.store, &node, on_done, &place), -EAGAIN);
    place_done(&place);
}

static void run_sql(const char *path, const char *sql) {
    sqlite3 *handle;
    CHECK_INT(sqlite3_open(path, &handle), SQLITE_OK);
    CHECK_INT(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static void a_newer_schema_is_left_alone(void) {
    struct place place;
    char *why = NULL;

    place_init(&place);
    CHECK_INT(place_open(&place), 0);
    place.store = store_close(place.store);
    run_sql(place.path, "PRAGMA user_version = 99");
    CHECK_INT(store_open(place.path, &place.store, &why), STORE_E_NEWER);
    CHECK(strstr(why, "its schema is version 99, of a newer Roost"));
    free(why);
    run_sql(place.path, "PRAGMA user_version = 8");
    CHECK_INT(place_open(&place), 0);
    place_done(&place);
}

/* A file from before there were samples gets their tables, and can shrink. */
static void an_older_schema_is_brought_up(void) {
    struct store_counts counts;
    struct store_token token;
    struct place place;
    char *why = NULL;
    sqlite3 *handle;
    sqlite3_stmt *statement;

    place_init(&place);
    place_start(&place, 8);
    token_init(&token, 1);
    ASK(&place, store_put_token(place.store, &token, on_done, &place));
    place.store = store_close(place.store);
    run_sql(place.path, "DROP TABLE samples_nodes; DROP TABLE samples_cursors;"
                        "DROP TABLE samples_catalogues; DROP TABLE samples_journal;"
                        "DROP TABLE samples_series; DROP TABLE samples_chunks;"
                        "DROP TABLE traffic_keys; DROP TABLE traffic; DROP TABLE groups;"
                        "DROP TABLE users; DROP TABLE grants; DROP TABLE codes;"
                        "DROP TABLE acts; DROP TABLE records;"
                        "ALTER TABLE tokens DROP COLUMN user;"
                        "ALTER TABLE tokens DROP COLUMN device;"
                        "ALTER TABLE nodes DROP COLUMN networks;"
                        "ALTER TABLE activity DROP COLUMN method;"
                        "ALTER TABLE activity DROP COLUMN arguments;"
                        "ALTER TABLE activity DROP COLUMN status;"
                        "ALTER TABLE activity DROP COLUMN duration;"
                        "PRAGMA user_version = 1; PRAGMA auto_vacuum = NONE; VACUUM");
    CHECK_INT(place_open(&place), 0);
    CHECK_INT(store_check_now(place.store, &counts, &why), 0);
    CHECK_INT(counts.schema, 8);
    CHECK_INT(counts.tokens, 1);
    place.store = store_close(place.store);
    CHECK_INT(sqlite3_open(place.path, &handle), SQLITE_OK);
    sqlite3_prepare_v2(handle, "PRAGMA auto_vacuum", -1, &statement, NULL);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    CHECK_INT(sqlite3_column_int(statement, 0), 2);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    place_done(&place);
}

/* A person in a chat is known by a token; the table was there until version 7. */
static void a_table_that_nobody_wrote_to_goes(void) {
    struct store_counts counts;
    struct place place;
    char *why = NULL;

    place_init(&place);
    CHECK_INT(place_open(&place), 0);
    place.store = store_close(place.store);
    run_sql(place.path, "CREATE TABLE identities (name); PRAGMA user_version = 7");
    CHECK_INT(place_open(&place), 0);
    CHECK_INT(store_check_now(place.store, &counts, &why), 0);
    CHECK_INT(counts.schema, 8);
    place.store = store_close(place.store);
    run_sql(place.path, "CREATE TABLE identities (name)"); /* the name is free */
    place_done(&place);
}

static void what_is_no_store_is_left_alone(void) {
    struct place place;
    char *why = NULL;

    place_init(&place);
    run_sql(place.path, "CREATE TABLE theirs (a)");
    CHECK_INT(store_open(place.path, &place.store, &why), STORE_E_DAMAGED);
    CHECK(strstr(why, "it is no store of a Roost hub"));
    free(why);
    auto_(mem_freep) char *wal = mem_printf("%s-wal", place.path);
    CHECK_INT(access(wal, F_OK), -1);

    FILE *file = fopen(place.path, "w");
    for (int i = 0; i < 500; i++)
        fputs("this is no database ", file);
    fclose(file);
    CHECK_INT(store_open(place.path, &place.store, &why), STORE_E_DAMAGED);
    free(why);
    CHECK_INT(store_open("/nonexistent/x", &place.store, &why), -ENOENT);
    CHECK_TEXT(why, "/nonexistent/x: No such file or directory");
    free(why);
    place_done(&place);
}

static void the_file_is_private(void) {
    struct place place;
    struct stat facts;

    place_init(&place);
    place_start(&place, 8);
    CHECK_INT(stat(place.path, &facts), 0);
    CHECK_INT(facts.st_mode & 0777, 0600);
    auto_(mem_freep) char *wal = mem_printf("%s-wal", place.path);
    CHECK_INT(stat(wal, &facts), 0);
    CHECK_INT(facts.st_mode & 0777, 0600);
    place_done(&place);
}

static void a_check_counts_and_finds_damage(void) {
    struct store_counts counts;
    struct store_token token;
    struct place place;
    char *why = NULL, zeros[4096] = { 0 };

    place_init(&place);
    place_start(&place, 8);
    token_init(&token, 1);
    ASK(&place, store_put_token(place.store, &token, on_done, &place));
    add_event(&place, 1, "pi", NULL);
    place.store = store_close(place.store);
    CHECK_INT(place_open(&place), 0);
    CHECK_INT(store_check_now(place.store, &counts, &why), 0);
    CHECK_INT(counts.schema, 8);
    CHECK_INT(counts.nodes, 0);
    CHECK_INT(counts.tokens, 1);
    CHECK_INT(counts.events, 1);
    CHECK(counts.bytes > 4096);
    place.store = store_close(place.store);

    FILE *file = fopen(place.path, "r+");
    CHECK_INT(fseek(file, 4096, SEEK_SET), 0);
    CHECK_INT(fwrite(zeros, 1, sizeof(zeros), file), sizeof(zeros));
    fclose(file);
    CHECK_INT(place_open(&place), 0);
    CHECK_INT(store_check_now(place.store, &counts, &why), STORE_E_DAMAGED);
    CHECK(why && *why);
    free(why);
    place_done(&place);
}

/* Files may not grow: what was durable stays, the rest fails, and it goes on later. */
static void a_full_disk_loses_nothing(void) {
    struct rlimit before, small;
    struct place place;
    struct seen seen;
    char name[32], title[512];
    size_t durable = 0;

    memset(title, 't', sizeof(title) - 1);
    title[sizeof(title) - 1] = '\0';
    place_init(&place);
    place_start(&place, 8);
    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 256 * 1024;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        const struct store_node node = { .name = name, .title = title };
        int r = ASK(&place, store_put_node(place.store, &node, on_done, &place));
        if (r != 0)
            CHECK(r < 0);
        durable += r == 0;
    }
    CHECK(durable > 0 && durable < 200);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &before), 0);
    const struct store_node node = { .name = "after" };
    CHECK_INT(ASK(&place, store_put_node(place.store, &node, on_done, &place)), 0);
    reopen(&place, &seen);
    CHECK_INT(seen.nodes, durable + 1);
    place_done(&place);
}

/* Each answered request is told to the pipe; the child is killed in the middle. */
static void write_until_killed(struct place *place, int fd) {
    for (unsigned i = 0;; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        const struct store_node node = { .name = name };
        const struct store_event event = { .id = i + 1, .node = name };
        place->waiting++;
        if (store_put_node(place->store, &node, on_done, place) != 0 ||
            ASK(place, store_add_event(place->store, &event, on_done, place)) != 0 ||
            write(fd, "x", 1) != 1)
            _exit(1);
    }
}

static void a_killed_process_leaves_a_whole_store(void) {
    struct place place;
    struct seen seen;
    struct store_counts counts;
    char *why = NULL, told[256];

    place_init(&place);
    for (int round = 0; round < 5; round++) {
        int ends[2], status;
        CHECK_INT(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            struct place own = place;
            unlink(own.path);
            own.loop = loop_new();
            place_start(&own, 1000000);
            write_until_killed(&own, ends[1]);
        }
        close(ends[1]);
        size_t count = 0;
        while (count < 20 + (size_t)round * 7) {
            ssize_t len = read(ends[0], told, 1);
            CHECK(len == 1);
            count++;
        }
        CHECK_INT(kill(child, SIGKILL), 0);
        CHECK_INT(waitpid(child, &status, 0), child);
        for (ssize_t len; (len = read(ends[0], told, sizeof(told))) > 0;)
            count += (size_t)len;
        close(ends[0]);

        reopen(&place, &seen);
        CHECK(seen.nodes >= count);
        CHECK_INT(store_check_now(place.store, &counts, &why), 0);
        CHECK(counts.events >= count);
        CHECK(counts.nodes - counts.events <= 1);
        place.store = store_close(place.store);
    }
    place_done(&place);
}

/* What a hub of that size reads at start; the time is for a person to look at. */
static void a_thousand_nodes_load(void) {
    static const char *const tags[] = { "home", "pi" };
    const struct store_loader loader = { .on_node = see_node, .on_token = see_token };
    struct store_loader with = loader;
    struct store_token token;
    struct place place;
    struct seen seen = { 0 };
    char name[16];

    place_init(&place);
    place_start(&place, 8);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "node%u", i);
        const struct store_node node = { .name = name, .tags = tags, .tag_count = 2 };
        token_init(&token, 0);
        memcpy(token.hash, &i, sizeof(i));
        CHECK_INT(store_put_node(place.store, &node, NULL, NULL), 0);
        CHECK_INT(store_put_token(place.store, &token, NULL, NULL), 0);
    }
    place.store = store_close(place.store);
    with.arg = &seen;
    uint64_t before_ns = clock_boot_ns();
    CHECK_INT(place_open(&place), 0);
    CHECK_INT(store_load(place.store, &with), 0);
    printf("# 1000 nodes and tokens in %.1f ms\n",
           (double)(clock_boot_ns() - before_ns) / 1e6);
    CHECK_INT(seen.nodes, 1000);
    CHECK_INT(seen.tokens, 1000);
    place_done(&place);
}

TESTS(TEST(all_of_a_node_comes_back),
      TEST(all_of_a_token_comes_back),
      TEST(all_of_a_group_comes_back),
      TEST(a_renamed_node_keeps_its_tokens),
      TEST(touching_moves_times_only),
      TEST(a_join_token_is_exchanged_once),
      TEST(a_claim_code_works_once),
      TEST(events_are_found_and_the_oldest_go),
      TEST(keys_and_the_hub_stay),
      TEST(a_failure_stays_alone_in_its_batch),
      TEST(closing_writes_and_answers_all),
      TEST(too_many_requests_are_refused),
      TEST(what_waits_is_written_before_the_store_is_released),
      TEST(a_newer_schema_is_left_alone),
      TEST(an_older_schema_is_brought_up),
      TEST(a_table_that_nobody_wrote_to_goes),
      TEST(what_is_no_store_is_left_alone),
      TEST(the_file_is_private),
      TEST(a_check_counts_and_finds_damage),
      TEST(a_full_disk_loses_nothing),
      TEST(a_killed_process_leaves_a_whole_store),
      TEST(a_thousand_nodes_load))

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/store_testing.h"

/* What was read back, as text. */
struct seen {
    char text[4096];
    size_t len;
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

static void see_user(void *arg, const struct store_user *user) {
    add_text(arg, "%s%s", user->name, user->admin ? " admin" : "");
    for (size_t i = 0; i < user->grant_count; i++)
        add_text(arg, " %s:%u:%lld:%s", user->grants[i].nodes, user->grants[i].role,
                 (long long)user->grants[i].expires_ms, user->grants[i].granted_by);
    add_text(arg, "\n");
}

static void see_code(void *arg, const struct store_code *code) {
    add_text(arg, "code %u %s %lld\n", code->hash[0], code->user,
             (long long)code->expires_ms);
}

static void see_token(void *arg, const struct store_token *token) {
    add_text(arg, "token %s user \"%s\" device \"%s\"%s%s", token->name, token->user,
             token->device, token->admin ? " admin" : "",
             token->revoked ? " revoked" : "");
    for (size_t i = 0; i < token->node_count; i++)
        add_text(arg, " %s", token->nodes[i]);
    add_text(arg, "\n");
}

static void see_act(void *arg, const struct store_act *act) {
    add_text(arg, "act %llu %s %s %s %s\n", (unsigned long long)act->id, act->node,
             act->actor, act->method, act->arguments);
}

static const char *read_back(struct place *place, struct seen *seen) {
    const struct store_loader loader = {
        .on_user = see_user,
        .on_code = see_code,
        .on_token = see_token,
        .on_act = see_act,
        .arg = seen,
    };

    place->store = store_close(place->store);
    CHECK_INT(place_open(place), 0);
    *seen = (struct seen) { 0 };
    CHECK_INT(store_load(place->store, &loader), 0);
    return seen->text;
}

static const struct store_grant grants[] = {
    { .nodes = "pi", .role = 3, .granted_by = "root", .created_ms = 5 },
    { .nodes = "@home", .role = 1, .expires_ms = 99, .granted_by = "bob" },
};

static void put_user(struct place *place, const char *name, size_t grant_count) {
    const struct store_user user = {
        .name = name,
        .admin = grant_count == 0,
        .created_ms = 7,
        .grants = grants,
        .grant_count = grant_count,
    };
    ASK(place, store_put_user(place->store, &user, on_done, place));
}

static void put_code(struct place *place, const char *user, uint8_t seed) {
    struct store_code code = { .user = user, .created_ms = 1, .expires_ms = 1000 };

    memset(code.hash, seed, sizeof(code.hash));
    ASK(place, store_put_code(place->store, &code, on_done, place));
}

static void all_of_a_user_comes_back(void) {
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 8);
    put_user(&place, "ada", 2);
    put_user(&place, "root", 0);
    CHECK_TEXT(read_back(&place, &seen), "ada @home:1:99:bob pi:3:0:root\n"
                                         "root admin\n");
    place_done(&place);
}

static void what_is_put_again_takes_the_place_of_all_before(void) {
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 8);
    put_user(&place, "ada", 2);
    put_user(&place, "ada", 1);
    CHECK_TEXT(read_back(&place, &seen), "ada pi:3:0:root\n");
    place_done(&place);
}

static int redeem(struct place *place, uint8_t seed, int64_t now_ms, const char *user) {
    struct store_token token = {
        .kind = 3, .name = "ada", .user = user, .device = "laptop", .created_ms = now_ms
    };
    uint8_t hash[STORE_HASH_LEN];

    memset(token.hash, 0x40 + seed, sizeof(token.hash));
    memset(hash, seed, sizeof(hash));
    ASK(place, store_redeem(place->store, hash, &token, on_done, place));
    return place->result;
}

static void a_code_works_once_and_in_its_time(void) {
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 8);
    put_user(&place, "ada", 1);
    put_code(&place, "ada", 1);
    put_code(&place, "ada", 2); /* in the place of the first */
    CHECK_INT(redeem(&place, 1, 10, "ada"), STORE_E_USED);
    CHECK_INT(redeem(&place, 2, 1000, "ada"), STORE_E_USED);
    CHECK_INT(redeem(&place, 2, 10, "bob"), STORE_E_USED);
    CHECK_INT(redeem(&place, 2, 999, "ada"), 0);
    CHECK_INT(redeem(&place, 2, 999, "ada"), STORE_E_USED);
    CHECK_TEXT(read_back(&place, &seen), "ada pi:3:0:root\n"
                                         "token ada user \"ada\" device \"laptop\"\n");
    place_done(&place);
}

static void a_removed_user_leaves_nothing_that_lets_in(void) {
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 8);
    put_user(&place, "ada", 2);
    put_code(&place, "ada", 1);
    CHECK_INT(redeem(&place, 1, 10, "ada"), 0);
    put_code(&place, "ada", 3);
    ASK(&place, store_remove_user(place.store, "ada", on_done, &place));
    CHECK_TEXT(read_back(&place, &seen),
               "token ada user \"ada\" device \"laptop\" revoked\n");
    place_done(&place);
}

static void an_act_that_did_not_end_is_found_at_the_next_start(void) {
    const struct store_act acts[] = {
        { .id = 1,
          .node = "pi",
          .actor = "ada",
          .method = "/p.S/Kill",
          .arguments = "1" },
        { .id = 2,
          .node = "db",
          .actor = "ada",
          .method = "/p.S/Kill",
          .arguments = "2" },
        { .id = 3, .node = "db", .actor = "bob", .method = "/p.S/Kill" },
    };
    const struct store_event event = { .id = 9, .kind = "act.ended", .node = "pi" };
    struct store_facts facts;
    struct place place;
    struct seen seen;

    place_init(&place);
    place_start(&place, 8);
    for (size_t i = 0; i < 3; i++)
        ASK(&place, store_begin_act(place.store, &acts[i], on_done, &place));
    ASK(&place, store_end_act(place.store, 1, &event, on_done, &place));
    ASK(&place, store_end_act(place.store, 3, NULL, on_done, &place));
    CHECK_TEXT(read_back(&place, &seen), "act 2 db ada /p.S/Kill 2\n");
    CHECK_INT(store_start(place.store, place.loop, 100, &facts), 0);
    CHECK_INT(facts.last_event_id, 9);
    CHECK_INT(facts.last_act_id, 2);
    place_done(&place);
}

/* testdata/version-4.db was made by a hub before there were users: ada came in by the
 * claim code, and ci is a program. */
static void a_database_from_before_there_were_users_is_brought_up(void) {
    struct store_counts counts;
    struct buf file = { 0 };
    struct place place;
    struct seen seen;
    char *why = NULL;

    place_init(&place);
    CHECK_INT(file_read(STORE_TESTDATA "/version-4.db", 1 << 20, &file), 0);
    CHECK_INT(file_write_atomic(place.path, slice_of(file.data, file.len), 0600), 0);
    buf_done(&file);
    CHECK_INT(place_open(&place), 0);
    CHECK_INT(store_check_now(place.store, &counts, &why), 0);
    CHECK(counts.schema >= 5); /* there may be more since */
    CHECK_INT(counts.tokens, 3);
    CHECK_INT(counts.events, 4);
    CHECK_TEXT(read_back(&place, &seen), "ada admin\n"
                                         "token ada user \"ada\" device \"\" admin\n"
                                         "token pi user \"\" device \"\"\n"
                                         "token ci user \"\" device \"\" web* db1\n");
    place_done(&place);
}

TESTS(TEST(all_of_a_user_comes_back),
      TEST(what_is_put_again_takes_the_place_of_all_before),
      TEST(a_code_works_once_and_in_its_time),
      TEST(a_removed_user_leaves_nothing_that_lets_in),
      TEST(an_act_that_did_not_end_is_found_at_the_next_start),
      TEST(a_database_from_before_there_were_users_is_brought_up))

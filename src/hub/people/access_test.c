#include "hub/people/access.h"

#include "base/check.h"
#include "rpc/actor.h"

enum { TOKENS = 300 };

static void save(void *arg, const struct access_token *token) {
}

static struct access *new_access(void) {
    struct access_keeper keeper = { .save = save };
    return access_new(&keeper);
}

static struct access_token *add_token(struct access *access, char *ret_secret) {
    struct access_token *token = access_token_new(ACCESS_CALLER, "ada");
    access_token_make_secret(token, ret_secret);
    access_add(access, token);
    return token;
}

static int find(struct access *access, const char *secret) {
    struct access_token *token = NULL;
    return access_find(access, secret, ACCESS_CALLER, 1000, &token);
}

/* More of them than are remembered, so that they take each other's places. */
static void every_secret_finds_its_own_token_again_and_again(void) {
    struct access *access = new_access();
    struct access_token *tokens[TOKENS];
    char secrets[TOKENS][TOKEN_LEN + 1];

    for (size_t i = 0; i < TOKENS; i++)
        tokens[i] = add_token(access, secrets[i]);
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < TOKENS; i++) {
            struct access_token *found = NULL;
            CHECK_INT(access_find(access, secrets[i], ACCESS_CALLER, 1000, &found), 0);
            CHECK(found == tokens[i]);
        }
    access_free(access);
}

static void what_was_found_before_is_still_checked(void) {
    struct access *access = new_access();
    struct access_token *found = NULL;
    char secret[TOKEN_LEN + 1];

    struct access_token *token = add_token(access, secret);
    CHECK_INT(find(access, secret), 0);
    CHECK_INT(access_find(access, secret, ACCESS_NODE, 1000, &found), ACCESS_E_KIND);
    token->expires_ms = 1000;
    CHECK_INT(find(access, secret), ACCESS_E_EXPIRED);
    token->expires_ms = 0;
    CHECK_INT(find(access, secret), 0);
    access_revoke(access, token);
    CHECK_INT(find(access, secret), ACCESS_E_REVOKED);
    access_free(access);
}

/* Each digit of a remembered secret counts, also those of its checksum. */
static void a_secret_with_one_other_digit_is_unknown(void) {
    struct access *access = new_access();
    char secret[TOKEN_LEN + 1];

    add_token(access, secret);
    CHECK_INT(find(access, secret), 0);
    for (size_t i = 0; i < TOKEN_LEN; i++) {
        char was = secret[i];
        secret[i] = was == '0' ? '1' : '0';
        CHECK_INT(find(access, secret), ACCESS_E_FORM);
        secret[i] = was;
    }
    CHECK_INT(find(access, secret), 0);
    access_free(access);
}

static void a_token_has_one_actor(void) {
    struct access *access = new_access();
    char secret[TOKEN_LEN + 1];

    struct access_token *token = add_token(access, secret);
    struct actor *actor = access_actor(token);
    CHECK(access_actor(token) == actor);
    CHECK_TEXT(actor->name, "ada");
    actor_unref(actor);
    access_free(access);
    CHECK_TEXT(actor->name, "ada"); /* a call may outlive the access */
    actor_unref(actor);
}

TESTS(TEST(every_secret_finds_its_own_token_again_and_again),
      TEST(what_was_found_before_is_still_checked),
      TEST(a_secret_with_one_other_digit_is_unknown),
      TEST(a_token_has_one_actor))

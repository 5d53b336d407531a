#include "agent/acts/signing.h"

#include <stdlib.h>
#include <string.h>

#include "agent/policy/policy.h"
#include "agent/setup/identity.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/check_folder.h"

static const char METHOD[] = "/roost.v1.Power/Reboot";
static const char REQUEST[] = "\n\x02id";

struct place {
    char *folder; /* owned, as the others */
    struct policy *policy;
    struct identity identity;
    struct signing *signing;
    uint8_t seed[CRYPTO_SIGN_KEY_LEN];
    uint8_t other[CRYPTO_SIGN_KEY_LEN];
};

static void begin(struct place *place) {
    uint8_t key[CRYPTO_SIGN_KEY_LEN];
    struct buf text = { 0 };

    *place = (struct place) { .folder = check_folder_make() };
    crypto_sign_make_key(place->seed);
    crypto_sign_make_key(place->other);
    crypto_sign_public(place->seed, key);
    strcpy(place->identity.instance, "0123456789abcdef0123456789abcdef");
    buf_add_text(&text, "allow power\nrequire signature power\noperator ada ");
    policy_rules_print_public(key, &text);
    char *path = file_join(place->folder, "policy.conf");
    CHECK_INT(file_write_atomic(path, buf_slice(&text), 0600), 0);
    struct policy_config config = { .state = place->folder, .system_path = "/nowhere" };
    place->policy = policy_new(&config);
    CHECK(!policy_trouble(place->policy));
    place->signing = signing_new(place->policy, &place->identity);
    free(path);
    buf_done(&text);
}

static void end(struct place *place) {
    signing_free(place->signing);
    policy_free(place->policy);
    check_folder_remove(place->folder);
}

/* What a signer does, and what is asked with it. */
struct row {
    const char *why;
    const char *key;             /* whose name is told; NULL: ada */
    bool other_key;              /* but signed with another key */
    const char *signed_instance; /* NULL: the agent's */
    const char *signed_method;   /* NULL: the one that is asked */
    const char *signed_request;  /* NULL: likewise */
    const char *issued_method;   /* NULL: likewise */
    bool made_up;                /* the challenge was never issued */
    uint64_t later_ms;
    enum signing_fault fault;
};

static const struct row rows[] = {
    { .why = "fine", .fault = SIGNING_FINE },
    { .why = "just in time", .later_ms = 59999, .fault = SIGNING_FINE },
    { .why = "too late", .later_ms = 60000, .fault = SIGNING_CHALLENGE },
    { .why = "hours later", .later_ms = 36000000, .fault = SIGNING_CHALLENGE },
    { .why = "an unknown name", .key = "eve", .fault = SIGNING_NO_KEY },
    { .why = "no name", .key = "", .fault = SIGNING_NO_KEY },
    { .why = "another key", .other_key = true, .fault = SIGNING_WRONG },
    { .why = "another node",
      .signed_instance = "1123456789abcdef0123456789abcdef",
      .fault = SIGNING_WRONG },
    { .why = "no node", .signed_instance = "", .fault = SIGNING_WRONG },
    { .why = "another method",
      .signed_method = "/roost.v1.Power/Shutdown",
      .fault = SIGNING_WRONG },
    { .why = "a challenge for another method",
      .issued_method = "/roost.v1.Power/Shutdown",
      .fault = SIGNING_CHALLENGE },
    { .why = "other bytes", .signed_request = "\n\x02iD", .fault = SIGNING_WRONG },
    { .why = "fewer bytes", .signed_request = "\n\x02i", .fault = SIGNING_WRONG },
    { .why = "no bytes", .signed_request = "", .fault = SIGNING_WRONG },
    { .why = "a challenge of somebody's own",
      .made_up = true,
      .fault = SIGNING_CHALLENGE },
};

static char *sign(const struct place *place,
                  const struct row *row,
                  const uint8_t *challenge) {
    struct signed_act act = {
        .instance_id =
            row->signed_instance ? row->signed_instance : place->identity.instance,
        .method = row->signed_method ? row->signed_method : METHOD,
        .request = slice_of_text(row->signed_request ? row->signed_request : REQUEST),
        .challenge = slice_of(challenge, SIGNED_ACT_CHALLENGE_LEN),
    };

    return signed_act_sign(&act, row->key ? row->key : "ada",
                           row->other_key ? place->other : place->seed);
}

static enum signing_fault ask(struct place *place, const char *value, uint64_t now_ms) {
    struct signing_question question = {
        .value = value,
        .method = METHOD,
        .request = slice_of_text(REQUEST),
        .now_ms = now_ms,
    };

    return signing_check(place->signing, &question);
}

static void a_signature_counts_for_what_was_signed_alone_and_once(void) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t challenge[SIGNED_ACT_CHALLENGE_LEN] = { 0 };
        const struct row *row = &rows[i];
        struct place place;

        begin(&place);
        if (!row->made_up)
            signing_issue(place.signing, "ada",
                          row->issued_method ? row->issued_method : METHOD, 1000,
                          challenge);
        char *value = sign(&place, row, challenge);
        enum signing_fault fault = ask(&place, value, 1000 + row->later_ms);
        if (fault != row->fault)
            fail_msg("%s: %d", row->why, (int)fault);
        CHECK_INT(ask(&place, value, 1000 + row->later_ms), SIGNING_CHALLENGE);
        free(value);
        end(&place);
    }
}

static void what_is_no_signature_leaves_challenges_alone(void) {
    uint8_t challenge[SIGNED_ACT_CHALLENGE_LEN];
    struct place place;

    begin(&place);
    signing_issue(place.signing, "ada", METHOD, 0, challenge);
    CHECK_INT(ask(&place, NULL, 0), SIGNING_MISSING);
    CHECK_INT(ask(&place, "", 0), SIGNING_DAMAGED);
    CHECK_INT(ask(&place, "CgNhZGE=", 0), SIGNING_DAMAGED);
    char *value = sign(&place, &rows[0], challenge);
    CHECK_INT(ask(&place, value, 0), SIGNING_FINE);
    free(value);
    end(&place);
}

static void nobody_has_many_challenges_and_nobody_takes_those_of_others(void) {
    uint8_t mine[SIGNED_ACT_CHALLENGE_LEN], first[SIGNED_ACT_CHALLENGE_LEN];
    uint8_t other[SIGNED_ACT_CHALLENGE_LEN];
    struct place place;

    begin(&place);
    signing_issue(place.signing, "ada", METHOD, 0, mine);
    signing_issue(place.signing, "eve", METHOD, 0, first);
    for (int i = 0; i < 1000; i++)
        signing_issue(place.signing, "eve", METHOD, 0, other);
    char *value = sign(&place, &rows[0], mine);
    CHECK_INT(ask(&place, value, 0), SIGNING_FINE);
    free(value);
    value = sign(&place, &rows[0], first);
    CHECK_INT(ask(&place, value, 0), SIGNING_CHALLENGE);
    free(value);
    value = sign(&place, &rows[0], other);
    CHECK_INT(ask(&place, value, 0), SIGNING_FINE);
    free(value);
    end(&place);
}

TESTS(TEST(a_signature_counts_for_what_was_signed_alone_and_once),
      TEST(what_is_no_signature_leaves_challenges_alone),
      TEST(nobody_has_many_challenges_and_nobody_takes_those_of_others))

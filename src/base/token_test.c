#include "base/token.h"

#include <ctype.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TOKEN  SECRET ".a8ae6e6e" /* printf SECRET | sha256sum */
#define PIN    "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

static void a_new_token_passes_its_check(void) {
    char a[TOKEN_LEN + 1], b[TOKEN_LEN + 1];

    token_new(a);
    token_new(b);
    CHECK_INT(strlen(a), TOKEN_LEN);
    CHECK_INT(token_check(a), 0);
    CHECK(strcmp(a, b) != 0);
    CHECK_INT(token_check(TOKEN), 0);
}

static void each_typo_is_told(void) {
    for (size_t i = 0; i < TOKEN_LEN; i++) {
        char token[TOKEN_LEN + 1] = TOKEN;
        if (token[i] == '.')
            continue;
        token[i] = token[i] == '0' ? '1' : '0';
        CHECK_INT(token_check(token), TOKEN_E_TYPO);
        token[i] = 'g';
        CHECK_INT(token_check(token), TOKEN_E_FORM);
        token[i] = '\0';
        CHECK_INT(token_check(token), TOKEN_E_FORM);
    }
    CHECK_INT(token_check(TOKEN "0"), TOKEN_E_FORM);
    CHECK_INT(token_check(""), TOKEN_E_FORM);
    CHECK_INT(token_check(SECRET "0a8ae6e6e"), TOKEN_E_FORM);
}

static void the_id_is_the_head_of_the_hash(void) {
    uint8_t hash[TOKEN_HASH_LEN];
    char id[TOKEN_ID_LEN + 1];

    token_hash("", hash);
    token_id(hash, id);
    CHECK_TEXT(id, "e3b0c44298fc");
}

static void pins_are_43_characters(void) {
    CHECK(token_is_pin(PIN));
    CHECK(!token_is_pin(""));
    CHECK(!token_is_pin("web"));
    CHECK(!token_is_pin(PIN "A"));
    CHECK(!token_is_pin("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV")); /* loose bits */
    CHECK(!token_is_pin("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"));
}

static void a_claim_code_survives_how_people_type(void) {
    struct token_claim claim, back;
    char code[TOKEN_CLAIM_LEN + 1], typed[128] = " ";
    size_t len = 1;

    token_claim_new(PIN, &claim);
    token_claim_print(&claim, code);
    CHECK_INT(strlen(code), TOKEN_CLAIM_LEN);
    CHECK_INT(token_claim_parse(code, &back), 0);
    assert_memory_equal(&claim, &back, sizeof(claim));

    for (size_t i = 0; code[i]; i++) {
        if (code[i] == '-')
            continue;
        typed[len++] = code[i] == '0'   ? 'o'
                       : code[i] == '1' ? 'l'
                                        : (char)tolower(code[i]);
        if (i % 3 == 0)
            typed[len++] = ' ';
    }
    CHECK_INT(token_claim_parse(typed, &back), 0);
    assert_memory_equal(&claim, &back, sizeof(claim));
}

static void a_claim_code_names_its_hub(void) {
    struct token_claim claim;

    token_claim_new(PIN, &claim);
    CHECK(token_claim_has_pin(&claim, PIN));
    CHECK(!token_claim_has_pin(&claim, "AAAAQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"));
    CHECK(!token_claim_has_pin(&claim, "web"));
}

static void what_is_no_claim_code_is_refused(void) {
    struct token_claim claim;
    char code[TOKEN_CLAIM_LEN + 2];

    memset(code, '0', sizeof(code));
    code[33] = '\0';
    CHECK_INT(token_claim_parse(code, &claim), TOKEN_E_CLAIM);
    code[31] = '\0';
    CHECK_INT(token_claim_parse(code, &claim), TOKEN_E_CLAIM);
    strcpy(code + 31, "U");
    CHECK_INT(token_claim_parse(code, &claim), TOKEN_E_CLAIM);
    strcpy(code + 31, "0");
    CHECK_INT(token_claim_parse(code, &claim), 0);
    CHECK_INT(token_claim_parse("", &claim), TOKEN_E_CLAIM);
}

static void links_are_read_and_printed_alike(void) {
    static const char *const links[] = {
        "roost://hub.example.org:8000/" TOKEN "#" PIN,
        "roost://192.0.2.1:1,[2001:db8::1]:8000,hub:65535/" TOKEN "#" PIN,
        "roost://hub:443/" TOKEN "#web",
    };
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        struct token_link link;
        auto_(mem_freep) char *padded = mem_printf(" %s\r\n", links[i]);
        CHECK_INT(token_link_parse(padded, &link), 0);
        auto_(mem_freep) char *printed = token_link_print(&link);
        CHECK_TEXT(printed, links[i]);
        CHECK_TEXT(link.token, TOKEN);
    }
}

static void each_fault_of_a_link_has_its_own_error(void) {
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        { "", TOKEN_E_SCHEME },
        { "https://hub:8000/" TOKEN "#" PIN, TOKEN_E_SCHEME },
        { "roost:/hub:8000/" TOKEN "#" PIN, TOKEN_E_SCHEME },
        { "roost:///" TOKEN "#" PIN, TOKEN_E_HOST },
        { "roost://h b:8000/" TOKEN "#" PIN, TOKEN_E_HOST },
        { "roost://hub:8000,/" TOKEN "#" PIN, TOKEN_E_HOST },
        { "roost://2001:db8::1:8000/" TOKEN "#" PIN, TOKEN_E_HOST },
        { "roost://hub/" TOKEN "#" PIN, TOKEN_E_PORT },
        { "roost://hub:0/" TOKEN "#" PIN, TOKEN_E_PORT },
        { "roost://a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1/" TOKEN "#" PIN, TOKEN_E_MANY },
        { "roost://hub:8000", TOKEN_E_MISSING },
        { "roost://hub:8000/", TOKEN_E_MISSING },
        { "roost://hub:8000/#" PIN, TOKEN_E_MISSING },
        { "roost://hub:8000/abc#" PIN, TOKEN_E_FORM },
        { "roost://hub:8000/" SECRET ".a8ae6e6f#" PIN, TOKEN_E_TYPO },
        { "roost://hub:8000/" TOKEN, TOKEN_E_NO_PIN },
        { "roost://hub:8000/" TOKEN "#", TOKEN_E_NO_PIN },
        { "roost://hub:8000/" TOKEN "#Web", TOKEN_E_PIN },
        { "roost://hub:8000/" TOKEN "#" PIN "A", TOKEN_E_PIN },
        { "roost://hub:8000/" TOKEN "#!7DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
          TOKEN_E_PIN },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token_link link = { .address_count = 7 };
        CHECK_INT(token_link_parse(rows[i].text, &link), rows[i].error);
        CHECK_INT(link.address_count, 7);
    }
    for (int error = TOKEN_E_FORM; error <= TOKEN_E_PIN; error++)
        CHECK(strcmp(token_error_text(error), "unknown") != 0);
    CHECK_TEXT(token_error_text(0), "unknown");
    CHECK_TEXT(token_error_text(-5), "unknown");
    CHECK_TEXT(token_error_text(99), "unknown");
}

/* A link that was cut off when it was copied is never taken for a whole one. */
static void no_prefix_of_a_link_is_a_link(void) {
    static const char whole[] = "roost://hub:8000/" TOKEN "#" PIN;

    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        struct token_link link;
        auto_(mem_freep) char *prefix = mem_dup(whole, len);
        CHECK(token_link_parse(prefix, &link) != 0);
    }
}

static void an_endless_link_is_refused(void) {
    static char text[100000] = "roost://";
    struct token_link link;

    memset(text + 8, 'a', sizeof(text) - 9);
    CHECK_INT(token_link_parse(text, &link), TOKEN_E_LONG);
}

TESTS(TEST(a_new_token_passes_its_check),
      TEST(each_typo_is_told),
      TEST(the_id_is_the_head_of_the_hash),
      TEST(pins_are_43_characters),
      TEST(a_claim_code_survives_how_people_type),
      TEST(a_claim_code_names_its_hub),
      TEST(what_is_no_claim_code_is_refused),
      TEST(links_are_read_and_printed_alike),
      TEST(each_fault_of_a_link_has_its_own_error),
      TEST(no_prefix_of_a_link_is_a_link),
      TEST(an_endless_link_is_refused))

#include "base/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/mem.h"

enum {
    SECRET_DIGITS = 64,
    CHECK_DIGITS = 8,
    CLAIM_LETTERS = 32,
    CLAIM_GROUP = 4,
};

static const char link_head[] = "roost://";

/* Crockford's alphabet: no I, L, O (they look like digits) and no U. */
static const char claim_letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const char *token_error_text(int error) {
    static const char *const texts[] = {
        [TOKEN_E_FORM] = "that is not a token: one is 64 hex digits, a dot and 8 more",
        [TOKEN_E_TYPO] = "the token is mistyped: its last 8 digits do not fit the others",
        [TOKEN_E_CLAIM] = "that is not a claim code: one is 32 letters and digits",
        [TOKEN_E_LONG] = "the link is too long to be one",
        [TOKEN_E_SCHEME] = "a join link starts with roost://",
        [TOKEN_E_HOST] = "the link has an address without a valid host",
        [TOKEN_E_PORT] = "the link has an address without a port from 1 to 65535",
        [TOKEN_E_MANY] = "the link has more than 8 addresses",
        [TOKEN_E_MISSING] = "the link has no token after the address",
        [TOKEN_E_NO_PIN] = "the link ends before its #PIN (or #web): was it cut off?",
        [TOKEN_E_PIN] = "what follows # in the link is neither a pin nor \"web\"",
    };
    return error > 0 && (size_t)error < sizeof(texts) / sizeof(texts[0]) ? texts[error]
                                                                         : "unknown";
}

static void check_digits(const char *secret, char ret_digits[static CHECK_DIGITS + 1]) {
    uint8_t digest[CRYPTO_SHA256_LEN];
    crypto_sha256(secret, SECRET_DIGITS, digest);
    hex_encode(ret_digits, digest, CHECK_DIGITS / 2);
}

void token_new(char ret_token[static TOKEN_LEN + 1]) {
    uint8_t secret[SECRET_DIGITS / 2];

    crypto_random(secret, sizeof(secret));
    hex_encode(ret_token, secret, sizeof(secret));
    check_digits(ret_token, ret_token + SECRET_DIGITS + 1);
    ret_token[SECRET_DIGITS] = '.';
    mem_wipe(secret, sizeof(secret));
}

bool token_has_form(const char *text) {
    static const char digits[] = "0123456789abcdef";

    return strspn(text, digits) == SECRET_DIGITS && text[SECRET_DIGITS] == '.' &&
           strspn(text + SECRET_DIGITS + 1, digits) == CHECK_DIGITS &&
           text[TOKEN_LEN] == '\0';
}

int token_check(const char *token) {
    char wanted[CHECK_DIGITS + 1];

    if (!token_has_form(token))
        return TOKEN_E_FORM;
    const char *got = token + SECRET_DIGITS + 1;
    check_digits(token, wanted);
    return strcmp(got, wanted) == 0 ? 0 : TOKEN_E_TYPO;
}

void token_hash(const char *token, uint8_t ret_hash[static TOKEN_HASH_LEN]) {
    crypto_sha256(token, strlen(token), ret_hash);
}

void token_id(const uint8_t hash[static TOKEN_HASH_LEN],
              char ret_id[static TOKEN_ID_LEN + 1]) {
    hex_encode(ret_id, hash, TOKEN_ID_LEN / 2);
}

/* Decodes a pin to its 32 bytes. */
static bool pin_bytes(const char *pin, uint8_t ret_bytes[static CRYPTO_SHA256_LEN]) {
    struct buf out = { 0 };
    bool good = strlen(pin) == TOKEN_PIN_LEN &&
                base64_decode_url(&out, slice_of_text(pin)) == 0 &&
                out.len == CRYPTO_SHA256_LEN;
    if (good)
        memcpy(ret_bytes, out.data, out.len);
    buf_done(&out);
    return good;
}

bool token_is_pin(const char *text) {
    uint8_t bytes[CRYPTO_SHA256_LEN];
    return pin_bytes(text, bytes);
}

void token_claim_new(const char *pin, struct token_claim *ret_claim) {
    uint8_t bytes[CRYPTO_SHA256_LEN] = { 0 };

    pin_bytes(pin, bytes);
    crypto_random(ret_claim->secret, sizeof(ret_claim->secret));
    memcpy(ret_claim->pin, bytes, sizeof(ret_claim->pin));
}

void token_claim_print(const struct token_claim *claim,
                       char ret_code[static TOKEN_CLAIM_LEN + 1]) {
    uint8_t bytes[2 * TOKEN_CLAIM_PART];
    unsigned bits = 0, have = 0, letters = 0;

    memcpy(bytes, claim->secret, TOKEN_CLAIM_PART);
    memcpy(bytes + TOKEN_CLAIM_PART, claim->pin, TOKEN_CLAIM_PART);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bits = (bits << 8 | bytes[i]) & 0xfff;
        for (have += 8; have >= 5; have -= 5) {
            if (letters > 0 && letters % CLAIM_GROUP == 0)
                *ret_code++ = '-';
            *ret_code++ = claim_letters[bits >> (have - 5) & 31];
            letters++;
        }
    }
    *ret_code = '\0';
}

/* The five bits of a letter as people write it, or -1. */
static int claim_value(char letter) {
    if (letter >= 'a' && letter <= 'z')
        letter = (char)(letter - 'a' + 'A');
    if (letter == 'O')
        letter = '0';
    if (letter == 'I' || letter == 'L')
        letter = '1';
    const char *at = letter ? strchr(claim_letters, letter) : NULL;
    return at ? (int)(at - claim_letters) : -1;
}

int token_claim_parse(const char *code, struct token_claim *ret_claim) {
    uint8_t bytes[2 * TOKEN_CLAIM_PART];
    unsigned bits = 0, have = 0, letters = 0, len = 0;

    for (; *code; code++) {
        if (strchr("- \t\r\n", *code))
            continue;
        int value = claim_value(*code);
        if (value < 0 || ++letters > CLAIM_LETTERS)
            return TOKEN_E_CLAIM;
        bits = (bits << 5 | (unsigned)value) & 0xfff;
        have += 5;
        if (have >= 8) {
            have -= 8;
            bytes[len++] = (uint8_t)(bits >> have);
        }
    }
    if (letters != CLAIM_LETTERS)
        return TOKEN_E_CLAIM;
    memcpy(ret_claim->secret, bytes, TOKEN_CLAIM_PART);
    memcpy(ret_claim->pin, bytes + TOKEN_CLAIM_PART, TOKEN_CLAIM_PART);
    return 0;
}

bool token_claim_has_pin(const struct token_claim *claim, const char *pin) {
    uint8_t bytes[CRYPTO_SHA256_LEN];
    return pin_bytes(pin, bytes) && crypto_equal(claim->pin, bytes, TOKEN_CLAIM_PART);
}

/* Cuts off and returns what stands before the first such byte; false when there is none.
 */
static bool cut_at(struct slice *text, char byte, struct slice *ret_before) {
    const uint8_t *at = text->len > 0 ? memchr(text->at, byte, text->len) : NULL;
    if (!at)
        return false;
    size_t len = (size_t)(at - text->at);
    *ret_before = slice_of(text->at, len);
    *text = slice_after(*text, len + 1);
    return true;
}

static int parse_addresses(struct slice text, struct token_link *link) {
    bool more;
    do {
        struct slice one = text;
        more = cut_at(&text, ',', &one);
        if (link->address_count == TOKEN_LINK_ADDRESSES_MAX)
            return TOKEN_E_MANY;
        int r = address_parse(one, &link->addresses[link->address_count++]);
        if (r != 0)
            return r == ADDRESS_E_PORT ? TOKEN_E_PORT : TOKEN_E_HOST;
    } while (more);
    return 0;
}

static int parse_token(struct slice text, struct token_link *link) {
    if (text.len == 0)
        return TOKEN_E_MISSING;
    if (text.len != TOKEN_LEN)
        return TOKEN_E_FORM;
    memcpy(link->token, text.at, text.len);
    return token_check(link->token);
}

static int parse_pin(struct slice text, struct token_link *link) {
    if (text.len == 0)
        return TOKEN_E_NO_PIN;
    if (slice_is_text(text, "web"))
        return 0;
    if (text.len != TOKEN_PIN_LEN)
        return TOKEN_E_PIN;
    memcpy(link->pin, text.at, text.len);
    return token_is_pin(link->pin) ? 0 : TOKEN_E_PIN;
}

static struct slice trim(struct slice text) {
    while (text.len > 0 && memchr(" \t\r\n", text.at[0], 4))
        text = slice_after(text, 1);
    while (text.len > 0 && memchr(" \t\r\n", text.at[text.len - 1], 4))
        text.len--;
    return text;
}

int token_link_parse(const char *text, struct token_link *ret_link) {
    struct token_link link = { 0 };
    struct slice rest = trim(slice_of_text(text)), addresses, token;
    size_t head_len = sizeof(link_head) - 1;

    if (rest.len > TOKEN_LINK_MAX)
        return TOKEN_E_LONG;
    if (rest.len < head_len || memcmp(rest.at, link_head, head_len) != 0)
        return TOKEN_E_SCHEME;
    rest = slice_after(rest, head_len);
    bool has_token = cut_at(&rest, '/', &addresses);
    int r = parse_addresses(has_token ? addresses : rest, &link);
    if (r != 0)
        return r;
    if (!has_token)
        return TOKEN_E_MISSING;
    bool has_pin = cut_at(&rest, '#', &token);
    r = parse_token(has_pin ? token : rest, &link);
    if (r == 0)
        r = has_pin ? parse_pin(rest, &link) : TOKEN_E_NO_PIN;
    if (r == 0)
        *ret_link = link;
    return r;
}

char *token_link_print(const struct token_link *link) {
    struct buf out = { 0 };

    buf_add_text(&out, link_head);
    for (size_t i = 0; i < link->address_count; i++) {
        char text[ADDRESS_TEXT_LEN];
        address_print(&link->addresses[i], text);
        buf_printf(&out, "%s%s", i > 0 ? "," : "", text);
    }
    buf_printf(&out, "/%s#%s", link->token, link->pin[0] ? link->pin : "web");
    return buf_take_text(&out);
}

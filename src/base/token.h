/*
 * token - credentials as text: tokens, claim codes and join links
 *
 * A token is 32 random bytes as 64 hex digits, a dot, and the first 8 hex digits of the
 * SHA-256 of those 64 characters, so that a typo is told apart from a wrong token. Only
 * token_hash() of it is ever stored; the id that people see is the head of that hash.
 *
 * A claim code is 80 random bits and the first 80 bits of the hub's pin in base32, in
 * groups of four: it proves the hub to the administrator and the other way round.
 *
 * A join link is roost://HOST:PORT[,HOST:PORT...]/TOKEN#PIN, with "web" in the place of
 * the pin where public certificates are to be trusted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum {
    TOKEN_LEN = 64 + 1 + 8,
    TOKEN_HASH_LEN = 32,
    TOKEN_ID_LEN = 12,
    TOKEN_PIN_LEN = 43,           /* base64url of a SHA-256 without padding */
    TOKEN_CLAIM_LEN = 32 + 7,     /* eight groups of four and the dashes */
    TOKEN_CLAIM_PART = 10,        /* bytes of each half of a claim code */
    TOKEN_LINK_ADDRESSES_MAX = 8, /* a link is typed or scanned by people */
    TOKEN_LINK_MAX = TOKEN_LINK_ADDRESSES_MAX * ADDRESS_TEXT_LEN + 256, /* bytes */
};

enum {
    TOKEN_E_FORM = 1, /* not a token at all */
    TOKEN_E_TYPO,     /* a token whose check digits do not fit: mistyped */
    TOKEN_E_CLAIM,    /* not a claim code */
    TOKEN_E_LONG,     /* a link over TOKEN_LINK_MAX */
    TOKEN_E_SCHEME,   /* a link that does not start with roost:// */
    TOKEN_E_HOST,     /* an address without a valid host */
    TOKEN_E_PORT,     /* an address without a valid port */
    TOKEN_E_MANY,     /* too many addresses */
    TOKEN_E_MISSING,  /* a link without a token */
    TOKEN_E_NO_PIN,   /* a link without #PIN or #web, cut off perhaps */
    TOKEN_E_PIN,      /* a pin that is none */
};

/* Why, in one clause for a person; of any TOKEN_E_*. */
const char *token_error_text(int error);

void token_new(char ret_token[static TOKEN_LEN + 1]);

/* 64 hex digits, a dot and 8 more; the 8 are not looked at. */
bool token_has_form(const char *text);

/* 0, TOKEN_E_FORM or TOKEN_E_TYPO. Says nothing about whether a hub knows it. */
int token_check(const char *token);

/* What is stored and compared in place of the token. */
void token_hash(const char *token, uint8_t ret_hash[static TOKEN_HASH_LEN]);

/* The first 12 hex digits of the hash. */
void token_id(const uint8_t hash[static TOKEN_HASH_LEN],
              char ret_id[static TOKEN_ID_LEN + 1]);

/* Is this 43 characters that decode to 32 bytes? */
bool token_is_pin(const char *text);

struct token_claim {
    uint8_t secret[TOKEN_CLAIM_PART];
    uint8_t pin[TOKEN_CLAIM_PART];
};

/* Makes a claim with fresh randomness for the hub of this (valid) pin. */
void token_claim_new(const char *pin, struct token_claim *ret_claim);

void token_claim_print(const struct token_claim *claim,
                       char ret_code[static TOKEN_CLAIM_LEN + 1]);

/* Takes either case, dashes and spaces anywhere, O for 0 and I or L for 1. */
int token_claim_parse(const char *code, struct token_claim *ret_claim);

/* Was the claim made by the hub of this pin? */
bool token_claim_has_pin(const struct token_claim *claim, const char *pin);

struct token_link {
    struct address addresses[TOKEN_LINK_ADDRESSES_MAX]; /* in the order to try */
    size_t address_count;
    char token[TOKEN_LEN + 1];
    char pin[TOKEN_PIN_LEN + 1]; /* empty: #web */
};

/* Reads a link; white space around it is dropped. */
int token_link_parse(const char *text, struct token_link *ret_link);

/* The link as a new string, to be freed (and never logged). */
char *token_link_print(const struct token_link *link);

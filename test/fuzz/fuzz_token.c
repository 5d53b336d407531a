#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A link that is taken prints as one that is taken and means the same. */
static void try_link(const char *text) {
    struct token_link link, again;
    if (token_link_parse(text, &link) != 0)
        return;
    auto_(mem_freep) char *printed = token_link_print(&link);
    int r = token_link_parse(printed, &again);
    assert(r == 0 && again.address_count == link.address_count);
    assert(strcmp(again.token, link.token) == 0 && strcmp(again.pin, link.pin) == 0);
}

static void try_claim(const char *text) {
    struct token_claim claim, again;
    char code[TOKEN_CLAIM_LEN + 1];
    if (token_claim_parse(text, &claim) != 0)
        return;
    token_claim_print(&claim, code);
    int r = token_claim_parse(code, &again);
    assert(r == 0 && memcmp(&claim, &again, sizeof(claim)) == 0);
}

static void try_address(const char *text) {
    struct address address, again;
    char printed[ADDRESS_TEXT_LEN];
    if (address_parse_listen(slice_of_text(text), &address) != 0)
        return;
    address_print(&address, printed);
    int r = address_parse_listen(slice_of_text(printed), &again);
    assert(r == 0 && again.port == address.port);
    assert(strcmp(again.host, address.host) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    auto_(mem_freep) char *text = mem_dup(data, len);
    struct address address;

    try_link(text);
    try_claim(text);
    try_address(text);
    token_check(text);
    token_is_pin(text);
    address_parse(slice_of(data, len), &address);
    return 0;
}

#include "draw/qr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

/* What another program reads in the picture. */
static char *read_back(const struct buf *png) {
    char path[] = "/tmp/roost-qr-XXXXXX";
    int file = mkstemp(path);

    CHECK(file >= 0);
    struct slice bytes = buf_slice(png);
    CHECK_INT(write(file, bytes.at, bytes.len), bytes.len);
    close(file);
    auto_(mem_freep) char *command = mem_printf("zbarimg -q --raw %s 2>/dev/null", path);
    FILE *reader = popen(command, "r");
    char text[4096] = "";
    size_t len = fread(text, 1, sizeof(text) - 1, reader);
    pclose(reader);
    unlink(path);
    if (len > 0 && text[len - 1] == '\n')
        text[len - 1] = '\0';
    return mem_strdup(text);
}

static void another_program_reads_what_was_drawn(void) {
    static const char *const texts[] = {
        "x",
        "roost://hub.example:8000/"
        "e70f344347c59f6619489ee2b11c453dc9c25b2e33ddc532c73ebbc0b2b"
        "4684f.ddc69770#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "https://t.me/roost_bot?start=ABCDEFGH-12345",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf png = { 0 };
        CHECK_INT(qr_draw(texts[i], &png), 0);
        auto_(mem_freep) char *seen = read_back(&png);
        CHECK_TEXT(seen, texts[i]);
        buf_done(&png);
    }
}

static void what_no_code_holds_is_refused(void) {
    struct buf png = { 0 };
    char *text = mem_new(4001);

    memset(text, 'x', 4000);
    CHECK_INT(qr_draw(text, &png), -EMSGSIZE);
    CHECK_INT(png.len, 0);
    free(text);
}

TESTS(TEST(another_program_reads_what_was_drawn), TEST(what_no_code_holds_is_refused))

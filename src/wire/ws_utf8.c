#include "wire/ws_utf8.h"

/* RFC 3629, 4: what may begin a character, and what may follow right behind. */
static const struct lead {
    uint8_t first, last;
    struct ws_utf8 next;
} leads[] = {
    { 0x00, 0x7f, { 0, 0, 0 } },       { 0xc2, 0xdf, { 1, 0x80, 0xbf } },
    { 0xe0, 0xe0, { 2, 0xa0, 0xbf } }, { 0xe1, 0xec, { 2, 0x80, 0xbf } },
    { 0xed, 0xed, { 2, 0x80, 0x9f } }, { 0xee, 0xef, { 2, 0x80, 0xbf } },
    { 0xf0, 0xf0, { 3, 0x90, 0xbf } }, { 0xf1, 0xf3, { 3, 0x80, 0xbf } },
    { 0xf4, 0xf4, { 3, 0x80, 0x8f } },
};

static bool begin(struct ws_utf8 *utf8, uint8_t byte) {
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            *utf8 = leads[i].next;
            return true;
        }
    }
    return false;
}

static bool go_on(struct ws_utf8 *utf8, uint8_t byte) {
    if (byte < utf8->low || byte > utf8->high)
        return false;
    *utf8 = (struct ws_utf8) { (uint8_t)(utf8->missing - 1), 0x80, 0xbf };
    return true;
}

bool ws_utf8_feed(struct ws_utf8 *utf8, struct slice bytes) {
    for (size_t i = 0; i < bytes.len; i++)
        if (!(utf8->missing > 0 ? go_on(utf8, bytes.at[i]) : begin(utf8, bytes.at[i])))
            return false;
    return true;
}

bool ws_utf8_is_whole(const struct ws_utf8 *utf8) {
    return utf8->missing == 0;
}

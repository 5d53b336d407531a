#include "chat/telegram/backoff.h"

enum { DOUBLINGS_MAX = 6 }; /* 64 s: over the most */

uint64_t backoff_ms(unsigned failures, uint32_t chance) {
    unsigned doublings = failures > 0 ? failures - 1 : 0;
    uint64_t wait_ms = (uint64_t)BACKOFF_FIRST_MS
                       << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);

    if (wait_ms > BACKOFF_MOST_MS)
        wait_ms = BACKOFF_MOST_MS;
    return wait_ms - chance % (wait_ms / 4); /* three quarters of it at least */
}

#include "chat/telegram/backoff.h"

#include "base/check.h"

static void waits_double_up_to_a_minute(void) {
    static const uint64_t most_ms[] = {
        1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000
    };

    for (unsigned i = 0; i < sizeof(most_ms) / sizeof(most_ms[0]); i++)
        for (uint32_t chance = 0; chance < 100000; chance += 997) {
            uint64_t wait_ms = backoff_ms(i + 1, chance);
            CHECK(wait_ms <= most_ms[i]);
            CHECK(wait_ms > most_ms[i] * 3 / 4 - 1);
        }
    CHECK(backoff_ms(0, 0) == 1000);
    CHECK(backoff_ms(1000000, UINT32_MAX) <= 60000);
}

TESTS(TEST(waits_double_up_to_a_minute))

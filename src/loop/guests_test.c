#include "loop/guests.h"

#include <stdio.h>

#include "base/check.h"

static void clients_are_counted_one_by_one_and_together(void) {
    struct guests *guests = guests_new();

    CHECK(!guests_is_full(guests, "a", 3, 2));
    guests_add(guests, "a");
    guests_add(guests, "a");
    CHECK(guests_is_full(guests, "a", 3, 2));
    CHECK(!guests_is_full(guests, "b", 3, 2));
    guests_add(guests, "b");
    CHECK(guests_is_full(guests, "c", 3, 2)); /* in all */
    guests_remove(guests, "a");
    CHECK(!guests_is_full(guests, "a", 3, 2));
    guests_remove(guests, "a");
    guests_remove(guests, "b");
    guests_free(guests);
}

static void thousands_come_and_go(void) {
    struct guests *guests = guests_new();
    char key[16];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof(key), "10.0.%d.%d", i / 250, i % 250);
            if (round == 0)
                guests_add(guests, key);
            else
                guests_remove(guests, key);
        }
        CHECK(guests_is_full(guests, "x", 5000, 1) == (round == 0));
    }
    guests_free(guests);
}

TESTS(TEST(clients_are_counted_one_by_one_and_together), TEST(thousands_come_and_go))

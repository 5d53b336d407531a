#include "base/map.h"

#include <stdio.h>

#include "base/check.h"

static void what_is_put_is_found(void) {
    struct map *map = map_new();
    int one = 1, two = 2;

    CHECK(!map_put(map, "a", &one));
    CHECK(map_put(map, "a", &two) == &one);
    CHECK(map_get(map, "a") == &two);
    CHECK(!map_get(map, "b"));
    CHECK_INT(map_count(map), 1);
    map_free(map);
}

/* Removal closes the hole, so that keys behind it stay reachable. */
static void removal_in_any_order_keeps_the_rest(void) {
    enum { COUNT = 500 };
    static int values[COUNT];
    struct map *map = map_new();
    char key[16];

    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        map_put(map, key, &values[i]);
    }
    for (int i = 0; i < COUNT; i += 3) {
        snprintf(key, sizeof(key), "key%d", i);
        CHECK(map_remove(map, key) == &values[i]);
        CHECK(!map_remove(map, key));
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        CHECK(map_get(map, key) == (i % 3 == 0 ? NULL : &values[i]));
    }

    size_t at = 0, seen = 0;
    const char *name;
    while (map_next(map, &at, &name))
        seen++;
    CHECK_INT(seen, map_count(map));
    map_free(map);
}

TESTS(TEST(what_is_put_is_found), TEST(removal_in_any_order_keeps_the_rest))

#include "hub/nodes/presence.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "hub/nodes/registry.h"

/* A registry that is kept nowhere, and what was told. */
struct place {
    struct registry *registry;
    struct presence *presence;
    struct presence_watcher watcher;
    char told[256];
};

static void save(void *arg, const struct node *node) {
}

static void forget(void *arg, const char *name) {
}

static void rename_kept(void *arg, const char *from, const char *to) {
}

static void on_change(struct presence_watcher *watcher,
                      const struct node *node,
                      bool online) {
    struct place *place = container_of(watcher, struct place, watcher);
    size_t len = strlen(place->told);

    snprintf(place->told + len, sizeof(place->told) - len, "%c%s ", online ? '+' : '-',
             node->name);
}

static void place_init(struct place *place) {
    const struct registry_keeper keeper = { save, forget, rename_kept, NULL };

    *place = (struct place) { .watcher.on_change = on_change };
    place->registry = registry_new(&keeper);
    place->presence = presence_new(place->registry);
    presence_watch(place->presence, &place->watcher);
}

static void place_done(struct place *place) {
    presence_unwatch(&place->watcher);
    presence_free(place->presence);
    registry_free(place->registry);
}

static void set_session(struct place *place, struct node *node, void *session) {
    node->session = session;
    if (session)
        node->online_since_ms++;
    registry_changed(place->registry, node);
}

static void a_node_comes_and_goes(void) {
    struct place place;
    size_t at = 0;
    int session;

    place_init(&place);
    struct node *node = registry_add(place.registry, "pi");
    CHECK_TEXT(place.told, "");
    set_session(&place, node, &session);
    CHECK_INT(presence_count(place.presence), 1);
    CHECK(presence_next(place.presence, &at)->node == node);
    CHECK(!presence_next(place.presence, &at));
    registry_changed(place.registry, node);
    set_session(&place, node, NULL);
    CHECK_INT(presence_count(place.presence), 0);
    CHECK_TEXT(place.told, "+pi -pi ");
    place_done(&place);
}

static void a_link_that_replaces_another_is_not_told(void) {
    struct place place;
    int first, second;
    size_t at = 0;

    place_init(&place);
    struct node *node = registry_add(place.registry, "pi");
    node->online_since_ms = 1000;
    set_session(&place, node, &first);
    int64_t before = presence_next(place.presence, &at)->wall_ns;
    set_session(&place, node, &second);
    at = 0;
    CHECK_INT(presence_next(place.presence, &at)->wall_ns, before + 1000000);
    CHECK_TEXT(place.told, "+pi ");
    set_session(&place, node, NULL);
    place_done(&place);
}

static void another_name_is_told_as_going_and_coming(void) {
    struct place place;
    int session;

    place_init(&place);
    struct node *node = registry_add(place.registry, "pi");
    set_session(&place, node, &session);
    registry_rename(place.registry, node, "nas");
    CHECK_INT(presence_count(place.presence), 1);
    set_session(&place, node, NULL);
    registry_remove(place.registry, node);
    CHECK_TEXT(place.told, "+pi -pi +nas -nas ");
    place_done(&place);
}

TESTS(TEST(a_node_comes_and_goes),
      TEST(a_link_that_replaces_another_is_not_told),
      TEST(another_name_is_told_as_going_and_coming))

#include "agent/setup/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/file.h"
#include "base/mem.h"

#define PIN_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PIN_B "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct identity example(const char *credential) {
    struct identity identity = {
        .addresses = { { .host = "hub", .port = 8000 }, { .host = "::1", .port = 1 } },
        .address_count = 2,
        .pins = { PIN_A },
        .pin_count = 1,
        .name = "pi",
        .instance = "0123456789abcdef0123456789abcdef",
    };
    snprintf(identity.credential, sizeof(identity.credential), "%s", credential);
    return identity;
}

static void put(const char *dir, const char *text) {
    auto_(mem_freep) char *path = file_join(dir, "identity");
    CHECK_INT(file_write_atomic(path, slice_of_text(text), 0600), 0);
}

static void what_is_saved_is_loaded(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "identity");
    struct identity identity = example("c1"), loaded;
    struct stat facts;

    CHECK_INT(identity_load(dir, &loaded), IDENTITY_E_NONE);
    CHECK_INT(identity_save(dir, &identity), 0);
    CHECK_INT(stat(path, &facts), 0);
    CHECK_INT(facts.st_mode & 0777, 0600);
    CHECK_INT(identity_load(dir, &loaded), 0);
    CHECK(identity_is_same(&identity, &loaded));
    CHECK_TEXT(loaded.instance, identity.instance);
    CHECK_TEXT(loaded.name, "pi");
    CHECK_TEXT(loaded.secret_id, "");

    snprintf(identity.secret_id, sizeof(identity.secret_id), "0123456789ab");
    CHECK_INT(identity_save(dir, &identity), 0);
    CHECK_INT(identity_load(dir, &loaded), 0);
    CHECK_TEXT(loaded.secret_id, "0123456789ab");
    check_folder_remove(dir);
}

static void a_file_that_is_none_of_ours_is_damaged(void) {
    static const char *const texts[] = {
        "",
        "hello\n",
        "hub = hub:1\n",
        "instance = 0123456789abcdef0123456789abcdef\n",
        "hub = nowhere\ninstance = 0123456789abcdef0123456789abcdef\n",
        "hub = hub:1\npin = x\ninstance = 0123456789abcdef0123456789abcdef\n",
        "hub = hub:1\ninstance = 0123456789abcdef0123456789abcdef0\n",
        "hub = hub:1\nsecret = 0123456789abc\ninstance = "
        "0123456789abcdef0123456789abcdef\n",
        "hub = h:1\nhub = h:2\nhub = h:3\nhub = h:4\nhub = h:5\nhub = h:6\nhub = h:7\n"
        "hub = h:8\nhub = h:9\ninstance = 0123456789abcdef0123456789abcdef\n",
    };
    char *dir = check_folder_make();
    struct identity untouched = { .address_count = 7 };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put(dir, texts[i]);
        CHECK_INT(identity_load(dir, &untouched), IDENTITY_E_DAMAGED);
        CHECK_INT(untouched.address_count, 7);
    }
    put(dir, "# a newer version\nhub = hub:1\ncolour = red\n"
             "instance = 0123456789abcdef0123456789abcdef\n");
    CHECK_INT(identity_load(dir, &untouched), 0);
    CHECK_INT(untouched.address_count, 1);
    check_folder_remove(dir);
}

/* A join beside a running agent must not be undone by what that agent learns. */
static void an_update_gives_way_to_a_newer_join(void) {
    char *dir = check_folder_make();
    struct identity running = example("old"), joined = example("new"), loaded;
    char *pins[] = { PIN_A, PIN_B };

    CHECK_INT(identity_save(dir, &running), 0);
    CHECK(identity_set_pins(&running, pins, 2));
    CHECK_INT(identity_update(dir, &running), 0);
    CHECK_INT(identity_load(dir, &loaded), 0);
    CHECK_INT(loaded.pin_count, 2);

    CHECK_INT(identity_save(dir, &joined), 0);
    CHECK_INT(identity_update(dir, &running), 0);
    CHECK_INT(identity_load(dir, &loaded), 0);
    CHECK_TEXT(loaded.credential, "new");
    CHECK_INT(loaded.pin_count, 1);

    put(dir, "hello\n");
    CHECK_INT(identity_update(dir, &running), 0);
    CHECK_INT(identity_load(dir, &loaded), 0);
    CHECK_TEXT(loaded.credential, "old");
    check_folder_remove(dir);
}

/* The service's own user reads what root has joined. */
static void what_root_writes_belongs_to_the_owner_of_the_folder(void) {
    enum { SOMEBODY = 54321 };
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "identity");
    struct identity identity = example("c");
    struct stat facts;

    if (geteuid() == 0)
        CHECK_INT(chown(dir, SOMEBODY, SOMEBODY), 0);
    CHECK_INT(identity_save(dir, &identity), 0);
    CHECK_INT(stat(path, &facts), 0);
    CHECK_INT(facts.st_uid, geteuid() == 0 ? SOMEBODY : geteuid());
    CHECK_INT(facts.st_mode & 0777, 0600);
    check_folder_remove(dir);
}

static void another_hub_pin_or_credential_is_another_identity(void) {
    struct identity a = example("c"), b = example("c");

    snprintf(b.name, sizeof(b.name), "nas");
    CHECK(identity_is_same(&a, &b));
    b = example("d");
    CHECK(!identity_is_same(&a, &b));
    b = example("c");
    b.addresses[1].port++;
    CHECK(!identity_is_same(&a, &b));
    b = example("c");
    b.addresses[0].host[0] = 'x';
    CHECK(!identity_is_same(&a, &b));
    b = example("c");
    b.address_count--;
    CHECK(!identity_is_same(&a, &b));
    b = example("c");
    b.pins[0][0] = 'B';
    CHECK(!identity_is_same(&a, &b));
    b = example("c");
    b.pin_count = 0;
    CHECK(!identity_is_same(&a, &b));
}

TESTS(TEST(what_is_saved_is_loaded),
      TEST(a_file_that_is_none_of_ours_is_damaged),
      TEST(an_update_gives_way_to_a_newer_join),
      TEST(what_root_writes_belongs_to_the_owner_of_the_folder),
      TEST(another_hub_pin_or_credential_is_another_identity))

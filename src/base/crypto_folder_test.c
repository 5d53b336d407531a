#include "base/crypto_folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/clock.h"
#include "base/mem.h"

static const char *const names[] = { "localhost", "127.0.0.1", "hub" };

struct place {
    char *dir; /* owned */
    struct crypto_folder folder;
    int64_t now_ms;
    int made;
};

static void place_init(struct place *place) {
    place->dir = check_folder_make();
    crypto_folder_init(&place->folder, place->dir);
    place->now_ms = clock_wall_ms();
}

static void place_done(struct place *place) {
    crypto_folder_done(&place->folder);
    check_folder_remove(place->dir);
}

static int prepare(struct place *place, size_t name_count) {
    place->made = 0;
    return crypto_folder_prepare(&place->folder, names, name_count, place->now_ms,
                                 &place->made);
}

static void pin_of(const char *path, char ret_pin[static CRYPTO_CERT_PIN_LEN + 1]) {
    struct crypto_cert_facts facts;
    CHECK_INT(crypto_cert_read(path, 0, &facts), 0);
    strcpy(ret_pin, facts.pin);
    crypto_cert_facts_done(&facts);
}

static void what_is_good_is_kept(void) {
    struct place place;
    place_init(&place);
    CHECK_INT(prepare(&place, 2), 0);
    CHECK_INT(place.made, CRYPTO_FOLDER_MADE_CA | CRYPTO_FOLDER_MADE_LEAF);
    CHECK_INT(prepare(&place, 2), 0);
    CHECK_INT(place.made, 0);
    CHECK_INT(prepare(&place, 1), 0);
    CHECK_INT(place.made, 0);
    place_done(&place);
}

static void a_leaf_is_made_again_when_it_must(void) {
    struct place place;
    char ca[CRYPTO_CERT_PIN_LEN + 1], after[CRYPTO_CERT_PIN_LEN + 1];

    place_init(&place);
    CHECK_INT(prepare(&place, 2), 0);
    pin_of(place.folder.ca_cert, ca);

    CHECK_INT(prepare(&place, 3), 0); /* one more name */
    CHECK_INT(place.made, CRYPTO_FOLDER_MADE_LEAF);
    CHECK_INT(unlink(place.folder.key), 0);
    CHECK_INT(prepare(&place, 3), 0);
    CHECK_INT(place.made, CRYPTO_FOLDER_MADE_LEAF);
    CHECK_INT(rename(place.folder.ca_cert, place.folder.cert),
              0); /* no leaf of this CA */
    CHECK_INT(prepare(&place, 3), CRYPTO_CERT_E_MISMATCH);
    CHECK_INT(rename(place.folder.cert, place.folder.ca_cert), 0);
    CHECK_INT(prepare(&place, 3), 0);
    CHECK_INT(place.made, CRYPTO_FOLDER_MADE_LEAF);
    place.now_ms += INT64_C(700) * 86400000;
    CHECK_INT(prepare(&place, 3), 0);
    CHECK_INT(place.made, CRYPTO_FOLDER_MADE_LEAF);
    CHECK_INT(prepare(&place, 3), 0);
    CHECK_INT(place.made, 0);

    pin_of(place.folder.ca_cert, after);
    CHECK_TEXT(after, ca);
    place_done(&place);
}

static void a_lost_ca_is_never_replaced_silently(void) {
    struct place place;

    place_init(&place);
    CHECK_INT(prepare(&place, 2), 0);
    CHECK_INT(unlink(place.folder.ca_key), 0);
    CHECK_INT(prepare(&place, 2), CRYPTO_CERT_E_MISMATCH);
    CHECK_INT(unlink(place.folder.ca_cert), 0);
    CHECK_INT(prepare(&place, 2), CRYPTO_CERT_E_MISMATCH);
    place_done(&place);
}

static void renewing_keeps_the_pin_unless_asked(void) {
    struct place place;
    char ca[CRYPTO_CERT_PIN_LEN + 1], leaf[CRYPTO_CERT_PIN_LEN + 1],
        after[CRYPTO_CERT_PIN_LEN + 1];

    place_init(&place);
    CHECK_INT(prepare(&place, 2), 0);
    pin_of(place.folder.ca_cert, ca);
    pin_of(place.folder.cert, leaf);
    CHECK_INT(crypto_folder_renew(&place.folder, names, 2, place.now_ms, false), 0);
    pin_of(place.folder.ca_cert, after);
    CHECK_TEXT(after, ca);
    pin_of(place.folder.cert, after);
    CHECK(strcmp(after, leaf) != 0);
    CHECK_INT(crypto_folder_renew(&place.folder, names, 2, place.now_ms, true), 0);
    pin_of(place.folder.ca_cert, after);
    CHECK(strcmp(after, ca) != 0);
    CHECK_INT(crypto_cert_check_issuer(place.folder.cert, place.folder.ca_cert), 0);
    place_done(&place);
}

TESTS(TEST(what_is_good_is_kept),
      TEST(a_leaf_is_made_again_when_it_must),
      TEST(a_lost_ca_is_never_replaced_silently),
      TEST(renewing_keeps_the_pin_unless_asked))

#include "base/crypto_cert.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/token.h"

struct place {
    char *dir; /* owned, and so are the paths */
    char *ca, *ca_key, *cert, *key;
};

static void place_init(struct place *place) {
    place->dir = check_folder_make();
    place->ca = file_join(place->dir, "ca.pem");
    place->ca_key = file_join(place->dir, "ca.key");
    place->cert = file_join(place->dir, "cert.pem");
    place->key = file_join(place->dir, "key.pem");
}

static void place_done(struct place *place) {
    check_folder_remove(place->dir);
    free(place->ca);
    free(place->ca_key);
    free(place->cert);
    free(place->key);
}

static const char *const names[] = { "localhost", "hub.example.org", "127.0.0.1",
                                     "::1",       "2001:db8::1",     "LOCALHOST" };

static int make_leaf(const struct place *place, const char *const *texts, size_t count) {
    const struct crypto_cert_leaf leaf = {
        .ca_cert_path = place->ca,
        .ca_key_path = place->ca_key,
        .cert_path = place->cert,
        .key_path = place->key,
        .names = texts,
        .name_count = count,
        .now_ms = clock_wall_ms(),
    };
    return crypto_cert_make_leaf(&leaf);
}

static bool run(const char *format, const char *a, const char *b) {
    char command[512];
    snprintf(command, sizeof(command), "%s '%s' '%s' >/dev/null 2>&1", format, a, b);
    return system(command) == 0;
}

static void a_ca_is_made_for_thirty_years(void) {
    struct place place;
    struct crypto_cert_facts facts;
    struct stat key;
    int64_t now_ms = clock_wall_ms();

    place_init(&place);
    CHECK_INT(crypto_cert_make_ca(place.ca, place.ca_key, now_ms), 0);
    CHECK_INT(stat(place.ca_key, &key), 0);
    CHECK_INT(key.st_mode & 0777, 0600);
    CHECK_INT(crypto_cert_read(place.ca, 0, &facts), 0);
    CHECK_TEXT(facts.subject, "CN=Roost CA");
    CHECK_TEXT(facts.issuer, "CN=Roost CA");
    CHECK(facts.is_ca);
    CHECK(token_is_pin(facts.pin));
    CHECK_INT((facts.not_after_ms - facts.not_before_ms) / 86400000, 30 * 365 + 1);
    CHECK(facts.not_before_ms < now_ms);
    crypto_cert_facts_done(&facts);
    CHECK_INT(crypto_cert_read(place.ca, 1, &facts), CRYPTO_CERT_E_NONE);
    place_done(&place);
}

static void a_leaf_stands_for_its_names_and_is_signed(void) {
    struct place place;
    struct crypto_cert_facts facts, ca, second;

    place_init(&place);
    CHECK_INT(crypto_cert_make_ca(place.ca, place.ca_key, clock_wall_ms()), 0);
    CHECK_INT(make_leaf(&place, names, 6), 0);
    CHECK_INT(crypto_cert_read(place.cert, 0, &facts), 0);
    CHECK_INT(crypto_cert_read(place.cert, 1, &second), 0);
    CHECK_INT(crypto_cert_read(place.ca, 0, &ca), 0);
    CHECK(!facts.is_ca);
    CHECK_INT(facts.name_count, 5);
    for (size_t i = 0; i < 6; i++)
        CHECK(crypto_cert_facts_has_name(&facts, names[i]));
    CHECK(crypto_cert_facts_has_name(&facts, "2001:DB8:0::1"));
    CHECK(!crypto_cert_facts_has_name(&facts, "other"));
    CHECK_TEXT(second.sha256, ca.sha256);
    CHECK(strcmp(facts.pin, ca.pin) != 0);
    CHECK_INT(crypto_cert_check_key(place.cert, place.key), 0);
    CHECK_INT(crypto_cert_check_key(place.cert, place.ca_key), CRYPTO_CERT_E_MISMATCH);
    CHECK_INT(crypto_cert_check_issuer(place.cert, place.ca), 0);
    CHECK(run("openssl verify -purpose sslserver -CAfile", place.ca, place.cert));
    crypto_cert_facts_done(&facts);
    crypto_cert_facts_done(&second);
    crypto_cert_facts_done(&ca);
    place_done(&place);
}

/* Another implementation computes the same pin. */
static void the_pin_is_that_of_the_public_key(void) {
    struct place place;
    struct crypto_cert_facts facts;
    struct buf out = { 0 };
    char command[512];

    place_init(&place);
    CHECK_INT(crypto_cert_make_ca(place.ca, place.ca_key, clock_wall_ms()), 0);
    CHECK_INT(crypto_cert_read(place.ca, 0, &facts), 0);
    snprintf(command, sizeof(command),
             "openssl x509 -in '%s' -noout -pubkey | openssl pkey -pubin -outform DER | "
             "openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\\n' >'%s'",
             place.ca, place.key);
    CHECK_INT(system(command), 0);
    CHECK_INT(file_read(place.key, 100, &out), 0);
    CHECK_TEXT(buf_text(&out), facts.pin);
    buf_clear(&out);
    crypto_cert_facts_print(&facts, &out);
    CHECK(strstr(buf_text(&out), facts.pin));
    CHECK(strstr(buf_text(&out), "subject      CN=Roost CA (a CA)\n"));
    buf_done(&out);
    crypto_cert_facts_done(&facts);
    place_done(&place);
}

static void bad_names_make_no_files(void) {
    static const char *const bad[] = { "", "a b", "a,b", "*.x", "DNS:x", "1.2.3", "x\n" };
    const char *many[CRYPTO_CERT_NAMES_MAX + 1];
    struct place place;

    place_init(&place);
    CHECK_INT(crypto_cert_make_ca(place.ca, place.ca_key, clock_wall_ms()), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(make_leaf(&place, &bad[i], 1), CRYPTO_CERT_E_NAME);
    for (size_t i = 0; i < CRYPTO_CERT_NAMES_MAX + 1; i++)
        many[i] = "x";
    CHECK_INT(make_leaf(&place, many, CRYPTO_CERT_NAMES_MAX + 1), -E2BIG);
    CHECK(!file_exists(place.cert));
    CHECK(!file_exists(place.key));
    place_done(&place);
}

static void what_is_not_there_or_damaged_is_told(void) {
    static const char garbage[] =
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct place place;
    struct crypto_cert_facts facts;

    place_init(&place);
    CHECK_INT(make_leaf(&place, names, 1), -ENOENT);
    CHECK_INT(crypto_cert_read(place.ca, 0, &facts), -ENOENT);
    CHECK_INT(file_write_atomic(place.ca, slice_of_text(""), 0600), 0);
    CHECK_INT(crypto_cert_read(place.ca, 0, &facts), CRYPTO_CERT_E_NONE);
    CHECK_INT(file_write_atomic(place.ca, slice_of_text(garbage), 0600), 0);
    CHECK_INT(crypto_cert_read(place.ca, 0, &facts), CRYPTO_CERT_E_DAMAGED);
    CHECK_INT(crypto_cert_make_ca(place.ca, place.ca_key, clock_wall_ms()), 0);
    CHECK_INT(file_write_atomic(place.ca_key, slice_of_text(garbage), 0600), 0);
    CHECK_INT(crypto_cert_check_key(place.ca, place.ca_key), CRYPTO_CERT_E_DAMAGED);
    for (int error = CRYPTO_CERT_E_DAMAGED; error <= CRYPTO_CERT_E_NONE; error++)
        CHECK(strcmp(crypto_cert_error_text(error), "unknown") != 0);
    CHECK_TEXT(crypto_cert_error_text(0), "unknown");
    place_done(&place);
}

/* OpenSSL would ask for the password on the terminal and hang a daemon. */
static void a_key_under_a_password_is_refused_without_asking(void) {
    struct place place;
    char command[512];

    place_init(&place);
    CHECK_INT(crypto_cert_make_ca(place.ca, place.ca_key, clock_wall_ms()), 0);
    snprintf(command, sizeof(command),
             "openssl pkey -aes128 -passout pass:secret -in '%s' -out '%s'", place.ca_key,
             place.key);
    CHECK_INT(system(command), 0);
    CHECK_INT(crypto_cert_check_key(place.ca, place.key), CRYPTO_CERT_E_DAMAGED);
    place_done(&place);
}

TESTS(TEST(a_ca_is_made_for_thirty_years),
      TEST(a_leaf_stands_for_its_names_and_is_signed),
      TEST(the_pin_is_that_of_the_public_key),
      TEST(bad_names_make_no_files),
      TEST(what_is_not_there_or_damaged_is_told),
      TEST(a_key_under_a_password_is_refused_without_asking))

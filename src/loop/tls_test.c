#include "loop/tls.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/clock.h"
#include "base/crypto_cert.h"
#include "base/file.h"
#include "base/mem.h"
#include "loop/dialler.h"
#include "loop/test_pair.h"

#define YEARS_MS(n) ((n)*INT64_C(365) * 24 * 3600 * 1000)

/* A hub and somebody who dials it; how it went. */
struct meeting {
    struct loop *loop;
    struct tls_server *server; /* borrowed: the test */
    struct tls_client *client; /* borrowed: the test */
    const char *name;          /* NULL: localhost */
    const char *alpn;          /* NULL: h2 */
    unsigned port;             /* 0: any; then the one that it was */
    struct conn *at_server;
    struct conn *at_client;
    char why[256];
    char negotiated[10];
    bool is_open;
    bool is_resumed;
};

static void drop_bytes(void *owner, struct slice bytes) {
    (void)owner;
    (void)bytes;
}

static void on_server_closed(void *owner, int reason) {
    struct meeting *meeting = owner;
    (void)reason;
    conn_close(TAKE(meeting->at_server));
}

/* The tickets have come before this byte: the client now has a session. */
static void on_client_bytes(void *owner, struct slice bytes) {
    struct meeting *meeting = owner;
    CHECK_INT(bytes.len, 1);
    conn_close(TAKE(meeting->at_client));
    loop_stop(meeting->loop);
}

static void on_client_closed(void *owner, int reason) {
    (void)owner;
    (void)reason;
    CHECK(false);
}

static const struct conn_events server_events = {
    .on_bytes = drop_bytes,
    .on_closed = on_server_closed,
};

static const struct conn_events client_events = {
    .on_bytes = on_client_bytes,
    .on_closed = on_client_closed,
};

static void on_conn(void *arg, struct conn *conn) {
    struct meeting *meeting = arg;

    meeting->at_server = conn;
    conn_set_owner(conn, &server_events, meeting);
    conn_send(conn, slice_of("x", 1));
}

static void on_done(void *arg,
                    struct conn *conn,
                    enum dial_step failed,
                    const char *why) {
    struct meeting *meeting = arg;

    if (!conn) {
        CHECK_INT(failed, DIAL_TLS);
        snprintf(meeting->why, sizeof(meeting->why), "%s", why);
        loop_stop(meeting->loop);
        return;
    }
    meeting->is_open = true;
    meeting->is_resumed = conn_is_resumed(conn);
    snprintf(meeting->negotiated, sizeof(meeting->negotiated), "%s", conn_alpn(conn));
    meeting->at_client = conn;
    conn_set_owner(conn, &client_events, meeting);
}

static void meet(struct meeting *meeting) {
    static const struct listener_limits limits = { 10000, 10, 10 };
    struct listener *listener;

    meeting->loop = loop_new();
    meeting->is_open = false;
    meeting->why[0] = '\0';
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", meeting->port);
    struct listener_config config = {
        .address = address,
        .tls = meeting->server,
        .limits = &limits,
        .on_conn = on_conn,
        .arg = meeting,
    };
    CHECK_INT(listener_new(meeting->loop, &config, &listener), 0);
    meeting->port = test_pair_port(listener_address(listener));
    struct dial_config dial = {
        .host = "127.0.0.1",
        .server_name = meeting->name ? meeting->name : "localhost",
        .port = meeting->port,
        .tls = meeting->client,
        .alpn = meeting->alpn ? meeting->alpn : "h2",
        .timeout_ms = 10000,
        .on_done = on_done,
        .arg = meeting,
    };
    dialler_start(meeting->loop, &dial);
    loop_run(meeting->loop);
    if (meeting->at_server)
        conn_close(TAKE(meeting->at_server));
    listener_free(listener);
    loop_run(meeting->loop); /* refused handshakes end by themselves */
    loop_free(meeting->loop);
}

static struct tls_server *make_server(const struct test_certs *certs) {
    struct tls_server *server = tls_server_new();
    char *why = NULL;

    CHECK_INT(tls_server_load(server, certs->cert, certs->key, &why), 0);
    CHECK(!why);
    return server;
}

/* One meeting of a fresh server and a fresh client. */
static struct meeting try(const struct test_certs *certs,
                          const struct tls_trust *trust,
                          struct tls_mismatch *ret_seen) {
    struct meeting meeting = { .server = make_server(certs) };

    CHECK_INT(tls_client_new(trust, NULL, &meeting.client), 0);
    CHECK(!tls_client_seen(meeting.client));
    meet(&meeting);
    if (ret_seen)
        *ret_seen = *tls_client_seen(meeting.client);
    tls_client_free(meeting.client);
    tls_server_free(meeting.server);
    return meeting;
}

static void the_right_pin_opens(void) {
    struct test_certs certs;
    struct tls_mismatch seen;
    struct crypto_cert_facts facts;

    test_certs_init(&certs);
    struct tls_trust trust = { .pin = certs.pin };
    struct meeting meeting = try(&certs, &trust, &seen);
    CHECK(meeting.is_open);
    CHECK_TEXT(meeting.negotiated, "h2");
    CHECK_TEXT(seen.seen_pin, certs.pin);
    CHECK_TEXT(seen.expected_pin, certs.pin);
    CHECK_TEXT(seen.why, "");
    CHECK_INT(crypto_cert_read(certs.cert, 0, &facts), 0);
    CHECK_TEXT(seen.leaf_sha256, facts.sha256);
    crypto_cert_facts_done(&facts);
    test_certs_done(&certs);
}

static void another_pin_is_refused_and_explained(void) {
    struct test_certs certs, others;
    struct tls_mismatch seen;

    test_certs_init(&certs);
    test_certs_init(&others);
    struct tls_trust trust = { .pin = others.pin };
    struct meeting meeting = try(&certs, &trust, &seen);
    CHECK(!meeting.is_open);
    CHECK_TEXT(seen.expected_pin, others.pin);
    CHECK_TEXT(seen.seen_pin, certs.pin);
    CHECK_TEXT(seen.why, "the server shows another key than the pinned one");
    CHECK(strstr(seen.issuer, "Roost CA"));
    test_certs_done(&certs);
    test_certs_done(&others);
}

static void a_pinned_leaf_opens(void) {
    struct test_certs certs;
    struct crypto_cert_facts facts;

    test_certs_init(&certs);
    CHECK_INT(crypto_cert_read(certs.cert, 0, &facts), 0);
    struct tls_trust trust = { .pin = facts.pin };
    CHECK(try(&certs, &trust, NULL).is_open);
    crypto_cert_facts_done(&facts);
    test_certs_done(&certs);
}

/* Showing the pinned certificate is easy; having a leaf that it signed is not. */
static void a_pinned_certificate_beside_a_foreign_leaf_is_refused(void) {
    struct test_certs certs, thief;
    struct buf chain = { 0 };
    struct crypto_cert_facts facts;

    test_certs_init(&certs);
    test_certs_init(&thief);
    CHECK_INT(file_read(thief.cert, 1 << 20, &chain), 0);
    CHECK_INT(file_read(certs.ca, 1 << 20, &chain), 0);
    CHECK_INT(file_write_atomic(thief.cert, buf_slice(&chain), 0600), 0);
    CHECK_INT(crypto_cert_read(thief.cert, 2, &facts), 0);
    CHECK_TEXT(facts.pin, certs.pin);
    crypto_cert_facts_done(&facts);

    struct tls_trust trust = { .pin = certs.pin };
    struct meeting meeting = try(&thief, &trust, NULL);
    CHECK(!meeting.is_open);
    buf_done(&chain);
    test_certs_done(&certs);
    test_certs_done(&thief);
}

/* A Pi boots without a clock, so a pin does not look at dates; names do. */
static void dates_count_for_names_but_not_for_pins(void) {
    static const int64_t years[] = { -5, 5 };

    for (size_t i = 0; i < 2; i++) {
        struct test_certs certs;
        test_certs_init_at(&certs, clock_wall_ms() + YEARS_MS(years[i]));
        struct tls_trust pinned = { .pin = certs.pin };
        struct tls_trust named = { .ca_file = certs.ca };
        CHECK(try(&certs, &pinned, NULL).is_open);
        struct meeting meeting = try(&certs, &named, NULL);
        CHECK(!meeting.is_open);
        CHECK_TEXT(meeting.why,
                   i == 0 ? "certificate has expired" : "certificate is not yet valid");
        test_certs_done(&certs);
    }
}

static void a_ca_file_checks_the_name(void) {
    static const struct {
        const char *name;
        bool ignore_names;
        bool opens;
    } rows[] = {
        { "localhost", false, true },      { "127.0.0.1", false, true },
        { "other.example", false, false }, { "127.0.0.2", false, false },
        { "other.example", true, true },
    };
    struct test_certs certs;

    test_certs_init(&certs);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_trust trust = { .ca_file = certs.ca,
                                   .ignore_names = rows[i].ignore_names };
        struct meeting meeting = { .server = make_server(&certs), .name = rows[i].name };
        CHECK_INT(tls_client_new(&trust, NULL, &meeting.client), 0);
        meet(&meeting);
        CHECK(meeting.is_open == rows[i].opens);
        tls_client_free(meeting.client);
        tls_server_free(meeting.server);
    }
    test_certs_done(&certs);
}

static void the_systems_cas_do_not_know_our_own(void) {
    struct test_certs certs;
    struct tls_trust system = { 0 };
    struct tls_trust none = { .insecure = true };

    test_certs_init(&certs);
    CHECK(!try(&certs, &system, NULL).is_open);
    CHECK(try(&certs, &none, NULL).is_open);
    test_certs_done(&certs);
}

/* A folder of so many certificates, one of which is ours. */
static char *make_roots(const struct test_certs *certs, unsigned count) {
    char *folder = check_folder_make();
    FILE *file = fopen(certs->ca, "re");

    CHECK(file);
    X509 *ca = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    CHECK(ca);
    auto_(mem_freep) char *ours =
        mem_printf("%s/%08lx.0", folder, X509_subject_name_hash(ca));
    CHECK_INT(symlink(certs->ca, ours), 0);
    X509_free(ca);
    for (unsigned i = 1; i < count; i++) {
        auto_(mem_freep) char *other = mem_printf("%s/%08x.0", folder, i);
        CHECK_INT(symlink("/dev/null", other), 0);
    }
    return folder;
}

/* Whether the folder stands for all, or beside the system's file. */
static void a_folder_of_cas_is_trusted(void) {
    static const unsigned counts[] = { 1, 15, 16, 100 };
    struct test_certs certs;
    struct tls_trust system = { 0 };

    test_certs_init(&certs);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        char *folder = make_roots(&certs, counts[i]);
        CHECK_INT(setenv("SSL_CERT_DIR", folder, 1), 0);
        CHECK(try(&certs, &system, NULL).is_open);
        CHECK_INT(unsetenv("SSL_CERT_DIR"), 0);
        CHECK(!try(&certs, &system, NULL).is_open);
        check_folder_remove(folder);
    }
    CHECK_INT(setenv("SSL_CERT_FILE", certs.ca, 1), 0);
    CHECK(try(&certs, &system, NULL).is_open);
    CHECK_INT(unsetenv("SSL_CERT_FILE"), 0);
    test_certs_done(&certs);
}

static void bad_trust_is_refused_at_once(void) {
    struct tls_client *client = NULL;
    struct test_certs certs;

    test_certs_init(&certs);
    struct tls_trust short_pin = { .pin = "abc" };
    struct tls_trust odd_pin = { .pin = "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!" };
    struct tls_trust no_file = { .ca_file = "/nonexistent/ca.pem" };
    struct tls_trust no_ca = { .ca_file = certs.key };
    CHECK(tls_client_new(&short_pin, NULL, &client) < 0);
    CHECK(tls_client_new(&odd_pin, NULL, &client) < 0);
    CHECK(tls_client_new(&no_file, NULL, &client) < 0);
    CHECK(tls_client_new(&no_ca, NULL, &client) < 0);
    CHECK(!client);
    test_certs_done(&certs);
}

static void protocols_must_overlap(void) {
    static const struct {
        const char *asked;
        bool opens;
    } rows[] = { { "h2", true }, { "http/1.1", true }, { "spdy/3", false } };
    struct test_certs certs;

    test_certs_init(&certs);
    for (size_t i = 0; i < 3; i++) {
        struct tls_trust trust = { .pin = certs.pin };
        struct meeting meeting = { .server = make_server(&certs), .alpn = rows[i].asked };
        CHECK_INT(tls_client_new(&trust, NULL, &meeting.client), 0);
        meet(&meeting);
        CHECK(meeting.is_open == rows[i].opens);
        CHECK_TEXT(rows[i].opens ? meeting.negotiated : meeting.why,
                   rows[i].opens ? rows[i].asked : "no protocol in common (ALPN)");
        tls_client_free(meeting.client);
        tls_server_free(meeting.server);
    }
    test_certs_done(&certs);
}

static void a_server_without_a_certificate_refuses(void) {
    struct tls_trust trust = { .insecure = true };
    struct meeting meeting = { .server = tls_server_new() };

    CHECK_INT(tls_client_new(&trust, NULL, &meeting.client), 0);
    meet(&meeting);
    CHECK(!meeting.is_open);
    tls_client_free(meeting.client);
    tls_server_free(meeting.server);
}

static void a_new_leaf_is_used_for_new_connections(void) {
    struct test_certs certs;
    char before[65];
    char *why = NULL;

    test_certs_init(&certs);
    struct tls_trust trust = { .insecure = true };
    struct meeting meeting = { .server = make_server(&certs) };
    CHECK_INT(tls_client_new(&trust, NULL, &meeting.client), 0);
    meet(&meeting);
    memcpy(before, tls_client_seen(meeting.client)->leaf_sha256, sizeof(before));
    tls_client_free(meeting.client);

    test_certs_renew(&certs, clock_wall_ms());
    CHECK_INT(tls_server_load(meeting.server, certs.cert, certs.key, &why), 0);
    CHECK_INT(tls_client_new(&trust, NULL, &meeting.client), 0);
    meet(&meeting);
    CHECK(meeting.is_open);
    CHECK(strcmp(tls_client_seen(meeting.client)->leaf_sha256, before) != 0);
    tls_client_free(meeting.client);
    tls_server_free(meeting.server);
    test_certs_done(&certs);
}

/* A throw-away key under the password "x". */
static const char encrypted_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhW9aYU0iKIAQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEOoklM+W+aRT3rvamtI8YgMEgZDb\n"
    "Ihdb/4HHnBt9GDFAuCYTtgWnXc8RmHo9zrFk3slE2/V+YXAvA4jPhaZxvTexcXW7\n"
    "hxkHqoPi9HE3Hs6XYR3biP4O0mNBO7AzsAigTcL/fhbCctI0I005T6cSDrL39IOH\n"
    "4zGIPBBX1v8Hpu2vIL54vpCI8aDDtXz7FSJw0aWv1+0QAqgKiS8DmtxOgfiMrHE=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

/* What does not load is named, and what was there before stays. */
static void bad_files_are_refused_with_a_reason(void) {
    struct test_certs certs, others;

    test_certs_init(&certs);
    test_certs_init(&others);
    auto_(mem_freep) char *locked = file_join(certs.folder, "locked.key");
    auto_(mem_freep) char *absent = file_join(certs.folder, "absent.pem");
    CHECK_INT(file_write_atomic(locked, slice_of_text(encrypted_key), 0600), 0);
    const struct {
        const char *cert;
        const char *key;
        int result;
        const char *file;
        const char *reason;
    } rows[] = {
        { certs.cert, others.key, TLS_E_KEY, others.key, "does not belong" },
        { certs.cert, locked, TLS_E_KEY, locked, "encrypted" },
        { certs.cert, certs.cert, TLS_E_KEY, certs.cert, "" },
        { certs.cert, absent, TLS_E_KEY, absent, "No such file" },
        { absent, certs.key, TLS_E_CERT, absent, "No such file" },
        { certs.key, certs.key, TLS_E_CERT, certs.key, "no PEM block" },
    };

    struct tls_trust trust = { .pin = certs.pin };
    struct meeting meeting = { .server = make_server(&certs) };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *why = NULL;
        CHECK_INT(tls_server_load(meeting.server, rows[i].cert, rows[i].key, &why),
                  rows[i].result);
        CHECK(strstr(why, rows[i].file));
        CHECK(strstr(why, rows[i].reason));
        free(why);
    }
    CHECK_INT(tls_client_new(&trust, NULL, &meeting.client), 0);
    meet(&meeting);
    CHECK(meeting.is_open);
    tls_client_free(meeting.client);
    tls_server_free(meeting.server);
    unlink(locked);
    test_certs_done(&certs);
    test_certs_done(&others);
}

/* --- resumption --- */

/* What outlives the programs. */
struct estate {
    struct test_certs certs;
    char *tickets;  /* owned: the server's file */
    char *sessions; /* owned: the client's file */
    unsigned port;  /* sessions are remembered by name and port */
};

static void estate_init(struct estate *estate) {
    *estate = (struct estate) { 0 };
    test_certs_init(&estate->certs);
    estate->tickets = file_join(estate->certs.folder, "tickets");
    estate->sessions = file_join(estate->certs.folder, "sessions");
}

static void estate_done(struct estate *estate) {
    unlink(estate->tickets);
    unlink(estate->sessions);
    free(estate->tickets);
    free(estate->sessions);
    test_certs_done(&estate->certs);
}

/* Both sides start anew with what their files hold; was the session resumed? */
static bool restart_and_meet(struct estate *estate, const char *pin) {
    struct tls_trust trust = { .pin = pin };
    struct meeting meeting = { .server = make_server(&estate->certs),
                               .port = estate->port };

    CHECK_INT(tls_server_keep_tickets(meeting.server, estate->tickets), 0);
    CHECK_INT(tls_client_new(&trust, estate->sessions, &meeting.client), 0);
    meet(&meeting);
    CHECK(meeting.is_open);
    estate->port = meeting.port;
    tls_client_free(meeting.client);
    tls_server_free(meeting.server);
    return meeting.is_resumed;
}

static mode_t mode_of(const char *path) {
    struct stat status;
    CHECK_INT(stat(path, &status), 0);
    return status.st_mode & 0777;
}

/* Makes the keys in the file as old as asked. */
static void age_tickets(const char *path) {
    static const uint8_t long_ago[8] = { 0, 0, 0, 0, 0x50 };
    int fd = open(path, O_WRONLY);

    CHECK(fd >= 0);
    CHECK_INT(pwrite(fd, long_ago, sizeof(long_ago), 8), sizeof(long_ago));
    close(fd);
}

static void sessions_resume_after_both_restart(void) {
    struct estate estate;
    struct crypto_cert_facts facts;

    estate_init(&estate);
    const char *pin = estate.certs.pin;
    CHECK(!restart_and_meet(&estate, pin));
    CHECK(restart_and_meet(&estate, pin));
    CHECK(restart_and_meet(&estate, pin));
    CHECK_INT(mode_of(estate.tickets), 0600);
    CHECK_INT(mode_of(estate.sessions), 0600);

    /* The key before the newest still opens. */
    age_tickets(estate.tickets);
    CHECK(restart_and_meet(&estate, pin));

    /* Another trust does not inherit what this one has checked. */
    CHECK_INT(crypto_cert_read(estate.certs.cert, 0, &facts), 0);
    CHECK(!restart_and_meet(&estate, facts.pin));
    crypto_cert_facts_done(&facts);

    unlink(estate.tickets);
    CHECK(!restart_and_meet(&estate, pin));
    CHECK(restart_and_meet(&estate, pin));
    unlink(estate.sessions);
    CHECK(!restart_and_meet(&estate, pin));
    estate_done(&estate);
}

static void damaged_files_cost_a_handshake_only(void) {
    struct estate estate;
    struct buf whole = { 0 };
    struct tls_client *client;

    estate_init(&estate);
    struct tls_trust trust = { .pin = estate.certs.pin };
    CHECK(!restart_and_meet(&estate, trust.pin));
    CHECK_INT(file_read(estate.sessions, 1 << 20, &whole), 0);
    for (size_t len = 0; len < whole.len; len += 7) {
        struct slice part = slice_of(whole.data, len);
        CHECK_INT(file_write_atomic(estate.sessions, part, 0600), 0);
        CHECK_INT(tls_client_new(&trust, estate.sessions, &client), 0);
        tls_client_free(client);
    }
    CHECK_INT(truncate(estate.tickets, 20), 0);
    CHECK(!restart_and_meet(&estate, trust.pin));
    CHECK(restart_and_meet(&estate, trust.pin));
    buf_done(&whole);
    estate_done(&estate);
}

TESTS(TEST(the_right_pin_opens),
      TEST(another_pin_is_refused_and_explained),
      TEST(a_pinned_leaf_opens),
      TEST(a_pinned_certificate_beside_a_foreign_leaf_is_refused),
      TEST(dates_count_for_names_but_not_for_pins),
      TEST(a_ca_file_checks_the_name),
      TEST(the_systems_cas_do_not_know_our_own),
      TEST(a_folder_of_cas_is_trusted),
      TEST(bad_trust_is_refused_at_once),
      TEST(protocols_must_overlap),
      TEST(a_server_without_a_certificate_refuses),
      TEST(a_new_leaf_is_used_for_new_connections),
      TEST(bad_files_are_refused_with_a_reason),
      TEST(sessions_resume_after_both_restart),
      TEST(damaged_files_cost_a_handshake_only))

/*
 * roostd - the hub
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/settings_ask.h"
#include "base/token.h"
#include "hub/config.h"
#include "hub/front/keyring.h"
#include "hub/front/tls_files.h"
#include "hub/restart.h"
#include "hub/running.h"
#include "store/store.h"

static int fail(const char *why, const char *remedy) {
    fprintf(stderr, "roostd: %s\n", why);
    if (remedy)
        fprintf(stderr, "try: %s\n", remedy);
    return EXIT_FAILURE;
}

static int run(void *arg, const struct settings *settings) {
    char *why = NULL;

    int status = running_run(arg, &why);
    if (why)
        fail(why, NULL);
    free(why);
    return status;
}

static int open_store(const struct hub_config *config, struct store **ret_store) {
    char *why = NULL;

    int r = file_make_dirs(config->data, 0700);
    char *path = config_store_path(config);
    if (r == 0)
        r = store_open(path, ret_store, &why);
    if (r != 0)
        fail(why ? why : strerror(-r), NULL);
    free(why);
    free(path);
    return r;
}

/* The pin of what is served; certificates are made when there are none. */
static int read_pin(const struct hub_config *config,
                    char ret_pin[static TOKEN_PIN_LEN + 1]) {
    struct keyring keyring;
    bool self_signed;

    keyring_init(&keyring, config->data);
    int r = config->cert ? 0 : tls_files_make(config, TLS_FILES_MISSING);
    if (r == 0)
        r = keyring_read_pin(tls_files_cert(config, &keyring), ret_pin, &self_signed);
    if (r != 0)
        fail(r < 0 ? strerror(-r) : crypto_cert_error_text(r), "roostd check");
    keyring_done(&keyring);
    return r;
}

static int print_claim(const struct hub_config *config,
                       struct store *store,
                       const char *pin) {
    char code[TOKEN_CLAIM_LEN + 1];
    struct token_claim claim;

    token_claim_new(pin, &claim);
    int r = config->is_new ? STORE_E_NONE : store_read_claim_now(store, claim.secret);
    if (r == STORE_E_USED)
        return fail("the claim code was used; its administrator can make tokens",
                    "roostd claim --new");
    if (r == STORE_E_NONE)
        r = store_put_claim_now(store, claim.secret, clock_wall_ms());
    if (r != 0)
        return fail(r < 0 ? strerror(-r) : "the store is damaged", "roostd check");
    token_claim_print(&claim, code);
    puts(code);
    fprintf(stderr, "use it once: roost login https://HOST:PORT --code %s\n", code);
    return EXIT_SUCCESS;
}

static int run_claim(void *arg, const struct settings *settings) {
    const struct hub_config *config = arg;
    char pin[TOKEN_PIN_LEN + 1];
    struct store *store = NULL;

    if (read_pin(config, pin) != 0 || open_store(config, &store) != 0)
        return EXIT_FAILURE;
    int status = print_claim(config, store, pin);
    store_close(store);
    return status;
}

static int run_check(void *arg, const struct settings *settings) {
    const struct hub_config *config = arg;
    struct store_counts counts = { 0 };
    char pin[TOKEN_PIN_LEN + 1];
    struct store *store = NULL;
    char *why = NULL;

    if (read_pin(config, pin) != 0 || open_store(config, &store) != 0)
        return EXIT_FAILURE;
    int r = store_check_now(store, &counts, &why);
    store_close(store);
    if (r != 0) {
        int status =
            fail(why ? why : strerror(-r), "restore the data folder from a backup");
        free(why);
        return status;
    }
    printf("settings  good\ncertificate  good, pin %s\nstore  good: schema %llu, %llu "
           "nodes, %llu "
           "tokens, %llu events, %llu bytes\n",
           pin, (unsigned long long)counts.schema, (unsigned long long)counts.nodes,
           (unsigned long long)counts.tokens, (unsigned long long)counts.events,
           (unsigned long long)counts.bytes);
    return EXIT_SUCCESS;
}

static int show_cert(const struct hub_config *config) {
    struct crypto_cert_facts facts = { 0 };
    char pin[TOKEN_PIN_LEN + 1];
    struct keyring keyring;
    struct buf out = { 0 };

    if (read_pin(config, pin) != 0)
        return EXIT_FAILURE;
    keyring_init(&keyring, config->data);
    const char *path = tls_files_cert(config, &keyring);
    printf("file: %s\n", path);
    for (size_t i = 0; crypto_cert_read(path, i, &facts) == 0; i++) {
        crypto_cert_facts_print(&facts, &out);
        crypto_cert_facts_done(&facts);
        facts = (struct crypto_cert_facts) { 0 };
        buf_add_text(&out, "\n");
    }
    fwrite(out.data, 1, out.len, stdout);
    printf("pin of links: %s\n", pin);
    buf_done(&out);
    keyring_done(&keyring);
    return EXIT_SUCCESS;
}

static int new_cert(const struct hub_config *config) {
    if (config->cert)
        return fail(
            "a certificate of your own is configured; replace its files and send SIGHUP",
            NULL);
    int r = tls_files_make(config, TLS_FILES_MISSING);
    if (r == 0)
        r = tls_files_make(config,
                           config->is_new_key ? TLS_FILES_SUCCESSOR : TLS_FILES_LEAF);
    if (r != 0)
        return fail(r < 0 ? strerror(-r) : crypto_cert_error_text(r), NULL);
    fprintf(
        stderr,
        config->is_new_key
            ? "made a successor CA; SIGHUP announces its pin over the live links and "
              "then serves it. Agents that are away must join again.\n"
            : "made a new certificate of the same CA; SIGHUP serves it, pins stay.\n");
    return EXIT_SUCCESS;
}

static int run_cert(void *arg, const struct settings *settings) {
    const struct hub_config *config = arg;
    const struct settings_list *words = settings_words(settings);
    const char *verb = words->count > 1 ? words->items[1] : "show";

    if (strcmp(verb, "show") == 0)
        return show_cert(config);
    if (strcmp(verb, "new") == 0)
        return new_cert(config);
    return program_misused(settings, "cert: show or new");
}

static int run_restart(void *arg, const struct settings *settings) {
    const struct hub_config *config = arg;
    char *why = NULL;

    if (restart_ask(config->data, &why) == 0)
        return EXIT_SUCCESS;
    int status = fail(why, "roostd check; systemctl restart roostd");
    free(why);
    return status;
}

static const struct program_command commands[] = {
    { "claim", run_claim, 1,
      "[FLAGS]   print the code by which the first administrator comes in" },
    { "check", run_check, 1, "[FLAGS]   check settings, certificate and store" },
    { "config", program_show_config, 2,
      "[FLAGS]   show every setting, its value and where it comes from" },
    { "restart", run_restart, 1,
      "[FLAGS]   start the running hub anew (a new version, other settings): no call "
      "fails" },
    { "cert", run_cert, 2,
      "[FLAGS]   show: the certificate served; new [--new-key]: make another" },
};

int main(int argc, char **argv) {
    const struct program program = {
        .table = config_table(),
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
        .run = run,
        .usage = "roostd [FLAGS]              run the hub in the foreground",
        .indent = "       roostd ",
        .examples =
            "  roostd --data /srv/roost --listen :8000\n"
            "  roostd claim --data /srv/roost\n"
            "  roostd cert new --new-key --data /srv/roost && systemctl reload roostd\n",
    };
    const struct settings_ask ask = {
        .in = isatty(STDIN_FILENO) ? stdin : NULL,
        .out = stderr,
        .env_path = ".env",
    };
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;
    int status = PROGRAM_EXIT_USAGE;

    signal(SIGPIPE, SIG_IGN);
    if (config_load(settings, argc, argv, &ask, &config) == 0)
        status = program_run(&program, config, settings);
    else
        settings_complain(settings, stderr);
    config_free(config);
    settings_free(settings);
    return status;
}

#include "hub/config.h"

#include <stdlib.h>

#include "base/address.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/settings_ask.h"
#include "base/settings_load.h"
#include "base/settings_reload.h"
#include "hub/config_rows.h"

enum { RETENTION_LEAST_MS = 2 * 3600000 };

const struct settings_table *config_table(void) {
    return &config_rows;
}

/* A chunk of raw samples covers an hour: of less, nothing would be left to query. */
static int check_retention(struct settings *settings, const struct hub_config *config) {
    static const char *const tiers[TIER_COUNT] = { "raw", "1m", "15m", "2h" };

    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (config->retention_ms[tier] > 0 &&
            config->retention_ms[tier] < RETENTION_LEAST_MS)
            return settings_fail(settings, SETTINGS_E_BAD,
                                 "retention_%s: at least 2h, or 0 for ever", tiers[tier]);
    return 0;
}

/* What single settings cannot tell. */
static int check_together(struct settings *settings, const struct hub_config *config) {
    if (!config->cert != !config->key)
        return settings_fail(settings, SETTINGS_E_BAD,
                             "%s: a certificate and its key are given together",
                             config->cert ? "key" : "cert");
    for (size_t i = 0; i < config->listen_plain.count; i++) {
        const char *text = config->listen_plain.items[i];
        struct address address = { 0 };
        address_parse_listen(slice_of_text(text), &address);
        if (!config->plain_anywhere && !address_is_loopback(address.host))
            return settings_fail(settings, SETTINGS_E_BAD,
                                 "listen_plain: %s is not a loopback address; if that is "
                                 "what you want, set \"plain_anywhere = %s\" in [hub]",
                                 text, CONFIG_PLAIN_WORDS);
    }
    return check_retention(settings, config);
}

/* Half of a pair is no use: the other half is asked for. */
static int ask_for_pair(struct settings *settings,
                        const struct settings_ask *ask,
                        struct hub_config *config) {
    static const struct settings_ask nobody = { .env_path = ".env" };

    if (!config->cert == !config->key)
        return 0;
    int r = settings_ask(
        settings, settings_find(&config_rows, "tls", config->cert ? "key" : "cert"),
        ask ? ask : &nobody);
    if (r != 0)
        return r;
    settings_clear(&config_rows, config);
    return settings_fill(settings, config);
}

int config_load(struct settings *settings,
                int argc,
                char *const *argv,
                const struct settings_ask *ask,
                struct hub_config **ret_config) {
    auto_(mem_freep) void *room = mem_new(sizeof(struct hub_config));
    struct hub_config *config = room;

    int r = settings_load(settings, argc, argv, "data", "roost.conf");
    if (r == 0)
        r = settings_fill(settings, config);
    if (r != 0)
        return r;
    r = ask_for_pair(settings, ask, config);
    if (r == 0)
        r = check_together(settings, config);
    if (r != 0) {
        settings_clear(&config_rows, config);
        return r;
    }
    config->argc = argc;
    config->argv = argv;
    *ret_config = TAKE(room);
    return 0;
}

int config_reload(struct hub_config *config,
                  struct settings *settings,
                  void (*on_change)(void *arg, const struct settings_row *row),
                  void *arg,
                  struct hub_config **ret_old) {
    struct hub_config *fresh;

    int r = config_load(settings, config->argc, config->argv, NULL, &fresh);
    if (r != 0)
        return r;
    settings_reload(&config_rows, config, fresh, on_change, arg);
    *ret_old = fresh;
    return 0;
}

char *config_store_path(const struct hub_config *config) {
    const char *path =
        config->store_url ? config_rows_sqlite_path(config->store_url) : NULL;
    return file_join(config->data, path ? path : "roost.db");
}

struct hub_config *config_free(struct hub_config *config) {
    if (config)
        settings_clear(&config_rows, config);
    free(config);
    return NULL;
}

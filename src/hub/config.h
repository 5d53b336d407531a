/*
 * config - the hub's settings, from flags, environment, .env and DATA/roost.conf
 *
 * The table in config.c is the one list of them. A loaded config never changes; SIGHUP
 * loads another.
 */
#pragma once

#include <stdint.h>

#include "base/settings_common.h"
#include "store/tier.h"

struct settings_ask;

struct hub_config {
    struct settings_common common;

    char *data;        /* owned, as every pointer here; the data folder */
    char *config_file; /* NULL: DATA/roost.conf */

    struct settings_list listen;       /* as address_parse_listen() reads them */
    struct settings_list listen_plain; /* loopback only, unless plain_anywhere */
    char *plain_anywhere;              /* the words that allow it, or NULL */
    struct settings_list addresses;    /* HOST:PORT for join links; empty: as dialled */
    struct settings_list hosts; /* from which browsers may come; empty: as dialled */

    char *cert; /* both or neither: the hub's own otherwise */
    char *key;
    struct settings_list cert_names; /* more names for the hub's own certificate */

    char *store_url; /* "sqlite:PATH"; NULL: roost.db in the data folder */
    uint64_t retention_ms[TIER_COUNT]; /* 0: for ever */
    uint64_t acknowledge_ms;

    uint64_t header_bytes_max;
    uint64_t streams_max;
    uint64_t window_bytes;
    uint64_t calls_per_caller;
    uint64_t message_bytes_max;
    uint64_t unauthenticated_max;
    uint64_t per_client_max;
    uint64_t connection_bytes_max;
    uint64_t handshake_ms;
    uint64_t head_ms;
    uint64_t body_ms;
    uint64_t stranger_ms;
    uint64_t idle_ms;
    uint64_t drain_ms;
    uint64_t events_max;
    uint64_t traffic_rows_max;

    uint64_t traffic_keep_ms; /* 0: for ever */

    uint64_t udp_port; /* of the echo; 0: there is none */
    char *udp_host;    /* where agents find it; NULL: where their link leads to */

    uint64_t draw_workers; /* 0: one for each core */

    char *remote_write_url; /* NULL: samples go nowhere else */
    char *remote_write_token;
    char *remote_write_user;
    char *remote_write_password;
    char *remote_write_ca_file;
    struct settings_list remote_write_headers;
    struct settings_list remote_write_nodes;
    struct settings_list remote_write_metrics;
    uint64_t remote_write_queue_bytes;

    struct settings_list approval_tags; /* acts on such nodes need a second person */
    uint64_t approval_wait_ms;

    bool hubws_anonymous;

    char *telegram_token; /* NULL: no bot */
    char *telegram_api_url;
    char *telegram_mode; /* "poll" or "webhook" */
    char *telegram_webhook_url;
    char *telegram_strangers; /* "refuse", "request" or "own" */
    bool alerts_built_in;
    uint64_t alerts_offline_ms;
    uint64_t alerts_disk_percent;
    uint64_t alerts_disk_clear;
    uint64_t alerts_disk_ms;
    uint64_t alerts_memory_percent;
    uint64_t alerts_memory_ms;
    uint64_t alerts_temperature; /* Celsius */
    uint64_t alerts_temperature_ms;
    uint64_t alerts_unit_ms;
    char *alerts_language; /* "en" or "ru" */
    bool alerts_plain;     /* http:// to other machines too */
    char *heartbeat_url;   /* NULL: none */
    uint64_t heartbeat_ms;

    bool is_new;     /* claim --new */
    bool is_new_key; /* cert new --new-key */

    int argc;          /* of the load, for the next one */
    char *const *argv; /* borrowed: main */
};

const struct settings_table *config_table(void);

/*
 * Reads every source into fresh settings of config_table(): 0 and *ret_config, to be
 * freed by config_free(); else settings_complain() tells. After --help and --version the
 * file is not read. The words of the command line are settings_words(). A certificate
 * without its key, or a key without its certificate, is asked for; ask may be NULL.
 */
int config_load(struct settings *settings,
                int argc,
                char *const *argv,
                const struct settings_ask *ask,
                struct hub_config **ret_config);

/*
 * Reads every source again, as config_load() did. What is live takes the place of the old
 * values, which *ret_old gets, to be freed when nobody borrows them any more; on_change
 * is told of every row that differs. On failure nothing changes.
 */
int config_reload(struct hub_config *config,
                  struct settings *settings,
                  void (*on_change)(void *arg, const struct settings_row *row),
                  void *arg,
                  struct hub_config **ret_old);

/* Where the store's file is; a new string. */
char *config_store_path(const struct hub_config *config);

/* NULL is fine. Always returns NULL. */
struct hub_config *config_free(struct hub_config *config);

/*
 * config - the agent's settings, from flags, environment, .env and STATE/agent.conf
 *
 * The table in config.c is the one list of them. The [old] ones are those of the system
 * that Roost replaces; an agent that has not joined and has a secret uses them.
 */
#pragma once

#include <stdint.h>

#include "agent/config_expose.h"
#include "base/settings_common.h"
#include "base/settings_group.h"

struct settings_ask;

struct agent_config {
    struct settings_common common;

    char *state;       /* owned, as every pointer here; the state folder */
    char *config_file; /* NULL: STATE/agent.conf */

    char *link;  /* a valid join link, or NULL */
    char *proxy; /* "http://...", or NULL: the environment's */

    uint64_t interval_ms;
    uint64_t batch_ms;
    char *root; /* where the host's "/" is seen; NULL: where it is */
    uint64_t spool_hours;
    uint64_t spool_bytes;
    char *spool_dir; /* below state unless absolute; "none": in memory alone */
    uint64_t backoff_max_ms;
    uint64_t drain_ms;
    uint64_t message_bytes_max;
    uint64_t streams_max;
    uint64_t window_bytes;
    uint64_t tunnels_max;

    struct settings_list net_include; /* globs, as the others but net_ignore */
    struct settings_list net_exclude;
    struct settings_list net_ignore; /* parts of names */
    struct settings_list mounts_include;
    struct settings_list mounts_exclude;
    struct settings_list disks_include;
    struct settings_list disks_exclude;

    struct settings_members exposes; /* of struct config_expose */

    uint64_t udp_port; /* of the hub's echo; 0: as the hub says */

    char *nvml; /* path of the library; NULL: the usual one */

    char *fluentd;    /* the unit that external.Fluentd means */
    char *libsystemd; /* path of the library; NULL: the usual one */

    char *secret; /* NULL: not started in the older system's way */
    char *server;
    uint64_t port;
    char *verify_ssl; /* "0", "1" or "force" */
    char *ca_file;

    char *name;                  /* join --name */
    char *allow;                 /* join --allow */
    struct settings_list expose; /* join --expose: "[NAME=]ADDR" */
    bool expose_tls;             /* expose --tls, --ca and --pin */
    char *expose_ca;
    char *expose_pin;
    bool user;    /* install --user */
    bool purge;   /* uninstall --purge */
    bool dry_run; /* policy apply --dry-run */
    bool yes;     /* ask no questions */
    bool json;

    int argc;          /* of the load, for the next one */
    char *const *argv; /* borrowed: main */
};

const struct settings_table *config_table(void);

/*
 * Reads every source into fresh settings of config_table(): 0 and *ret_config, to be
 * freed by config_free(); else settings_complain() tells. After --help and --version the
 * file is not read. The words of the command line are settings_words().
 */
int config_load(struct settings *settings,
                int argc,
                char *const *argv,
                struct agent_config **ret_config);

/*
 * Reads every source again, as config_load() did. What is live takes the place of the old
 * values, which *ret_old gets, to be freed when nobody borrows them any more; on_change
 * is told of every row that differs. On failure nothing changes.
 */
int config_reload(struct agent_config *config,
                  struct settings *settings,
                  void (*on_change)(void *arg, const struct settings_row *row),
                  void *arg,
                  struct agent_config **ret_old);

/*
 * Asks for the secret and the server of the older system where they are not set, and
 * puts another config in the place of the one that was loaded: 0, or what settings_ask()
 * answers.
 */
int config_ask(struct settings *settings,
               const struct settings_ask *ask,
               struct agent_config **config);

/* NULL is fine. Always returns NULL. */
struct agent_config *config_free(struct agent_config *config);

/* The settings file, there or not; to be freed. */
char *config_file_path(const struct agent_config *config);

/* The folder of the spool, to be freed; NULL: samples are in memory alone. */
char *config_spool_dir(const struct agent_config *config);

#include "agent/config.h"

#include <stdlib.h>
#include <string.h>

#include "agent/spool/spool.h"
#include "base/address.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/settings_ask.h"
#include "base/settings_load.h"
#include "base/settings_reload.h"
#include "base/token.h"

#define AT(field) .at = offsetof(struct agent_config, field)

static char *default_state(void) {
    return settings_common_state_folder("roost-agent");
}

/* A service's folder is there to be written to; elsewhere a person decides. */
static char *default_spool_dir(void) {
    return mem_strdup(getenv("STATE_DIRECTORY") ? "spool" : "none");
}

static const char *check_link(const char *text) {
    struct token_link link;
    int r = token_link_parse(text, &link);
    mem_wipe(&link, sizeof(link));
    return r == 0 ? NULL : token_error_text(r);
}

/* Whether it can be parsed is the dialler's business; this catches what is none. */
static const char *check_proxy(const char *text) {
    static const char head[] = "http://";
    return strncmp(text, head, sizeof(head) - 1) == 0 && text[sizeof(head) - 1]
               ? NULL
               : "a proxy is http://[USER:PASSWORD@]HOST:PORT";
}

static const char *check_root(const char *text) {
    size_t len = strlen(text);
    return text[0] == '/' && (len == 1 || text[len - 1] != '/')
               ? NULL
               : "an absolute path without a slash at its end";
}

/* People have a link at hand, and keys of the older system. */
static const char *check_secret(const char *text) {
    int r = token_check(text);
    if (strncmp(text, "roost://", 8) == 0)
        return "that is a join link: use roost-agent join LINK, or the token in it alone "
               "(between the last / and the #)";
    return r == TOKEN_E_FORM ? "not a token of the hub: one is 64 hex digits, a dot and "
                               "8 more, and stands in what roost token new NAME prints"
           : r != 0          ? token_error_text(r)
                             : NULL;
}

static const char *check_name(const char *text) {
    return name_is_valid(text)
               ? NULL
               : "a name has a-z, 0-9, '.', '_', '-', starts with a letter "
                 "or digit and has at most 63 of them";
}

static const struct settings_row rows[] = {
    { .name = "state",
      .kind = SETTINGS_TEXT,
      AT(state),
      .make_fallback = default_state,
      .env = "ROOST_STATE",
      .flag = "state",
      .argument = "DIR",
      .help =
          "The state folder; /var/lib/roost-agent for root, else in $XDG_STATE_HOME" },
    { .name = "config",
      .kind = SETTINGS_TEXT,
      AT(config_file),
      .flag = "config",
      .argument = "FILE",
      .help = "The settings file; STATE/agent.conf unless given" },
    { .section = "hub",
      .name = "link",
      .kind = SETTINGS_SECRET,
      AT(link),
      .check = check_link,
      .env = "ROOST_LINK",
      .help = "A join link, used when the agent starts and has not joined yet" },
    { .section = "hub",
      .name = "proxy",
      .kind = SETTINGS_SECRET,
      AT(proxy),
      .check = check_proxy,
      .help = "http://[USER:PASSWORD@]HOST:PORT; unset: https_proxy of the environment",
      .live = true },
    { .section = "agent",
      .name = "interval",
      .kind = SETTINGS_DURATION,
      AT(interval_ms),
      .fallback = "5s",
      .low = 1000,
      .high = 3600000,
      .env = "AGENT_INTERVAL",
      .flag = "interval",
      .argument = "SECONDS",
      .help = "How often samples are taken, 1 s to 1 h",
      .live = true },
    { .section = "agent",
      .name = "root",
      .kind = SETTINGS_TEXT,
      AT(root),
      .check = check_root,
      .help = "For an agent in a container: where the host's / is mounted, such as "
              "/host; figures are read below it" },
    { .section = "agent",
      .name = "spool_hours",
      .kind = SETTINGS_INT,
      AT(spool_hours),
      .fallback = "24",
      .low = 1,
      .high = 8760,
      .help = "How long samples are kept for a hub that is away, in hours",
      .live = true },
    /* What is older than that is not shown as live by the hub. */
    { .section = "agent",
      .name = "batch",
      .kind = SETTINGS_DURATION,
      AT(batch_ms),
      .high = 5000,
      .help =
          "How long a sample may wait to be sent with others, for fewer bytes; 0: not "
          "at all" },
    /* 24 h at 5 s are some 1.5 MiB. */
    { .section = "agent",
      .name = "spool_bytes",
      .kind = SETTINGS_BYTES,
      AT(spool_bytes),
      .fallback = "8MiB",
      .low = SPOOL_BYTES_MIN,
      .high = 1073741824,
      .help = "How much memory they may take; the oldest samples go first" },
    { .section = "agent",
      .name = "spool_dir",
      .kind = SETTINGS_TEXT,
      AT(spool_dir),
      .make_fallback = default_spool_dir,
      .env = "ROOST_SPOOL_DIR",
      .help = "A folder, below the state folder unless it begins with /, that keeps them "
              "over restarts of agent and host; none: memory alone, the default unless "
              "the agent is a service of systemd with a StateDirectory: spool" },
    /* It doubles from 0.5 s; a fleet should not come back all at once. */
    { .section = "agent",
      .name = "backoff_max",
      .kind = SETTINGS_DURATION,
      AT(backoff_max_ms),
      .fallback = "60s",
      .low = 500,
      .high = 3600000,
      .env = "AGENT_RECONNECT_DELAY",
      .help = "The longest wait between two attempts to connect",
      .live = true },
    /* Supervisors kill after 10 to 90 s. */
    { .section = "agent",
      .name = "drain",
      .kind = SETTINGS_DURATION,
      AT(drain_ms),
      .fallback = "5s",
      .low = 0,
      .high = 600000,
      .help = "How long calls may finish when the agent stops",
      .live = true },
    /* What every gRPC library takes by default. */
    { .section = "agent",
      .name = "message_bytes",
      .kind = SETTINGS_BYTES,
      AT(message_bytes_max),
      .fallback = "4MiB",
      .low = 1024,
      .high = 67108864,
      .help = "One message, packed and unpacked",
      .live = true },
    /* The hub multiplexes all callers of this node on one link. */
    { .section = "agent",
      .name = "streams",
      .kind = SETTINGS_INT,
      AT(streams_max),
      .fallback = "4096",
      .low = 1,
      .high = 100000,
      .help = "Calls of the hub at the same time",
      .live = true },
    /* One stream at 84 MB/s over 100 ms. */
    { .section = "agent",
      .name = "window_bytes",
      .kind = SETTINGS_BYTES,
      AT(window_bytes),
      .fallback = "8MiB",
      .low = 0,
      .high = 1073741824,
      .help = "How much more than 64 KiB each the calls that send much may have under "
              "way, all together, where the hub is far",
      .live = true },
    /* Each holds some 128 KiB when its ends are slow. */
    { .section = "agent",
      .name = "tunnels",
      .kind = SETTINGS_INT,
      AT(tunnels_max),
      .fallback = "256",
      .low = 0,
      .high = 100000,
      .help = "TCP connections (roost forward, connect, ssh) at the same time",
      .live = true },
    { .section = "net",
      .name = "include",
      .kind = SETTINGS_LIST,
      AT(net_include),
      .help = "Network interfaces that count whatever they are (globs)",
      .live = true },
    { .section = "net",
      .name = "exclude",
      .kind = SETTINGS_LIST,
      AT(net_exclude),
      .help = "Network interfaces that never count (globs)",
      .live = true },
    { .section = "net",
      .name = "ignore",
      .kind = SETTINGS_LIST,
      AT(net_ignore),
      .env = "AGENT_NET_IGNORE",
      .help = "Network interfaces whose name has one of these in it do not count",
      .live = true },
    { .section = "mounts",
      .name = "include",
      .kind = SETTINGS_LIST,
      AT(mounts_include),
      .help = "Mount points that count whatever they are (globs)",
      .live = true },
    { .section = "mounts",
      .name = "exclude",
      .kind = SETTINGS_LIST,
      AT(mounts_exclude),
      .help = "Mount points that never count (globs)",
      .live = true },
    { .section = "disks",
      .name = "include",
      .kind = SETTINGS_LIST,
      AT(disks_include),
      .help = "Block devices that count whatever they are (globs)",
      .live = true },
    { .section = "disks",
      .name = "exclude",
      .kind = SETTINGS_LIST,
      AT(disks_exclude),
      .help = "Block devices that never count (globs)",
      .live = true },
    { .section = "probe",
      .name = "udp_port",
      .kind = SETTINGS_INT,
      AT(udp_port),
      .high = 65535,
      .env = "AGENT_UDP_PORT",
      .help =
          "Where the hub's echo answers stability tests, when it is not the port that "
          "the hub says; 0: that one" },
    { .section = "gpu",
      .name = "nvml",
      .kind = SETTINGS_TEXT,
      AT(nvml),
      .help = "NVIDIA's management library, where it is not the system's "
              "libnvidia-ml.so.1" },
    { .section = "units",
      .name = "fluentd",
      .kind = SETTINGS_TEXT,
      AT(fluentd),
      .fallback = "fluentd.service",
      .help = "The unit that external.Fluentd of the older system starts and stops",
      .live = true },
    { .section = "units",
      .name = "libsystemd",
      .kind = SETTINGS_TEXT,
      AT(libsystemd),
      .help = "systemd's library, where it is not the system's libsystemd.so.0" },
    { .section = "old",
      .name = "secret",
      .kind = SETTINGS_SECRET,
      AT(secret),
      .check = check_secret,
      .env = "AGENT_SECRET",
      .help = "A join token, for an agent that has not joined by a link",
      .ask = "Secret of this agent (AGENT_SECRET)" },
    { .section = "old",
      .name = "server",
      .kind = SETTINGS_TEXT,
      AT(server),
      .fallback = "127.0.0.1",
      .check = settings_common_check_host,
      .env = "AGENT_SERVER_IP",
      .help = "The hub's host, used with the secret",
      .ask = "Address of the server (AGENT_SERVER_IP)" },
    { .section = "old",
      .name = "port",
      .kind = SETTINGS_INT,
      AT(port),
      .fallback = "8000",
      .low = 1,
      .high = 65535,
      .env = "AGENT_PORT",
      .help = "Its port" },
    { .section = "old",
      .name = "verify_ssl",
      .kind = SETTINGS_TEXT,
      AT(verify_ssl),
      .fallback = "1",
      .choices = "0 1 force",
      .env = "AGENT_VERIFY_SSL",
      .help = "0 and 1 pin the key at first contact; force trusts the system's CAs and "
              "the host name" },
    { .section = "old",
      .name = "ca_file",
      .kind = SETTINGS_TEXT,
      AT(ca_file),
      .env = "AGENT_CA_FILE",
      .help = "Trusts these CAs (PEM) and the host name, whatever verify_ssl says" },
    { .name = "name",
      .kind = SETTINGS_TEXT,
      AT(name),
      .check = check_name,
      .flag = "name",
      .argument = "NAME",
      .commands = "join",
      .help =
          "The name of this node, where the link leaves it open; else the host name" },
    { .name = "expose",
      .kind = SETTINGS_LIST,
      AT(expose),
      .flag = "expose",
      .argument = "[NAME=]ADDR",
      .commands = "join",
      .help =
          "A gRPC server that callers of the hub may reach: HOST:PORT or unix:/PATH" },
    { .name = "tls",
      .kind = SETTINGS_BOOL,
      AT(expose_tls),
      .flag = "tls",
      .commands = "expose",
      .help = "It speaks TLS" },
    { .name = "ca",
      .kind = SETTINGS_TEXT,
      AT(expose_ca),
      .flag = "ca",
      .argument = "FILE",
      .commands = "expose",
      .help = "Trust these CAs (PEM)" },
    { .name = "pin",
      .kind = SETTINGS_TEXT,
      AT(expose_pin),
      .flag = "pin",
      .argument = "PIN",
      .commands = "expose",
      .help =
          "Trust the CA or certificate whose public key has this SHA-256 (base64url)" },
    { .name = "allow",
      .kind = SETTINGS_TEXT,
      AT(allow),
      .flag = "allow",
      .argument = "VERBS",
      .commands = "join",
      .help = "What the hub may ask of this host besides looking: a list such as "
              "units,tcp=127.0.0.1:22 for the policy" },
    { .name = "user",
      .kind = SETTINGS_BOOL,
      AT(user),
      .flag = "user",
      .commands = "install uninstall",
      .help = "For the calling user instead of the whole host" },
    { .name = "purge",
      .kind = SETTINGS_BOOL,
      AT(purge),
      .flag = "purge",
      .commands = "uninstall",
      .help = "Remove the state folder as well" },
    { .name = "dry_run",
      .kind = SETTINGS_BOOL,
      AT(dry_run),
      .flag = "dry-run",
      .commands = "policy",
      .help = "Of policy apply: tell what would change, and change nothing" },
    { .name = "yes",
      .kind = SETTINGS_BOOL,
      AT(yes),
      .flag = "yes",
      .letter = 'y',
      .commands = "uninstall",
      .help = "Ask no questions" },
    { .name = "json",
      .kind = SETTINGS_BOOL,
      AT(json),
      .flag = "json",
      .commands = "describe doctor policy",
      .help = "Print JSON" },
};

static const struct settings_group groups[] = {
    { .section = "expose",
      .at = offsetof(struct agent_config, exposes),
      .max = CONFIG_EXPOSE_MAX,
      .table = &config_expose_table,
      .check = config_expose_check },
};

static const struct settings_table table = {
    .program = "roost-agent",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct agent_config),
    .common = &settings_common_table,
    .groups = groups,
    .group_count = sizeof(groups) / sizeof(groups[0]),
};

const struct settings_table *config_table(void) {
    return &table;
}

static int make_config(struct settings *settings, struct agent_config **ret_config) {
    struct agent_config *config = mem_new(sizeof(*config));

    int r = settings_fill(settings, config);
    if (r != 0) {
        free(config);
        return r;
    }
    *ret_config = config;
    return 0;
}

int config_load(struct settings *settings,
                int argc,
                char *const *argv,
                struct agent_config **ret_config) {
    struct agent_config *config;

    int r = settings_load(settings, argc, argv, "state", "agent.conf");
    if (r == 0)
        r = make_config(settings, &config);
    if (r != 0)
        return r;
    config->argc = argc;
    config->argv = argv;
    *ret_config = config;
    return 0;
}

int config_reload(struct agent_config *config,
                  struct settings *settings,
                  void (*on_change)(void *arg, const struct settings_row *row),
                  void *arg,
                  struct agent_config **ret_old) {
    struct agent_config *fresh;

    int r = config_load(settings, config->argc, config->argv, &fresh);
    if (r != 0)
        return r;
    settings_reload(&table, config, fresh, on_change, arg);
    *ret_old = fresh;
    return 0;
}

int config_ask(struct settings *settings,
               const struct settings_ask *ask,
               struct agent_config **config) {
    struct agent_config *asked;

    int r = settings_ask(settings, settings_find(&table, "old", "secret"), ask);
    if (r == 0)
        r = settings_ask(settings, settings_find(&table, "old", "server"), ask);
    if (r == 0)
        r = make_config(settings, &asked);
    if (r != 0)
        return r;
    asked->argc = (*config)->argc;
    asked->argv = (*config)->argv;
    config_free(*config);
    *config = asked;
    return 0;
}

struct agent_config *config_free(struct agent_config *config) {
    if (config)
        settings_clear(&table, config);
    free(config);
    return NULL;
}

char *config_file_path(const struct agent_config *config) {
    return config->config_file ? mem_strdup(config->config_file)
                               : file_join(config->state, "agent.conf");
}

char *config_spool_dir(const struct agent_config *config) {
    if (!config->spool_dir || strcmp(config->spool_dir, "none") == 0)
        return NULL;
    return file_join(config->state, config->spool_dir);
}

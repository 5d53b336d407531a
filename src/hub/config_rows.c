#include "hub/config_rows.h"

#include <string.h>

#include "base/address.h"
#include "base/name.h"
#include "hub/config.h"

#define AT(field) .at = offsetof(struct hub_config, field)

enum {
    KIB = 1024,
    MIB = 1024 * 1024,
};

static char *default_data(void) {
    return settings_common_state_folder("roost");
}

static const char *check_listen(const char *text) {
    struct address address;
    int r = address_parse_listen(slice_of_text(text), &address);
    return r == 0                ? NULL
           : r == ADDRESS_E_HOST ? "no host or address before the port"
                                 : "no port from 0 to 65535 at the end";
}

static const char *check_address(const char *text) {
    struct address address;
    int r = address_parse(slice_of_text(text), &address);
    return r == 0                ? NULL
           : r == ADDRESS_E_HOST ? "no host or address before the port"
                                 : "no port from 1 to 65535 at the end";
}

static const char *check_udp_host(const char *text) {
    return address_is_digits(text) ? NULL : "it is no address in digits";
}

static const char *check_plain(const char *text) {
    return strcmp(text, CONFIG_PLAIN_WORDS) == 0
               ? NULL
               : "it takes the words: anyone may read the traffic";
}

static const char *check_url(const char *text) {
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0
               ? NULL
               : "no http:// or https:// at the beginning";
}

static const char *check_header(const char *text) {
    const char *colon = strchr(text, ':');
    return colon && colon > text && !strpbrk(text, "\r\n") ? NULL
                                                           : "it is not \"Name: value\"";
}

static const char *check_tag(const char *text) {
    return name_is_valid(text[0] == '@' ? text + 1 : text) ? NULL : "it is no tag";
}

const char *config_rows_sqlite_path(const char *url) {
    static const char scheme[] = "sqlite:";
    return strncmp(url, scheme, sizeof(scheme) - 1) == 0 ? url + sizeof(scheme) - 1
                                                         : NULL;
}

static const char *check_store(const char *text) {
    const char *path = config_rows_sqlite_path(text);

    if (strncmp(text, "postgres", 8) == 0)
        return "this version keeps everything in SQLite: sqlite:PATH";
    if (!path)
        return "it takes sqlite:PATH";
    return *path == '\0' || path[strlen(path) - 1] == '/'
               ? "a file is needed: sqlite:PATH"
               : NULL;
}

static const char *check_mode(const char *text) {
    return strcmp(text, "poll") == 0 || strcmp(text, "webhook") == 0
               ? NULL
               : "it is poll or webhook";
}

static const char *check_strangers(const char *text) {
    return strcmp(text, "refuse") == 0 || strcmp(text, "request") == 0 ||
                   strcmp(text, "own") == 0
               ? NULL
               : "it is refuse, request or own";
}

static const char *check_language(const char *text) {
    return strcmp(text, "en") == 0 || strcmp(text, "ru") == 0 ? NULL : "it is en or ru";
}

static const struct settings_row rows[] = {
    { .name = "data",
      .kind = SETTINGS_TEXT,
      AT(data),
      .make_fallback = default_data,
      .env = "ROOST_DATA",
      .flag = "data",
      .argument = "DIR",
      .help = "The data folder; /var/lib/roost for root, else in $XDG_STATE_HOME" },
    { .name = "config",
      .kind = SETTINGS_TEXT,
      AT(config_file),
      .flag = "config",
      .argument = "FILE",
      .help = "The settings file; DATA/roost.conf unless given" },
    { .section = "hub",
      .name = "listen",
      .kind = SETTINGS_LIST,
      AT(listen),
      .fallback = "*:8000",
      .check = check_listen,
      .env = "PORT HTTP_LISTEN_ADDR GRPC_LISTEN_ADDR",
      .flag = "listen",
      .argument = "ADDR:PORT",
      .help = "Where to listen with TLS; may be repeated" },
    { .section = "hub",
      .name = "listen_plain",
      .kind = SETTINGS_LIST,
      AT(listen_plain),
      .check = check_listen,
      .flag = "listen-plain",
      .argument = "ADDR:PORT",
      .help = "Where to listen without TLS, on loopback; may be repeated" },
    { .section = "hub",
      .name = "plain_anywhere",
      .kind = SETTINGS_TEXT,
      AT(plain_anywhere),
      .check = check_plain,
      .help = "Allows listen_plain on other addresses with the words \"anyone may read "
              "the traffic\"" },
    { .section = "hub",
      .name = "address",
      .kind = SETTINGS_LIST,
      AT(addresses),
      .check = check_address,
      .flag = "address",
      .argument = "HOST:PORT",
      .help = "What join links name, in the order to try; unset: as the caller dialled",
      .live = true },
    { .section = "hub",
      .name = "hosts",
      .kind = SETTINGS_LIST,
      AT(hosts),
      .check = settings_common_check_host,
      .help = "The names under which browsers may come; unset: as the browser dialled",
      .live = true },
    { .section = "tls",
      .name = "cert",
      .kind = SETTINGS_TEXT,
      AT(cert),
      .env = "SSL_CERT",
      .flag = "cert",
      .argument = "FILE",
      .help = "A certificate chain (PEM) instead of the hub's own",
      .ask = "File of the certificate chain (SSL_CERT)",
      .live = true },
    { .section = "tls",
      .name = "key",
      .kind = SETTINGS_TEXT,
      AT(key),
      .env = "SSL_KEY",
      .flag = "key",
      .argument = "FILE",
      .help = "The key of that certificate",
      .ask = "File of the certificate's key (SSL_KEY)",
      .live = true },
    { .section = "tls",
      .name = "names",
      .kind = SETTINGS_LIST,
      AT(cert_names),
      .check = settings_common_check_host,
      .help = "More names and addresses for the hub's own certificate",
      .live = true },
    { .section = "store",
      .name = "url",
      .kind = SETTINGS_TEXT,
      AT(store_url),
      .check = check_store,
      .flag = "store",
      .argument = "URL",
      .help =
          "Where everything is kept, sqlite:PATH, relative to the data folder; unset: "
          "sqlite:roost.db" },
    { .section = "store",
      .name = "retention_raw",
      .kind = SETTINGS_DURATION,
      AT(retention_ms[TIER_RAW]),
      .fallback = "48h",
      .high = UINT64_C(100) * 365 * 86400000,
      .help = "How long samples are kept as they came; 0: for ever" },
    { .section = "store",
      .name = "retention_1m",
      .kind = SETTINGS_DURATION,
      AT(retention_ms[TIER_1M]),
      .fallback = "30d",
      .high = UINT64_C(100) * 365 * 86400000,
      .help =
          "How long a mean, least and greatest value a minute are kept; 0: for ever" },
    { .section = "store",
      .name = "retention_15m",
      .kind = SETTINGS_DURATION,
      AT(retention_ms[TIER_15M]),
      .fallback = "1y",
      .high = UINT64_C(100) * 365 * 86400000,
      .help = "The same of a quarter of an hour; 0: for ever" },
    { .section = "store",
      .name = "retention_2h",
      .kind = SETTINGS_DURATION,
      AT(retention_ms[TIER_2H]),
      .fallback = "5y",
      .high = UINT64_C(100) * 365 * 86400000,
      .help = "The same of two hours; 0: for ever" },
    { .section = "store",
      .name = "acknowledge",
      .kind = SETTINGS_DURATION,
      AT(acknowledge_ms),
      .fallback = "30s",
      .low = 1000,
      .high = 600000,
      .help =
          "How often an agent is told which samples are durable; it keeps the others" },
    /* A browser sends 1 to 2 KiB, a gRPC call 0.3; cookies of a shared domain may add 8.
     */
    { .section = "limits",
      .name = "header_bytes",
      .kind = SETTINGS_BYTES,
      AT(header_bytes_max),
      .fallback = "16KiB",
      .low = KIB,
      .high = MIB,
      .help = "The head of one request",
      .live = true },
    /* One channel of a gRPC library that has 1,000 calls under way. */
    { .section = "limits",
      .name = "streams",
      .kind = SETTINGS_INT,
      AT(streams_max),
      .fallback = "1024",
      .low = 1,
      .high = 10000,
      .help = "Requests at the same time on one connection",
      .live = true },
    /* Half of what an agent takes: nobody can keep a node from all others. Each may hold
     * 128 KiB when its ends are slow, which makes 256 MiB. */
    { .section = "limits",
      .name = "calls_per_caller",
      .kind = SETTINGS_INT,
      AT(calls_per_caller),
      .fallback = "2048",
      .low = 1,
      .high = 1000000,
      .help = "Calls at the same time with one credential, whatever the connections",
      .live = true },
    /* Eight streams at 84 MB/s over 100 ms each. */
    { .section = "limits",
      .name = "window_bytes",
      .kind = SETTINGS_BYTES,
      AT(window_bytes),
      .fallback = "64MiB",
      .low = 0,
      .high = UINT64_C(65536) * MIB,
      .help =
          "How much more than 64 KiB each the streams of far peers that carry much may "
          "have under way, all together",
      .live = true },
    /* What every gRPC library takes by default. */
    { .section = "limits",
      .name = "message_bytes",
      .kind = SETTINGS_BYTES,
      AT(message_bytes_max),
      .fallback = "4MiB",
      .low = KIB,
      .high = 64 * MIB,
      .help = "One message, packed and unpacked",
      .live = true },
    /* A fleet that comes back needs a handshake and a head each: 1,000 a second and core.
     */
    { .section = "limits",
      .name = "unauthenticated",
      .kind = SETTINGS_INT,
      AT(unauthenticated_max),
      .fallback = "1024",
      .low = 1,
      .high = 1000000,
      .help = "Connections that have shown no credential yet",
      .live = true },
    /* A company behind one address joins at once; one stranger takes a quarter at most.
     */
    { .section = "limits",
      .name = "per_client",
      .kind = SETTINGS_INT,
      AT(per_client_max),
      .fallback = "256",
      .low = 1,
      .high = 1000000,
      .help = "Of those, from one address (IPv6: one /64)",
      .live = true },
    /* Four of the largest messages. */
    { .section = "limits",
      .name = "connection_bytes",
      .kind = SETTINGS_BYTES,
      AT(connection_bytes_max),
      .fallback = "16MiB",
      .low = 64 * KIB,
      .high = UINT64_C(4096) * MIB,
      .help = "Memory of one connection for requests to the hub that are not whole yet",
      .live = true },
    /* TLS on a bad mobile line takes two to three seconds. */
    { .section = "limits",
      .name = "handshake",
      .kind = SETTINGS_DURATION,
      AT(handshake_ms),
      .fallback = "10s",
      .low = 100,
      .high = 600000,
      .help = "Until TLS must be done",
      .live = true },
    /* One byte a second is no browser. */
    { .section = "limits",
      .name = "head",
      .kind = SETTINGS_DURATION,
      AT(head_ms),
      .fallback = "10s",
      .low = 100,
      .high = 600000,
      .help = "Until the head of a request must be there",
      .live = true },
    /* 4 MiB at 70 KB/s. */
    { .section = "limits",
      .name = "body",
      .kind = SETTINGS_DURATION,
      AT(body_ms),
      .fallback = "60s",
      .low = 100,
      .high = 3600000,
      .help = "Until the body of an HTTP/1.1 request must be there",
      .live = true },
    /* A person may type a claim code meanwhile, on a connection that is opened again. */
    { .section = "limits",
      .name = "stranger",
      .kind = SETTINGS_DURATION,
      AT(stranger_ms),
      .fallback = "30s",
      .low = 100,
      .high = 3600000,
      .help = "How long a connection may show no credential",
      .live = true },
    /* Browsers keep connections for two to five minutes. */
    { .section = "limits",
      .name = "idle",
      .kind = SETTINGS_DURATION,
      AT(idle_ms),
      .fallback = "5m",
      .low = 1000,
      .high = 86400000,
      .help = "How long a connection without requests is kept",
      .live = true },
    /* Supervisors kill after 10 to 90 s. */
    { .section = "limits",
      .name = "drain",
      .kind = SETTINGS_DURATION,
      AT(drain_ms),
      .fallback = "5s",
      .low = 0,
      .high = 600000,
      .help = "How long calls may finish when the hub stops",
      .live = true },
    /* About 20 MB. */
    { .section = "limits",
      .name = "events",
      .kind = SETTINGS_INT,
      AT(events_max),
      .fallback = "100000",
      .low = 100,
      .high = 100000000,
      .help = "How many events the activity keeps",
      .live = true },
    /* About 70 MB: 23 callers and methods all day long, for 30 days. */
    { .section = "limits",
      .name = "traffic_rows",
      .kind = SETTINGS_INT,
      AT(traffic_rows_max),
      .fallback = "1000000",
      .low = 1000,
      .high = 100000000,
      .help = "How many counts of calls are kept, one a minute, node, caller and method",
      .live = true },
    { .section = "activity",
      .name = "traffic_keep",
      .kind = SETTINGS_DURATION,
      AT(traffic_keep_ms),
      .fallback = "30d",
      .high = UINT64_C(100) * 365 * 86400000,
      .help = "How long the counts of calls are kept; 0: for ever",
      .live = true },
    { .section = "probe",
      .name = "udp_port",
      .kind = SETTINGS_INT,
      AT(udp_port),
      .fallback = "9999",
      .high = 65535,
      .env = "UDP_TEST_PORT",
      .help = "Where datagrams of stability tests are sent back (UDP); 0: nowhere" },
    { .section = "probe",
      .name = "udp_host",
      .kind = SETTINGS_TEXT,
      AT(udp_host),
      .check = check_udp_host,
      .help = "The address to which agents send them; unset: the one that their link "
              "leads to, which a proxy is not" },
    { .section = "draw",
      .name = "workers",
      .kind = SETTINGS_INT,
      AT(draw_workers),
      .high = 64,
      .env = "GRAPH_WORKERS",
      .help = "Threads that draw charts; 0: one for each core" },
    { .section = "remote_write",
      .name = "url",
      .kind = SETTINGS_TEXT,
      AT(remote_write_url),
      .check = check_url,
      .help = "Where every sample is also sent: a receiver of Prometheus' remote write" },
    { .section = "remote_write",
      .name = "token",
      .kind = SETTINGS_SECRET,
      AT(remote_write_token),
      .help = "The bearer token that the receiver wants" },
    { .section = "remote_write",
      .name = "user",
      .kind = SETTINGS_TEXT,
      AT(remote_write_user),
      .help = "The name for Basic authentication there" },
    { .section = "remote_write",
      .name = "password",
      .kind = SETTINGS_SECRET,
      AT(remote_write_password),
      .help = "The password that goes with it" },
    { .section = "remote_write",
      .name = "ca_file",
      .kind = SETTINGS_TEXT,
      AT(remote_write_ca_file),
      .help = "The authority (PEM) of the receiver's certificate; unset: the system's" },
    { .section = "remote_write",
      .name = "headers",
      .kind = SETTINGS_LIST,
      AT(remote_write_headers),
      .check = check_header,
      .help = "More headers, \"Name: value\"" },
    { .section = "remote_write",
      .name = "nodes",
      .kind = SETTINGS_LIST,
      AT(remote_write_nodes),
      .help = "The nodes whose samples are sent, patterns too; unset: all" },
    { .section = "remote_write",
      .name = "metrics",
      .kind = SETTINGS_LIST,
      AT(remote_write_metrics),
      .help = "The metrics that are sent, patterns too; unset: all" },
    /* Ten minutes of 1,000 nodes with 30 values each 5 s. */
    { .section = "remote_write",
      .name = "queue_bytes",
      .kind = SETTINGS_BYTES,
      AT(remote_write_queue_bytes),
      .fallback = "32MiB",
      .low = MIB,
      .high = (uint64_t)4096 * MIB,
      .help = "Memory for samples that wait for the receiver" },
    { .section = "approvals",
      .name = "tags",
      .kind = SETTINGS_LIST,
      AT(approval_tags),
      .check = check_tag,
      .help =
          "Tags of nodes on which harmful acts (signals, changes of units, power) wait "
          "until a second person agrees: roost approve",
      .live = true },
    { .section = "approvals",
      .name = "wait",
      .kind = SETTINGS_DURATION,
      AT(approval_wait_ms),
      .fallback = "15m",
      .low = 1000,
      .high = (uint64_t)24 * 3600 * 1000,
      .help = "How long an act waits for somebody's word",
      .live = true },
    { .section = "hubws",
      .name = "anonymous",
      .kind = SETTINGS_BOOL,
      AT(hubws_anonymous),
      .fallback = "no",
      .help = "Lets servers of the older hub register without a token, and callers "
              "without one reach them on the plain listener",
      .live = true },
    { .section = "telegram",
      .name = "token",
      .kind = SETTINGS_SECRET,
      AT(telegram_token),
      .env = "BOT_TOKEN",
      .help = "The token of the Telegram bot" },
    { .section = "telegram",
      .name = "api_url",
      .kind = SETTINGS_TEXT,
      AT(telegram_api_url),
      .env = "TELEGRAM_API_URL",
      .fallback = "https://api.telegram.org",
      .check = check_url,
      .help = "Where the Bot API is, without /bot and what follows it" },
    { .section = "telegram",
      .name = "mode",
      .kind = SETTINGS_TEXT,
      AT(telegram_mode),
      .fallback = "poll",
      .check = check_mode,
      .help = "poll asks for what is said; webhook is told at webhook_url" },
    { .section = "telegram",
      .name = "webhook_url",
      .kind = SETTINGS_TEXT,
      AT(telegram_webhook_url),
      .check = check_url,
      .help = "Under which address Telegram reaches this hub's /telegram (https)" },
    { .section = "telegram",
      .name = "strangers",
      .kind = SETTINGS_TEXT,
      AT(telegram_strangers),
      .fallback = "refuse",
      .check = check_strangers,
      .help = "Whoever has no code: refuse; request: an administrator is asked; own: may "
              "add and see nodes of his own",
      .live = true },
    { .section = "alerts",
      .name = "built_in",
      .kind = SETTINGS_BOOL,
      AT(alerts_built_in),
      .fallback = "yes",
      .help = "Have the rules that everybody wants",
      .live = true },
    { .section = "alerts",
      .name = "offline_grace",
      .kind = SETTINGS_DURATION,
      AT(alerts_offline_ms),
      .fallback = "3m",
      .low = 5000,
      .high = (uint64_t)7 * 24 * 3600 * 1000,
      .help = "How long a node may be away before people are told",
      .live = true },
    { .section = "alerts",
      .name = "disk_percent",
      .kind = SETTINGS_INT,
      AT(alerts_disk_percent),
      .fallback = "90",
      .low = 1,
      .high = 100,
      .help = "A file system that is fuller than this is told of",
      .live = true },
    { .section = "alerts",
      .name = "disk_clear",
      .kind = SETTINGS_INT,
      AT(alerts_disk_clear),
      .fallback = "87",
      .low = 0,
      .high = 100,
      .help = "... until it is below this",
      .live = true },
    { .section = "alerts",
      .name = "disk_for",
      .kind = SETTINGS_DURATION,
      AT(alerts_disk_ms),
      .fallback = "10m",
      .high = (uint64_t)24 * 3600 * 1000,
      .help = "How long it must be so",
      .live = true },
    { .section = "alerts",
      .name = "memory_percent",
      .kind = SETTINGS_INT,
      AT(alerts_memory_percent),
      .fallback = "5",
      .low = 0,
      .high = 100,
      .help =
          "Less available memory than this, with programs that wait for it, is told of",
      .live = true },
    { .section = "alerts",
      .name = "memory_for",
      .kind = SETTINGS_DURATION,
      AT(alerts_memory_ms),
      .fallback = "10m",
      .high = (uint64_t)24 * 3600 * 1000,
      .help = "How long it must be so",
      .live = true },
    { .section = "alerts",
      .name = "temperature",
      .kind = SETTINGS_INT,
      AT(alerts_temperature),
      .fallback = "80",
      .low = 1,
      .high = 150,
      .help = "A processor that is hotter (Celsius), or throttled, is told of",
      .live = true },
    { .section = "alerts",
      .name = "temperature_for",
      .kind = SETTINGS_DURATION,
      AT(alerts_temperature_ms),
      .fallback = "2m",
      .high = (uint64_t)24 * 3600 * 1000,
      .help = "How long it must be so",
      .live = true },
    { .section = "alerts",
      .name = "unit_for",
      .kind = SETTINGS_DURATION,
      AT(alerts_unit_ms),
      .fallback = "2m",
      .high = (uint64_t)24 * 3600 * 1000,
      .help = "How long a systemd unit must have failed",
      .live = true },
    { .section = "alerts",
      .name = "language",
      .kind = SETTINGS_TEXT,
      AT(alerts_language),
      .fallback = "en",
      .check = check_language,
      .help = "Of mails, webhooks and ntfy: en or ru",
      .live = true },
    { .section = "alerts",
      .name = "plain",
      .kind = SETTINGS_BOOL,
      AT(alerts_plain),
      .fallback = "no",
      .help =
          "Let channels use http:// to other machines too: anyone on the way may read "
          "it" },
    { .section = "alerts",
      .name = "heartbeat_url",
      .kind = SETTINGS_TEXT,
      AT(heartbeat_url),
      .check = check_url,
      .help = "Asked for again and again while this hub works, so that somebody notices "
              "when it does not" },
    { .section = "alerts",
      .name = "heartbeat",
      .kind = SETTINGS_DURATION,
      AT(heartbeat_ms),
      .fallback = "1m",
      .low = 1000,
      .high = (uint64_t)24 * 3600 * 1000,
      .help = "How often" },
    { .name = "new",
      .kind = SETTINGS_BOOL,
      AT(is_new),
      .flag = "new",
      .commands = "claim",
      .help = "Make a new claim code, also after the first was used" },
    { .name = "new_key",
      .kind = SETTINGS_BOOL,
      AT(is_new_key),
      .flag = "new-key",
      .commands = "cert",
      .help = "Make a new CA as well; agents must learn its pin" },
};

const struct settings_table config_rows = {
    .program = "roostd",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct hub_config),
    .common = &settings_common_table,
};

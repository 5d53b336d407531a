#include "hub/front/tls_files.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/config.h"
#include "hub/front/keyring.h"
#include "hub/link/session.h"
#include "hub/nodes/node.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/tls.h"
#include "roost/v1/link.pb-c.h"
#include "rpc/client.h"

enum {
    ANNOUNCE_MS = 10000, /* an agent that has not answered by then misses the change */
    DAY_MS = 86400000,
    NAMES_MAX = 48,
};

struct tls_files {
    const struct hub_config *config; /* borrowed: main */
    struct tls_server *server;       /* owned */
    struct keyring keyring;
    struct loop *loop; /* borrowed: outlives this */
    struct timer announcing;
    struct timer daily;
    struct list calls; /* of struct announcement */
    char pin[CRYPTO_CERT_PIN_LEN + 1];
    char next_pin[CRYPTO_CERT_PIN_LEN + 1];
    bool own;
    bool is_public; /* the chain ends at somebody else's CA */
};

/* One agent that is being told of the successor. */
struct announcement {
    struct list node;
    struct tls_files *files;    /* borrowed: outlives its calls */
    struct client_call *client; /* owned */
    char *name;                 /* owned: the node's */
};

/* The names that our own leaf stands for. */
struct names {
    char *items[NAMES_MAX]; /* owned */
    size_t count;
};

static void add_name(struct names *names, const char *name) {
    if (names->count < NAMES_MAX && address_is_host(slice_of_text(name)))
        names->items[names->count++] = mem_strdup(name);
}

static void add_interfaces(struct names *names) {
    struct ifaddrs *list = NULL;
    char text[256];

    if (getifaddrs(&list) < 0)
        return;
    for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
        int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
        socklen_t len =
            family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        if ((family == AF_INET || family == AF_INET6) &&
            getnameinfo(at->ifa_addr, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) ==
                0 &&
            !strchr(text, '%'))
            add_name(names, text);
    }
    freeifaddrs(list);
}

static void names_init(struct names *names, const struct hub_config *config) {
    struct address address;
    char host[256] = "";

    *names = (struct names) { 0 };
    add_name(names, "localhost");
    gethostname(host, sizeof(host) - 1);
    add_name(names, host);
    for (size_t i = 0; i < config->addresses.count; i++)
        if (address_parse(slice_of_text(config->addresses.items[i]), &address) == 0)
            add_name(names, address.host);
    for (size_t i = 0; i < config->cert_names.count; i++)
        add_name(names, config->cert_names.items[i]);
    add_interfaces(names);
}

static void names_done(struct names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
}

/* *ret_made: of CRYPTO_FOLDER_MADE_*, with TLS_FILES_MISSING. */
static int make(const struct hub_config *config,
                enum tls_files_what what,
                int *ret_made) {
    struct keyring keyring;
    struct names names;
    int r;

    keyring_init(&keyring, config->data);
    names_init(&names, config);
    const char *const *items = (const char *const *)names.items;
    r = file_make_dirs(keyring.path, 0700);
    if (r == 0 && what == TLS_FILES_MISSING)
        r = crypto_folder_prepare(&keyring.now, items, names.count, clock_wall_ms(),
                                  ret_made);
    else if (r == 0 && what == TLS_FILES_LEAF)
        r = crypto_folder_renew(&keyring.now, items, names.count, clock_wall_ms(), false);
    else if (r == 0)
        r = keyring_make_next(&keyring, items, names.count, clock_wall_ms());
    names_done(&names);
    keyring_done(&keyring);
    return r;
}

int tls_files_make(const struct hub_config *config, enum tls_files_what what) {
    int made;
    return make(config, what, &made);
}

const char *tls_files_cert(const struct hub_config *config,
                           const struct keyring *keyring) {
    return config->cert ? config->cert : keyring->now.cert;
}

static char *text_of(const char *path, int error) {
    return mem_printf("%s: %s", path,
                      error < 0 ? strerror(-error) : crypto_cert_error_text(error));
}

/* Loads what is to be served; what was served stays when that fails. */
static int load(struct tls_files *files, char **ret_why) {
    const char *cert = tls_files_cert(files->config, &files->keyring);
    const char *key = files->own ? files->keyring.now.key : files->config->key;
    bool self_signed;

    int r = tls_server_load(files->server, cert, key, ret_why);
    if (r < 0)
        *ret_why = text_of(cert, r);
    if (r != 0)
        return r;
    r = keyring_read_pin(cert, files->pin, &self_signed);
    if (r != 0)
        *ret_why = text_of(cert, r);
    files->is_public = !self_signed;
    return r;
}

static void on_announcing(struct timer *timer);
static void on_daily(struct timer *timer);

int tls_files_new(struct loop *loop,
                  const struct hub_config *config,
                  struct tls_files **ret_files,
                  char **ret_why) {
    struct tls_files *files = mem_new(sizeof(*files));
    int r = 0;

    files->config = config;
    files->loop = loop;
    files->announcing.fire = on_announcing;
    files->daily.fire = on_daily;
    files->server = tls_server_new();
    files->own = !config->cert;
    list_init(&files->calls);
    keyring_init(&files->keyring, config->data);
    if (files->own) {
        r = tls_files_make(config, TLS_FILES_MISSING);
        if (r != 0)
            *ret_why = text_of(files->keyring.now.cert, r);
    }
    if (r == 0)
        r = load(files, ret_why);
    if (r == 0) {
        int kept = tls_server_keep_tickets(files->server, files->keyring.tickets);
        if (kept < 0)
            log_warning("%s: %s; sessions will not resume after a restart, ignoring",
                        files->keyring.tickets, strerror(-kept));
        timer_start(loop, &files->daily, DAY_MS);
        *ret_files = files;
        return 0;
    }
    tls_files_free(files);
    return r < 0 ? r : -EINVAL;
}

static void announcement_free(struct announcement *announcement) {
    list_remove(&announcement->node);
    client_cancel(announcement->client);
    free(announcement->name);
    free(announcement);
}

struct tls_files *tls_files_free(struct tls_files *files) {
    if (!files)
        return NULL;
    timer_stop(&files->announcing);
    timer_stop(&files->daily);
    while (!list_is_empty(&files->calls))
        announcement_free(container_of(files->calls.next, struct announcement, node));
    tls_server_free(files->server);
    keyring_done(&files->keyring);
    free(files);
    return NULL;
}

struct tls_server *tls_files_server(struct tls_files *files) {
    return files->server;
}

const char *tls_files_pin(const struct tls_files *files) {
    return files->is_public ? "" : files->pin;
}

static void load_and_tell(struct tls_files *files) {
    char *why = NULL;

    if (load(files, &why) == 0)
        log_info("the certificate was read anew");
    else
        log_error("%s; the certificate served before stays", why);
    free(why);
}

/* Everybody knows the successor, or has had the time: it is served from now on. */
static void take_next(struct tls_files *files) {
    timer_stop(&files->announcing);
    while (!list_is_empty(&files->calls)) {
        struct announcement *late =
            container_of(files->calls.next, struct announcement, node);
        log_warning("%s has not kept the new pin; it will need roost-agent join",
                    late->name);
        announcement_free(late);
    }
    int r = keyring_take_next(&files->keyring);
    if (r < 0) {
        log_error("%s: %s; the certificate served before stays", files->keyring.next_path,
                  strerror(-r));
        return;
    }
    load_and_tell(files);
    r = tls_server_renew_tickets(files->server); /* they vouch for the old key */
    if (r < 0)
        log_warning("%s: %s; sessions will not resume after a restart, ignoring",
                    files->keyring.tickets, strerror(-r));
}

static void on_announced(void *user,
                         enum grpc_status status,
                         const char *message,
                         const ProtobufCMessage *reply) {
    struct announcement *announcement = user;
    struct tls_files *files = announcement->files;

    announcement->client = NULL;
    if (status != GRPC_OK)
        log_warning("%s has not kept the new pin: %s", announcement->name, message);
    announcement_free(announcement);
    if (list_is_empty(&files->calls))
        take_next(files);
}

static void announce(void *arg, struct session *session) {
    struct tls_files *files = arg;
    struct announcement *announcement = mem_new(sizeof(*announcement));
    Roost__V1__TrustRequest request = ROOST__V1__TRUST_REQUEST__INIT;
    struct client_request call = {
        .method = "/roost.v1.Link/Trust",
        .timeout_ms = ANNOUNCE_MS,
    };
    char *pins[] = { files->pin, files->next_pin };

    request.pins = pins;
    request.n_pins = 2;
    announcement->files = files;
    announcement->name = mem_strdup(session_node(session)->name);
    list_add_tail(&files->calls, &announcement->node);
    announcement->client =
        client_unary(files->loop, session_target(session), &call, &request.base,
                     &roost__v1__trust_response__descriptor, on_announced, announcement);
}

static void on_announcing(struct timer *timer) {
    take_next(container_of(timer, struct tls_files, announcing));
}

/* Renews our own leaf when its time ends or names are missing in it; whether it did. */
static bool renew(struct tls_files *files) {
    int made = 0;

    if (!files->own)
        return false;
    int r = make(files->config, TLS_FILES_MISSING, &made);
    if (r != 0)
        log_error("%s: %s", files->keyring.now.cert,
                  r < 0 ? strerror(-r) : crypto_cert_error_text(r));
    return r == 0 && made != 0;
}

/* A hub runs for years, and the addresses of its machine change. */
static void on_daily(struct timer *timer) {
    struct tls_files *files = container_of(timer, struct tls_files, daily);

    timer_start(files->loop, timer, DAY_MS);
    if (!timer_is_running(&files->announcing) && renew(files))
        load_and_tell(files);
}

void tls_files_reload(struct tls_files *files, struct session_pool *sessions) {
    bool self_signed;

    if (timer_is_running(&files->announcing))
        return;
    files->own = !files->config->cert; /* [tls] cert and key may have come or gone */
    renew(files);
    if (!files->own || !keyring_has_next(&files->keyring) ||
        keyring_read_pin(files->keyring.next.cert, files->next_pin, &self_signed) != 0) {
        load_and_tell(files);
        return;
    }
    log_info("announcing the successor CA, pin %s", files->next_pin);
    timer_start(files->loop, &files->announcing, ANNOUNCE_MS + 1000);
    session_pool_each(sessions, announce, files);
    if (list_is_empty(&files->calls))
        take_next(files);
}

#include "cli/calls/direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/hub/session.h"
#include "cli/hub/url.h"
#include "loop/tls.h"

const char *direct_environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The option under whichever of its names the command has. */
static const char *either(const struct cli *cli, const char *name, const char *older) {
    const char *value = args_value(cli->args, name);
    return value ? value : args_value(cli->args, older);
}

static bool is_yes(const char *text) {
    return text && (strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0 ||
                    strcasecmp(text, "t") == 0 || strcasecmp(text, "yes") == 0);
}

/* What the options say of TLS; true when it is wanted. */
static bool read_trust(const struct cli *cli,
                       struct tls_trust *ret_trust,
                       const char **ret_name) {
    *ret_trust = (struct tls_trust) {
        .ca_file = either(cli, "ca", "tls-ca-cert-file"),
        .cert_file = either(cli, "cert", "tls-cert-file"),
        .key_file = either(cli, "key", "tls-key-file"),
        .insecure = args_has(cli->args, "insecure") ||
                    args_has(cli->args, "tls-insecure-skip-verify"),
    };
    *ret_name = either(cli, "server-name", "tls-server-name");
    return args_has(cli->args, "tls") || is_yes(direct_environment("TLS")) ||
           ret_trust->ca_file || ret_trust->cert_file || ret_trust->key_file ||
           ret_trust->insecure || *ret_name;
}

static int make_tls(struct cli *cli, const struct tls_trust *trust) {
    int r = tls_client_new(trust, NULL, &cli->tls);

    if (r == TLS_E_CERT)
        return report_fail(REPORT_USAGE, NULL, "%s: is no certificate in PEM",
                           trust->cert_file ? trust->cert_file : "--key without --cert");
    if (r == TLS_E_KEY)
        return report_fail(REPORT_USAGE, NULL, "%s: is not the key of %s",
                           trust->key_file ? trust->key_file : trust->cert_file,
                           trust->cert_file);
    if (r != 0)
        return report_fail(REPORT_USAGE, NULL, "%s: %s",
                           trust->ca_file ? trust->ca_file : "the system's certificates",
                           r == -EINVAL ? "holds no certificates" : strerror(-r));
    return 0;
}

static int report_problem(const char *server, const struct session_problem *problem) {
    return report_fail(REPORT_CALL + GRPC_UNAVAILABLE, NULL, "%s: %s: %s", server,
                       dialler_step_name(problem->step), problem->why);
}

static int open_session(struct cli *cli,
                        const char *server,
                        struct session_config *config) {
    struct session_problem problem = { 0 };
    const char *token = args_value(cli->args, "auth-token");
    auto_(mem_freep) char *asked = NULL;

    if (token && strcmp(token, "-") == 0) {
        asked = terminal_ask("token: ", true);
        token = asked;
    }
    config->token = token;
    config->scheme = args_value(cli->args, "auth-token-type");
    config->loop = cli_loop(cli);
    config->is_direct = true;
    config->timeout_ms = cli->timeout_ms ? cli->timeout_ms : HUB_CONNECT_MS;
    int r = session_open(config, &cli->session, &problem);
    if (asked)
        mem_wipe(asked, strlen(asked));
    return r == 0 ? 0 : report_problem(server, &problem);
}

int direct_connect(struct cli *cli, const char *server) {
    struct url url = { .plain = true };
    struct session_config config = { .url = &url };
    struct tls_trust trust;

    bool has_tls = read_trust(cli, &trust, &config.name);
    if (strncmp(server, "unix:", 5) == 0) {
        config.path = server + 5;
        if (has_tls)
            return cli_usage(cli, "%s: there is no TLS on this machine's own sockets",
                             server);
    } else if (address_parse(slice_of_text(server), &url.address) != 0) {
        return cli_usage(cli, "%s: a server is HOST:PORT or unix:PATH", server);
    }
    if (has_tls) {
        int r = make_tls(cli, &trust);
        if (r != 0)
            return r;
        url.plain = false;
        config.tls = cli->tls;
    }
    return open_session(cli, server, &config);
}

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/token.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"
#include "cli/hub/url.h"
#include "cli/output.h"
#include "loop/tls.h"
#include "roost/v1/tokens.pb-c.h"
#include "wire/pb.h"

/* One login under way. */
struct login {
    struct cli *cli; /* borrowed: the caller */
    struct url url;
    char *secret; /* owned: a claim code or a token, as typed */
    bool is_token;
    struct token_claim claim;
};

/* A secret from an option; "-" reads it from standard input. */
static char *secret_from(const char *value) {
    char line[512];

    if (strcmp(value, "-") != 0)
        return mem_strdup(value);
    if (!fgets(line, sizeof(line), stdin))
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    char *secret = mem_strdup(line);
    mem_wipe(line, sizeof(line));
    return secret;
}

static int check_secret(const struct login *login, int r) {
    if (r == 0)
        return 0;
    return report_fail(REPORT_USAGE,
                       login->is_token ? "roost token new --caller NAME (on a terminal "
                                         "that is logged in)"
                                       : "roostd claim (where the hub runs)",
                       "login: %s", token_error_text(r));
}

static int read_secret(struct login *login) {
    const struct args *args = login->cli->args;
    const char *code = args_value(args, "code");
    const char *token = args_value(args, "token");

    if (code && token)
        return cli_usage(login->cli, "login: a code or a token, not both");
    if (code || token)
        login->secret = secret_from(code ? code : token);
    else
        login->secret =
            terminal_ask("Claim code (roostd claim prints it) or token: ", true);
    if (!login->secret)
        return cli_usage(login->cli, "login: --code or --token is missing, and nobody is "
                                     "there to be asked");
    login->is_token = token || (!code && token_check(login->secret) != TOKEN_E_FORM);
    return check_secret(login, login->is_token
                                   ? token_check(login->secret)
                                   : token_claim_parse(login->secret, &login->claim));
}

static int read_url(struct login *login) {
    const char *text = args_at(login->cli->args, 0);

    if (!text) {
        int r = hub_load_profile(login->cli);
        if (r != 0)
            return r;
        text = login->cli->profile->hub ? login->cli->profile->hub : "";
    }
    int r = url_parse(text, &login->url);
    return r == 0 ? 0 : cli_usage(login->cli, "login: %s: %s", text, url_error_text(r));
}

/* What is known of this hub from before; NULL: nothing. */
static struct profile *known(const struct cli *cli, const char *hub) {
    for (size_t i = 0; i < cli->profiles->count; i++)
        if (cli->profiles->items[i]->hub &&
            strcmp(cli->profiles->items[i]->hub, hub) == 0)
            return cli->profiles->items[i];
    return NULL;
}

/* How the hub is trusted if that was said, or was settled by an earlier login. */
static int read_trust(struct login *login, struct profile *profile) {
    const struct cli *cli = login->cli;
    const char *pin = args_value(cli->args, "pin");
    const struct profile *old = known(cli, profile->hub);

    if (!pin && login->url.trust[0] != '\0')
        pin = login->url.trust;
    if (pin && strcmp(pin, "web") != 0 && !token_is_pin(pin))
        return cli_usage(cli, "--pin: 43 characters as roostd cert show prints them, or "
                              "the word web");
    profile_set(&profile->pin, pin);
    profile_set(&profile->ca, args_value(cli->args, "ca"));
    if (!pin && !profile->ca && login->is_token && old) {
        profile_set(&profile->pin, old->pin);
        profile_set(&profile->ca, old->ca);
    }
    return 0;
}

/*
 * Looks at the hub's certificates without sending anything, and compares them with the
 * half of the claim code that the hub made of its key. Whether the hub also has that key
 * is seen when the second connection insists on it.
 */
static int learn_pin(struct login *login, struct profile *profile) {
    struct cli *cli = login->cli;
    const struct tls_trust trust = { .insecure = true };
    struct session_problem problem;
    struct session *session = NULL;

    int r = tls_client_new(&trust, NULL, &cli->tls_first);
    if (r < 0)
        return report_fail(REPORT_FAILED, NULL, "login: %s", strerror(-r));
    r = hub_dial(cli, &login->url, cli->tls_first, NULL, &session, &problem);
    if (r != 0)
        return hub_report_problem(&login->url, &problem, NULL);
    session_free(session);

    const struct tls_mismatch *seen = tls_client_seen(cli->tls_first);
    if (!seen || !token_claim_has_pin(&login->claim, seen->seen_pin))
        return report_fail(REPORT_NO_HUB,
                           "roostd claim (where the hub runs); behind a public "
                           "certificate: roost login URL --pin web --code CODE",
                           "%s: this is not the hub that made the code (its key is %s); "
                           "nothing was sent",
                           profile->hub, seen ? seen->seen_pin : "not shown");
    profile_set(&profile->pin, seen->seen_pin);
    return 0;
}

static const char *user_name(const struct cli *cli) {
    const char *name = args_value(cli->args, "name");
    const struct passwd *entry = name ? NULL : getpwuid(getuid());

    if (entry)
        name = entry->pw_name;
    return name && *name ? name : "admin";
}

/* What this machine is called; the hub shows it beside the token. */
static char *own_name(char ret_name[static NAME_LEN_MAX + 1]) {
    char host[256];

    if (gethostname(host, sizeof(host)) != 0)
        host[0] = '\0';
    host[sizeof(host) - 1] = '\0';
    name_from_host(host, ret_name);
    return ret_name;
}

static int claim(struct login *login, struct profile *profile) {
    Roost__V1__ClaimRequest request = ROOST__V1__CLAIM_REQUEST__INIT;
    char code[TOKEN_CLAIM_LEN + 1];
    char device[NAME_LEN_MAX + 1];
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/Claim",
        .request = &request.base,
        .reply_type = &roost__v1__claim_response__descriptor,
    };
    ProtobufCMessage *reply;

    token_claim_print(&login->claim, code);
    request.code = code;
    request.name = pb_lend(user_name(login->cli));
    request.device = own_name(device);
    int r = hub_call(login->cli, "login", ask, &reply);
    mem_wipe(code, sizeof(code));
    if (r != 0)
        return r;
    const Roost__V1__ClaimResponse *claimed = (const Roost__V1__ClaimResponse *)reply;
    profile_set(&profile->token, claimed->secret);
    profile_set(&profile->user, claimed->token ? claimed->token->name : request.name);
    pb_free(reply);
    return 0;
}

static int try_token(struct login *login, struct profile *profile) {
    Roost__V1__WhoAmIRequest request = ROOST__V1__WHO_AM_IREQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Tokens/WhoAmI",
        .request = &request.base,
        .reply_type = &roost__v1__who_am_iresponse__descriptor,
    };
    ProtobufCMessage *reply;

    profile_set(&profile->token, login->secret);
    int r = hub_call(login->cli, "login", ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__Token *token = ((Roost__V1__WhoAmIResponse *)reply)->token;
    profile_set(&profile->user, token ? token->name : NULL);
    pb_free(reply);
    return 0;
}

/* A free name for the profile: the host, with its port where another hub has that. */
static char *profile_name(const struct login *login, const char *hub) {
    const struct cli *cli = login->cli;
    const char *said = args_value(cli->args, "hub");
    const struct profile *old = known(cli, hub);
    char address[ADDRESS_TEXT_LEN];

    if (said)
        return mem_strdup(said);
    if (old)
        return mem_strdup(old->name);
    if (!profile_list_find(cli->profiles, login->url.address.host))
        return mem_strdup(login->url.address.host);
    address_print(&login->url.address, address);
    return mem_strdup(address);
}

static int save(struct login *login, struct profile *profile) {
    struct cli *cli = login->cli;
    auto_(mem_freep) char *name = profile_name(login, profile->hub);
    struct profile *stored = profile_list_put(cli->profiles, name);

    for (size_t i = 0; profile_key(i); i++)
        profile_set(profile_field(stored, profile_key(i)),
                    *profile_field(profile, profile_key(i)));
    profile_list_set_current(cli->profiles, name);
    int r = profile_list_save(cli->profiles);
    if (r < 0)
        return report_fail(REPORT_FAILED, NULL, "%s: %s", cli->profiles->path,
                           strerror(-r));
    if (cli->json) {
        struct buf out = { 0 };
        buf_add_text(&out, "{\"profile\": ");
        output_add_string(&out, name);
        buf_add_text(&out, ", \"hub\": ");
        output_add_string(&out, profile->hub);
        buf_add_text(&out, ", \"user\": ");
        output_add_string(&out, profile->user ? profile->user : "");
        buf_add_byte(&out, '}');
        puts(buf_text(&out));
        buf_done(&out);
    } else if (!cli->quiet) {
        printf("logged in to %s as %s (profile %s)\n", profile->hub,
               profile->user ? profile->user : "somebody", name);
    }
    return REPORT_OK;
}

static int log_in(struct login *login) {
    struct cli *cli = login->cli;

    int r = read_url(login);
    if (r == 0)
        r = read_secret(login);
    if (r == 0)
        r = hub_load_profiles(cli);
    if (r != 0)
        return r;

    auto_(mem_freep) char *hub = url_print(&login->url);
    profile_free(cli->profile);
    cli->profile = profile_new(hub);
    profile_set(&cli->profile->hub, hub);
    r = read_trust(login, cli->profile);
    if (r == 0 && !login->is_token && !login->url.plain && !cli->profile->pin &&
        !cli->profile->ca)
        r = learn_pin(login, cli->profile);
    if (r == 0)
        r = login->is_token ? try_token(login, cli->profile) : claim(login, cli->profile);
    return r == 0 ? save(login, cli->profile) : r;
}

static int run(struct cli *cli) {
    struct login login = { .cli = cli };

    int r = log_in(&login);
    if (login.secret)
        mem_wipe(login.secret, strlen(login.secret));
    free(login.secret);
    return r;
}

static const struct args_option options[] = {
    { "code", 0, "CODE",
      "a claim code or an invitation's; - reads it from standard input" },
    { "token", 0, "TOKEN", "a caller's token instead; - reads it from standard input" },
    { "pin", 0, "PIN", "the hub's pin, or web for a public certificate" },
    { "ca", 0, "FILE", "trust this CA (PEM) instead of a pin" },
    { "name", 0, "NAME", "what the hub shall call you (your login name unless given)" },
    { 0 },
};

static const char *const examples[] = {
    "roost login https://hub.example.org:8000 --code CODE",
    "the first administrator of a new hub; \"roostd claim\" prints the code",
    "roost login https://hub.example.org:8000 --code CODE --hub work",
    "an invitation (roost user invite) or another device (roost pair): the same way",
    "roost login https://hub.example.org:8000#web --token -",
    "with a token from standard input, to a hub with a public certificate",
    "roost login --hub work https://10.0.0.5:8000 --pin PIN --token TOKEN",
    "under a profile of your own naming",
    NULL,
};

const struct command cmd_login = {
    .name = "login",
    .usage = "URL",
    .summary = "make a hub known, with a claim code or a token",
    .details =
        "Half of a claim code is made of the hub's key: roost compares it with what "
        "the\nserver shows before it sends anything, and keeps the full pin. "
        "Without --code and\n--token it asks.",
    .examples = examples,
    .options = options,
    .most = 1,
    .run = run,
};

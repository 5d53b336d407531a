#include "cli/hub/hub.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/token.h"
#include "cli/cli.h"
#include "cli/hub/profile.h"
#include "cli/hub/url.h"
#include "cli/suggest.h"
#include "cli/terminal/text.h"
#include "loop/tls.h"

static const char on_the_host[] = ": on the host, ";

int hub_load_profiles(struct cli *cli) {
    char *why = NULL;

    if (cli->profiles)
        return 0;
    int r = profile_list_load(&cli->profiles, &why);
    if (r == 0)
        return 0;
    if (r == PROFILE_E_HOME)
        return report_fail(REPORT_NO_HUB, "export XDG_CONFIG_HOME=$PWD/config",
                           "profiles: neither HOME nor XDG_CONFIG_HOME is set");
    report_fail(REPORT_NO_HUB, "mend or remove that file", "profiles: %s",
                why ? why : strerror(-r));
    free(why);
    return REPORT_NO_HUB;
}

static int no_such_profile(const struct cli *cli, const char *name) {
    const char *names[32];
    size_t count = 0;

    for (; count < cli->profiles->count && count < 32; count++)
        names[count] = cli->profiles->items[count]->name;
    const char *near = suggest_nearest(name, names, count);
    if (near)
        return report_fail(REPORT_NO_HUB, "roost hubs",
                           "%s: no such profile; did you mean %s?", name, near);
    return report_fail(REPORT_NO_HUB, "roost hubs", "%s: no such profile", name);
}

static void copy_profile(struct cli *cli, struct profile *from) {
    cli->profile = profile_new(from->name);
    for (size_t i = 0; profile_key(i); i++)
        profile_set(profile_field(cli->profile, profile_key(i)),
                    *profile_field(from, profile_key(i)));
}

/* A URL stands for the profile of that hub, if there is one, unless it says how to trust.
 */
static int use_url(struct cli *cli, const char *text) {
    struct url url;

    int r = url_parse(text, &url);
    if (r != 0)
        return cli_usage(cli, "%s: %s", text, url_error_text(r));
    r = hub_load_profiles(cli);
    if (r != 0)
        return r;
    auto_(mem_freep) char *printed = url_print(&url);
    for (size_t i = 0; url.trust[0] == '\0' && i < cli->profiles->count; i++) {
        const char *hub = cli->profiles->items[i]->hub;
        if (hub && strcmp(hub, printed) == 0) {
            copy_profile(cli, cli->profiles->items[i]);
            return 0;
        }
    }
    cli->profile = profile_new(printed);
    profile_set(&cli->profile->hub, printed);
    profile_set(&cli->profile->pin, url.trust);
    return 0;
}

static int use_saved(struct cli *cli, const char *name) {
    int r = hub_load_profiles(cli);
    if (r != 0)
        return r;
    if (!name)
        name = cli->profiles->current;
    if (!name)
        return report_fail(REPORT_NO_HUB, "roost login https://HOST:8000 --code CODE",
                           "no hub is known yet");
    struct profile *profile = profile_list_find(cli->profiles, name);
    if (!profile)
        return no_such_profile(cli, name);
    copy_profile(cli, profile);
    return 0;
}

/* An environment variable that is set and not empty. */
static const char *from_environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

int hub_load_profile(struct cli *cli) {
    if (cli->profile)
        return 0;
    const char *name = args_value(cli->args, "hub");
    if (!name)
        name = from_environment("ROOST_HUB");
    int r = name && strstr(name, "://") ? use_url(cli, name) : use_saved(cli, name);
    if (r != 0)
        return r;
    const char *token = from_environment("ROOST_TOKEN");
    if (!token)
        return 0;
    r = token_check(token);
    if (r != 0)
        return report_fail(REPORT_NO_HUB, "roost token new --caller NAME",
                           "ROOST_TOKEN: %s", token_error_text(r));
    profile_set(&cli->profile->token, token);
    return 0;
}

void hub_trust(const struct profile *profile, struct tls_trust *ret_trust) {
    *ret_trust = (struct tls_trust) { .ca_file = profile->ca };
    if (!profile->ca && profile->pin && strcmp(profile->pin, "web") != 0)
        ret_trust->pin = profile->pin;
}

static int make_tls(struct cli *cli) {
    struct tls_trust trust;

    if (cli->tls)
        return 0;
    hub_trust(cli->profile, &trust);
    int r = tls_client_new(&trust, NULL, &cli->tls);
    if (r == 0)
        return 0;
    return report_fail(REPORT_NO_HUB, "roost config list", "%s: %s",
                       trust.ca_file ? trust.ca_file : "the system's certificates",
                       strerror(-r));
}

int hub_dial(struct cli *cli,
             const struct url *url,
             struct tls_client *tls,
             const char *token,
             struct session **ret_session,
             struct session_problem *ret_problem) {
    struct session_config config = {
        .loop = cli_loop(cli),
        .url = url,
        .tls = url->plain ? NULL : tls,
        .token = token,
        .timeout_ms = cli->timeout_ms ? cli->timeout_ms : HUB_CONNECT_MS,
    };
    return session_open(&config, ret_session, ret_problem);
}

static const char *dial_remedy(const struct session_problem *problem,
                               const struct tls_mismatch *seen) {
    switch (problem->step) {
    case DIAL_TLS:
        return seen && seen->expected_pin[0]
                   ? "roost doctor, then roost login URL --code "
                     "CODE (roostd claim --new prints one)"
                   : "roost login URL --pin PIN (roostd cert "
                     "show prints it)";
    default:
        return "roost doctor";
    }
}

static void report_pins(const struct tls_mismatch *seen) {
    report_note("  expected key %s", seen->expected_pin);
    report_note("  seen key     %s", seen->seen_pin[0] ? seen->seen_pin : "none");
    report_note("  issued by    %s", seen->issuer);
}

int hub_report_problem(const struct url *url,
                       const struct session_problem *problem,
                       const struct tls_client *tls) {
    const struct tls_mismatch *seen =
        tls && problem->step == DIAL_TLS ? tls_client_seen(tls) : NULL;
    auto_(mem_freep) char *printed = url_print(url);
    int code = report_fail(REPORT_NO_HUB, NULL, "%s: %s: %s", printed,
                           dialler_step_name(problem->step), problem->why);

    if (seen && seen->expected_pin[0] && strcmp(seen->expected_pin, seen->seen_pin) != 0)
        report_pins(seen);
    report_note("try: %s", dial_remedy(problem, seen));
    return code;
}

static int open_session(struct cli *cli, struct session_problem *ret_problem) {
    struct url url;

    if (!cli->profile->hub || url_parse(cli->profile->hub, &url) != 0)
        return report_fail(REPORT_NO_HUB, "roost login https://HOST:8000",
                           "%s: the profile names no hub", cli->profile->name);
    int r = url.plain ? 0 : make_tls(cli);
    if (r != 0)
        return r;
    r = hub_dial(cli, &url, cli->tls, cli->profile->token, &cli->session, ret_problem);
    if (r == 0)
        return 0;
    return hub_report_problem(&url, ret_problem, cli->tls);
}

int hub_connect(struct cli *cli) {
    struct session_problem problem;

    if (cli->session)
        return 0;
    int r = hub_load_profile(cli);
    return r != 0 ? r : open_session(cli, &problem);
}

bool hub_reconnect(struct cli *cli, const bool *cancelled) {
    struct session_problem problem;
    struct url url;

    cli->session = session_free(cli->session);
    if (url_parse(cli->profile->hub, &url) != 0)
        return false;
    struct session_config config = {
        .loop = cli_loop(cli),
        .url = &url,
        .tls = url.plain ? NULL : cli->tls,
        .token = cli->profile->token,
        .timeout_ms = cli->timeout_ms ? cli->timeout_ms : HUB_CONNECT_MS,
        .cancelled = cancelled,
    };
    return session_open(&config, &cli->session, &problem) == 0;
}

/* Where what was not found is listed. */
static const char *list_of(const struct cli *cli) {
    static const char *const lists[][2] = {
        { "alert", "roost alert --all" },
        { "rule", "roost rule" },
        { "channel", "roost channel" },
        { "revoke", "roost token list" },
    };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (strcmp(cli->command->name, lists[i][0]) == 0 ||
            (cli->parent && strcmp(cli->parent->name, lists[i][0]) == 0))
            return lists[i][1];
    return "roost nodes";
}

static const char *call_remedy(const struct cli *cli, enum grpc_status status) {
    switch (status) {
    case GRPC_UNAUTHENTICATED:
        return "roost login https://HOST:8000 --code CODE";
    case GRPC_NOT_FOUND:
        return list_of(cli);
    case GRPC_PERMISSION_DENIED:
        return "roost whoami";
    case GRPC_UNAVAILABLE:
        return "roost nodes";
    case GRPC_DEADLINE_EXCEEDED:
        return "the same with --timeout 2m";
    case GRPC_INVALID_ARGUMENT:
        return "roost help";
    default:
        return NULL;
    }
}

/* "WHY: on the host, COMMAND", as agents refuse: the command is what to try there. */
static int report_refused(const char *what, const char *message, const char *split) {
    struct buf remedy = { 0 };

    text_add_clean(&remedy, split + strlen(on_the_host));
    buf_add_text(&remedy, "   (on the host)");
    report_fail(REPORT_DENIED, buf_text(&remedy), "%s: %.*s", what,
                (int)(split - message), message);
    buf_done(&remedy);
    return REPORT_DENIED;
}

int hub_report_call(struct cli *cli,
                    const char *what,
                    enum grpc_status status,
                    const char *message) {
    if (cli->session && session_is_lost(cli->session))
        return report_fail(REPORT_NO_HUB, "roost doctor",
                           "%s: the connection to the hub was lost", what);
    if (status == GRPC_UNAUTHENTICATED && !cli->profile->token &&
        strcmp(cli->command->name, "login") != 0)
        return report_fail(REPORT_NO_HUB, call_remedy(cli, status), "%s: not logged in",
                           what);
    if (!message || *message == '\0')
        message = grpc_status_name((int)status);
    const char *split =
        status == GRPC_PERMISSION_DENIED ? strstr(message, on_the_host) : NULL;
    if (split)
        return report_refused(what, message, split);
    return report_fail(report_exit_of(status), call_remedy(cli, status), "%s: %s", what,
                       message);
}

int hub_call(struct cli *cli,
             const char *what,
             struct session_ask ask,
             ProtobufCMessage **ret_reply) {
    struct session_answer answer;

    int r = hub_connect(cli);
    if (r != 0)
        return r;
    if (ask.timeout_ms == 0)
        ask.timeout_ms = cli->timeout_ms ? cli->timeout_ms : HUB_CALL_MS;
    session_call(cli->session, &ask, &answer);
    if (answer.status == GRPC_OK)
        *ret_reply = TAKE(answer.reply);
    else
        r = hub_report_call(cli, what, answer.status, answer.message);
    session_answer_done(&answer);
    return r;
}

/*
 * roost-agent - one host's side of Roost
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/expose/expose_edit.h"
#include "agent/host/describe.h"
#include "agent/policy/policy_apply.h"
#include "agent/policy/policy_edit.h"
#include "agent/policy/policy_show.h"
#include "agent/running.h"
#include "agent/setup/doctor.h"
#include "agent/setup/first_contact.h"
#include "agent/setup/identity.h"
#include "agent/setup/install.h"
#include "agent/setup/join.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/settings_ask.h"
#include "base/token.h"

static int explain_identity(const struct agent_config *config, int error) {
    if (error == IDENTITY_E_NONE)
        fprintf(stderr,
                "roost-agent: %s: this host has not joined a hub\n"
                "try: roost-agent join LINK (make one with: roost token new NAME)\n",
                config->state);
    else
        fprintf(stderr, "roost-agent: %s/identity: %s\ntry: roost-agent join LINK\n",
                config->state, error < 0 ? strerror(-error) : "the file is damaged");
    return EXIT_FAILURE;
}

static int run_join(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;
    const struct settings_list *words = settings_words(settings);
    struct join_config join = {
        .state = config->state,
        .name = config->name,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
    };

    if (words->count != 2)
        return program_misused(
            settings, "join: needs one LINK, or - to read it from standard input");
    join.link = words->items[1];
    int status = config->allow ? policy_edit_check_list(config->allow) : 0;
    if (status == 0)
        status = expose_edit_check_list(&config->expose);
    if (status == 0)
        status = join_run(&join);
    if (status == 0 && config->allow)
        status = policy_edit_allow_list(config->state, config->allow);
    if (status == 0) {
        auto_(mem_freep) char *file = config_file_path(config);
        status = expose_edit_put_list(file, &config->expose);
    }
    return status;
}

static int run_expose(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;
    const struct settings_list *words = settings_words(settings);
    auto_(mem_freep) char *file = config_file_path(config);
    struct expose_edit edit = {
        .file = file,
        .tls = config->expose_tls || config->expose_ca || config->expose_pin,
        .ca = config->expose_ca,
        .pin = config->expose_pin,
    };

    if (words->count != 3)
        return program_misused(settings,
                               "expose: needs a NAME and an address, HOST:PORT or "
                               "unix:/PATH: expose web 127.0.0.1:50051");
    edit.name = words->items[1];
    edit.address = words->items[2];
    return expose_edit_put(&edit);
}

static int run_policy(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;
    const struct settings_list *words = settings_words(settings);
    const char *what = words->count > 1 ? words->items[1] : "show";

    if (strcmp(what, "show") == 0 && words->count <= 2)
        return policy_show(config->state, config->json);
    if (strcmp(what, "check") == 0 && words->count > 2)
        return policy_show_check(config->state, words->items[2],
                                 words->count > 3 ? words->items[3] : NULL, config->json);
    if (strcmp(what, "apply") == 0 && words->count == 2)
        return policy_apply(config->state, config->root ? config->root : "",
                            config->dry_run);
    return program_misused(settings,
                           "policy: policy [show], policy check VERB [OBJECT], or "
                           "policy apply [--dry-run]");
}

static int add_rule(const struct agent_config *config,
                    const struct settings *settings,
                    enum policy_act act) {
    const struct settings_list *words = settings_words(settings);

    if (words->count < 2)
        return program_misused(
            settings,
            "%s: needs a VERB: look, probe, signal, units, power, tcp, "
            "grpc or logs, and for tcp a place such as 127.0.0.1:22",
            words->items[0]);
    return policy_edit_add(config->state, act, words->items[1],
                           words->count > 2 ? words->items[2] : NULL);
}

static int run_allow(void *arg, const struct settings *settings) {
    return add_rule(arg, settings, POLICY_ALLOW);
}

static int run_deny(void *arg, const struct settings *settings) {
    return add_rule(arg, settings, POLICY_DENY);
}

/* Joins by [hub] link where nobody has joined yet: 0, or the exit status. */
static int load_or_join(const struct agent_config *config,
                        struct identity *ret_identity) {
    int r = identity_load(config->state, ret_identity);
    if (r == IDENTITY_E_NONE && config->link) {
        struct join_config join = {
            .link = config->link,
            .state = config->state,
            .proxy = config->proxy,
            .ca_file = config->ca_file,
        };
        int status = join_run(&join);
        if (status != 0)
            return status;
        r = identity_load(config->state, ret_identity);
    }
    return r == 0 ? 0 : explain_identity(config, r);
}

/* Whoever joined by a link has outgrown the older system's variables. */
static bool wants_first_contact(const struct agent_config *config) {
    struct identity identity;

    if (!config->secret)
        return false;
    bool joined =
        identity_load(config->state, &identity) == 0 && identity.secret_id[0] == '\0';
    if (joined)
        log_info("joined by a link: AGENT_SECRET and the server's address are not used");
    mem_wipe(&identity, sizeof(identity));
    return !joined;
}

/* An agent of the older system's variables: meets its hub, once more when that forgot. */
static int run_first_contact(struct agent_config *config, struct identity *identity) {
    enum running_end end = RUNNING_UNKNOWN;

    for (int i = 0; i < 2 && end == RUNNING_UNKNOWN; i++) {
        enum first_contact_end met = first_contact_make(config, i > 0, identity);
        if (met != FIRST_CONTACT_READY)
            return met == FIRST_CONTACT_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
        end = running_run(config, identity, i == 0);
    }
    return end == RUNNING_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_run(void *arg, const struct settings *settings) {
    struct agent_config *config = arg;
    struct identity identity = { 0 };
    int status;

    if (wants_first_contact(config)) {
        status = run_first_contact(config, &identity);
    } else {
        status = load_or_join(config, &identity);
        if (status == 0 && running_run(config, &identity, false) != RUNNING_STOPPED)
            status = EXIT_FAILURE;
    }
    mem_wipe(&identity, sizeof(identity));
    return status;
}

static int run_describe(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;
    struct sampler *sampler = running_make_sampler(config);
    char *allowed = policy_edit_capabilities(config->state);
    int status =
        describe_run(sampler, config->root ? config->root : "", allowed, config->json);

    free(allowed);
    running_free_sampler(sampler);
    return status;
}

/* The link of the command line as an identity that is only looked at. */
static int identity_of_link(const char *text, struct identity *ret_identity) {
    struct token_link link;

    int r = token_link_parse(text, &link);
    if (r != 0) {
        fprintf(stderr, "roost-agent: doctor: %s\n", token_error_text(r));
        return PROGRAM_EXIT_USAGE;
    }
    struct identity identity = { .address_count = link.address_count };
    memcpy(identity.addresses, link.addresses, sizeof(link.addresses));
    memcpy(identity.credential, link.token, sizeof(link.token));
    if (link.pin[0] != '\0') {
        memcpy(identity.pins[0], link.pin, sizeof(link.pin));
        identity.pin_count = 1;
    }
    identity_make_instance(&identity);
    *ret_identity = identity;
    return 0;
}

static int run_doctor(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;
    const struct settings_list *words = settings_words(settings);
    struct identity identity;
    struct doctor_config doctor = {
        .identity = &identity,
        .proxy = config->proxy,
        .ca_file = config->ca_file,
        .json = config->json,
    };
    int r;

    if (words->count > 1) {
        r = identity_of_link(words->items[1], &identity);
        if (r != 0)
            return r;
    } else {
        r = identity_load(config->state, &identity);
        if (r != 0)
            return explain_identity(config, r);
    }
    free(policy_edit_capabilities(config->state)); /* tells when the file is damaged */
    r = doctor_run(&doctor);
    mem_wipe(&identity, sizeof(identity));
    return r;
}

static int run_install(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;
    return install_run(config->state, config->user);
}

static int run_uninstall(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;
    return install_undo(config->state, config->user, config->purge, config->yes);
}

/* An agent of the older system is started without a command. */
static int run_bare(void *arg, const struct settings *settings) {
    const struct agent_config *config = arg;

    if (!config->secret)
        return program_misused(settings,
                               "needs a command; started in the older system's way it "
                               "needs AGENT_SECRET in the environment or in .env");
    return run_run(arg, settings);
}

static const struct program_command commands[] = {
    { "join", run_join, 2,
      "LINK|-    exchange a join link for a credential of this host" },
    { "run", run_run, 1, "          keep the link to the hub; stays in the foreground" },
    { "describe", run_describe, 1,
      "          print what this agent would report, without a hub" },
    { "doctor", run_doctor, 2, "[LINK]    try every way to the hub and tell what fails" },
    { "expose", run_expose, 3,
      "NAME ADDR [--tls]  let callers of the hub reach this gRPC server" },
    { "policy", run_policy, 4,
      "[show]    print what the hub may ask of this host, and which file says so;\n"
      "                        check VERB [OBJECT] asks it, apply lets the system grant "
      "it" },
    { "allow", run_allow, 3,
      "VERB [OBJECT]  allow it in the policy: allow tcp 127.0.0.1:22" },
    { "deny", run_deny, 3, "VERB [OBJECT]  deny it, whatever else allows it" },
    { "config", program_show_config, 2,
      "[show]    show every setting, its value and where it comes from" },
    { "install", run_install, 1, "[--user]  run as a systemd service from now on" },
    { "uninstall", run_uninstall, 1,
      "[--purge] take the service away, with --purge its state" },
};

static bool has_joined(const struct agent_config *config) {
    struct identity identity;
    int r = identity_load(config->state, &identity);

    mem_wipe(&identity, sizeof(identity));
    return r == 0;
}

/* An agent that has not joined asks for what the older system asked for: where it is
 * started without a command, or has half of it. */
static int ask_if_bare(struct settings *settings, struct agent_config **config) {
    const struct settings_list *words = settings_words(settings);
    const struct agent_config *now = *config;
    struct settings_ask ask = { .in = stdin, .out = stderr, .env_path = ".env" };
    bool old_way =
        words->count == 0 ||
        (words->count == 1 && strcmp(words->items[0], "run") == 0 && now->secret);

    if (now->common.help || now->common.version || !old_way || !isatty(STDIN_FILENO) ||
        has_joined(now))
        return 0;
    return config_ask(settings, &ask, config);
}

int main(int argc, char **argv) {
    const struct program program = {
        .table = config_table(),
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
        .run = run_bare,
        .usage = "roost-agent COMMAND [FLAGS]",
        .indent = "  ",
        .examples = "  roost-agent join roost://hub.example.org:8000/TOKEN#PIN\n"
                    "  ssh nas sudo roost-agent join - < link\n"
                    "  roost-agent run --interval 1\n",
    };
    struct settings *settings = settings_new(config_table());
    struct agent_config *config = NULL;
    int status = PROGRAM_EXIT_USAGE;

    signal(SIGPIPE, SIG_IGN);
    crypto_stay_small();
    mem_stay_small();
    int r = config_load(settings, argc, argv, &config);
    if (r == 0)
        r = ask_if_bare(settings, &config);
    if (r == 0)
        status = program_run(&program, config, settings);
    else
        settings_complain(settings, stderr);
    config_free(config);
    settings_free(settings);
    return status;
}

#include "agent/policy/policy_show.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy/policy.h"
#include "agent/policy/policy_edit.h"
#include "base/address.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "wire/json_writer.h"

enum {
    STATUS_USAGE = 2,
    ADDRESSES_MAX = 16,
    LINE_WIDTH = 40,
};

/* What is said of a verb, or of one object of it. */
struct verdict {
    bool allowed;
    bool signed_; /* with a signature alone */
    struct buf why;
};

static void verdict_done(struct verdict *verdict) {
    buf_done(&verdict->why);
}

/* ", line 3: allow units nginx*" behind what is there. */
static void add_line(const struct policy_rule *rule, struct buf *out) {
    if (out->len > 0)
        buf_add_text(out, "; ");
    if (rule->line > 0)
        buf_printf(out, "line %u: ", rule->line);
    else
        buf_add_text(out, "by default: ");
    policy_rules_print(rule, out);
}

/* Every line of the verb. */
static void add_lines(const struct policy *policy,
                      enum policy_verb verb,
                      struct buf *out) {
    const struct policy_rules *rules = policy_rules(policy);

    for (size_t i = 0; i < rules->count; i++)
        if (rules->items[i].verb == verb)
            add_line(&rules->items[i], out);
}

static void judge(const struct policy *policy,
                  enum policy_verb verb,
                  const char *object,
                  struct verdict *ret_verdict) {
    const struct policy_rule *denied = policy_denial(policy, verb, object);

    *ret_verdict = (struct verdict) {
        .allowed = verb == POLICY_GRPC ? !policy_denies(policy, verb, object)
                                       : policy_allows(policy, verb, object),
        .signed_ = policy_wants_signature(policy, verb),
    };
    if (denied && object)
        add_line(denied, &ret_verdict->why);
    else
        add_lines(policy, verb, &ret_verdict->why);
    if (ret_verdict->why.len > 0)
        return;
    if (policy_trouble(policy))
        buf_add_text(&ret_verdict->why, policy_trouble(policy));
    else if (verb == POLICY_GRPC)
        buf_add_text(&ret_verdict->why, "what [expose] names in the agent's settings");
    else
        buf_add_text(&ret_verdict->why, verb == POLICY_PROBE
                                            ? "no line allows it; the hub may be probed"
                                            : "no line allows it");
}

static const char *word_of(const struct verdict *verdict) {
    if (!verdict->allowed)
        return "no";
    return verdict->signed_ ? "signed" : "yes";
}

/* --- all of it --- */

static void print_text(const struct policy *policy) {
    const struct policy_rules *rules = policy_rules(policy);
    struct buf text = { 0 };

    for (size_t i = 0; i < rules->count; i++) {
        buf_clear(&text);
        policy_rules_print(&rules->items[i], &text);
        printf("%-*s ", LINE_WIDTH, buf_text(&text));
        if (rules->items[i].line > 0)
            printf("line %u\n", rules->items[i].line);
        else
            puts("by default");
    }
    for (size_t i = 0; i < rules->key_count; i++) {
        buf_clear(&text);
        policy_rules_print_key(&rules->keys[i], &text);
        printf("%s line %u\n", buf_text(&text), rules->keys[i].line);
    }
    buf_done(&text);
    puts("");
    for (int i = 0; i < POLICY_VERBS; i++) {
        struct verdict verdict;
        judge(policy, (enum policy_verb)i, NULL, &verdict);
        printf("%-7s %-7s %s\n", policy_rules_verb((enum policy_verb)i),
               word_of(&verdict), buf_text(&verdict.why));
        verdict_done(&verdict);
    }
}

static void quote(struct buf *out, const char *name, const char *text) {
    buf_printf(out, "\"%s\":", name);
    json_writer_quote(out, slice_of_text(text));
}

static void add_rules_json(const struct policy_rules *rules, struct buf *out) {
    struct buf text = { 0 };

    buf_add_text(out, ",\"rules\":[");
    for (size_t i = 0; i < rules->count; i++) {
        buf_clear(&text);
        policy_rules_print(&rules->items[i], &text);
        buf_printf(out, "%s{\"line\":%u,", i ? "," : "", rules->items[i].line);
        quote(out, "rule", buf_text(&text));
        buf_add_byte(out, '}');
    }
    buf_add_text(out, "],\"keys\":[");
    for (size_t i = 0; i < rules->key_count; i++) {
        buf_clear(&text);
        policy_rules_print_public(rules->keys[i].key, &text);
        buf_printf(out, "%s{\"line\":%u,", i ? "," : "", rules->keys[i].line);
        quote(out, "name", rules->keys[i].name);
        buf_add_byte(out, ',');
        quote(out, "key", buf_text(&text));
        buf_add_byte(out, '}');
    }
    buf_add_byte(out, ']');
    buf_done(&text);
}

static void add_verdict_json(enum policy_verb verb,
                             const char *object,
                             struct verdict *verdict,
                             struct buf *out) {
    buf_add_byte(out, '{');
    quote(out, "verb", policy_rules_verb(verb));
    if (object) {
        buf_add_byte(out, ',');
        quote(out, "object", object);
    }
    buf_printf(out, ",\"allowed\":%s,\"signed\":%s,", verdict->allowed ? "true" : "false",
               verdict->signed_ ? "true" : "false");
    quote(out, "why", buf_text(&verdict->why));
    buf_add_byte(out, '}');
}

static void print_json(const struct policy *policy) {
    struct buf out = { 0 };

    buf_add_byte(&out, '{');
    quote(&out, "file", policy_path(policy));
    buf_printf(&out, ",\"isThere\":%s",
               file_exists(policy_path(policy)) ? "true" : "false");
    if (policy_trouble(policy)) {
        buf_add_byte(&out, ',');
        quote(&out, "trouble", policy_trouble(policy));
    }
    add_rules_json(policy_rules(policy), &out);
    buf_add_text(&out, ",\"verbs\":[");
    for (int i = 0; i < POLICY_VERBS; i++) {
        struct verdict verdict;
        judge(policy, (enum policy_verb)i, NULL, &verdict);
        buf_add_text(&out, i ? "," : "");
        add_verdict_json((enum policy_verb)i, NULL, &verdict, &out);
        verdict_done(&verdict);
    }
    buf_add_text(&out, "]}");
    puts(buf_text(&out));
    buf_done(&out);
}

int policy_show(const char *state, bool json) {
    struct policy *policy = policy_edit_open(state);
    int status = policy_trouble(policy) ? EXIT_FAILURE : EXIT_SUCCESS;

    if (json) {
        print_json(policy);
    } else {
        fprintf(stderr, "%s%s\n", policy_path(policy),
                file_exists(policy_path(policy)) ? "" : " (not there)");
        print_text(policy);
        if (policy_trouble(policy))
            fprintf(stderr,
                    "roost-agent: policy: %s\nnothing but looking is allowed until that "
                    "is mended\n",
                    policy_trouble(policy));
    }
    policy_free(policy);
    return status;
}

/* --- one question --- */

static size_t resolve(const struct address *address,
                      struct sockaddr_storage addresses[static ADDRESSES_MAX]) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char port[16];
    size_t count = 0;

    snprintf(port, sizeof(port), "%u", (unsigned)address->port);
    if (getaddrinfo(address->host, port, &hints, &found) != 0)
        return 0;
    for (const struct addrinfo *at = found; at && count < ADDRESSES_MAX; at = at->ai_next)
        memcpy(&addresses[count++], at->ai_addr, at->ai_addrlen);
    freeaddrinfo(found);
    return count;
}

/* 0, or the exit status after telling. */
static int judge_place(const struct policy *policy,
                       enum policy_verb verb,
                       const char *object,
                       struct verdict *ret_verdict) {
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    const struct policy_rule *denied = NULL;
    struct address address;

    memset(addresses, 0, sizeof(addresses));
    if (address_parse(slice_of_text(object), &address) != 0) {
        fprintf(stderr,
                "roost-agent: policy check: %s: HOST:PORT, an IPv6 address in "
                "brackets\n",
                object);
        return STATUS_USAGE;
    }
    size_t count = resolve(&address, addresses);
    if (count == 0) {
        fprintf(stderr, "roost-agent: policy check: %s: no address of this name\n",
                address.host);
        return EXIT_FAILURE;
    }
    judge(policy, verb, NULL, ret_verdict);
    size_t kept = policy_keep_places(policy, verb, address.host, address.port, addresses,
                                     count, &denied);
    ret_verdict->allowed = kept > 0;
    if (kept == 0 && denied) {
        buf_clear(&ret_verdict->why);
        add_line(denied, &ret_verdict->why);
    }
    return 0;
}

int policy_show_check(const char *state,
                      const char *verb,
                      const char *object,
                      bool json) {
    struct policy *policy = policy_edit_open(state);
    enum policy_verb found = POLICY_LOOK;
    struct verdict verdict = { 0 };
    struct buf out = { 0 };
    int status = 0;

    if (!policy_rules_find_verb(verb, &found)) {
        fprintf(stderr,
                "roost-agent: policy check: %s is no verb: look, probe, signal, "
                "units, power, tcp, grpc or logs\n",
                verb);
        status = STATUS_USAGE;
    } else if (object && policy_rules_has_places(found)) {
        status = judge_place(policy, found, object, &verdict);
    } else {
        judge(policy, found, object, &verdict);
    }
    if (status == 0) {
        if (json)
            add_verdict_json(found, object, &verdict, &out);
        else
            buf_printf(&out, "%s: %s", word_of(&verdict), buf_text(&verdict.why));
        puts(buf_text(&out));
        status = verdict.allowed ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    buf_done(&out);
    verdict_done(&verdict);
    policy_free(policy);
    return status;
}

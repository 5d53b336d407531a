#include "agent/policy/policy.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/name.h"

/* What tells one content of a file from another. */
struct print {
    bool is_there;
    dev_t device;
    ino_t inode;
    off_t size;
    uid_t owner;
    mode_t mode;
    struct timespec modified;
    struct timespec changed;
};

struct policy {
    char *system_path; /* owned */
    char *state_path;  /* owned */
    bool is_user;
    bool is_roots;
    void (*on_change)(void *arg, const struct policy *policy);
    void *arg; /* borrowed: whoever made it */
    bool of_system;
    struct print prints[2]; /* of the system's file and the state's */
    uint64_t looked_ms;
    bool has_looked;
    struct policy_rules rules;
    char *trouble; /* owned; NULL: none */
    char capabilities[POLICY_VERBS_LEN];
};

static struct print print_of(const char *path) {
    struct stat stat_of;
    struct print print = { 0 };

    if (stat(path, &stat_of) != 0) {
        print.is_there = errno != ENOENT && errno != ENOTDIR;
        return print;
    }
    print.is_there = true;
    print.device = stat_of.st_dev;
    print.inode = stat_of.st_ino;
    print.size = stat_of.st_size;
    print.owner = stat_of.st_uid;
    print.mode = stat_of.st_mode;
    print.modified = stat_of.st_mtim;
    print.changed = stat_of.st_ctim;
    return print;
}

static bool is_same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct print *a, const struct print *b) {
    return a->is_there == b->is_there && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->owner == b->owner && a->mode == b->mode &&
           is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

/* Root, as a person, looks after the agent of another user: what the owner of the state
 * folder wrote there is what that agent obeys. */
static bool is_agents_own(const struct policy *policy, uid_t owner) {
    auto_(mem_freep) char *folder = mem_strdup(policy->state_path);
    struct stat stat_of;

    *strrchr(folder, '/') = '\0';
    return policy->is_roots && geteuid() == 0 && stat(folder, &stat_of) == 0 &&
           stat_of.st_uid == owner;
}

/* Whoever else may write it would decide instead of the owner: NULL, or what is wrong. */
static const char *find_fault(const struct policy *policy, const struct print *print) {
    if (policy->of_system && print->owner != 0)
        return "it is not owned by root";
    if (print->owner != 0 && print->owner != geteuid() &&
        !is_agents_own(policy, print->owner))
        return "it is owned by another user";
    if (print->mode & (S_IWGRP | S_IWOTH))
        return "others may write it";
    return NULL;
}

static void add_defaults(struct policy *policy) {
    policy_rules_add(&policy->rules, POLICY_ALLOW, POLICY_LOOK);
    if (!policy->is_user || policy->trouble)
        return;
    policy_rules_add(&policy->rules, POLICY_ALLOW, POLICY_SIGNAL);
    policy_rules_add(&policy->rules, POLICY_ALLOW, POLICY_UNITS);
}

static void list_capabilities(struct policy *policy) {
    size_t len = 0;

    policy->capabilities[0] = '\0';
    for (int i = 0; i < POLICY_VERBS; i++) {
        enum policy_verb verb = (enum policy_verb)i;
        const char *name = policy_rules_verb(verb);
        if (!policy_allows(policy, verb, NULL))
            continue;
        len += (size_t)snprintf(policy->capabilities + len, POLICY_VERBS_LEN - len,
                                "%s%s", len > 0 ? "," : "", name);
        if (policy_wants_signature(policy, verb))
            len += (size_t)snprintf(policy->capabilities + len, POLICY_VERBS_LEN - len,
                                    ",%s/signed", name);
    }
    if (policy->is_user)
        snprintf(policy->capabilities + len, POLICY_VERBS_LEN - len, "%suser",
                 len > 0 ? "," : "");
}

static void load(struct policy *policy) {
    struct buf text = { 0 };
    struct policy_rules read = { 0 };
    char *why = NULL;

    free(TAKE(policy->trouble));
    policy->of_system = policy->prints[0].is_there;
    const char *path = policy_path(policy);
    const struct print *print = &policy->prints[policy->of_system ? 0 : 1];
    if (print->is_there) {
        const char *fault = find_fault(policy, print);
        int r = fault ? 0 : file_read(path, POLICY_FILE_MAX, &text);
        if (!fault && r == 0)
            r = policy_rules_parse(&read, buf_slice(&text), &why);
        if (fault || r < 0)
            policy->trouble = mem_printf("%s: %s", path,
                                         fault ? fault
                                         : why ? why
                                               : strerror(-r));
    }
    policy_rules_done(&policy->rules);
    add_defaults(policy);
    policy_rules_move(&policy->rules, &read);
    free(why);
    buf_done(&text);
    list_capabilities(policy);
}

bool policy_refresh(struct policy *policy, uint64_t now_ms) {
    if (policy->has_looked && now_ms - policy->looked_ms < POLICY_LOOK_MS)
        return false;
    struct print prints[2] = { print_of(policy->system_path),
                               print_of(policy->state_path) };
    bool is_new = !is_same(&prints[0], &policy->prints[0]) ||
                  !is_same(&prints[1], &policy->prints[1]);

    policy->has_looked = true;
    policy->looked_ms = now_ms;
    if (!is_new)
        return false;
    memcpy(policy->prints, prints, sizeof(prints));
    load(policy);
    if (policy->on_change)
        policy->on_change(policy->arg, policy);
    return true;
}

struct policy *policy_new(const struct policy_config *config) {
    struct policy *policy = mem_new(sizeof(*policy));

    policy->system_path =
        mem_strdup(config->system_path ? config->system_path : POLICY_SYSTEM_PATH);
    policy->state_path = file_join(config->state, "policy.conf");
    policy->is_user = config->is_user;
    policy->is_roots = config->is_roots;
    policy->on_change = config->on_change;
    policy->arg = config->arg;
    policy->prints[0] = print_of(policy->system_path);
    policy->prints[1] = print_of(policy->state_path);
    load(policy);
    return policy;
}

struct policy *policy_free(struct policy *policy) {
    if (!policy)
        return NULL;
    policy_rules_done(&policy->rules);
    free(policy->trouble);
    free(policy->system_path);
    free(policy->state_path);
    free(policy);
    return NULL;
}

/* Does a rule that is no place mean this object? Asked for any, only what means all
 * denies, and whatever means some allows. */
static bool means(const struct policy_rule *rule, const char *object) {
    if (!rule->object)
        return true;
    if (object)
        return name_match_glob(rule->object, object);
    return rule->act == POLICY_ALLOW || strcmp(rule->object, "*") == 0;
}

/* Does the rule say no? */
static bool is_denial(const struct policy_rule *rule) {
    return rule->act == POLICY_DENY ||
           (rule->act == POLICY_SIGN && !policy_rules_can_sign(rule->verb));
}

bool policy_allows(const struct policy *policy,
                   enum policy_verb verb,
                   const char *object) {
    bool allowed = false;

    for (size_t i = 0; i < policy->rules.count; i++) {
        const struct policy_rule *rule = &policy->rules.items[i];
        if (rule->verb != verb || !means(rule, object))
            continue;
        if (is_denial(rule))
            return false;
        allowed |= rule->act == POLICY_ALLOW;
    }
    return allowed;
}

const struct policy_rule *policy_denial(const struct policy *policy,
                                        enum policy_verb verb,
                                        const char *object) {
    for (size_t i = 0; i < policy->rules.count; i++) {
        const struct policy_rule *rule = &policy->rules.items[i];
        if (rule->verb == verb && is_denial(rule) && means(rule, object))
            return rule;
    }
    return NULL;
}

bool policy_denies(const struct policy *policy,
                   enum policy_verb verb,
                   const char *object) {
    return policy_denial(policy, verb, object) || policy->trouble;
}

bool policy_wants_signature(const struct policy *policy, enum policy_verb verb) {
    for (size_t i = 0; i < policy->rules.count; i++)
        if (policy->rules.items[i].verb == verb &&
            policy->rules.items[i].act == POLICY_SIGN)
            return true;
    return false;
}

const struct policy_key *policy_key(const struct policy *policy, const char *name) {
    for (size_t i = 0; i < policy->rules.key_count; i++)
        if (strcmp(policy->rules.keys[i].name, name) == 0)
            return &policy->rules.keys[i];
    return NULL;
}

static bool is_same_host(const struct sockaddr_storage *a, const struct sockaddr *b) {
    if (!b || a->ss_family != b->sa_family)
        return false;
    if (a->ss_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr,
                      &((const struct sockaddr_in *)(const void *)b)->sin_addr, 4) == 0;
    return a->ss_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, 16) == 0;
}

/* Is it the address of an interface of this host? Then it leads to the same services as
 * the loopback. */
static bool is_own(const struct sockaddr_storage *address, const struct ifaddrs *own) {
    for (; own; own = own->ifa_next)
        if (is_same_host(address, own->ifa_addr))
            return true;
    return false;
}

static bool has_denials(const struct policy *policy, enum policy_verb verb) {
    for (size_t i = 0; i < policy->rules.count; i++)
        if (policy->rules.items[i].verb == verb && is_denial(&policy->rules.items[i]))
            return true;
    return false;
}

struct question {
    enum policy_verb verb;
    const char *host;
    unsigned port;
    const struct ifaddrs *own; /* NULL: nothing is denied */
};

/* May this address be reached? *ret_denied is set when a line denies it. */
static bool admits(const struct policy *policy,
                   const struct question *question,
                   const struct sockaddr_storage *address,
                   const struct policy_rule **ret_denied) {
    bool own = is_own(address, question->own);
    bool allowed = false;

    for (size_t i = 0; i < policy->rules.count; i++) {
        const struct policy_rule *rule = &policy->rules.items[i];
        if (rule->verb != question->verb)
            continue;
        if (rule->act == POLICY_ALLOW) {
            allowed |= !rule->object || policy_place_admits(&rule->place, question->host,
                                                            question->port, address);
        } else if (is_denial(rule) &&
                   (!rule->object ||
                    policy_place_denies(&rule->place, question->port, address, own))) {
            *ret_denied = rule;
            return false;
        }
    }
    return allowed;
}

size_t policy_keep_places(const struct policy *policy,
                          enum policy_verb verb,
                          const char *host,
                          unsigned port,
                          struct sockaddr_storage *addresses,
                          size_t count,
                          const struct policy_rule **ret_denied) {
    struct ifaddrs *own = NULL;
    size_t kept = 0;

    *ret_denied = NULL;
    if (has_denials(policy, verb) && getifaddrs(&own) != 0)
        return 0; /* whether a line denies it cannot be told */
    struct question question = { verb, host, port, own };
    for (size_t i = 0; i < count; i++) {
        policy_place_settle(&addresses[i]);
        if (admits(policy, &question, &addresses[i], ret_denied))
            addresses[kept++] = addresses[i];
    }
    if (own)
        freeifaddrs(own);
    return kept;
}

const char *policy_path(const struct policy *policy) {
    return policy->of_system ? policy->system_path : policy->state_path;
}

bool policy_is_of_system(const struct policy *policy) {
    return policy->of_system;
}

const char *policy_trouble(const struct policy *policy) {
    return policy->trouble;
}

const struct policy_rules *policy_rules(const struct policy *policy) {
    return &policy->rules;
}

const char *policy_capabilities(const struct policy *policy) {
    return policy->capabilities;
}

#include "agent/policy/policy_edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/policy/policy.h"
#include "agent/policy/policy_needs.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    USER_MIN = 1000,  /* below are the accounts of the system (login.defs) */
    USER_MAX = 60000, /* above are those that systemd makes up */
    STATUS_USAGE = 2,
};

static const char *const words[] = { [POLICY_ALLOW] = "allow", [POLICY_DENY] = "deny" };

bool policy_edit_is_user(void) {
    return geteuid() >= USER_MIN && geteuid() <= USER_MAX;
}

struct policy *policy_edit_open(const char *state) {
    struct policy_config config = { .state = state,
                                    .is_user = policy_edit_is_user(),
                                    .is_roots = true };
    return policy_new(&config);
}

/* --- adding --- */

static int complain(const char *path, int error) {
    fprintf(stderr, "roost-agent: policy: %s: %s\n", path, strerror(-error));
    if (error == -EACCES || error == -EPERM)
        fprintf(stderr, "try: the same as root\n");
    return EXIT_FAILURE;
}

/* Is the line this rule, whatever stands around it? */
static bool is_rule(struct slice line,
                    enum policy_act act,
                    const struct policy_rule *rule) {
    struct policy_rules read = { 0 };
    char *why = NULL;
    bool is_it = false;

    if (policy_rules_parse(&read, line, &why) == 0 && read.count == 1) {
        const struct policy_rule *found = &read.items[0];
        bool same_object = found->object && rule->object
                               ? strcmp(found->object, rule->object) == 0
                               : found->object == rule->object;
        is_it = found->act == act && found->verb == rule->verb && same_object;
    }
    free(why);
    policy_rules_done(&read);
    return is_it;
}

static bool has_verb(struct slice line, enum policy_verb verb) {
    struct policy_rules read = { 0 };
    char *why = NULL;
    bool has = policy_rules_parse(&read, line, &why) == 0 && read.count == 1 &&
               read.items[0].verb == verb;

    free(why);
    policy_rules_done(&read);
    return has;
}

static struct slice next_line(struct slice *rest) {
    const uint8_t *end = memchr(rest->at, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->at) : rest->len;
    struct slice line = slice_of(rest->at, len);

    *rest = slice_after(*rest, end ? len + 1 : len);
    return line;
}

/* Where the new line goes: behind the last one of its verb, else at the end. */
static size_t find_place(struct slice text, enum policy_verb verb) {
    struct slice rest = text;
    size_t place = text.len;

    while (rest.len > 0) {
        struct slice line = next_line(&rest);
        if (has_verb(line, verb))
            place = text.len - rest.len;
    }
    return place;
}

/* The text with the rule in it; false when it was there already. */
static bool insert(struct slice text, const struct policy_rule *rule, struct buf *out) {
    enum policy_act other = rule->act == POLICY_ALLOW ? POLICY_DENY : POLICY_ALLOW;
    size_t place = find_place(text, rule->verb);
    struct slice rest = text;
    bool is_in = false;

    while (rest.len > 0 || !is_in) {
        if (!is_in && text.len - rest.len == place) {
            policy_rules_print(rule, out);
            buf_add_byte(out, '\n');
            is_in = true;
            continue;
        }
        struct slice line = next_line(&rest);
        if (is_rule(line, rule->act, rule))
            return false;
        if (is_rule(line, other, rule))
            continue;
        buf_add_slice(out, line);
        buf_add_byte(out, '\n');
    }
    return true;
}

static mode_t mode_of(const char *path) {
    struct stat stat_of;
    return stat(path, &stat_of) == 0 ? stat_of.st_mode & 0644 : 0644;
}

static int add_to(const char *path, const struct policy_rules *rules) {
    struct buf text = { 0 };
    struct policy_rules old = { 0 };
    char *why = NULL;
    bool changed = false;

    int r = file_read(path, POLICY_FILE_MAX, &text);
    if (r == 0 && policy_rules_parse(&old, buf_slice(&text), &why) != 0) {
        fprintf(stderr, "roost-agent: policy: %s: %s\ntry: mend that line first\n", path,
                why);
        free(why);
        buf_done(&text);
        return EXIT_FAILURE;
    }
    policy_rules_done(&old);
    for (size_t i = 0; i < rules->count && (r == 0 || r == -ENOENT); i++) {
        struct buf out = { 0 };
        struct buf line = { 0 };
        bool is_new = insert(buf_slice(&text), &rules->items[i], &out);
        policy_rules_print(&rules->items[i], &line);
        fprintf(stderr, "%s: %s%s\n", path, buf_text(&line),
                is_new ? "" : " (as before)");
        buf_done(&line);
        if (is_new) {
            buf_done(&text);
            text = out;
        } else {
            buf_done(&out);
        }
        changed |= is_new;
    }
    if (r == -ENOENT)
        r = 0;
    if (r == 0 && changed)
        r = file_write_atomic(path, buf_slice(&text), mode_of(path));
    buf_done(&text);
    return r < 0 ? complain(path, r) : EXIT_SUCCESS;
}

/* What the system would have to grant the service. */
static void list_needs(const struct policy *policy, struct buf *out) {
    policy_needs_unit(policy, out);
    policy_needs_polkit(policy, out);
}

/* The service may have more, or less, to do than the system lets it. */
static void hint_at_apply(const char *state, const struct buf *before) {
    struct policy *policy = policy_edit_open(state);
    struct buf after = { 0 };

    list_needs(policy, &after);
    if (!policy_edit_is_user() && !slice_equal(buf_slice(before), buf_slice(&after)))
        fprintf(stderr, "the service has no rights of its own: the system has to grant "
                        "what changes with this\ntry: roost-agent policy apply\n");
    buf_done(&after);
    policy_free(policy);
}

static int add_rules(const char *state, const struct policy_rules *rules) {
    struct policy *policy = policy_edit_open(state);
    struct buf needs = { 0 };
    int status = EXIT_SUCCESS;

    list_needs(policy, &needs);

    if (!policy_is_of_system(policy)) {
        int r = file_make_dirs(state, 0700);
        if (r < 0)
            status = complain(state, r);
    }
    if (status == EXIT_SUCCESS)
        status = add_to(policy_path(policy), rules);
    policy_free(policy);
    if (status == EXIT_SUCCESS)
        hint_at_apply(state, &needs);
    buf_done(&needs);
    return status;
}

/* A line without the number before what is wrong with it. */
static const char *without_number(const char *why) {
    const char *colon = strstr(why, ": ");
    return colon ? colon + 2 : why;
}

int policy_edit_add(const char *state,
                    enum policy_act act,
                    const char *verb,
                    const char *object) {
    struct policy_rules rules = { 0 };
    char *why = NULL;
    char *line = mem_printf("%s %s %s\n", words[act], verb, object ? object : "");
    int status;

    int r = policy_rules_parse(&rules, slice_of_text(line), &why);
    if (r == 0 && rules.count == 1) {
        status = add_rules(state, &rules);
    } else {
        fprintf(stderr, "roost-agent: %s: %s%s%s: %s\n", words[act], verb,
                object ? " " : "", object ? object : "",
                why ? without_number(why) : "one rule at a time");
        status = STATUS_USAGE;
    }
    policy_rules_done(&rules);
    free(why);
    free(line);
    return status;
}

/* "a,b=c" as lines of a file. */
static char *lines_of(const char *list) {
    char *copy = mem_strdup(list);
    struct buf text = { 0 };
    char *rest = NULL;

    for (char *item = strtok_r(copy, ",", &rest); item;
         item = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(item, '=');
        if (equals)
            *equals = ' ';
        buf_printf(&text, "allow %s\n", item);
    }
    free(copy);
    return buf_take_text(&text);
}

/* Reads such a list: 0, or the exit status after telling. */
static int read_list(const char *list, struct policy_rules *ret_rules) {
    char *text = lines_of(list);
    char *why = NULL;

    int r = policy_rules_parse(ret_rules, slice_of_text(text), &why);
    if (r != 0)
        fprintf(stderr, "roost-agent: --allow %s: %s\n", list, without_number(why));
    free(why);
    free(text);
    return r == 0 ? EXIT_SUCCESS : STATUS_USAGE;
}

int policy_edit_check_list(const char *list) {
    struct policy_rules rules = { 0 };
    int status = read_list(list, &rules);

    policy_rules_done(&rules);
    return status;
}

int policy_edit_allow_list(const char *state, const char *list) {
    struct policy_rules rules = { 0 };
    int status = read_list(list, &rules);

    if (status == EXIT_SUCCESS && rules.count > 0)
        status = add_rules(state, &rules);
    policy_rules_done(&rules);
    return status;
}

char *policy_edit_capabilities(const char *state) {
    struct policy *policy = policy_edit_open(state);
    char *capabilities = mem_strdup(policy_capabilities(policy));

    if (policy_trouble(policy))
        fprintf(stderr, "roost-agent: policy: %s\nnothing but looking is allowed\n",
                policy_trouble(policy));
    policy_free(policy);
    return capabilities;
}

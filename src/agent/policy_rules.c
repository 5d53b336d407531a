#include "agent/policy_rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WORDS_MAX = 4 };

static const char *const acts[] = {
    [POLICY_ALLOW] = "allow",
    [POLICY_DENY] = "deny",
    [POLICY_SIGN] = "require signature",
};

static const char *const verbs[POLICY_VERBS] = {
    [POLICY_LOOK] = "look",   [POLICY_PROBE] = "probe", [POLICY_SIGNAL] = "signal",
    [POLICY_UNITS] = "units", [POLICY_POWER] = "power", [POLICY_TCP] = "tcp",
    [POLICY_GRPC] = "grpc",   [POLICY_LOGS] = "logs",
};

static const char FORM[] = "a line is allow VERB [OBJECT], deny VERB [OBJECT] or require "
                           "signature VERB";
static const char VERBS[] =
    "verbs are look, probe, signal, units, power, tcp, grpc and logs";

const char *policy_rules_verb(enum policy_verb verb) {
    return verbs[verb];
}

bool policy_rules_has_places(enum policy_verb verb) {
    return verb == POLICY_TCP || verb == POLICY_PROBE;
}

static struct policy_rule *append(struct policy_rules *rules) {
    rules->items = mem_grow(rules->items, (rules->count + 1) * sizeof(rules->items[0]));
    memset(&rules->items[rules->count], 0, sizeof(rules->items[0]));
    return &rules->items[rules->count++];
}

void policy_rules_add(struct policy_rules *rules,
                      enum policy_act act,
                      enum policy_verb verb) {
    struct policy_rule *rule = append(rules);
    rule->act = act;
    rule->verb = verb;
}

static void cut_to(struct policy_rules *rules, size_t count) {
    while (rules->count > count)
        free(rules->items[--rules->count].object);
}

void policy_rules_done(struct policy_rules *rules) {
    cut_to(rules, 0);
    free(rules->items);
    rules->items = NULL;
}

static bool find_verb(const char *word, enum policy_verb *ret_verb) {
    for (int i = 0; i < POLICY_VERBS; i++)
        if (strcmp(verbs[i], word) == 0) {
            *ret_verb = (enum policy_verb)i;
            return true;
        }
    return false;
}

/* Cuts a line into words in place; more than WORDS_MAX count as one more. */
static size_t cut_words(char *line, char *words[static WORDS_MAX + 1]) {
    size_t count = 0;
    char *rest = NULL;

    for (char *word = strtok_r(line, " \t\r", &rest); word && count <= WORDS_MAX;
         word = strtok_r(NULL, " \t\r", &rest))
        words[count++] = word;
    return count;
}

/* Control characters in an object would be printed into logs and terminals. */
static bool is_plain(const char *text) {
    for (; *text; text++)
        if (!isgraph((unsigned char)*text))
            return false;
    return true;
}

/* Reads the object of a rule: NULL, or what is wrong with it. */
static const char *take_object(struct policy_rule *rule, const char *object) {
    const char *why = NULL;

    if (!is_plain(object))
        return "the object has a character that cannot be printed";
    if (rule->verb == POLICY_LOOK || rule->verb == POLICY_POWER)
        return "look and power have no objects";
    if (policy_rules_has_places(rule->verb)) {
        if (policy_place_parse(object, rule->verb == POLICY_TCP, &rule->place, &why) != 0)
            return why;
        if (rule->act == POLICY_DENY && rule->place.kind == POLICY_PLACE_NAME)
            return "a name does not deny the addresses behind it: deny an address, a "
                   "network or *, or allow less";
    }
    rule->object = mem_strdup(object);
    return NULL;
}

static const char *take_words(struct policy_rule *rule, char **words, size_t count) {
    if (strcmp(words[0], "require") == 0) {
        rule->act = POLICY_SIGN;
        if (count != 3 || strcmp(words[1], "signature") != 0)
            return FORM;
        return find_verb(words[2], &rule->verb) ? NULL : VERBS;
    }
    if (strcmp(words[0], "allow") == 0)
        rule->act = POLICY_ALLOW;
    else if (strcmp(words[0], "deny") == 0)
        rule->act = POLICY_DENY;
    else
        return FORM;
    if (count < 2)
        return VERBS;
    if (!find_verb(words[1], &rule->verb))
        return VERBS;
    if (count > 3)
        return "one object a line";
    return count == 3 ? take_object(rule, words[2]) : NULL;
}

/* NULL, or what is wrong with the line. */
static const char *take_line(struct policy_rules *rules,
                             struct slice text,
                             unsigned number) {
    char line[POLICY_LINE_MAX + 1];
    char *words[WORDS_MAX + 1];

    if (text.len > POLICY_LINE_MAX)
        return "it is too long";
    if (text.len > 0 && memchr(text.at, 0, text.len))
        return "it holds a zero byte";
    memcpy(line, text.len > 0 ? (const char *)text.at : "", text.len);
    line[text.len] = '\0';
    char *comment = strchr(line, '#');
    if (comment)
        *comment = '\0';
    size_t count = cut_words(line, words);
    if (count == 0)
        return NULL;
    struct policy_rule *rule = append(rules);
    rule->line = number;
    return take_words(rule, words, count);
}

int policy_rules_parse(struct policy_rules *rules, struct slice text, char **ret_why) {
    size_t before = rules->count;
    unsigned number = 0;

    while (text.len > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        const char *why = take_line(rules, slice_of(text.at, len), ++number);
        if (why) {
            cut_to(rules, before);
            *ret_why = mem_printf("line %u: %s", number, why);
            return -EINVAL;
        }
        text = slice_after(text, end ? len + 1 : len);
    }
    return 0;
}

void policy_rules_print(const struct policy_rule *rule, struct buf *out) {
    buf_printf(out, "%s %s", acts[rule->act], verbs[rule->verb]);
    if (rule->object)
        buf_printf(out, " %s", rule->object);
}

#include "agent/policy/policy_rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/name.h"

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

static const char FORM[] = "a line is allow VERB [OBJECT], deny VERB [OBJECT], require "
                           "signature VERB or operator NAME ed25519:KEY";
static const char KEY_FORM[] =
    "a key is operator NAME ed25519:KEY, as roost key show prints it";
static const char KEY_KIND[] = "ed25519:";
static const char VERBS[] =
    "verbs are look, probe, signal, units, power, tcp, grpc and logs";

const char *policy_rules_verb(enum policy_verb verb) {
    return verbs[verb];
}

bool policy_rules_has_places(enum policy_verb verb) {
    return verb == POLICY_TCP || verb == POLICY_PROBE;
}

bool policy_rules_can_sign(enum policy_verb verb) {
    return verb == POLICY_SIGNAL || verb == POLICY_UNITS || verb == POLICY_POWER ||
           verb == POLICY_LOGS;
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

static struct policy_key *append_key(struct policy_rules *rules) {
    rules->keys = mem_grow(rules->keys, (rules->key_count + 1) * sizeof(rules->keys[0]));
    memset(&rules->keys[rules->key_count], 0, sizeof(rules->keys[0]));
    return &rules->keys[rules->key_count++];
}

static void cut_to(struct policy_rules *rules, size_t count, size_t key_count) {
    while (rules->count > count)
        free(rules->items[--rules->count].object);
    while (rules->key_count > key_count)
        free(rules->keys[--rules->key_count].name);
}

void policy_rules_move(struct policy_rules *rules, struct policy_rules *from) {
    for (size_t i = 0; i < from->count; i++)
        *append(rules) = from->items[i];
    for (size_t i = 0; i < from->key_count; i++)
        *append_key(rules) = from->keys[i];
    free(from->items);
    free(from->keys);
    *from = (struct policy_rules) { 0 };
}

void policy_rules_done(struct policy_rules *rules) {
    cut_to(rules, 0, 0);
    free(rules->items);
    free(rules->keys);
    *rules = (struct policy_rules) { 0 };
}

bool policy_rules_find_verb(const char *word, enum policy_verb *ret_verb) {
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

/* Look and power have few objects: one that is none of them would do nothing. */
static bool is_known_object(enum policy_verb verb, const char *object) {
    static const char *const looks[] = { "host",  "processes", "commands", "units",
                                         "usage", "diagnose",  NULL };
    static const char *const powers[] = { "reboot", "shutdown", "wake", NULL };
    const char *const *known = verb == POLICY_LOOK    ? looks
                               : verb == POLICY_POWER ? powers
                                                      : NULL;

    if (!known)
        return true;
    while (*known && !name_match_glob(object, *known))
        known++;
    return *known != NULL;
}

/* Reads the object of a rule: NULL, or what is wrong with it. */
static const char *take_object(struct policy_rule *rule, const char *object) {
    const char *why = NULL;

    if (!is_plain(object))
        return "the object has a character that cannot be printed";
    if (!is_known_object(rule->verb, object))
        return rule->verb == POLICY_LOOK
                   ? "what look has are host, processes, commands, units, usage and "
                     "diagnose"
                   : "what power has are reboot, shutdown and wake";
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
        return policy_rules_find_verb(words[2], &rule->verb) ? NULL : VERBS;
    }
    if (strcmp(words[0], "allow") == 0)
        rule->act = POLICY_ALLOW;
    else if (strcmp(words[0], "deny") == 0)
        rule->act = POLICY_DENY;
    else
        return FORM;
    if (count < 2)
        return VERBS;
    if (!policy_rules_find_verb(words[1], &rule->verb))
        return VERBS;
    if (count > 3)
        return "one object a line";
    return count == 3 ? take_object(rule, words[2]) : NULL;
}

static bool has_key(const struct policy_rules *rules, const char *name) {
    for (size_t i = 0; i < rules->key_count; i++)
        if (strcmp(rules->keys[i].name, name) == 0)
            return true;
    return false;
}

/* NULL, or what is wrong with "operator NAME ed25519:KEY". */
static const char *take_key(struct policy_rules *rules,
                            char **words,
                            size_t count,
                            unsigned number) {
    struct buf bytes = { 0 };

    if (count != 3 || !name_is_valid(words[1]) ||
        strncmp(words[2], KEY_KIND, strlen(KEY_KIND)) != 0)
        return KEY_FORM;
    if (has_key(rules, words[1]))
        return "this operator has a key already";
    if (base64_decode_any(&bytes, slice_of_text(words[2] + strlen(KEY_KIND))) != 0 ||
        bytes.len != CRYPTO_SIGN_KEY_LEN) {
        buf_done(&bytes);
        return KEY_FORM;
    }
    struct policy_key *key = append_key(rules);
    key->name = mem_strdup(words[1]);
    key->line = number;
    memcpy(key->key, bytes.data, CRYPTO_SIGN_KEY_LEN);
    buf_done(&bytes);
    return NULL;
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
    if (strcmp(words[0], "operator") == 0)
        return take_key(rules, words, count, number);
    struct policy_rule *rule = append(rules);
    rule->line = number;
    return take_words(rule, words, count);
}

int policy_rules_parse(struct policy_rules *rules, struct slice text, char **ret_why) {
    size_t before = rules->count, keys_before = rules->key_count;
    unsigned number = 0;

    while (text.len > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        const char *why = take_line(rules, slice_of(text.at, len), ++number);
        if (why) {
            cut_to(rules, before, keys_before);
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

void policy_rules_print_public(const uint8_t key[static CRYPTO_SIGN_KEY_LEN],
                               struct buf *out) {
    buf_add_text(out, KEY_KIND);
    base64_encode(out, slice_of(key, CRYPTO_SIGN_KEY_LEN));
}

void policy_rules_print_key(const struct policy_key *key, struct buf *out) {
    buf_printf(out, "operator %s ", key->name);
    policy_rules_print_public(key->key, out);
}

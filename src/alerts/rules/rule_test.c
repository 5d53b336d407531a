#include "alerts/rules/rule.h"

#include <errno.h>
#include <string.h>

#include "alerts/judge/alerts.h"
#include "alerts/rules/rule_message.h"
#include "alerts/rules/rules_built_in.h"
#include "base/check.h"
#include "base/mem.h"

static void a_rule_is_kept_and_read_as_the_same(void) {
    char *const channels[] = { "mail", "ops" };
    struct rule *rule = rule_new("disk-home");
    struct buf bytes = { 0 };
    char *why = NULL;

    CHECK_INT(rule_set_condition(rule, "disk:/home > 90 for 10m", &why), 0);
    incident_set(&rule->select, "@home,nas");
    incident_set(&rule->owner, "ada");
    rule->channels = rule_list_copy(channels, 2);
    rule->severity = INCIDENT_CRITICAL;
    rule->repeat_ms = 3600000;
    rule->changed_ms = 1234;
    rule_write(rule, &bytes);
    struct rule *again = rule_read("disk-home", buf_slice(&bytes));
    CHECK(again && rule_is_same_condition(rule, again));
    CHECK_TEXT(again->select, "@home,nas");
    CHECK_TEXT(again->owner, "ada");
    CHECK_TEXT(again->channels[1], "ops");
    CHECK(!again->channels[2] && !again->escalate_to);
    CHECK_INT(again->severity, INCIDENT_CRITICAL);
    CHECK_INT(again->repeat_ms, 3600000);
    CHECK_INT(again->changed_ms, 1234);
    CHECK(!rule_read("another", buf_slice(&bytes)));
    CHECK(!rule_read("disk-home", slice_of_text("damaged")));
    buf_done(&bytes);
    rule_free(again);
    rule_free(rule);
}

static void a_bad_condition_leaves_the_good_one(void) {
    struct rule *rule = rule_new("a");
    char *why = NULL;

    CHECK_INT(rule_set_condition(rule, "cpu > 90", &why), 0);
    CHECK_INT(rule_set_condition(rule, "cpu >", &why), -EINVAL);
    CHECK_TEXT(why, "at 6: a number is missing");
    CHECK_TEXT(rule->text, "cpu > 90");
    free(why);
    rule_free(rule);
}

static void names_are_small_and_plain(void) {
    CHECK(rule_is_name("disk") && rule_is_name("7-up.x_y"));
    CHECK(!rule_is_name("") && !rule_is_name("Disk") && !rule_is_name("-a"));
    CHECK(!rule_is_name("a b") && !rule_is_name("a\t") && !rule_is_name(NULL));
    char longest[RULE_NAME_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[RULE_NAME_MAX + 1] = '\0';
    CHECK(!rule_is_name(longest));
    longest[RULE_NAME_MAX] = '\0';
    CHECK(rule_is_name(longest));
}

/* What makes no sense, and why. */
static void what_makes_no_sense_is_refused(void) {
    char *many[RULE_LIST_MAX + 1];
    for (size_t i = 0; i <= RULE_LIST_MAX; i++)
        many[i] = "x";
    for (int i = 0; i < 6; i++) {
        Roost__V1__Rule message = ROOST__V1__RULE__INIT;
        char *why = NULL;
        message.name = i == 0 ? "No" : "yes";
        message.condition = i == 1 ? "cpu" : "cpu > 1";
        message.severity = i == 2 ? (Roost__V1__Severity)9 : ROOST__V1__SEVERITY__INFO;
        message.repeat_s = i == 3 ? UINT32_MAX : 0;
        message.channels = many;
        message.n_channels = i == 4 ? RULE_LIST_MAX + 1 : 0;
        struct rule *rule = rule_message_read(&message, &why);
        CHECK(i == 5 ? rule != NULL : (!rule && why));
        rule_free(rule);
        free(why);
    }
}

static const char *const built_in[] = {
    "offline: offline for 3m",
    "disk: disk:* > 90 for 10m clear 87",
    ("memory: mem > 95 for 10m clear 92 and (psi.mem > 10 for 10m clear 5 or "
     "absent(psi.mem) for 10m)"),
    "temperature: temp.cpu > 80 for 2m clear 77 or throttle = 1 for 2m",
    "unit: unit(*) for 2m",
};

static void some_are_built_in(void) {
    struct alerts_defaults defaults;
    struct rule *rule;
    size_t count = 0;

    rules_built_in_defaults(&defaults);
    while ((rule = rules_built_in(&defaults, count))) {
        auto_(mem_freep) char *line = mem_printf("%s: %s", rule->name, rule->text);
        CHECK_TEXT(line, built_in[count++]);
        CHECK(rule->is_built_in && rules_built_in_has(rule->name));
        rule_free(rule);
    }
    CHECK_INT(count, sizeof(built_in) / sizeof(built_in[0]));
    CHECK(!rules_built_in_has("disks"));
}

TESTS(TEST(a_rule_is_kept_and_read_as_the_same),
      TEST(a_bad_condition_leaves_the_good_one),
      TEST(names_are_small_and_plain),
      TEST(what_makes_no_sense_is_refused),
      TEST(some_are_built_in))

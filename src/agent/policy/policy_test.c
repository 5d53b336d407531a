#include "agent/policy/policy.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/file.h"
#include "base/mem.h"
#include "loop/netaddr.h"

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct policy *make(const char *folder, const char *text, bool is_user) {
    char *path = file_join(folder, "policy.conf");
    char *system_path = file_join(folder, "no-such-file");
    struct policy_config config = {
        .system_path = system_path,
        .state = folder,
        .is_user = is_user,
    };

    if (text)
        CHECK_INT(file_write_atomic(path, slice_of_text(text), 0600), 0);
    struct policy *policy = policy_new(&config);
    free(path);
    free(system_path);
    return policy;
}

/* What a tunnel would do: resolve whatever spelling it is, then ask. */
static size_t reach(const struct policy *policy,
                    const char *host,
                    const char *port,
                    const struct policy_rule **ret_denied) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
    struct sockaddr_storage addresses[8] = { 0 };
    struct addrinfo *found = NULL;
    size_t count = 0;

    if (strcmp(host, "localhost") == 0 || strcmp(host, "db.example.org") == 0) {
        CHECK(netaddr_parse("127.0.0.1", 1, &addresses[count++]));
        if (strcmp(host, "localhost") == 0)
            CHECK(netaddr_parse("::1", 1, &addresses[count++]));
        return policy_keep_places(policy, POLICY_TCP, host, (unsigned)atoi(port),
                                  addresses, count, ret_denied);
    }
    CHECK_INT(getaddrinfo(host, port, &hints, &found), 0);
    for (struct addrinfo *at = found; at && count < 8; at = at->ai_next)
        memcpy(&addresses[count++], at->ai_addr, at->ai_addrlen);
    freeaddrinfo(found);
    return policy_keep_places(policy, POLICY_TCP, host, (unsigned)atoi(port), addresses,
                              count, ret_denied);
}

static bool reaches(const struct policy *policy, const char *host, const char *port) {
    const struct policy_rule *denied;
    return reach(policy, host, port, &denied) > 0;
}

static void without_a_file_looking_is_allowed_alone(void) {
    char *folder = check_folder_make();
    struct policy *policy = make(folder, NULL, false);

    CHECK(policy_allows(policy, POLICY_LOOK, NULL));
    CHECK(!policy_allows(policy, POLICY_TCP, NULL));
    CHECK(!policy_allows(policy, POLICY_SIGNAL, "1"));
    CHECK(!reaches(policy, "127.0.0.1", "22"));
    CHECK_TEXT(policy_capabilities(policy), "look");
    policy_free(policy);
    policy = make(folder, NULL, true);
    CHECK(policy_allows(policy, POLICY_SIGNAL, "1"));
    CHECK(policy_allows(policy, POLICY_UNITS, "a.service"));
    CHECK(!policy_allows(policy, POLICY_POWER, NULL));
    policy_free(policy);
    check_folder_remove(folder);
}

/* Every way to write an address that reaches the same service. */
static const char *const loopbacks[] = {
    "127.0.0.1",       "localhost", "::1",   "::ffff:127.0.0.1", "0x7f000001",
    "0.0.0.0",         "::",        "127.1", "2130706433",       "017700000001",
    "::ffff:7f00:1",   "127.0.0.2", "0",     "::ffff:0.0.0.0",   "0x7f.1",
    "0:0:0:0:0:0:0:1",
};

static void a_denial_holds_for_every_spelling(void) {
    static const char *const denials[] = {
        "127.0.0.1:22",   "localhost:22", "[::1]:22",
        "127.0.0.0/8:22", "*:22",         "127.*:1-100"
    };
    char *folder = check_folder_make();

    for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
        char *text = mem_printf("allow tcp *\nallow tcp *:*\ndeny tcp %s\n", denials[i]);
        struct policy *policy = make(folder, text, false);
        CHECK(policy_trouble(policy) == NULL);
        for (size_t k = 0; k < sizeof(loopbacks) / sizeof(loopbacks[0]); k++) {
            const struct policy_rule *denied = NULL;
            CHECK_INT(reach(policy, loopbacks[k], "22", &denied), 0);
            CHECK(denied && denied->line == 3);
            CHECK(reaches(policy, loopbacks[k], "220"));
        }
        policy_free(policy);
        free(text);
    }
    check_folder_remove(folder);
}

static void a_place_admits_what_it_names_and_no_more(void) {
    static const struct {
        const char *object;
        const char *host;
        const char *port;
        bool reached;
    } rows[] = {
        { "127.0.0.1:22", "127.0.0.1", "22", true },
        { "127.0.0.1:22", "0x7f000001", "22", true },
        { "127.0.0.1:22", "::ffff:127.0.0.1", "22", true },
        { "127.0.0.1:22", "0.0.0.0", "22", true },
        { "127.0.0.1:22", "localhost", "22", true }, /* its IPv4 address */
        { "127.0.0.1:22", "::1", "22", false },
        { "127.0.0.1:22", "127.0.0.2", "22", false },
        { "127.0.0.1:22", "127.0.0.1", "23", false },
        { "127.0.0.1:*", "127.0.0.1", "65535", true },
        { "127.0.0.1:20-23", "127.0.0.1", "23", true },
        { "127.0.0.1:20-23", "127.0.0.1", "24", false },
        { "localhost:22", "::1", "22", true },
        { "localhost:22", "127.9.9.9", "22", true },
        { "localhost:22", "10.0.0.1", "22", false },
        { "[::1]:22", "::1", "22", true },
        { "[::1]:22", "127.0.0.1", "22", false },
        { "10.0.0.0/8:22", "10.255.0.1", "22", true },
        { "10.0.0.0/8:22", "11.0.0.1", "22", false },
        { "10.0.0.0/9:22", "10.127.0.1", "22", true },
        { "10.0.0.0/9:22", "10.128.0.1", "22", false },
        { "[fd00::/8]:22", "fdab::1", "22", true },
        { "[fd00::/8]:22", "fe80::1", "22", false },
        { "192.168.1.*:80", "192.168.1.77", "80", true },
        { "192.168.1.*:80", "192.168.11.7", "80", false },
        { "*:443", "203.0.113.9", "443", true },
        { "*:443", "203.0.113.9", "444", false },
        { "*", "203.0.113.9", "444", true },
        { "db.example.org:5432", "db.example.org", "5432", true },
        { "DB.example.ORG:5432", "db.example.org", "5432", true },
        { "*.example.org:5432", "db.example.org", "5432", true },
        { "*.example.com:5432", "db.example.org", "5432", false },
        { "db.example.org:5432", "127.0.0.1", "5432", false },
        { "0.0.0.0/0:1", "::1", "1", false },
        { "[::/0]:1", "9.9.9.9", "1", true },
    };
    char *folder = check_folder_make();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = mem_printf("allow tcp %s", rows[i].object);
        struct policy *policy = make(folder, text, false);
        if (policy_trouble(policy) ||
            reaches(policy, rows[i].host, rows[i].port) != rows[i].reached)
            fail_msg("%s: %s %s (%s)", rows[i].object, rows[i].host, rows[i].port,
                     policy_trouble(policy));
        CHECK_TEXT(policy_capabilities(policy), "look,tcp");
        policy_free(policy);
        free(text);
    }
    check_folder_remove(folder);
}

static void a_file_that_makes_no_sense_means_look_only(void) {
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "allow tcp 127.0.0.1:22\nallowed units\n", "line 2: a line is allow" },
        { "allow", "line 1: verbs are" },
        { "allow all", "line 1: verbs are look, probe" },
        { "deny TCP *", "line 1: verbs are" },
        { "allow tcp 127.0.0.1", "line 1: it needs a port" },
        { "allow tcp 127.0.0.1:", "line 1: it needs a port" },
        { "allow tcp 127.0.0.1:0", "line 1: it needs a port" },
        { "allow tcp 127.0.0.1:65536", "line 1: it needs a port" },
        { "allow tcp 127.0.0.1:9-8", "line 1: it needs a port" },
        { "allow tcp 127.0.0.1:22x", "line 1: it needs a port" },
        { "allow tcp 127.0.0.1:+22", "line 1: it needs a port" },
        { "allow tcp ::1:22", "line 1: write HOST:PORT" },
        { "allow tcp [127.0.0.1]:22", "line 1: write HOST:PORT" },
        { "allow tcp [::1:22", "line 1: write HOST:PORT" },
        { "allow tcp [::1]x:22", "line 1: write HOST:PORT" },
        { "allow tcp a]:22", "line 1: write HOST:PORT" },
        { "allow tcp :22", "line 1: the host is missing" },
        { "allow tcp 10.0.0.0/33:22", "line 1: no name" },
        { "allow tcp 10.0.0:22", "line 1: no name" },
        { "allow tcp a/b:22", "line 1: no name" },
        { "allow tcp 127.0.0.1:22 127.0.0.1:23", "line 1: one object" },
        { "allow tcp a b c d e f", "line 1: one object" },
        { "deny tcp db.lan:22", "line 1: a name does not deny" },
        { "allow look everything", "line 1: what look has" },
        { "deny power off", "line 1: what power has" },
        { "allow units \x1b[31m", "line 1: the object has a character" },
        { "require signature", "line 1: a line is" },
        { "require a signature", "line 1: a line is" },
        { "operator anna KEY", "line 1: a key is" },
        { "operator anna", "line 1: a key is" },
        { "operator Anna! ed25519:AAAA", "line 1: a key is" },
        { "operator anna ed25519:AAAA", "line 1: a key is" },
        { "operator anna rsa:" ZEROS, "line 1: a key is" },
        { "operator anna ed25519:" ZEROS " x", "line 1: a key is" },
        { "operator a ed25519:" ZEROS "\noperator a ed25519:" ZEROS,
          "line 2: this operator has a key already" },
        { "\xff\xfe", "line 1: a line is" },
    };
    char *folder = check_folder_make();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy *policy = make(folder, rows[i].text, true);
        const char *trouble = policy_trouble(policy);
        if (!trouble || !strstr(trouble, rows[i].why))
            fail_msg("%s: %s", rows[i].text, trouble);
        CHECK(policy_allows(policy, POLICY_LOOK, NULL));
        CHECK(!policy_allows(policy, POLICY_SIGNAL, "1"));
        CHECK(!reaches(policy, "127.0.0.1", "22"));
        CHECK_TEXT(policy_capabilities(policy), "look,user");
        policy_free(policy);
    }
    check_folder_remove(folder);
}

static void zero_bytes_and_long_lines_and_files_are_refused(void) {
    static const char zero[] = "allow tcp *\nallow\0 units\n";
    struct policy_rules rules = { 0 };
    char *why = NULL;
    char *line = mem_new(POLICY_LINE_MAX + 2);

    CHECK(policy_rules_parse(&rules, slice_of(zero, sizeof(zero) - 1), &why) < 0);
    CHECK_TEXT(why, "line 2: it holds a zero byte");
    CHECK_INT(rules.count, 0);
    free(why);
    memset(line, '#', POLICY_LINE_MAX + 1);
    CHECK(policy_rules_parse(&rules, slice_of(line, POLICY_LINE_MAX + 1), &why) < 0);
    CHECK_TEXT(why, "line 1: it is too long");
    free(why);
    CHECK_INT(policy_rules_parse(&rules, slice_of(line, POLICY_LINE_MAX), &why), 0);
    free(line);
    policy_rules_done(&rules);

    char *folder = check_folder_make();
    char *text = mem_new(POLICY_FILE_MAX + 2);
    memset(text, '\n', POLICY_FILE_MAX + 1);
    struct policy *policy = make(folder, text, false);
    CHECK(policy_trouble(policy) != NULL);
    policy_free(policy);
    free(text);
    check_folder_remove(folder);
}

static void comments_spaces_and_line_ends_do_not_matter(void) {
    char *folder = check_folder_make();
    struct policy *policy = make(folder,
                                 "# mine\n\n  allow\ttcp   127.0.0.1:22 # ssh\r\n"
                                 "deny look\nallow units nginx*\ndeny units nginx-x",
                                 false);

    CHECK(policy_trouble(policy) == NULL);
    CHECK(reaches(policy, "127.0.0.1", "22"));
    CHECK(!policy_allows(policy, POLICY_LOOK, NULL));
    CHECK(policy_allows(policy, POLICY_UNITS, "nginx.service"));
    CHECK(!policy_allows(policy, POLICY_UNITS, "nginx-x"));
    CHECK(!policy_allows(policy, POLICY_UNITS, "ssh.service"));
    CHECK(policy_allows(policy, POLICY_UNITS, NULL));
    CHECK_TEXT(policy_capabilities(policy), "units,tcp");
    policy_free(policy);
    check_folder_remove(folder);
}

static void what_cannot_be_signed_is_denied_when_it_must_be(void) {
    char *folder = check_folder_make();
    struct policy *policy = make(folder, "allow tcp *\nrequire signature tcp\n", false);
    const struct policy_rule *denied = NULL;

    CHECK(policy_trouble(policy) == NULL);
    CHECK_INT(reach(policy, "127.0.0.1", "22", &denied), 0);
    CHECK(denied && denied->act == POLICY_SIGN);
    CHECK(!policy_allows(policy, POLICY_TCP, NULL));
    policy_free(policy);
    check_folder_remove(folder);
}

static void what_must_be_signed_is_allowed_and_told(void) {
    char *folder = check_folder_make();
    struct policy *policy =
        make(folder,
             "allow power\nrequire signature power\n"
             "require signature units\nallow probe 127.0.0.1\n"
             "require signature probe\noperator ada ed25519:" ZEROS "\n",
             false);

    CHECK(policy_trouble(policy) == NULL);
    CHECK(policy_allows(policy, POLICY_POWER, "reboot"));
    CHECK(policy_wants_signature(policy, POLICY_POWER));
    CHECK(!policy_wants_signature(policy, POLICY_SIGNAL));
    CHECK(!policy_allows(policy, POLICY_UNITS, "a.service"));
    CHECK_TEXT(policy_capabilities(policy), "look,power,power/signed");
    CHECK(policy_key(policy, "ada") && policy_key(policy, "ada")->line == 6);
    CHECK(!policy_key(policy, "eve"));
    policy_free(policy);
    check_folder_remove(folder);
}

static void a_file_that_others_may_write_means_look_only(void) {
    char *folder = check_folder_make();
    char *path = file_join(folder, "policy.conf");

    policy_free(make(folder, "allow tcp *", false));
    CHECK_INT(chmod(path, 0620), 0);
    struct policy *policy = make(folder, NULL, false);
    CHECK(strstr(policy_trouble(policy), "others may write it"));
    CHECK(!reaches(policy, "127.0.0.1", "22"));
    policy_free(policy);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(mkdir(path, 0700), 0);
    policy = make(folder, NULL, false);
    CHECK(policy_trouble(policy) != NULL);
    policy_free(policy);
    free(path);
    check_folder_remove(folder);
}

static void a_change_of_the_file_is_seen_a_second_later_at_most(void) {
    char *folder = check_folder_make();
    char *path = file_join(folder, "policy.conf");
    struct policy *policy = make(folder, NULL, false);

    CHECK(!policy_refresh(policy, 5000));
    CHECK_INT(file_write_atomic(path, slice_of_text("allow tcp *"), 0600), 0);
    CHECK(!policy_refresh(policy, 5999));
    CHECK(!reaches(policy, "127.0.0.1", "22"));
    CHECK(policy_refresh(policy, 6000));
    CHECK(reaches(policy, "127.0.0.1", "22"));
    CHECK_TEXT(policy_capabilities(policy), "look,tcp");
    CHECK_INT(file_write_atomic(path, slice_of_text("allow tcp x"), 0600), 0);
    CHECK(policy_refresh(policy, 7000)); /* the same length, another file */
    CHECK(policy_trouble(policy) != NULL);
    CHECK_INT(unlink(path), 0);
    CHECK(policy_refresh(policy, 8000));
    CHECK(policy_trouble(policy) == NULL);
    policy_free(policy);
    free(path);
    check_folder_remove(folder);
}

static void the_file_of_the_system_counts_alone_when_it_is_there(void) {
    char *folder = check_folder_make();
    char *path = file_join(folder, "policy.conf");
    char *system_path = file_join(folder, "system.conf");
    struct policy_config config = { .system_path = system_path, .state = folder };

    CHECK_INT(file_write_atomic(path, slice_of_text("allow tcp *"), 0600), 0);
    CHECK_INT(file_write_atomic(system_path, slice_of_text("allow units"), 0644), 0);
    struct policy *policy = policy_new(&config);
    CHECK_TEXT(policy_path(policy), system_path);
    CHECK(policy_is_of_system(policy));
    CHECK(!reaches(policy, "127.0.0.1", "22"));
    if (geteuid() == 0)
        CHECK(policy_allows(policy, POLICY_UNITS, "a"));
    else
        CHECK(strstr(policy_trouble(policy), "not owned by root"));
    policy_free(policy);
    if (geteuid() == 0) {
        CHECK_INT(chown(system_path, 1, 1), 0);
        policy = policy_new(&config);
        CHECK(strstr(policy_trouble(policy), "not owned by root"));
        CHECK(!policy_allows(policy, POLICY_UNITS, "a"));
        policy_free(policy);
    }
    free(path);
    free(system_path);
    check_folder_remove(folder);
}

static void rules_print_as_they_were_read(void) {
    static const char text[] = "allow tcp 127.0.0.1:22\ndeny units\nrequire signature "
                               "power\nallow probe 10.0.0.0/8\n"
                               "operator ada ed25519:" ZEROS "\n";
    struct policy_rules rules = { 0 };
    struct buf out = { 0 };
    char *why = NULL;

    CHECK_INT(policy_rules_parse(&rules, slice_of_text(text), &why), 0);
    for (size_t i = 0; i < rules.count; i++) {
        policy_rules_print(&rules.items[i], &out);
        buf_add_byte(&out, '\n');
    }
    CHECK_INT(rules.key_count, 1);
    policy_rules_print_key(&rules.keys[0], &out);
    buf_add_byte(&out, '\n');
    CHECK_TEXT(buf_text(&out), text);
    buf_done(&out);
    policy_rules_done(&rules);
}

/* The service owns its state folder; root reads for a person what the service obeys. */
static void root_reads_what_the_owner_of_the_folder_wrote(void) {
    char *folder = check_folder_make();
    auto_(mem_freep) char *path = file_join(folder, "policy.conf");
    auto_(mem_freep) char *system_path = file_join(folder, "no-such-file");
    struct policy_config config = { .system_path = system_path, .state = folder };

    check_folder_put(folder, "policy.conf", "allow units\n");
    for (unsigned i = 0; geteuid() == 0 && i < 4; i++) {
        bool is_owners = i & 1;
        config.is_roots = i & 2;
        CHECK_INT(chown(path, 4321, 4321), 0);
        CHECK_INT(chown(folder, is_owners ? 4321 : 5678, 0), 0);
        struct policy *policy = policy_new(&config);
        CHECK_INT(policy_trouble(policy) == NULL, is_owners && config.is_roots);
        CHECK_INT(policy_allows(policy, POLICY_UNITS, NULL),
                  is_owners && config.is_roots);
        policy_free(policy);
    }
    check_folder_remove(folder);
}

TESTS(TEST(without_a_file_looking_is_allowed_alone),
      TEST(a_denial_holds_for_every_spelling),
      TEST(a_place_admits_what_it_names_and_no_more),
      TEST(a_file_that_makes_no_sense_means_look_only),
      TEST(zero_bytes_and_long_lines_and_files_are_refused),
      TEST(comments_spaces_and_line_ends_do_not_matter),
      TEST(what_cannot_be_signed_is_denied_when_it_must_be),
      TEST(what_must_be_signed_is_allowed_and_told),
      TEST(a_file_that_others_may_write_means_look_only),
      TEST(a_change_of_the_file_is_seen_a_second_later_at_most),
      TEST(the_file_of_the_system_counts_alone_when_it_is_there),
      TEST(rules_print_as_they_were_read),
      TEST(root_reads_what_the_owner_of_the_folder_wrote))

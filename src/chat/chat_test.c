#include "chat/chat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "chat/chat_testing.h"
#include "chat/commands_testing.h"
#include "chat/view.h"
#include "rpc/call.h"
#include "store/records.h"
#include "store/store.h"

struct commands_did commands_did;

/* --- scenes --- */

/* Ada (1) sees nas and web; Bob (2) is a viewer of web. */
static struct chat_testing *open_home(void) {
    struct chat_testing *testing = chat_testing_new();

    memset(&commands_did, 0, sizeof(commands_did));
    chat_testing_person(testing, "telegram:1", "ada");
    chat_testing_person(testing, "telegram:2", "bob");
    chat_testing_node(testing, "nas")->owner = "ada";
    struct chat_testing_node *web = chat_testing_node(testing, "web");
    web->title = "The web server";
    chat_testing_start(testing);
    return testing;
}

static bool shows(const struct chat_testing *testing, const char *text) {
    bool is_there = strstr(chat_testing_last(testing), text) != NULL;

    if (!is_there)
        printf("# shown: %s\n", chat_testing_last(testing));
    return is_there;
}

static bool answered(const struct chat_testing *testing, const char *text) {
    return strstr(testing->answers, text) != NULL;
}

static void serve_ok(struct chat_testing *testing, struct call *call) {
    static const uint8_t empty[] = { 0, 0, 0, 0, 0 };

    call_reply_write(call, slice_of(empty, sizeof(empty)));
    call_finish(call, GRPC_OK, NULL, NULL);
}

/* A line runs its command, with or without the slash, and the view is shown. */
static void a_line_runs_its_command(void) {
    struct chat_testing *testing = open_home();

    chat_testing_say(testing, "1", "/status nas");
    CHECK(shows(testing, "nas\n[Refresh]"));
    chat_testing_say(testing, "1", "Status web");
    CHECK(shows(testing, "web\n"));
    chat_testing_say(testing, "1", "/STATUS@roost_bot web");
    CHECK(shows(testing, "web\n"));
    chat_testing_say(testing, "1", "/echo \"a b\" c --name x");
    CHECK(shows(testing, "<a b>\n<c>\nflag x"));
    CHECK_INT(chat_count(testing->chat), 0);
    chat_testing_free(testing);
}

/* A press shows its view in the place of the one that was pressed. */
static void a_press_edits_its_message(void) {
    struct chat_testing *testing = open_home();

    chat_testing_say(testing, "1", "nodes");
    CHECK(chat_testing_press(testing, "1", "nas"));
    CHECK_INT(testing->shown_count, 2);
    CHECK(testing->shown[1]->is_edit);
    CHECK_TEXT(testing->shown[1]->message, testing->shown[0]->message);
    CHECK(chat_testing_press(testing, "1", "Refresh"));
    CHECK(chat_testing_press(testing, "1", "Refresh"));
    CHECK_INT(commands_did.statuses, 3);
    CHECK_INT(testing->messages, 1);
    chat_testing_free(testing);
}

/* An act asks, and only the red button does it, once. */
static void an_act_is_confirmed_once(void) {
    struct chat_testing *testing = open_home();

    testing->serve = serve_ok;
    chat_testing_say(testing, "1", "kill nas 1234 --force");
    CHECK(shows(testing, "Ends process 1234 on nas."));
    CHECK_INT(commands_did.kills, 0);
    CHECK(chat_testing_press(testing, "1", "Kill it"));
    CHECK(shows(testing, "killed"));
    CHECK_INT(commands_did.kills, 1);
    CHECK_TEXT(commands_did.last, "nas 1234");
    CHECK_INT(strlen(commands_did.operation), 32);
    for (int i = 0; i < 1000; i++)
        CHECK(chat_testing_press(testing, "1", "Kill it"));
    CHECK_INT(commands_did.kills, 1);
    CHECK(answered(testing, "This button no longer counts."));
    chat_testing_free(testing);
}

/* However a press is wrong, it is refused with its own words. */
static void wrong_presses_are_refused(void) {
    static const struct {
        const char *person;
        const char *chat;
        const char *token; /* NULL: the real one */
        const char *message;
        int64_t later_ms;
        const char *answer;
    } rows[] = {
        { "1", "1", "AAAAAAAAAAAAAAAAAAAAAA0", "m1", 0, "no longer counts" },
        { "1", "1", "short", "m1", 0, "no button of mine" },
        { "1", "1", "", "m1", 0, "no button of mine" },
        { "1", "1", "AAAAAAAAAAAAAAAAAAAAAA", "m1", 0, "no button of mine" },
        { "1", "1", "AAAAAAAAAAAAAAAAAAAAAA999", "m1", 0, "no button of mine" },
        { "1", "1", "AAAAAAAAAAAAAAAAAAAA\x01:0", "m1", 0, "no button of mine" },
        { "2", "1", NULL, "m1", 0, "for somebody else" },
        { "1", "2", NULL, "m1", 0, "another conversation" },
        { "1", "-5", NULL, "m1", 0, "another conversation" },
        { "1", "1", NULL, "m9", 0, "another conversation" },
        { "9", "1", NULL, "m1", 0, "for somebody else" },
        { "1", "1", NULL, "m1", 60000, "Too late" },
        { "1", "1", NULL, "m1", 7LL * 86400000, "no longer counts" },
        { "1", "1", NULL, "m1", 59999, "q: \n" },
        { "1", "1", NULL, NULL, 0, "q: \n" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct chat_testing *testing = open_home();
        bool is_good = strcmp(rows[i].answer, "q: \n") == 0;

        testing->serve = serve_ok;
        chat_testing_say(testing, "1", "/kill nas 7");
        testing->now_ms += rows[i].later_ms;
        const struct chat_input input = {
            .kind = CHAT_PRESS,
            .id = "p1",
            .place = { "telegram", rows[i].chat, "", "", rows[i].chat[0] != '-' },
            .person = { .id = rows[i].person, .name = "X", .language = "en" },
            .text =
                rows[i].token ? rows[i].token : chat_testing_token(testing, "Kill it"),
            .message = rows[i].message,
            .query = "q",
        };
        chat_testing_take(testing, &input);
        chat_testing_settle(testing);
        if (!answered(testing, rows[i].answer))
            printf("# row %zu: %s", i, testing->answers);
        CHECK(answered(testing, rows[i].answer));
        CHECK_INT(commands_did.kills, is_good);
        chat_testing_free(testing);
    }
}

/* In a group others may press what shows, and only who began may confirm. */
static void in_a_group_each_has_his_own_rights(void) {
    struct chat_testing *testing = open_home();

    testing->nodes[1].role = ACTOR_VIEWER;
    testing->nodes[1].owner = "bob";
    testing->serve = serve_ok;
    chat_testing_say_in(testing, "-5", "1", "/status nas");
    CHECK(chat_testing_press(testing, "2", "Refresh"));
    CHECK_INT(commands_did.statuses, 1);
    CHECK(shows(testing, "There is no node called nas."));
    chat_testing_say_in(testing, "-5", "1", "/kill nas 7");
    CHECK(chat_testing_press(testing, "2", "Kill it"));
    CHECK(answered(testing, "for somebody else"));
    CHECK_INT(commands_did.kills, 0);
    CHECK(chat_testing_press(testing, "1", "Kill it"));
    CHECK_INT(commands_did.kills, 1);
    chat_testing_say_in(testing, "-5", "2", "/kill web 7");
    CHECK(shows(testing, "needs the role operator; you are viewer"));
    size_t shown = testing->shown_count;
    chat_testing_say_in(testing, "-5", "1", "good morning");
    chat_testing_say_in(testing, "-5", "7", "/status nas");
    CHECK_INT(testing->shown_count, shown + 1);
    CHECK(shows(testing, "This is a private hub"));
    chat_testing_say_in(testing, "-5", "1", "/secret");
    CHECK(shows(testing, "in private"));
    chat_testing_free(testing);
}

/* What comes again is not done again. */
static void nothing_is_done_twice(void) {
    struct chat_testing *testing = open_home();
    const struct chat_input input = {
        .kind = CHAT_WORDS,
        .id = "77",
        .place = { "telegram", "1", "", "", true },
        .person = { .id = "1", .name = "Ada", .language = "en" },
        .text = "/status nas",
    };

    for (int i = 0; i < 3; i++) {
        chat_testing_take(testing, &input);
        chat_testing_settle(testing);
        CHECK_INT(testing->taken, 0);
    }
    chat_testing_crash(testing);
    chat_testing_start(testing);
    chat_testing_take(testing, &input);
    chat_testing_settle(testing);
    CHECK_INT(commands_did.statuses, 1);
    chat_testing_free(testing);
}

/* A hub that dies anywhere between commit and answer does it in its next life. */
static void what_was_taken_is_done_after_a_crash(void) {
    struct chat_testing *testing = open_home();

    chat_testing_say(testing, "1", "/kill nas 7");
    /* Killed as soon as it is stored. */
    testing->holds = true;
    CHECK(chat_testing_press(testing, "1", "Kill it")); /* nobody answers the call */
    char operation[64];
    memcpy(operation, commands_did.operation, sizeof(operation));
    CHECK_INT(commands_did.kills, 1);
    CHECK(!commands_did.was_again);
    chat_testing_crash(testing);
    testing->holds = false;
    testing->serve = serve_ok;
    chat_testing_start(testing);
    chat_testing_settle(testing);
    CHECK_INT(commands_did.kills, 2);
    CHECK(commands_did.was_again);
    CHECK_TEXT(commands_did.operation, operation);
    CHECK(shows(testing, "killed"));
    chat_testing_crash(testing);
    chat_testing_start(testing);
    chat_testing_settle(testing);
    CHECK_INT(commands_did.kills, 2);
    chat_testing_free(testing);
}

/* An agent's memory of what it did: each operation once. */
static struct {
    char ids[64][64];
    unsigned count;
} ledger;

static void serve_once(struct chat_testing *testing, struct call *call) {
    bool is_known = false;

    for (unsigned i = 0; i < ledger.count; i++)
        is_known |= strcmp(ledger.ids[i], commands_did.operation) == 0;
    if (!is_known)
        snprintf(ledger.ids[ledger.count++], sizeof(ledger.ids[0]), "%s",
                 commands_did.operation);
    serve_ok(testing, call);
}

/* At whatever moment the hub dies, the act is done once, and told. */
static void a_crash_at_any_moment_loses_nothing(void) {
    for (unsigned moment = 0; moment < 40; moment++) {
        struct chat_testing *testing = open_home();

        memset(&ledger, 0, sizeof(ledger));
        chat_testing_say(testing, "1", "/kill nas 7");
        testing->serve = serve_once;
        const struct chat_input input = {
            .kind = CHAT_PRESS,
            .id = "p1",
            .place = { "telegram", "1", "", "", true },
            .person = { .id = "1", .name = "Ada", .language = "en" },
            .text = chat_testing_token(testing, "Kill it"),
            .message = "m1",
            .query = "q",
        };
        chat_testing_take(testing, &input);
        for (unsigned i = 0; i < moment; i++)
            chat_testing_step(testing);
        chat_testing_crash(testing);
        chat_testing_start(testing);
        /* What was not taken is said again by the platform; what was is dropped. */
        chat_testing_take(testing, &input);
        chat_testing_settle(testing);
        CHECK_INT(ledger.count, 1);
        CHECK(shows(testing, "killed") || shows(testing, "no longer count"));
        chat_testing_crash(testing);
        chat_testing_start(testing);
        chat_testing_settle(testing);
        CHECK_INT(ledger.count, 1);
        chat_testing_free(testing);
    }
}

/* What a command lacks is asked for; the answer goes where it belongs. */
static void a_question_is_answered_by_words(void) {
    struct chat_testing *testing = open_home();

    chat_testing_say(testing, "1", "rename nas");
    CHECK(shows(testing, "Which name?"));
    chat_testing_say(testing, "1", "The  big one");
    CHECK(shows(testing, "nas is The  big one"));
    chat_testing_say(testing, "1", "rename nas");
    testing->now_ms += 600000;
    chat_testing_say(testing, "1", "gibberish of mine");
    CHECK(shows(testing, "this is help"));
    chat_testing_say(testing, "1", "/rename nas");
    chat_testing_say(testing, "1", "/cancel");
    CHECK(shows(testing, "Forgotten"));
    chat_testing_say(testing, "1", "/cancel");
    CHECK(shows(testing, "Nothing was done"));
    /* The node is put where it belongs, before what was said already. */
    chat_testing_say(testing, "1", "/kill 1234");
    CHECK(shows(testing, "Which node?"));
    chat_testing_crash(testing);
    chat_testing_start(testing);
    chat_testing_say(testing, "1", "nas");
    CHECK(shows(testing, "Ends process 1234 on nas."));
    chat_testing_say(testing, "1", "/kill 1234");
    CHECK(chat_testing_press(testing, "1", "The web server"));
    CHECK(shows(testing, "Ends process 1234 on web."));
    chat_testing_free(testing);
}

/* Names need not be exact; an act is never made of a guess. */
static void names_are_guessed(void) {
    static const struct {
        const char *line;
        const char *shown;
    } rows[] = {
        { "status nas", "nas\n[Refresh]" },
        { "status na", "nas\n[Refresh]" },
        { "status NAS", "nas\n[Refresh]" },
        { "status nax", "nas\n[Refresh]" },
        { "status the web server", "web\n[Refresh]" },
        { "status server", "web\n[Refresh]" },
        { "status webKEY123", "web\n[Refresh]" },
        { "status zzzzzz", "There is no node called zzzzzz." },
        { "kill nax 7", "There is no node called nax. Did you mean:" },
        { "kill wep 7", "Did you mean:" },
        { "nas", "nas\n[Refresh]" },
        { "web server", "web\n[Refresh]" },
        { "/statsu nas", "There is no command statsu. Did you mean /status?" },
        { "statsu nas", "Did you mean /status?" },
        { "/frobnicate", "There is no command frobnicate." },
        { "blah blah", "this is help" },
        { "/", "this is help" },
        { "list", "the nodes" },
        { "/govern", "Only an administrator" },
    };
    struct chat_testing *testing = open_home();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        chat_testing_say(testing, "1", "/cancel");
        chat_testing_say(testing, "1", rows[i].line);
        if (!shows(testing, rows[i].shown))
            printf("# line: %s\n", rows[i].line);
        CHECK(shows(testing, rows[i].shown));
    }
    chat_testing_say(testing, "1", "/statsu nas");
    CHECK(chat_testing_press(testing, "1", "/status nas"));
    CHECK(shows(testing, "nas\n[Refresh]"));
    /* Bob sees one node: it is his, without a word. */
    testing->nodes[0].owner = "ada";
    chat_testing_say(testing, "2", "status");
    CHECK(shows(testing, "web\n"));
    chat_testing_say(testing, "2", "status nas");
    CHECK(shows(testing, "There is no node called nas."));
    CHECK(!strstr(chat_testing_last(testing), "[nas]"));
    testing->nodes[1].owner = "ada";
    chat_testing_say(testing, "2", "status");
    CHECK(shows(testing, "There is no node yet."));
    chat_testing_free(testing);
}

/* Strangers are told how to be let in, asked for, or made users. */
static void strangers_are_met(void) {
    struct chat_testing *testing = open_home();

    chat_testing_say(testing, "9", "/status nas");
    CHECK(shows(testing, "This is a private hub") && shows(testing, "telegram:9"));
    chat_testing_say(testing, "9", "/help");
    CHECK(shows(testing, "this is help"));
    testing->is_unclaimed = true;
    chat_testing_say(testing, "9", "hello");
    CHECK(shows(testing, "Nobody owns this hub yet."));
    testing->is_unclaimed = false;

    chat_set_strangers(testing->chat, CHAT_REQUEST);
    testing->admin = "ada";
    chat_testing_say(testing, "1", "nodes");
    chat_testing_say(testing, "9", "hello");
    CHECK(shows(testing, "Its administrators were asked"));
    chat_testing_say(testing, "9", "hello");
    CHECK(shows(testing, "You were asked for already"));
    testing->serve = serve_ok;
    CHECK(chat_testing_press(testing, "1", "As viewer"));
    CHECK(shows(testing, "Ada is let in as guest."));
    bool is_told = false;
    for (size_t i = 0; i < testing->shown_count; i++)
        is_told |= strcmp(testing->shown[i]->place, "telegram/9/") == 0 &&
                   strstr(testing->shown[i]->text, "Welcome") != NULL;
    CHECK(is_told);

    chat_set_strangers(testing->chat, CHAT_OWN);
    chat_testing_say(testing, "900", "nodes");
    CHECK(shows(testing, "the nodes"));
    chat_testing_free(testing);
}

static void serve_offline(struct chat_testing *testing, struct call *call) {
    call_finish_cut(call, "node \"nas\" is offline", CALL_DELIVERED_NO);
}

static void serve_denied(struct chat_testing *testing, struct call *call) {
    struct headers trailers;

    headers_init(&trailers);
    headers_add(&trailers, "roost-remedy", "roost-agent allow signal");
    call_finish(call, GRPC_PERMISSION_DENIED,
                "the policy of this host does not allow signal", &trailers);
    headers_done(&trailers);
}

static void serve_cut(struct chat_testing *testing, struct call *call) {
    call_finish_cut(call, "the link broke", CALL_DELIVERED_UNKNOWN);
}

/* A failure says what can be done about it. */
static void failures_say_what_helps(void) {
    static const struct {
        void (*serve)(struct chat_testing *testing, struct call *call);
        const char *shown;
        const char *more;
    } rows[] = {
        { serve_offline, "nas is offline; it was last seen 2 h 3 min ago.",
          "[Try again]" },
        { serve_denied, "The owner of the host does not allow it.",
          "roost-agent allow signal" },
        { serve_cut, "It is not known whether it was done", "the link broke" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct chat_testing *testing = open_home();
        testing->nodes[0].last_seen_ms = testing->now_ms - 7380000;
        testing->nodes[0].is_offline = true;
        testing->serve = rows[i].serve;
        chat_testing_say(testing, "1", "/kill nas 7");
        CHECK(chat_testing_press(testing, "1", "Kill it"));
        CHECK(shows(testing, rows[i].shown) && shows(testing, rows[i].more));
        chat_testing_free(testing);
    }
}

/* The language is the person's, or what was chosen for the place, and stays. */
static void languages_are_kept(void) {
    struct chat_testing *testing = open_home();
    const struct chat_place place = { "telegram", "1", "", "", true };
    const struct chat_person person = { .id = "1", .name = "Ada", .language = "en" };

    chat_testing_say(testing, "1", "status zzzzzz");
    CHECK(shows(testing, "Which node?"));
    CHECK_INT(chat_language(testing->chat, &place), WORDS_ENGLISH);
    chat_set_language(testing->chat, &place, &person, WORDS_RUSSIAN);
    chat_testing_say(testing, "1", "/status zzzzzz");
    CHECK(shows(testing, "Какой узел?"));
    chat_testing_crash(testing);
    chat_testing_start(testing);
    CHECK_INT(chat_language(testing->chat, &place), WORDS_RUSSIAN);
    const struct chat_place *found = chat_private_place(testing->chat, "ada");
    CHECK(found);
    CHECK_TEXT(found->chat, "1");
    CHECK(!chat_private_place(testing->chat, "bob"));
    chat_testing_free(testing);
}

/* Progress is shown now and then in one message, and the answer in the same. */
static void progress_is_paced(void) {
    struct chat_testing *testing = open_home();

    chat_testing_say(testing, "1", "slow");
    CHECK(shows(testing, "finished"));
    CHECK(testing->shown_count <= 3);
    CHECK_INT(testing->messages, 1);
    chat_testing_free(testing);
}

/* A view that the carrier cannot put where it belongs is put anew, or excused. */
static void a_lost_message_is_replaced(void) {
    struct chat_testing *testing = open_home();

    chat_testing_say(testing, "1", "nodes");
    testing->fails = -ENOENT;
    CHECK(chat_testing_press(testing, "1", "nas"));
    CHECK(shows(testing, "nas\n[Refresh]"));
    CHECK_INT(testing->messages, 2);
    testing->fails = -EMSGSIZE;
    chat_testing_say(testing, "1", "nodes");
    CHECK(shows(testing, "too long"));
    testing->fails = -EHOSTUNREACH;
    chat_testing_say(testing, "1", "nodes");
    CHECK_INT(chat_count(testing->chat), 0);
    /* A fresh view leaves the pressed one standing, and its buttons count again. */
    chat_testing_free(testing);
}

/* The older bot's buttons mean today's lines. */
static void older_buttons_still_work(void) {
    static const struct {
        const char *data;
        const char *shown;
        const char *answer;
    } rows[] = {
        { "status:nasKEY123", "nas\n[Refresh]", "q: \n" },
        { "list", "the nodes", "q: \n" },
        { "status:goneKEY123", "", "is not here any more" },
        { "status:webKEY123x", "", "is not here any more" },
        { "stab_i:nasKEY123:zz", "", "no button of mine" },
        { "graph:frogs:3600:nasKEY123", "", "no button of mine" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct chat_testing *testing = open_home();
        const struct chat_input input = {
            .kind = CHAT_PRESS,
            .id = "p1",
            .place = { "telegram", "1", "", "", true },
            .person = { .id = "1", .name = "Ada", .language = "en" },
            .text = rows[i].data,
            .message = "old1",
            .query = "q",
        };
        chat_testing_take(testing, &input);
        chat_testing_settle(testing);
        CHECK(shows(testing, rows[i].shown));
        CHECK(answered(testing, rows[i].answer));
        chat_testing_free(testing);
    }
}

/* More than a chat may wait with is refused politely, and nothing else is lost. */
static void too_many_are_told(void) {
    struct chat_testing *testing = open_home();
    struct chat_input inputs[30];
    char ids[30][8];

    for (unsigned i = 0; i < 30; i++) {
        snprintf(ids[i], sizeof(ids[i]), "w%u", i);
        inputs[i] = (struct chat_input) {
            .kind = CHAT_WORDS,
            .id = ids[i],
            .place = { "telegram", "1", "", "", true },
            .person = { .id = "1", .name = "Ada", .language = "en" },
            .text = "/status nas",
        };
    }
    chat_take(testing->chat, "telegram", inputs, 30, NULL, NULL, NULL);
    testing->taken = 0;
    chat_testing_settle(testing);
    CHECK_INT(commands_did.statuses, CHAT_WAITING_MAX);
    CHECK_INT(testing->shown_count, CHAT_WAITING_MAX + 1);
    chat_testing_free(testing);
}

static void on_posted(void *arg, int result, const char *message) {
    snprintf(arg, 32, "%d %s", result, message ? message : "-");
}

/* What nobody asked for is shown, edited, and belongs to whom it is for. */
static void alerts_are_posted(void) {
    struct chat_testing *testing = open_home();
    const struct chat_place place = { "telegram", "1", "", "", true };
    const struct chat_place group = { "telegram", "-5", "", "Home", false };
    const struct chat_place nowhere = { "slack", "1", "", "", true };
    struct view *view = view_new();
    char result[32] = "";

    view_text(view, "nas is offline");
    view_button(view, VIEW_PLAIN, "Look", "status nas");
    chat_post(testing->chat, &place, NULL, NULL, view, on_posted, result);
    chat_testing_settle(testing);
    CHECK_TEXT(result, "0 m1");
    chat_post(testing->chat, &place, "m1", NULL, view, on_posted, result);
    chat_testing_settle(testing);
    CHECK(testing->shown[1]->is_edit);
    CHECK(chat_testing_press(testing, "1", "Look"));
    CHECK_INT(commands_did.statuses, 1);
    chat_post(testing->chat, &group, NULL, "ada", view, on_posted, result);
    chat_testing_settle(testing);
    CHECK(chat_testing_press(testing, "2", "Look"));
    CHECK(answered(testing, "for somebody else"));
    CHECK(chat_testing_press(testing, "1", "Look"));
    CHECK_INT(commands_did.statuses, 2);
    chat_post(testing->chat, &nowhere, NULL, NULL, view, on_posted, result);
    CHECK_TEXT(result, "0 m2");
    chat_testing_settle(testing);
    CHECK(strncmp(result, "-", 1) == 0);
    /* The group moves, and its buttons go with it. */
    chat_post(testing->chat, &group, NULL, NULL, view, NULL, NULL);
    chat_testing_settle(testing);
    chat_moved(testing->chat, "telegram", "-5", "-1005");
    const struct chat_input input = {
        .kind = CHAT_PRESS,
        .id = "p1",
        .place = { "telegram", "-1005", "", "Home", false },
        .person = { .id = "1", .name = "Ada", .language = "en" },
        .text = chat_testing_token(testing, "Look"),
        .message = "m77",
        .query = "q",
    };
    chat_testing_take(testing, &input);
    chat_testing_settle(testing);
    CHECK_INT(commands_did.statuses, 3);
    view_free(view);
    chat_testing_free(testing);
}

/* The mark is stored with the inputs, and nothing is taken when the store refuses. */
static void the_mark_is_stored_with_the_inputs(void) {
    struct chat_testing *testing = open_home();
    struct records mark = { 0 };

    records_put(&mark, "telegram.mark", "offset", slice_of_text("8"));
    testing->taken = 1;
    chat_testing_take_marked(testing, &mark);
    chat_testing_settle(testing);
    CHECK_INT(testing->taken, 0);
    CHECK_INT(mark.count, 0);
    chat_testing_crash(testing);
    chat_testing_start(testing);
    CHECK_TEXT(testing->mark, "8");
    chat_testing_free(testing);
}

/* What cannot be stored was not taken: it is neither done nor known. */
static void what_the_store_refuses_is_not_taken(void) {
    struct chat_testing *testing = open_home();
    const struct chat_input input = {
        .kind = CHAT_WORDS,
        .id = "w1",
        .place = { "telegram", "1", "", "", true },
        .person = { .id = "1", .name = "Ada", .language = "en" },
        .text = "/status nas",
    };

    store_release(testing->store);
    chat_testing_take(testing, &input);
    chat_testing_settle(testing);
    CHECK(testing->taken < 0);
    CHECK_INT(commands_did.statuses, 0);
    CHECK_INT(chat_count(testing->chat), 0);
    chat_testing_crash(testing);
    chat_testing_start(testing);
    chat_testing_take(testing, &input);
    chat_testing_settle(testing);
    CHECK_INT(testing->taken, 0);
    CHECK_INT(commands_did.statuses, 1);
    chat_testing_free(testing);
}

TESTS(TEST(a_line_runs_its_command),
      TEST(a_press_edits_its_message),
      TEST(an_act_is_confirmed_once),
      TEST(wrong_presses_are_refused),
      TEST(in_a_group_each_has_his_own_rights),
      TEST(nothing_is_done_twice),
      TEST(what_was_taken_is_done_after_a_crash),
      TEST(a_crash_at_any_moment_loses_nothing),
      TEST(a_question_is_answered_by_words),
      TEST(names_are_guessed),
      TEST(strangers_are_met),
      TEST(failures_say_what_helps),
      TEST(languages_are_kept),
      TEST(progress_is_paced),
      TEST(a_lost_message_is_replaced),
      TEST(older_buttons_still_work),
      TEST(too_many_are_told),
      TEST(alerts_are_posted),
      TEST(the_mark_is_stored_with_the_inputs),
      TEST(what_the_store_refuses_is_not_taken))

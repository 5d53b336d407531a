#include "chat/chat_testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "chat/view.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/call.h"
#include "store/store.h"

/* An answer of the carrier that is on its way. */
struct answering {
    struct task task;
    chat_shown_fn *done;
    void *arg;
    int result;
    char message[16];
};

static void on_answering(struct task *task) {
    struct answering *answering = container_of(task, struct answering, task);

    answering->done(answering->arg, answering->result, answering->message);
    free(answering);
}

static struct chat_testing_shown *record(struct chat_testing *testing,
                                         const struct chat_post *post) {
    struct chat_testing_shown *shown = mem_new(sizeof(*shown));
    const struct view *view = post->view;
    struct buf text = { 0 };

    view_print(view, &text);
    shown->text = buf_take_text(&text);
    shown->place = mem_printf("%s/%s/%s", post->place->platform, post->place->chat,
                              post->place->topic ? post->place->topic : "");
    shown->is_edit = post->message != NULL;
    shown->message = post->message ? mem_strdup(post->message)
                                   : mem_printf("m%zu", ++testing->messages);
    shown->buttons = view->button_count;
    shown->labels = mem_new_array(shown->buttons + 1, sizeof(char *));
    shown->tokens = mem_new_array(shown->buttons + 1, sizeof(char *));
    for (size_t i = 0; i < shown->buttons; i++) {
        shown->labels[i] = mem_strdup(view->buttons[i].label);
        shown->tokens[i] = mem_strdup(post->tokens[i]);
    }
    return shown;
}

static void show(void *carrier,
                 const struct chat_post *post,
                 chat_shown_fn *done,
                 void *arg) {
    struct chat_testing *testing = carrier;

    testing->begun++;
    if (testing->holds)
        return;
    struct answering *answering = mem_new(sizeof(*answering));
    answering->task.run = on_answering;
    answering->done = done;
    answering->arg = arg;
    answering->result = testing->fails;
    if (testing->fails == 0) {
        CHECK(testing->shown_count < CHAT_TESTING_SHOWN_MAX);
        struct chat_testing_shown *shown = record(testing, post);
        snprintf(answering->message, sizeof(answering->message), "%s", shown->message);
        testing->shown[testing->shown_count++] = shown;
    }
    testing->fails = 0;
    loop_post(testing->loop, &answering->task);
}

static void answer(void *carrier, const char *query, const char *text, bool is_alert) {
    struct chat_testing *testing = carrier;
    size_t len = strlen(testing->answers);

    snprintf(testing->answers + len, sizeof(testing->answers) - len, "%s: %s\n", query,
             text);
}

/* --- the host --- */

static int64_t now_ms(void *arg) {
    struct chat_testing *testing = arg;
    return testing->now_ms;
}

static struct actor *find_person(void *arg, const char *identity) {
    struct chat_testing *testing = arg;

    for (size_t i = 0; i < testing->person_count; i++) {
        const char *user = testing->persons[i][1];
        if (strcmp(testing->persons[i][0], identity) != 0)
            continue;
        bool is_admin = testing->admin && strcmp(testing->admin, user) == 0;
        struct actor_rights *rights = actor_rights_new(is_admin);
        struct actor *actor = actor_new(user, NULL, true, rights);
        actor_rights_unref(rights);
        return actor;
    }
    return NULL;
}

static void each_node(void *arg,
                      const struct actor *actor,
                      bool (*visit)(void *visit_arg, const struct chat_node *node),
                      void *visit_arg) {
    struct chat_testing *testing = arg;

    for (size_t i = 0; i < testing->node_count; i++) {
        const struct chat_testing_node *node = &testing->nodes[i];
        if (node->owner && !actor_is_admin(actor) &&
            strcmp(node->owner, actor->name) != 0)
            continue;
        const struct chat_node seen = {
            .name = node->name,
            .title = node->title ? node->title : "",
            .is_online = !node->is_offline,
            .role = node->role ? node->role : ACTOR_OWNER,
            .last_seen_ms = node->last_seen_ms,
        };
        if (!visit(visit_arg, &seen))
            return;
    }
}

/* The key of a node is its name and "KEY123". */
static const char *node_of_key(void *arg, const char *key) {
    struct chat_testing *testing = arg;

    for (size_t i = 0; i < testing->node_count; i++) {
        size_t len = strlen(testing->nodes[i].name);
        if (strncmp(key, testing->nodes[i].name, len) == 0 &&
            strcmp(key + len, "KEY123") == 0)
            return testing->nodes[i].name;
    }
    return NULL;
}

static void enlist(void *arg,
                   const char *identity,
                   const char *name,
                   void (*done)(void *done_arg, const char *why, const char *user),
                   void *done_arg) {
    struct chat_testing *testing = arg;

    if (strcmp(name, "Nobody") == 0) {
        done(done_arg, "no more users here", NULL);
        return;
    }
    chat_testing_person(testing, "telegram:900", "guest");
    done(done_arg, NULL, "guest");
}

static bool is_claimed(void *arg) {
    struct chat_testing *testing = arg;
    return !testing->is_unclaimed;
}

static void serve(struct target *target, struct call *call) {
    struct chat_testing *testing = container_of(target, struct chat_testing, gate);

    if (testing->serve)
        testing->serve(testing, call);
    else
        call_finish(call, GRPC_UNIMPLEMENTED, "no such method", NULL);
}

/* --- the engine --- */

struct chat_testing *chat_testing_new(void) {
    struct chat_testing *testing = mem_new(sizeof(*testing));
    struct store_facts facts;
    char *why = NULL;

    snprintf(testing->folder, sizeof(testing->folder), "/tmp/roost-chat-XXXXXX");
    CHECK(mkdtemp(testing->folder));
    auto_(mem_freep) char *path = mem_printf("%s/roost.db", testing->folder);
    testing->loop = loop_new();
    testing->admin = "";
    testing->now_ms = INT64_C(1795262400000);
    testing->gate.start = serve;
    CHECK_INT(store_open(path, &testing->store, &why), 0);
    free(why);
    CHECK_INT(store_start(testing->store, testing->loop, 100, &facts), 0);
    return testing;
}

static void free_shown(struct chat_testing_shown *shown) {
    for (size_t i = 0; i < shown->buttons; i++) {
        free(shown->labels[i]);
        free(shown->tokens[i]);
    }
    free(shown->labels);
    free(shown->tokens);
    free(shown->place);
    free(shown->message);
    free(shown->text);
    free(shown);
}

struct chat_testing *chat_testing_free(struct chat_testing *testing) {
    auto_(mem_freep) char *command = mem_printf("rm -r '%s'", testing->folder);

    if (testing->chat)
        chat_testing_settle(testing);
    testing->chat = chat_free(testing->chat);
    testing->store = store_close(testing->store);
    for (size_t i = 0; i < testing->shown_count; i++)
        free_shown(testing->shown[i]);
    loop_settle(testing->loop);
    loop_free(testing->loop);
    CHECK_INT(system(command), 0); /* NOLINT(cert-env33-c): the name is our own */
    free(testing);
    return NULL;
}

void chat_testing_person(struct chat_testing *testing,
                         const char *identity,
                         const char *user) {
    testing->persons[testing->person_count][0] = identity;
    testing->persons[testing->person_count++][1] = user;
}

struct chat_testing_node *chat_testing_node(struct chat_testing *testing,
                                            const char *name) {
    struct chat_testing_node *node = &testing->nodes[testing->node_count++];

    *node = (struct chat_testing_node) { .name = name };
    return node;
}

static void on_record(void *arg, const char *space, const char *key, struct slice value) {
    struct chat_testing *testing = arg;
    if (!chat_load(testing->chat, space, key, value))
        snprintf(testing->mark, sizeof(testing->mark), "%.*s", (int)value.len,
                 (const char *)value.at);
}

/* Another process would open it anew: so do we. */
static void reopen(struct chat_testing *testing) {
    auto_(mem_freep) char *path = mem_printf("%s/roost.db", testing->folder);
    const struct store_loader loader = { .on_record = on_record, .arg = testing };
    struct store_facts facts;
    char *why = NULL;

    testing->store = store_close(testing->store);
    CHECK_INT(store_open(path, &testing->store, &why), 0);
    free(why);
    const struct chat_config config = {
        .host = {
            .loop = testing->loop,
            .store = testing->store,
            .gate = &testing->gate,
            .arg = testing,
            .now_ms = now_ms,
            .find_person = find_person,
            .each_node = each_node,
            .node_of_key = node_of_key,
            .enlist = enlist,
            .is_claimed = is_claimed,
        },
        .strangers = testing->strangers,
    };
    testing->chat = chat_new(&config);
    CHECK_INT(store_load(testing->store, &loader), 0);
    CHECK_INT(store_start(testing->store, testing->loop, 100, &facts), 0);
}

void chat_testing_start(struct chat_testing *testing) {
    const struct chat_carrier carrier = {
        .platform = "telegram",
        .carrier = testing,
        .show = show,
        .answer = answer,
    };

    reopen(testing);
    chat_join(testing->chat, &carrier);
}

void chat_testing_crash(struct chat_testing *testing) {
    testing->chat = chat_free(testing->chat);
}

/* --- time --- */

struct pause {
    struct timer timer;
    struct loop *loop;
};

static void on_pause(struct timer *timer) {
    loop_stop(container_of(timer, struct pause, timer)->loop);
}

void chat_testing_run(struct chat_testing *testing, unsigned ms) {
    struct pause pause = { .timer.fire = on_pause, .loop = testing->loop };

    timer_start(testing->loop, &pause.timer, ms);
    loop_run(testing->loop);
    timer_stop(&pause.timer);
}

/* Ends as soon as the loop has nothing at once. */
void chat_testing_step(struct chat_testing *testing) {
    struct pause pause = { .timer.fire = on_pause, .loop = testing->loop };

    timer_start(testing->loop, &pause.timer, 0);
    loop_run(testing->loop);
    timer_stop(&pause.timer);
}

void chat_testing_settle(struct chat_testing *testing) {
    for (unsigned quiet = 0; quiet < 3;) {
        bool is_quiet = store_waiting(testing->store) == 0 &&
                        (!testing->chat || chat_count(testing->chat) == 0 ||
                         testing->holds || testing->serve);
        chat_testing_run(testing, 1);
        quiet = is_quiet && testing->taken != 1 ? quiet + 1 : 0;
    }
}

/* --- people --- */

static void on_taken(void *arg, int result) {
    struct chat_testing *testing = arg;
    testing->taken = result;
}

void chat_testing_take(struct chat_testing *testing, const struct chat_input *input) {
    testing->taken = 1;
    chat_take(testing->chat, "telegram", input, 1, NULL, on_taken, testing);
}

void chat_testing_take_marked(struct chat_testing *testing, struct records *mark) {
    testing->taken = 1;
    chat_take(testing->chat, "telegram", NULL, 0, mark, on_taken, testing);
}

static void say(struct chat_testing *testing,
                const struct chat_place *place,
                const char *person,
                const char *line) {
    auto_(mem_freep) char *id = mem_printf("u%u", ++testing->inputs);
    const struct chat_input input = {
        .kind = CHAT_WORDS,
        .id = id,
        .place = *place,
        .person = { .id = person, .name = "Ada", .language = "en" },
        .text = line,
        .message = "said",
    };

    chat_testing_take(testing, &input);
    chat_testing_settle(testing);
}

void chat_testing_say(struct chat_testing *testing,
                      const char *person,
                      const char *line) {
    say(testing,
        &(struct chat_place) { "telegram", .chat = person, .topic = "", .title = "",
                               .is_private = true },
        person, line);
}

void chat_testing_say_in(struct chat_testing *testing,
                         const char *group,
                         const char *person,
                         const char *line) {
    say(testing,
        &(struct chat_place) { "telegram", .chat = group, .topic = "", .title = "Home" },
        person, line);
}

static const struct chat_testing_shown *find(const struct chat_testing *testing,
                                             const char *label,
                                             size_t *ret_button) {
    for (size_t i = testing->shown_count; i-- > 0;)
        for (size_t k = 0; k < testing->shown[i]->buttons; k++)
            if (strcmp(testing->shown[i]->labels[k], label) == 0) {
                *ret_button = k;
                return testing->shown[i];
            }
    return NULL;
}

const char *chat_testing_token(const struct chat_testing *testing, const char *label) {
    size_t button = 0;
    const struct chat_testing_shown *shown = find(testing, label, &button);

    return shown ? shown->tokens[button] : NULL;
}

bool chat_testing_press(struct chat_testing *testing,
                        const char *person,
                        const char *label) {
    size_t button = 0;
    const struct chat_testing_shown *shown = find(testing, label, &button);

    if (!shown)
        return false;
    auto_(mem_freep) char *id = mem_printf("u%u", ++testing->inputs);
    auto_(mem_freep) char *query = mem_printf("q%u", testing->inputs);
    auto_(mem_freep) char *chat = mem_strdup(shown->place + strlen("telegram/"));
    chat[strcspn(chat, "/")] = '\0';
    const struct chat_input input = {
        .kind = CHAT_PRESS,
        .id = id,
        .place = { "telegram", chat, "", "", chat[0] != '-' },
        .person = { .id = person, .name = "Ada", .language = "en" },
        .text = shown->tokens[button],
        .message = shown->message,
        .query = query,
    };
    chat_testing_take(testing, &input);
    chat_testing_settle(testing);
    return true;
}

const char *chat_testing_last(const struct chat_testing *testing) {
    return testing->shown_count > 0 ? testing->shown[testing->shown_count - 1]->text : "";
}

#include "chat/people/people_nodes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/name.h"
#include "chat/turn/turn.h"
#include "draw/qr.h"
#include "roost/v1/nodes.pb-c.h"
#include "roost/v1/tokens.pb-c.h"
#include "wire/pb.h"

enum { TAGS_MAX = 16, NAME_MAX_LEN = 30 };

/* All words as a node's name: "My NAS" is my-nas. A new string; "" of no words. */
static char *node_name(const struct turn *turn) {
    const char *words = turn_word(turn, 0) ? turn_rest(turn, 0) : "";
    char *name = mem_strdup(words);
    size_t len = 0;

    for (const char *at = words; *at && len < NAME_MAX_LEN; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x80 && (isalnum(byte) || byte == '.' || byte == '_'))
            name[len++] = (char)tolower(byte);
        else if (len > 0 && name[len - 1] != '-' && (byte == ' ' || byte == '-'))
            name[len++] = '-';
    }
    while (len > 0 && name[len - 1] == '-')
        len--;
    name[len] = '\0';
    return name;
}

static void add_picture(struct view *view, const char *link, const char *description) {
    struct buf png = { 0 };

    if (qr_draw(link, &png) == 0)
        view_picture(view, buf_slice(&png), description);
    buf_done(&png);
}

static void on_token(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__CreateTokenResponse *response =
        (const Roost__V1__CreateTokenResponse *)reply;

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, turn_say(turn, "Making a link"));
        return;
    }
    if (response->link[0] == '\0') {
        turn_fail(turn, GRPC_FAILED_PRECONDITION,
                  turn_say(turn, "The hub does not know under which address hosts reach "
                                 "it: set [hub] address in roost.conf."),
                  turn_say(turn, "Making a link"));
        return;
    }
    const char *name = response->token->name;
    char *line = mem_printf("roost-agent join '%s'", response->link);
    struct view *view = view_new();
    view_title(view, turn_say(turn, "A link for %s"),
               name[0] != '\0' ? name : turn_say(turn, "another host"));
    view_text(view, "%s",
              turn_say(turn, "Run this on the host; it works once, for a day:"));
    view_code(view, line);
    view_text(view, "%s", turn_say(turn, "To keep the agent running there:"));
    view_code(view, "sudo roost-agent install");
    if (response->warning[0] != '\0')
        view_note(view, "%s", response->warning);
    add_picture(view, response->link, turn_say(turn, "The link as a QR code"));
    view_copy(view, turn_say(turn, "Copy the line"), line);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Nodes"), "nodes");
    view->is_fresh = true;
    free(line);
    if (name[0] != '\0')
        turn_set_node(turn, name);
    turn_show(turn, view);
}

static void make_token(struct turn *turn) {
    Roost__V1__CreateTokenRequest request = ROOST__V1__CREATE_TOKEN_REQUEST__INIT;
    char *name = node_name(turn);

    request.kind = ROOST__V1__TOKEN_KIND__JOIN;
    request.name = name;
    turn_call(turn, NULL, "/roost.v1.Tokens/Create", &request.base, on_token, NULL);
    free(name);
}

static void on_revoked(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    make_token(turn);
}

/* The hub that died may have made one that nobody ever saw: it goes first. */
static void on_tokens(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__ListTokensResponse *response =
        (const Roost__V1__ListTokensResponse *)reply;
    Roost__V1__RevokeTokenRequest request = ROOST__V1__REVOKE_TOKEN_REQUEST__INIT;
    char *name = node_name(turn);

    for (size_t i = 0; response && i < response->n_tokens; i++) {
        const Roost__V1__Token *token = response->tokens[i];
        if (token->kind == ROOST__V1__TOKEN_KIND__JOIN && !token->used &&
            !token->revoked && !token->reusable && strcmp(token->name, name) == 0)
            request.id = token->id;
    }
    free(name);
    if (request.id[0] != '\0')
        turn_call(turn, NULL, "/roost.v1.Tokens/Revoke", &request.base, on_revoked, NULL);
    else
        make_token(turn);
}

void people_nodes_new_key(struct turn *turn) {
    const Roost__V1__ListTokensRequest request = ROOST__V1__LIST_TOKENS_REQUEST__INIT;

    if (turn_is_again(turn))
        turn_call(turn, NULL, "/roost.v1.Tokens/List", &request.base, on_tokens, NULL);
    else
        make_token(turn);
}

/* What the host answers to, which may be later than the turn lives. */
struct linking {
    struct turn *turn; /* borrowed: NULL when it has ended */
};

static void on_turn_end(void *state) {
    struct linking *linking = *(struct linking **)state;

    if (linking)
        linking->turn = NULL;
}

static void show_node(struct turn *turn, const char *node, const char *text) {
    struct view *view = view_new();

    view_title(view, "%s", node);
    view_text(view, "%s", text);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Open"), "node %s", node);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Nodes"), "nodes");
    turn_show(turn, view);
}

static void on_linked(void *arg, const char *why, const char *node) {
    struct linking *linking = arg;
    struct turn *turn = linking->turn;

    if (turn) {
        *(struct linking **)turn_state(turn, sizeof(linking), on_turn_end) = NULL;
        if (why) {
            turn_fail(turn, GRPC_NOT_FOUND, why, turn_say(turn, "Linking"));
        } else {
            turn_set_node(turn, node);
            show_node(turn, node, turn_say(turn, "You are an owner of it now."));
        }
    }
    free(linking);
}

void people_nodes_link_key(struct turn *turn) {
    const struct chat_host *host = turn_host(turn);
    struct view *view;

    if (!turn_word(turn, 0)) {
        view = view_new();
        view_title(view, "%s", turn_say(turn, "Which key?"));
        turn_ask(turn, view, "linkkey");
        return;
    }
    struct linking *linking = mem_new(sizeof(*linking));
    linking->turn = turn;
    *(struct linking **)turn_state(turn, sizeof(linking), on_turn_end) = linking;
    host->link_key(host->arg, turn_actor(turn), turn_word(turn, 0), on_linked, linking);
}

void people_nodes_set(struct turn *turn) {
    turn_set_node(turn, turn_node(turn));
    show_node(turn, turn_node(turn),
              turn_say(turn, "This chat is about it from now on."));
}

static void on_changed(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    const Roost__V1__Node *node = (const Roost__V1__Node *)reply;

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, turn_node(turn));
        return;
    }
    turn_set_node(turn, node->name);
    struct view *view = view_new();
    view_title(view, "%s", node->title[0] != '\0' ? node->title : node->name);
    view_field(view, turn_say(turn, "Name"), "%s", node->name);
    for (size_t i = 0; i < node->n_tags; i++)
        view_field(view, turn_say(turn, "Tag"), "@%s", node->tags[i]);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Open"), "node %s", node->name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Nodes"), "nodes");
    turn_show(turn, view);
}

static void ask_name(struct turn *turn, const char *question, const char *command) {
    struct view *view = view_new();

    view_title(view, "%s", turn_node(turn));
    view_text(view, "%s", question);
    turn_ask(turn, view, "%s %s", command, turn_node(turn));
}

void people_nodes_rename(struct turn *turn) {
    Roost__V1__RenameNodeRequest request = ROOST__V1__RENAME_NODE_REQUEST__INIT;

    if (!turn_word(turn, 0)) {
        ask_name(turn, turn_say(turn, "What shall it be called?"), "rename");
        return;
    }
    request.node = pb_lend(turn_node(turn));
    request.name = pb_lend(turn_word(turn, 0));
    if (turn_count(turn) > 1 || !name_is_valid(request.name))
        turn_complain(turn, "%s",
                      turn_say(turn,
                               "A name has small letters, digits, '.', '-' and '_'. "
                               "Other words make a title: /title"));
    else if (turn_is_again(turn) && strcmp(request.node, request.name) == 0)
        show_node(turn, request.name, turn_say(turn, "It is called so now."));
    else
        turn_call(turn, NULL, "/roost.v1.Nodes/Rename", &request.base, on_changed, NULL);
}

void people_nodes_title(struct turn *turn) {
    Roost__V1__SetNodeTitleRequest request = ROOST__V1__SET_NODE_TITLE_REQUEST__INIT;

    if (!turn_word(turn, 0)) {
        ask_name(turn, turn_say(turn, "Which title?"), "title");
        return;
    }
    request.node = pb_lend(turn_node(turn));
    request.title = pb_lend(turn_rest(turn, 0));
    turn_call(turn, NULL, "/roost.v1.Nodes/SetTitle", &request.base, on_changed, NULL);
}

void people_nodes_tag(struct turn *turn) {
    Roost__V1__TagNodeRequest request = ROOST__V1__TAG_NODE_REQUEST__INIT;
    char *add[TAGS_MAX];
    char *remove[TAGS_MAX];
    const char *word;

    request.node = pb_lend(turn_node(turn));
    request.add = add;
    request.remove = remove;
    for (size_t i = 0; i < TAGS_MAX && (word = turn_word(turn, i)); i++) {
        bool is_removed = word[0] == '-';
        word += word[0] == '+' || word[0] == '-';
        word += word[0] == '@';
        if (is_removed)
            remove[request.n_remove++] = pb_lend(word);
        else
            add[request.n_add++] = pb_lend(word);
    }
    if (request.n_add + request.n_remove == 0)
        ask_name(turn,
                 turn_say(turn, "Which tags? +prod puts one on, -test takes one away."),
                 "tag");
    else
        turn_call(turn, NULL, "/roost.v1.Nodes/Tag", &request.base, on_changed, NULL);
}

static void on_removed(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    bool was_removed = status == GRPC_NOT_FOUND && turn_is_again(turn);

    if (status != GRPC_OK && !was_removed) {
        turn_fail(turn, status, message, turn_node(turn));
        return;
    }
    struct view *view = view_new();
    view_title(view, "%s", turn_node(turn));
    view_text(view, "%s", turn_say(turn, "It is forgotten, and its samples with it."));
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Nodes"), "nodes");
    turn_show(turn, view);
}

void people_nodes_remove(struct turn *turn) {
    Roost__V1__RemoveNodeRequest request = ROOST__V1__REMOVE_NODE_REQUEST__INIT;
    char *back = mem_printf("node %s", turn_node(turn));

    request.node = pb_lend(turn_node(turn));
    if (turn_is_confirmed(turn))
        turn_call(turn, NULL, "/roost.v1.Nodes/Remove", &request.base, on_removed, NULL);
    else
        turn_confirm(turn, turn_say(turn, "Forget it"), back,
                     turn_say(turn,
                              "%s and all of its samples will be gone, for everybody. "
                              "Its agent must join anew to come back."),
                     turn_node(turn));
    free(back);
}

#include "chat/act/approval_card.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/act/act_text.h"
#include "wire/timestamp.h"

enum { JSON_MAX = 500 };

static const struct act_name {
    const char *method;
    const char *text; /* English */
} names[] = {
    { "/roost.v1.Processes/Signal", "signal a process" },
    { "/roost.v1.Units/Start", "start a service" },
    { "/roost.v1.Units/Stop", "stop a service" },
    { "/roost.v1.Units/Restart", "restart a service" },
    { "/roost.v1.Units/Reload", "let a service read its settings" },
    { "/roost.v1.Units/Enable", "let a service start with the host" },
    { "/roost.v1.Units/Disable", "let a service no longer start with the host" },
    { "/roost.v1.Power/Reboot", "restart the host" },
    { "/roost.v1.Power/Shutdown", "turn the host off" },
};

void approval_card_name(enum words_language language,
                        const Roost__V1__Approval *item,
                        struct buf *out) {
    const char *dot = strrchr(item->method, '.');
    const char *text = dot ? dot + 1 : item->method;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(item->method, names[i].method) == 0)
            text = words_in(language, names[i].text);
    buf_printf(out, "%s: %s", item->node, text);
}

static const char *mark_of(const Roost__V1__Approval *item) {
    switch (item->state) {
    case ROOST__V1__APPROVAL__STATE__APPROVED:
        return "✅";
    case ROOST__V1__APPROVAL__STATE__REJECTED:
        return "⛔";
    case ROOST__V1__APPROVAL__STATE__LAPSED:
        return "⌛";
    default:
        return "✋";
    }
}

static void add_end(enum words_language language,
                    struct view *view,
                    const Roost__V1__Approval *item) {
    if (item->state == ROOST__V1__APPROVAL__STATE__APPROVED)
        view_text(view, words_in(language, "Agreed to by %s."), item->decided_by);
    else if (item->state == ROOST__V1__APPROVAL__STATE__REJECTED)
        view_text(view, words_in(language, "Rejected by %s."), item->decided_by);
    else if (item->state == ROOST__V1__APPROVAL__STATE__LAPSED)
        view_text(view, "%s", words_in(language, "Nobody decided in time."));
}

static void add_needs(enum words_language language,
                      struct view *view,
                      const Roost__V1__Approval *item) {
    if (item->consent_tag[0])
        view_text(view,
                  words_in(language, "A second person is to agree, because of the tag "
                                     "@%s: an operator, who is not %s."),
                  item->consent_tag, item->asked_by);
    if (!item->needs_signature)
        return;
    auto_(mem_freep) char *line = mem_printf("roost approve %s", item->id);
    view_text(view, "%s",
              words_in(language,
                       "The host wants an operator's signature, which is made on "
                       "a command line:"));
    view_code(view, line);
}

struct view *approval_card_view(enum words_language language,
                                const Roost__V1__Approval *item,
                                bool may_decide) {
    bool is_waiting = item->state == ROOST__V1__APPROVAL__STATE__WAITING;
    auto_(mem_freep) char *json = act_text_cut(item->request_json, JSON_MAX);
    struct view *view = view_new();
    struct buf name = { 0 };
    char until[ACT_TEXT_LEN];

    approval_card_name(language, item, &name);
    view_title(view, "%s %s", mark_of(item), buf_text(&name));
    buf_done(&name);
    view_field(view, words_in(language, "Asked by"), "%s", item->asked_by);
    if (json[0])
        view_code(view, json);
    add_end(language, view, item);
    if (!is_waiting)
        return view;
    add_needs(language, view, item);
    act_text_time(timestamp_get(item->expires), until);
    if (until[0])
        view_note(view, words_in(language, "It lapses on %s."), until);
    if (!may_decide)
        return view;
    if (!item->needs_signature)
        view_button(view, VIEW_SUCCESS, words_in(language, "agree…"), "approve %s",
                    item->id);
    view_button(view, VIEW_PLAIN, words_in(language, "say no"), "reject %s", item->id);
    return view;
}

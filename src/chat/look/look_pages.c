#include "chat/look/look_pages.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "chat/look/look_text.h"
#include "chat/turn/turn.h"

struct look_pages look_pages_of(const struct turn *turn, size_t items, size_t per_page) {
    const char *wish = turn_flag(turn, "page");
    size_t count = items > 0 ? (items + per_page - 1) / per_page : 1;
    uint64_t page = 1;

    if (!wish || !look_text_number(wish, &page) || page == 0)
        page = 1;
    if (page > count)
        page = count; /* the list became shorter */
    size_t first = (size_t)(page - 1) * per_page;
    return (struct look_pages) {
        .first = first,
        .end = first + per_page < items ? first + per_page : items,
        .page = (size_t)page,
        .count = count,
    };
}

void look_pages_add(const struct look_pages *pages,
                    struct view *view,
                    const char *action) {
    if (pages->count < 2)
        return;
    size_t before = pages->page > 1 ? pages->page - 1 : pages->count;
    size_t behind = pages->page < pages->count ? pages->page + 1 : 1;
    auto_(mem_freep) char *label = mem_printf("%zu/%zu", pages->page, pages->count);

    view_row(view);
    view_button(view, VIEW_PLAIN, "◀", "%s --page %zu", action, before);
    view_button(view, VIEW_PLAIN, label, "%s --page %zu", action, pages->page);
    view_button(view, VIEW_PLAIN, "▶", "%s --page %zu", action, behind);
}

#include "chat/telegram/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "chat/telegram/letters.h"
#include "chat/view.h"

static void check_html(const struct view *view, const char *wanted) {
    struct render *render = render_view(view, NULL);

    CHECK_TEXT(render->html, wanted);
    render_free(render);
}

static void texts_are_escaped_and_marked(void) {
    struct view *view = view_new();

    view_title(view, "nas & <b>co</b>");
    view_field(view, "CPU", "%d %%", 90);
    view_field(view, "RAM", "1 > 0");
    view_text(view, "A paragraph.");
    view_note(view, "by the way");
    view_code(view, "roost join <link>\n");
    view_code(view, "a\nb\n");
    check_html(view, "<b>nas &amp; &lt;b&gt;co&lt;/b&gt;</b>\n"
                     "<b>CPU:</b> 90 %\n<b>RAM:</b> 1 &gt; 0\n\n"
                     "A paragraph.\n\n"
                     "<i>by the way</i>\n"
                     "<code>roost join &lt;link&gt;</code>\n"
                     "<pre>a\nb</pre>");
    view_free(view);
}

static void a_table_stands_in_columns(void) {
    struct view *view = view_new();

    view_table(view, "Node", "CPU", "State", NULL);
    view_cells(view, (const char *const[]) { "nas", "7 %", "✅ up" });
    view_cells(view, (const char *const[]) { "日本", "100 %", "⚠️ <late>\n2" });
    view_cells(view, (const char *const[]) { "pi", "", "" });
    check_html(view, "<pre>Node    CPU  State\n"
                     "nas     7 %  ✅ up\n"
                     "日本  100 %  ⚠️ &lt;late&gt; 2\n"
                     "pi           </pre>");
    view_free(view);
}

static void nothing_to_say_is_a_dot(void) {
    struct view *view = view_new();

    check_html(view, "·");
    view_text(view, " \n ");
    check_html(view, "·");
    view_free(view);
}

static void a_text_of_the_longest_length_stays_whole(void) {
    struct view *view = view_new();
    char *text = mem_new(RENDER_TEXT_MAX + 1);

    memset(text, '<', RENDER_TEXT_MAX);
    view_text(view, "%s", text);
    struct render *render = render_view(view, NULL);
    CHECK_INT(render->file_count, 0);
    CHECK_INT(strlen(render->html), 4 * RENDER_TEXT_MAX);
    render_free(render);
    view_free(view);
    free(text);
}

/* Emoji are two units each: half as many fit. */
static void a_longer_text_is_cut_and_comes_as_a_file(void) {
    struct view *view = view_new();
    struct buf text = { 0 };

    view_title(view, "Long");
    while (text.len < 4 * 3000)
        buf_add_text(&text, "😀");
    view_code(view, buf_text(&text));
    struct render *render = render_view(view, NULL);
    CHECK(!render->has_media);
    CHECK_INT(render->file_count, 1);
    CHECK_TEXT(render->files[0].name, "message.txt");
    CHECK_INT(render->files[0].len, 5 + text.len);
    CHECK_INT(letters_units(slice_of_text(render->plain)) / 2, RENDER_TEXT_MAX / 2);
    CHECK(letters_units(slice_of_text(render->plain)) <= RENDER_TEXT_MAX);
    CHECK(strstr(render->html, "</code>\n… 📎 message.txt"));
    render_free(render);
    buf_done(&text);
    view_free(view);
}

static void a_cut_is_at_the_end_of_a_line(void) {
    struct view *view = view_new();
    struct buf text = { 0 };

    for (int i = 0; i < 500; i++)
        buf_printf(&text, "line %d of many\n", i);
    view_code(view, buf_text(&text));
    struct render *render = render_view(view, NULL);
    CHECK(strstr(render->html, " of many</pre>\n… "));
    render_free(render);
    buf_done(&text);
    view_free(view);
}

/* The head of a PNG of that size. */
static struct slice png(uint8_t bytes[static 32], uint32_t width, uint32_t height) {
    memset(bytes, 0, 32);
    memcpy(bytes, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    for (int i = 0; i < 4; i++) {
        bytes[16 + i] = (uint8_t)(width >> (24 - 8 * i));
        bytes[20 + i] = (uint8_t)(height >> (24 - 8 * i));
    }
    return slice_of(bytes, 32);
}

static enum render_kind kind_of_picture(uint32_t width, uint32_t height) {
    struct view *view = view_new();
    uint8_t bytes[32];

    view_picture(view, png(bytes, width, height), "cpu");
    struct render *render = render_view(view, NULL);
    enum render_kind kind = render_kind_of(render);
    render_free(render);
    view_free(view);
    return kind;
}

static void a_picture_beyond_the_limits_is_a_document(void) {
    CHECK_INT(kind_of_picture(800, 400), RENDER_PHOTO);
    CHECK_INT(kind_of_picture(8000, 2000), RENDER_PHOTO);
    CHECK_INT(kind_of_picture(8000, 2001), RENDER_DOCUMENT);
    CHECK_INT(kind_of_picture(2000, 100), RENDER_PHOTO);
    CHECK_INT(kind_of_picture(2001, 100), RENDER_DOCUMENT);
    CHECK_INT(kind_of_picture(0, 100), RENDER_DOCUMENT);
}

static void a_picture_makes_the_text_its_caption(void) {
    struct view *view = view_new();
    uint8_t bytes[32];
    char *text = mem_new(2000);

    memset(text, 'x', 1500);
    view_text(view, "%s", text);
    view_document(view, "log\".txt", slice_of("log", 3));
    view_picture(view, png(bytes, 800, 400), "cpu");
    struct render *render = render_view(view, NULL);
    CHECK(render->has_media);
    CHECK_INT(render_kind_of(render), RENDER_PHOTO);
    CHECK_INT(render->file_count, 3); /* picture, document, the whole text */
    CHECK_INT(letters_units(slice_of_text(render->plain)), RENDER_CAPTION_MAX);
    render_free(render);
    view_free(view);
    free(text);
}

static void check_keyboard(const struct view *view,
                           const char *const *tokens,
                           const char *wanted) {
    struct render *render = render_view(view, tokens);

    if (wanted)
        CHECK_TEXT(render->keyboard, wanted);
    else
        CHECK(!render->keyboard);
    render_free(render);
}

static void buttons_carry_tokens_and_styles(void) {
    static const char *const tokens[] = { "t1", "t2", NULL, NULL, NULL, NULL };
    struct view *view = view_new();

    view_button(view, VIEW_PRIMARY, "Status \"x\"", "status nas");
    view_confirm(view, VIEW_DANGER, "Reboot", "reboot nas");
    view_row(view);
    view_link(view, "Site", "https://example.org/a?b=c");
    view_link(view, "Here", "http://localhost:8080/");
    view_copy(view, " ", "roost join x");
    view_button(view, VIEW_PLAIN, "No token", "x");
    check_keyboard(
        view, tokens,
        "{\"inline_keyboard\":[["
        "{\"text\":\"Status \\\"x\\\"\",\"callback_data\":\"t1\",\"style\":\"primary\"},"
        "{\"text\":\"Reboot\",\"callback_data\":\"t2\",\"style\":\"danger\"}],["
        "{\"text\":\"Site\",\"url\":\"https://example.org/a?b=c\"},"
        "{\"text\":\"Here\",\"copy_text\":{\"text\":\"http://localhost:8080/\"}},"
        "{\"text\":\"·\",\"copy_text\":{\"text\":\"roost join x\"}}]]}");
    check_keyboard(
        view, NULL,
        "{\"inline_keyboard\":[["
        "{\"text\":\"Site\",\"url\":\"https://example.org/a?b=c\"},"
        "{\"text\":\"Here\",\"copy_text\":{\"text\":\"http://localhost:8080/\"}},"
        "{\"text\":\"·\",\"copy_text\":{\"text\":\"roost join x\"}}]]}");
    view_free(view);
}

static size_t count_of(const char *text, const char *word) {
    size_t count = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        count++;
    return count;
}

static void a_row_has_eight_and_labels_are_cut(void) {
    const char *tokens[VIEW_BUTTONS_MAX];
    struct view *view = view_new();
    struct buf label = { 0 };

    for (int i = 0; i < 70; i++)
        buf_add_text(&label, "я");
    for (size_t i = 0; i < VIEW_BUTTONS_MAX; i++) {
        tokens[i] = "0123456789012345678901";
        view_button(view, VIEW_PLAIN, buf_text(&label), "x");
    }
    struct render *render = render_view(view, tokens);
    CHECK(strlen(render->keyboard) <= RENDER_KEYBOARD_MAX);
    CHECK_INT(count_of(render->keyboard, "callback_data"), VIEW_BUTTONS_MAX);
    CHECK_INT(count_of(render->keyboard, "],["), VIEW_BUTTONS_MAX / 8);
    CHECK(strstr(render->keyboard, "я…\""));
    render_free(render);
    buf_done(&label);
    view_free(view);
}

static void what_cannot_be_copied_or_pressed_is_left_out(void) {
    char long_token[66] = { 0 };
    char long_text[RENDER_COPY_MAX + 2] = { 0 };
    struct view *view = view_new();

    memset(long_token, 'x', 65);
    memset(long_text, 'x', RENDER_COPY_MAX + 1);
    view_button(view, VIEW_PLAIN, "A", "x");
    view_copy(view, "B", long_text);
    view_copy(view, "C", "");
    check_keyboard(view, (const char *const[]) { long_token, NULL, NULL }, NULL);
    view_free(view);
}

TESTS(TEST(texts_are_escaped_and_marked),
      TEST(a_table_stands_in_columns),
      TEST(nothing_to_say_is_a_dot),
      TEST(a_text_of_the_longest_length_stays_whole),
      TEST(a_longer_text_is_cut_and_comes_as_a_file),
      TEST(a_cut_is_at_the_end_of_a_line),
      TEST(a_picture_beyond_the_limits_is_a_document),
      TEST(a_picture_makes_the_text_its_caption),
      TEST(buttons_carry_tokens_and_styles),
      TEST(a_row_has_eight_and_labels_are_cut),
      TEST(what_cannot_be_copied_or_pressed_is_left_out))

#include "alerts/channel/template.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

static const char json[] =
    "{\"id\":\"7\",\"node\":\"nas\",\"text\":\"a \\\"quoted\\\" \\\\ line\\n\","
    "\"value\":93.5,\"nodes\":[\"a\",\"b\"],\"foundAtJoin\":false,\"ended\":null,"
    "\"processes\":[{\"pid\":1}]}";

static void check(const char *text, bool is_plain, const char *wanted) {
    struct buf out = { 0 };

    CHECK_INT(template_render(&out, text, slice_of_text(json), is_plain), 0);
    CHECK_TEXT(buf_text(&out), wanted);
    buf_done(&out);
}

static void names_become_values(void) {
    check("", false, "");
    check("plain } text {", false, "plain } text {");
    check("{{node}}", false, "nas");
    check("{{ node }}: {{value}} {{nodes}} {{foundAtJoin}}", false,
          "nas: 93.5 [\"a\",\"b\"] false");
    check("{\"text\": \"{{text}}\"}", false,
          "{\"text\": \"a \\\"quoted\\\" \\\\ line\\n\"}");
    check("{{text}}", true, "a \"quoted\" \\ line\n");
    check("[{{ended}}][{{unit}}]{{processes}}", false, "[][][{\"pid\":1}]");
    check("{{{{node}}", false, "{{node}}");
}

static void what_is_no_template_is_told(void) {
    static const char *const texts[] = { "{{", "{{node", "{{nobody}}", "{{}}",
                                         "a{{b}}c" };
    struct buf out = { 0 };

    buf_add_text(&out, "before");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *why = NULL;
        CHECK_INT(template_check(texts[i], &why), -EINVAL);
        CHECK(strncmp(why, "template: ", 10) == 0);
        free(why);
        CHECK_INT(template_render(&out, texts[i], slice_of_text(json), false), -EINVAL);
        CHECK_TEXT(buf_text(&out), "before");
    }
    CHECK_INT(template_render(&out, "{{node}}", slice_of_text("[]"), false), -EINVAL);
    CHECK_INT(template_render(&out, "{{node}}", slice_of_text("{\"a\""), false), -EINVAL);
    buf_done(&out);
}

static void a_template_cannot_grow_without_end(void) {
    struct buf text = { 0 };
    struct buf value = { 0 };
    struct buf out = { 0 };

    for (int i = 0; i < 3000; i++)
        buf_add_text(&text, "{{text}}");
    buf_add_text(&value, "{\"text\":\"");
    for (int i = 0; i < 1000; i++)
        buf_add_byte(&value, 'x');
    buf_add_text(&value, "\"}");
    CHECK_INT(template_render(&out, buf_text(&text), buf_slice(&value), false),
              -EMSGSIZE);
    CHECK_INT(out.len, 0);
    buf_done(&text);
    buf_done(&value);
    buf_done(&out);
}

TESTS(TEST(names_become_values),
      TEST(what_is_no_template_is_told),
      TEST(a_template_cannot_grow_without_end))

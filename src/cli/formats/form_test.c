#include "cli/formats/form.h"

#include <string.h>

#include "base/check.h"
#include "everything.pb-c.h"
#include "wire/pb.h"
#include "wire/pbjson_rows.h"

#define ALL (&everything__all__descriptor)

static ProtobufCMessage *message_of(struct slice json) {
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    if (pbjson_read(ALL, json, &message, &why) != 0)
        print_message("# %.*s: %s\n", (int)json.len, (const char *)json.at, why);
    CHECK(message);
    return message;
}

/* The message in the form, read again, as JSON. */
static char *there_and_back(const ProtobufCMessage *message,
                            const struct form_style *style) {
    struct buf text = { 0 };
    struct buf json = { 0 };
    struct buf again = { 0 };
    char *why = NULL;

    CHECK_INT(form_add(&text, message, style, &why), 0);
    if (form_read(&json, ALL, style->form, buf_slice(&text), &why) != 0)
        print_message("# %s: %s\n", buf_text(&text), why);
    CHECK(!why);
    ProtobufCMessage *copy = message_of(buf_slice(&json));
    CHECK_INT(pbjson_write(&again, copy, NULL, &why), 0);
    pb_free(copy);
    buf_done(&text);
    buf_done(&json);
    return buf_take_text(&again);
}

static bool can_be_xml(const char *json) {
    return !strstr(json, "\\u00"); /* XML 1.0 has no such characters */
}

static void every_form_holds_the_whole_message(void) {
    for (size_t i = 0; i < sizeof(pbjson_rows) / sizeof(pbjson_rows[0]); i++) {
        const struct pbjson_row *row = &pbjson_rows[i];
        ProtobufCMessage *message = message_of(slice_of_text(row->json));

        for (unsigned k = 0; k < 4; k++) {
            struct form_style style = { .form = k & 1 ? FORM_XML : FORM_YAML,
                                        .is_stream = k & 2 };
            if (style.form == FORM_XML && !can_be_xml(row->json))
                continue;
            char *again = there_and_back(message, &style);
            CHECK_TEXT(again, row->again ? row->again : row->json);
            free(again);
        }
        pb_free(message);
    }
}

static void a_message_looks_as_its_form_says(void) {
    static const char json[] =
        "{\"fInt64\":\"7\",\"fString\":\"a<b\",\"fColour\":\"RED\",\"fInner\":{\"name\":"
        "\"x\"},\"rInt32\":[1,2],\"mStringInt32\":{\"k\":1},\"wStruct\":{\"a\":[1]}}";
    static const struct {
        struct form_style style;
        const char *text;
    } rows[] = {
        { { .form = FORM_JSON },
          "{\"fInt64\":\"7\",\"fString\":\"a<b\",\"fColour\":\"RED\",\"fInner\":{"
          "\"name\":\"x\"},\"rInt32\":[1,2],\"mStringInt32\":{\"k\":1},\"wStruct\":{"
          "\"a\":[1]}}\n" },
        { { .form = FORM_XML },
          "<All>\n  <FInt64>7</FInt64>\n  <FString>a&lt;b</FString>\n  "
          "<FColour>RED</FColour>\n  <FInner>\n    <Name>x</Name>\n  </FInner>\n  "
          "<RInt32>1</RInt32>\n  <RInt32>2</RInt32>\n  <MStringInt32>\n    "
          "<Key>k</Key>\n    <Value>1</Value>\n  </MStringInt32>\n  "
          "<WStruct>{\"a\":[1]}</WStruct>\n</All>\n" },
        { { .form = FORM_XML, .older = true },
          "<All><FInt64>7</FInt64><FString>a&lt;b</FString><FColour>1</FColour><FInner>"
          "<Name>x</Name></FInner><RInt32>1</RInt32><RInt32>2</RInt32><MStringInt32>"
          "<Key>k</Key><Value>1</Value></MStringInt32><WStruct>{\"a\":[1]}</WStruct>"
          "</All>\n" },
        { { .form = FORM_YAML, .older = true },
          "fint64: 7\nfstring: \"a<b\"\nfcolour: 1\nfinner:\n  name: x\nrint32:\n  - 1\n"
          "  - 2\nmstringint32:\n  k: 1\nwstruct:\n  a:\n    - 1\n" },
        { { .form = FORM_PRETTY, .older = true },
          "{\n\t\"fInt64\": 7,\n\t\"fString\": \"a<b\",\n\t\"fColour\": "
          "1,\n\t\"fInner\": {\n"
          "\t\t\"name\": \"x\"\n\t},\n\t\"rInt32\": [\n\t\t1,\n\t\t2\n\t],\n"
          "\t\"mStringInt32\": {\n\t\t\"k\": 1\n\t},\n\t\"wStruct\": {\n\t\t\"a\": [\n"
          "\t\t\t1\n\t\t]\n\t}\n}\n" },
    };
    ProtobufCMessage *message = message_of(slice_of_text(json));

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        char *why = NULL;
        CHECK_INT(form_add(&out, message, &rows[i].style, &why), 0);
        CHECK_TEXT(buf_text(&out), rows[i].text);
        buf_done(&out);
    }
    pb_free(message);
}

static void a_sample_of_every_form_can_be_sent(void) {
    static const enum form forms[] = { FORM_YAML, FORM_XML };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct buf sample = { 0 };
        struct buf json = { 0 };
        char *why = NULL;

        form_add_sample(&sample, ALL, forms[i]);
        CHECK_INT(form_read(&json, ALL, forms[i], buf_slice(&sample), &why), 0);
        pb_free(message_of(buf_slice(&json)));
        buf_done(&sample);
        buf_done(&json);
    }
}

static void forms_go_by_their_names(void) {
    enum form form = FORM_XML;

    CHECK_INT(form_parse(NULL, &form), 0);
    CHECK_INT(form, FORM_FITTING);
    CHECK_INT(form_parse("prettyjson", &form), 0);
    CHECK_INT(form, FORM_PRETTY);
    CHECK_INT(form_parse("toml", &form), FORM_E_UNKNOWN);
    CHECK_INT(form_of_file("a/b.YML"), FORM_YAML);
    CHECK_INT(form_of_file("a.yaml/b"), FORM_JSON);
    CHECK_INT(form_of_file("a.xml"), FORM_XML);
    CHECK_INT(form_of_file("-"), FORM_JSON);
}

TESTS(TEST(every_form_holds_the_whole_message),
      TEST(a_message_looks_as_its_form_says),
      TEST(a_sample_of_every_form_can_be_sent),
      TEST(forms_go_by_their_names))

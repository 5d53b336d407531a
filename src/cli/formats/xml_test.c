#include "cli/formats/xml.h"

#include "base/check.h"
#include "everything.pb-c.h"

#define ALL (&everything__all__descriptor)

static const struct row {
    const char *xml;
    const char *json; /* or why not */
} good[] = {
    { "<All/>", "{}\n" },
    { "<?xml version=\"1.0\"?>\n<!-- a --><x:All a='1' b = \"2\"> <FInt32> 1 </FInt32>\n"
      "</x:All >",
      "{\"f_int32\":\"1\"}\n" },
    { "<All/><All><fInt32>1</fInt32></All>", "{}\n{\"f_int32\":\"1\"}\n" },
    { "<A><f_bool>true</f_bool><FColour>2</FColour></A>",
      "{\"f_bool\":true,\"f_colour\":2}\n" },
    { "<A><FString> a&amp;b&lt;&#x41;&#66;<![CDATA[<c>&]]> </FString></A>",
      "{\"f_string\":\" a&b<AB<c>& \"}\n" },
    { "<A><RInt32>1</RInt32><FInt32>3</FInt32><RInt32>2</RInt32></A>",
      "{\"r_int32\":[\"1\",\"2\"],\"f_int32\":\"3\"}\n" },
    { "<A><MStringInt32><Key>a</Key><Value>1</Value></MStringInt32>"
      "<MStringInt32><Value>2</Value><Key>b</Key></MStringInt32></A>",
      "{\"m_string_int32\":{\"a\":\"1\",\"b\":\"2\"}}\n" },
    { "<A><FInner><Below><Name>x</Name></Below><Below/></FInner></A>",
      "{\"f_inner\":{\"below\":[{\"name\":\"x\"},{}]}}\n" },
    { "<A><WTime>2026-01-02T03:04:05Z</WTime><WStruct>{\"a\": 1}</WStruct></A>",
      "{\"w_time\":\"2026-01-02T03:04:05Z\",\"w_struct\":{\"a\": 1}}\n" },
    { "", "" },
};

static const struct row bad[] = {
    { "x", "line 1: a text stands outside of all elements" },
    { "<A>", "line 1: <A> has no end" },
    { "<A>\n</B>", "line 2: </B> ends <A>" },
    { "</A>", "line 1: this element was never begun" },
    { "<A", "line 1: > is missing" },
    { "< A/>", "line 1: a name is missing" },
    { "<A b/>", "line 1: an attribute has no value" },
    { "<A b=c/>", "line 1: the value of an attribute needs quotes" },
    { "<A b='c/>", "line 1: ' is missing" },
    { "<A><!-- </A>", "line 1: --> is missing" },
    { "<A><![CDATA[</A>", "line 1: ]]> is missing" },
    { "<!DOCTYPE a [<!ENTITY b 'c'>]><A>&b;</A>", "line 1: a document type is not read" },
    { "<A>&b;</A>", "line 1: & begins no entity that is known here; the sign is &amp;" },
    { "<A>&#0;</A>", "line 1: & begins no entity that is known here; the sign is &amp;" },
    { "<A>&#xD800;</A>",
      "line 1: & begins no entity that is known here; the sign is &amp;" },
    { "<A>&amp</A>", "line 1: & begins no entity that is known here; the sign is &amp;" },
    { "<A>\xff</A>", "line 1: not UTF-8" },
    { "<A>x<FInt32>1</FInt32></A>", "<A>: a text stands among its elements" },
    { "<A><Nope/></A>", "<Nope>: no such field" },
    { "<A><FInt32><x/></FInt32></A>", "<FInt32>: a text is wanted, not elements" },
    { "<A><MStringInt32><Key>a</Key></MStringInt32></A>",
      "<MStringInt32>: an entry has a Key and a Value" },
    { "<A><MStringInt32><Key>a</Key><Key>b</Key></MStringInt32></A>",
      "<Key>: an entry has one Key, one Value" },
    { "<A><WStruct>{\"a\": 1}, \"x\": {}</WStruct></A>",
      "<WStruct>: here stands the value in JSON" },
    { "<A><WValue></WValue></A>", "<WValue>: here stands the value in JSON" },
};

static void elements_become_fields(void) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct buf out = { 0 };
        char *why = NULL;
        if (xml_read(&out, ALL, slice_of_text(good[i].xml), &why) != 0)
            print_message("# %s: %s\n", good[i].xml, why);
        CHECK_TEXT(buf_text(&out), good[i].json);
        buf_done(&out);
    }
}

static void what_is_no_message_is_refused_with_a_reason(void) {
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf out = { 0 };
        char *why = NULL;
        CHECK_INT(xml_read(&out, ALL, slice_of_text(bad[i].xml), &why), XML_E_BAD);
        CHECK_TEXT(why, bad[i].json);
        CHECK_INT(out.len, 0);
        free(why);
        buf_done(&out);
    }
}

static void every_prefix_is_safe(void) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (size_t len = 0; len <= strlen(good[i].xml); len++) {
            struct buf out = { 0 };
            char *why = NULL;
            uint8_t *copy = malloc(len ? len : 1);
            memcpy(copy, good[i].xml, len);
            int r = xml_read(&out, ALL, slice_of(copy, len), &why);
            CHECK((r == 0) == !why);
            free(copy);
            free(why);
            buf_done(&out);
        }
    }
}

static void bottomless_nesting_is_refused(void) {
    struct buf xml = { 0 };
    struct buf out = { 0 };
    char *why = NULL;

    for (int i = 0; i < 100000; i++)
        buf_add_text(&xml, "<FInner>");
    CHECK_INT(xml_read(&out, ALL, buf_slice(&xml), &why), XML_E_BAD);
    CHECK_TEXT(why, "line 1: nests more than 200 levels deep");
    free(why);
    buf_done(&out);
    buf_done(&xml);
}

/* As the generator for Go names them. */
static void names_are_those_of_go(void) {
    static const char *const names[][2] = {
        { "connection_time", "ConnectionTime" },
        { "connectionTime", "ConnectionTime" },
        { "a", "A" },
        { "_a", "XA" },
        { "a_1b", "A_1B" },
        { "a__b", "A_B" },
        { "a_B", "A_B" },
        { "Outer.inner", "OuterInner" },
        { "Outer.Inner", "Outer_Inner" },
        { "x1y", "X1Y" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct buf out = { 0 };
        xml_add_go_name(&out, names[i][0]);
        CHECK_TEXT(buf_text(&out), names[i][1]);
        buf_done(&out);
    }
}

TESTS(TEST(elements_become_fields),
      TEST(what_is_no_message_is_refused_with_a_reason),
      TEST(every_prefix_is_safe),
      TEST(bottomless_nesting_is_refused),
      TEST(names_are_those_of_go))

/* docx_words - what is wrong with a template, in the language of who filled it in.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "document/docx_in.h"

static const struct {
    const char *en, *zh;
} words[] = {
    {"this is no place that could be filled", "这里不是可以填写的占位符"},
    {"}} is missing", "缺少 }}"},
    {"there are too many places to fill", "占位符太多"},
    {"there is no such value", "没有这个值"},
    {"another section is open here", "这里还有另一个段落没有结束"},
    {"this section is not closed", "这个段落没有结束"},
    {"sections are nested too deep", "段落嵌套太深"},
    {"no such section is open", "没有与之对应的段落开头"},
    {"it becomes too large", "内容太大"},
    {"this value cannot be written so", "这个值不能这样写"},
    {"the forms are money, number, capital and date",
     "可用的写法是 money、number、capital 和 date"},
    {"The file is no Word document.", "该文件不是 Word 文档。"},
    {"The document could not be packed.", "文档无法打包。"},
    {"The file is no office document.", "该文件不是 Office 文档。"},
    {"The document is too large when it is unpacked.", "文档解压后太大。"},
    {"A part of the document cannot be unpacked.", "文档的一部分无法解压。"},
    {"A part of the document is damaged.", "文档的一部分已损坏。"},
    {"The document has too many parts.", "文档的部件太多。"},
};

const char *docx_say(enum lang lang, const char *sentence)
{
    for (size_t i = 0; lang == LANG_ZH && i < sizeof(words) / sizeof *words; i++)
        if (strcmp(words[i].en, sentence) == 0)
            return words[i].zh;
    return sentence;
}

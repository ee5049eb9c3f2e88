/* pinyin - see pinyin.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/pinyin.h"

#include "base/err.h"

struct surname {
    uint32_t first, second; /* second is 0 for a surname of one character */
    const char *reading, *second_reading;
};

/* Surnames whose reading is not the character's usual one. */
static const struct surname surnames[] = {
    {0x5355, 0, "shan", NULL},        /* 单 */
    {0x55ae, 0, "shan", NULL},        /* 單 */
    {0x4ec7, 0, "qiu", NULL},         /* 仇 */
    {0x66fe, 0, "zeng", NULL},        /* 曾 */
    {0x89e3, 0, "xie", NULL},         /* 解 */
    {0x6734, 0, "piao", NULL},        /* 朴 */
    {0x67e5, 0, "zha", NULL},         /* 查 */
    {0x76d6, 0, "ge", NULL},          /* 盖 */
    {0x84cb, 0, "ge", NULL},          /* 蓋 */
    {0x4e50, 0, "yue", NULL},         /* 乐 */
    {0x6a02, 0, "yue", NULL},         /* 樂 */
    {0x8983, 0, "qin", NULL},         /* 覃 */
    {0x533a, 0, "ou", NULL},          /* 区 */
    {0x5340, 0, "ou", NULL},          /* 區 */
    {0x7e41, 0, "po", NULL},          /* 繁 */
    {0x7f2a, 0, "miao", NULL},        /* 缪 */
    {0x7e46, 0, "miao", NULL},        /* 繆 */
    {0x6d17, 0, "xian", NULL},        /* 洗 */
    {0x7fdf, 0, "zhai", NULL},        /* 翟 */
    {0x5458, 0, "yun", NULL},         /* 员 */
    {0x54e1, 0, "yun", NULL},         /* 員 */
    {0x6298, 0, "she", NULL},         /* 折 */
    {0x79d8, 0, "bi", NULL},          /* 秘 */
    {0x79cd, 0, "chong", NULL},       /* 种 */
    {0x9ed1, 0, "he", NULL},          /* 黑 */
    {0x90c7, 0, "xun", NULL},         /* 郇 */
    {0x90fd, 0, "du", NULL},          /* 都 */
    {0x957f, 0, "chang", NULL},       /* 长 */
    {0x9697, 0, "wei", NULL},         /* 隗 */
    {0x8584, 0, "bo", NULL},          /* 薄 */
    {0x53ec, 0, "shao", NULL},        /* 召 */
    {0x53e5, 0, "gou", NULL},         /* 句 */
    {0x796d, 0, "zhai", NULL},        /* 祭 */
    {0x4e5c, 0, "nie", NULL},         /* 乜 */
    {0x961a, 0, "kan", NULL},         /* 阚 */
    {0x5c09, 0x8fdf, "yu", "chi"},    /* 尉迟 */
    {0x5c09, 0x9072, "yu", "chi"},    /* 尉遲 */
    {0x4e07, 0x4fdf, "mo", "qi"},     /* 万俟 */
    {0x842c, 0x4fdf, "mo", "qi"},     /* 萬俟 */
    {0x957f, 0x5b59, "zhang", "sun"}, /* 长孙 */
    {0x9577, 0x5b6b, "zhang", "sun"}, /* 長孫 */
    {0x5355, 0x4e8e, "chan", "yu"},   /* 单于 */
    {0x6fb9, 0x53f0, "tan", "tai"},   /* 澹台 */
    {0x6fb9, 0x81fa, "tan", "tai"},   /* 澹臺 */
};

static uint16_t set_of(uint32_t c)
{
    if (c - PINYIN_UNIFIED_FIRST < PINYIN_UNIFIED_SIZE)
        return pinyin_unified[c - PINYIN_UNIFIED_FIRST];
    if (c - PINYIN_EXTENSION_FIRST < PINYIN_EXTENSION_SIZE)
        return pinyin_extension_a[c - PINYIN_EXTENSION_FIRST];
    return 0;
}

int pinyin_readings(uint32_t code_point, const char *out[PINYIN_READINGS_MAX])
{
    if (code_point == 0x3007) { /* 〇 stands outside the blocks */
        out[0] = "ling";
        return 1;
    }
    const uint16_t *set = &pinyin_sets[set_of(code_point)];
    ASSERT(set[0] <= PINYIN_READINGS_MAX);
    for (int i = 0; i < set[0]; i++)
        out[i] = pinyin_syllables[set[i + 1]];
    return set[0];
}

const char *pinyin_surname(uint32_t first, uint32_t second, const char **second_out)
{
    const struct surname *single = NULL;

    *second_out = NULL;
    for (size_t i = 0; i < sizeof(surnames) / sizeof(surnames[0]); i++) {
        const struct surname *s = &surnames[i];
        if (s->first != first)
            continue;
        if (s->second && s->second == second) {
            *second_out = s->second_reading;
            return s->reading;
        }
        if (!s->second)
            single = s;
    }
    return single ? single->reading : NULL;
}

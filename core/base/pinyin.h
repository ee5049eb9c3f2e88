/* pinyin - Mandarin readings of Chinese characters. Private to base: token.h is the way in.
 *
 * The table is generated at build time by scripts/pinyin.lua from Unihan: about 60 KB for the
 * unified ideographs and extension A. Readings carry no tones, and ü is written v.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/slice.h"

#define PINYIN_READINGS_MAX    6 /* of one character, in the table */
#define PINYIN_UNIFIED_FIRST   0x4e00
#define PINYIN_UNIFIED_SIZE    0x5200
#define PINYIN_EXTENSION_FIRST 0x3400
#define PINYIN_EXTENSION_SIZE  0x19c0

/* Generated. A character's entry is where its set begins in pinyin_sets: the number of readings,
 * then the index of each syllable, the one to show first. Entry 0 is the empty set. */
extern const char pinyin_syllables[][7];
extern const uint16_t pinyin_sets[];
extern const uint16_t pinyin_unified[PINYIN_UNIFIED_SIZE];
extern const uint16_t pinyin_extension_a[PINYIN_EXTENSION_SIZE];

/* Readings of the character, the usual one first; their number, 0 if it has none. */
int pinyin_readings(uint32_t code_point, const char *out[PINYIN_READINGS_MAX]);
/* Reading of a surname at the front of a name, where it differs from the usual one: of `second`
 * too when both are one surname (尉迟). NULL when there is nothing special; *second_out likewise.
 */
const char *pinyin_surname(uint32_t first, uint32_t second, const char **second_out);

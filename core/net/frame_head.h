/* frame_head - writes the head of a frame, for frame.c and link.c alone.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "net/frame.h"

void frame_head_put(uint8_t head[FRAME_HEAD_BYTES], enum frame_kind kind, uint64_t tag,
                    size_t body_len);

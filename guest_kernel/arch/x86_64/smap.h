// STAC and CLAC as 3-byte no-ops that patch_smap_sites() turns into the instructions on CPUs that have them.
#pragma once

// clang-format off
#define SMAP_SITE(opcode)                    \
    771: .byte 0x0f, 0x1f, 0x00;             \
    .pushsection .smap_sites, "a";           \
    .long 771b - ., opcode;                  \
    .popsection
// clang-format on
#define STAC SMAP_SITE(0xcb)
#define CLAC SMAP_SITE(0xca)

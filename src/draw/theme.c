#include "draw/theme.h"

const struct theme theme_dark = {
    .ground = 0x14171c,
    .grid = 0x262b33,
    .turn = 0x3a414c,
    .axis = 0x5b636e,
    .text = 0xe6e9ed,
    .muted = 0x9aa3ae,
    .hatch = 0x333a45,
    .threshold = 0xff7a70,
    .band_opacity = 0.38F,
    .hues = { 0x56b4f0, 0xf0a030, 0x1fa37a, 0xf0a6d6, 0xf5ec7a, 0xe0502e },
};

const struct theme theme_light = {
    .ground = 0xffffff,
    .grid = 0xe7eaee,
    .turn = 0xc9ced6,
    .axis = 0x8c95a0,
    .text = 0x1c2127,
    .muted = 0x5f6873,
    .hatch = 0xe2e5ea,
    .threshold = 0xc62828,
    .band_opacity = 0.34F,
    .hues = { 0x0072c6, 0xe69400, 0x007a55, 0xcc66aa, 0x5a3a9a, 0xa82a12 },
};

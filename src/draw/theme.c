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
    .hues = { 0x56b4f0, 0xf0a030, 0x35c08a, 0xe78ac3, 0xf0e05a, 0xf0643c },
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
    .hues = { 0x0069b4, 0xd67f00, 0x00875f, 0xb0478f, 0x8a7a00, 0xc8401e },
};

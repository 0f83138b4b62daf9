/* Materials and colours by their names in the catalog. */
#include "tools/pictures/subject.h"

struct named_colour {
    const char *name;
    uint32_t rgb;
};

/* Paints, glazes and dyes; the last ones are how a wood or metal is finished. */
static const struct named_colour colours[] = {
    {"Black", 0x2b2a2a},   {"Matt Black", 0x2b2a2a}, {"Ivory", 0xeee5d3},      {"White", 0xefece6},
    {"Cream", 0xece0c4},   {"Sage", 0x97a58a},       {"Terracotta", 0xb9654a}, {"Navy", 0x2e3d58},
    {"Mustard", 0xc8962e}, {"Stone", 0xa79f93},      {"Plum", 0x643f50},       {"Moss", 0x6f7a4e},
    {"Sand", 0xcdb894},    {"Orange", 0xd0703a},     {"Slate", 0x5e6a72},      {"Forest", 0x39503f},
    {"Rust", 0xa4532f},    {"Olive", 0x666746},      {"Ecru", 0xdfd3bd},       {"Silver", 0xc3c5c7},
    {"Copper", 0xbf7a56},  {"Coral", 0xd9775f},      {"Grey", 0x8d8f90},       {"Ochre", 0xbf8d3c},
    {"Red", 0xa8392f},     {"Green", 0x4c6650},      {"Smoke", 0x5d5a57},      {"Amber", 0xc58334},
    {"Rose", 0xcf9a96},    {"Wool Grey", 0x8d8f90},  {"Wool Green", 0x55705c}, {"Linoleum", 0x5f6b60},
    {"None", 0x9a8f80},    {"Clear", 0xdfe8e6},      {"10 °C", 0x7f9a9c},      {"5 °C", 0xb7794f},
    {"0 °C", 0x3f5a63},    {"-5 °C", 0x37404d},      {"Soft", 0xefeae1},       {"Medium", 0xe7e3dc},
    {"Firm", 0xe3e4e3},
};

struct material {
    const char *name;
    uint32_t rgb; /* of the material itself */
    enum texture texture;
    enum finish finish;
    bool takes_colour; /* painted, glazed or dyed */
    bool clear;
};

static const struct material materials[] = {
    {"Acrylic", 0xdfe5e8, TEXTURE_NONE, FINISH_GLOSS, false, false},
    {"Alpaca", 0xb8a58c, TEXTURE_KNIT, FINISH_MATT, true, false},
    {"Aluminium", 0xbcbec0, TEXTURE_BRUSHED, FINISH_METAL, true, false},
    {"Ash", 0xd9c29d, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Bamboo", 0xd3ae6c, TEXTURE_BAMBOO, FINISH_MATT, false, false},
    {"Beech", 0xcfa177, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Birch Ply", 0xdcc7a0, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Blown Glass", 0xc7d3cf, TEXTURE_NONE, FINISH_GLOSS, false, true},
    {"Bone China", 0xf0ebe2, TEXTURE_NONE, FINISH_GLOSS, true, false},
    {"Borosilicate", 0xd6e2e0, TEXTURE_NONE, FINISH_GLOSS, true, true},
    {"Brass", 0xb9924f, TEXTURE_BRUSHED, FINISH_METAL, false, false},
    {"Bronze", 0x96683d, TEXTURE_GRAIN, FINISH_METAL, false, false},
    {"Brushed Steel", 0xb4b3b0, TEXTURE_BRUSHED, FINISH_METAL, false, false},
    {"Canvas", 0xcbbd9f, TEXTURE_FABRIC, FINISH_MATT, true, false},
    {"Carbon Steel", 0x5b5c5f, TEXTURE_BRUSHED, FINISH_METAL, false, false},
    {"Cast Iron", 0x323130, TEXTURE_GRAIN, FINISH_MATT, true, false},
    {"Ceramic", 0xe6dfd3, TEXTURE_SPECKLE, FINISH_MATT, false, false},
    {"Cherry", 0xa8623d, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Copper", 0xc17c57, TEXTURE_NONE, FINISH_METAL, false, false},
    {"Cork", 0xc39a69, TEXTURE_CORK, FINISH_MATT, false, false},
    {"Cotton Paper", 0xefe8d9, TEXTURE_NONE, FINISH_MATT, true, false},
    {"Crystal", 0xe2e8ea, TEXTURE_NONE, FINISH_GLOSS, true, true},
    {"Damascus Steel", 0x97989a, TEXTURE_DAMASCUS, FINISH_METAL, false, false},
    {"Denim", 0x47597a, TEXTURE_TWILL, FINISH_MATT, true, false},
    {"Double-Walled Glass", 0xd9e2e1, TEXTURE_NONE, FINISH_GLOSS, false, true},
    {"Down", 0xe9e4da, TEXTURE_NONE, FINISH_MATT, true, false},
    {"Earthenware", 0xc79a74, TEXTURE_SPECKLE, FINISH_MATT, true, false},
    {"Enamel", 0xe9e6de, TEXTURE_NONE, FINISH_GLOSS, true, false},
    {"Fabric", 0x9b9488, TEXTURE_FABRIC, FINISH_MATT, true, false},
    {"Feather", 0xe9e4da, TEXTURE_WEAVE, FINISH_MATT, true, false},
    {"Felt", 0x8e8c88, TEXTURE_FELT, FINISH_MATT, true, false},
    {"Fibre Cement", 0xa9a7a1, TEXTURE_GRAIN, FINISH_MATT, true, false},
    {"Forged Steel", 0x5d5c5b, TEXTURE_GRAIN, FINISH_METAL, false, false},
    {"Galvanised Steel", 0xa9afb2, TEXTURE_GRAIN, FINISH_METAL, false, false},
    {"Glass", 0xd3dfdc, TEXTURE_NONE, FINISH_GLOSS, true, true},
    {"Glazed Stoneware", 0x9aa39b, TEXTURE_SPECKLE, FINISH_GLOSS, true, false},
    {"Heavy Linen", 0xcfc1a6, TEXTURE_LINEN, FINISH_MATT, true, false},
    {"Hemp", 0xc4b690, TEXTURE_LINEN, FINISH_MATT, true, false},
    {"Kapok", 0xe9e1d0, TEXTURE_WEAVE, FINISH_MATT, true, false},
    {"Lambswool", 0xb7ab98, TEXTURE_KNIT, FINISH_MATT, true, false},
    {"Latex", 0xece4d2, TEXTURE_WEAVE, FINISH_MATT, true, false},
    {"Leather", 0x8a5a38, TEXTURE_LEATHER, FINISH_MATT, true, false},
    {"Linen", 0xd8ccb4, TEXTURE_LINEN, FINISH_MATT, true, false},
    {"Linen Blend", 0xd8ccb4, TEXTURE_LINEN, FINISH_MATT, true, false},
    {"Marble", 0xe4e2de, TEXTURE_MARBLE, FINISH_GLOSS, false, false},
    {"Merino", 0xa79c8d, TEXTURE_KNIT, FINISH_MATT, true, false},
    {"Moleskin", 0x8a7a60, TEXTURE_FELT, FINISH_MATT, true, false},
    {"Oak", 0xc9a06a, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Olive Wood", 0xb98f55, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Opal Glass", 0xf3eee3, TEXTURE_NONE, FINISH_GLOSS, false, false},
    {"Organic Cotton", 0xd9d2c4, TEXTURE_WEAVE, FINISH_MATT, true, false},
    {"Paper", 0xf2e9d6, TEXTURE_NONE, FINISH_MATT, false, false},
    {"Paper Cord", 0xc9ab77, TEXTURE_RATTAN, FINISH_MATT, false, false},
    {"Percale Cotton", 0xe3ded4, TEXTURE_NONE, FINISH_MATT, true, false},
    {"Pine", 0xdfbc84, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Polycotton", 0xb9ad92, TEXTURE_WEAVE, FINISH_MATT, true, false},
    {"Porcelain", 0xf2efe9, TEXTURE_NONE, FINISH_GLOSS, true, false},
    {"Powder-Coated Steel", 0x7d8480, TEXTURE_NONE, FINISH_MATT, true, false},
    {"Rattan", 0xc59a5f, TEXTURE_RATTAN, FINISH_MATT, false, false},
    {"Recycled Glass", 0xb9cdbd, TEXTURE_NONE, FINISH_GLOSS, true, true},
    {"Recycled Nylon", 0x6b7076, TEXTURE_RIPSTOP, FINISH_MATT, true, false},
    {"Recycled Paper", 0xd8cdb8, TEXTURE_FELT, FINISH_MATT, true, false},
    {"Recycled Plastic", 0x8b8d88, TEXTURE_GRAIN, FINISH_MATT, true, false},
    {"Resin", 0x39424f, TEXTURE_NONE, FINISH_GLOSS, true, false},
    {"Ripstop Nylon", 0x8b8f84, TEXTURE_RIPSTOP, FINISH_MATT, true, false},
    {"Sateen Cotton", 0xe3ded4, TEXTURE_NONE, FINISH_GLOSS, true, false},
    {"Silnylon", 0x8b8f84, TEXTURE_RIPSTOP, FINISH_GLOSS, true, false},
    {"Stainless Steel", 0xc1c3c4, TEXTURE_BRUSHED, FINISH_METAL, false, false},
    {"Steel", 0xb3b5b6, TEXTURE_NONE, FINISH_MATT, true, false},
    {"Stone Paper", 0xe3e0da, TEXTURE_NONE, FINISH_MATT, true, false},
    {"Stoneware", 0xb8aa97, TEXTURE_SPECKLE, FINISH_MATT, true, false},
    {"Synthetic", 0x7c878c, TEXTURE_RIPSTOP, FINISH_MATT, true, false},
    {"Terracotta", 0xb96d49, TEXTURE_GRAIN, FINISH_MATT, true, false},
    {"Three-Layer", 0x5f6a70, TEXTURE_NONE, FINISH_MATT, true, false},
    {"Titanium", 0x9c9994, TEXTURE_BRUSHED, FINISH_METAL, true, false},
    {"Travertine", 0xd6c7ad, TEXTURE_STONE, FINISH_MATT, false, false},
    {"Turkish Cotton", 0xded6c8, TEXTURE_TERRY, FINISH_MATT, true, false},
    {"Vegetable-Tanned Leather", 0xa86f43, TEXTURE_LEATHER, FINISH_MATT, true, false},
    {"Waffle Cotton", 0xded6c8, TEXTURE_WAFFLE, FINISH_MATT, true, false},
    {"Walnut", 0x6f4a31, TEXTURE_WOOD, FINISH_MATT, false, false},
    {"Washed Linen", 0xd8ccb4, TEXTURE_LINEN, FINISH_MATT, true, false},
    {"Waxed Canvas", 0x6d5f45, TEXTURE_FABRIC, FINISH_MATT, true, false},
    {"Waxed Cotton", 0x4f4a3a, TEXTURE_WEAVE, FINISH_GLOSS, true, false},
    {"Wool Felt", 0x8e8c88, TEXTURE_FELT, FINISH_MATT, true, false},
};

static const struct named_colour *find_colour(struct str name)
{
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
        if (str_equal_cstr(name, colours[i].name))
            return &colours[i];
    return NULL;
}

static const struct material *find_material(struct str name)
{
    for (size_t i = 0; i < sizeof(materials) / sizeof(materials[0]); i++)
        if (str_equal_cstr(name, materials[i].name))
            return &materials[i];
    return NULL;
}

static double dye_keeps(const struct material *material)
{
    if (material->texture == TEXTURE_LEATHER || material->finish == FINISH_METAL)
        return .26;
    return material->texture == TEXTURE_GRAIN ? .16 : .07;
}

/* Leather, metal and what is cast keep some of their own tone under a colour. */
static struct colour dyed(const struct material *material, struct colour dye)
{
    return colour_mix(dye, colour_of(material->rgb), dye_keeps(material));
}

/* Wood is smoked, stained and oiled. */
static struct colour finished(struct colour wood, struct str choice)
{
    if (str_equal_cstr(choice, "Smoked"))
        return colour_mix(wood, colour_of(0x4a3a2c), .62);
    if (str_equal_cstr(choice, "Black"))
        return colour_mix(wood, colour_of(0x262423), .88);
    if (str_equal_cstr(choice, "White"))
        return colour_mix(wood, colour_of(0xf0ebe2), .72);
    if (str_equal_cstr(choice, "Oiled"))
        return colour_mix(wood, colour_of(0x8a5524), .20);
    return wood;
}

struct surface surface_of(struct str material_name, struct str choice)
{
    const struct material *material = find_material(material_name);
    const struct named_colour *colour = find_colour(choice);
    struct surface surface = {.colour = colour_of(0x9a948b)};

    if (!material) {
        if (colour)
            surface.colour = colour_of(colour->rgb);
        return surface;
    }
    surface = (struct surface){colour_of(material->rgb), material->texture, material->finish, material->clear};
    if (material->takes_colour && colour)
        surface.colour = dyed(material, colour_of(colour->rgb));
    else if (material->texture == TEXTURE_WOOD || material->texture == TEXTURE_BAMBOO)
        surface.colour = finished(surface.colour, choice);
    return surface;
}

double vary(const struct subject *subject, unsigned index, double low, double high)
{
    uint64_t z = (subject->number + 1) * UINT64_C(0x9e3779b97f4a7c15) + (index + 1) * UINT64_C(0xd1342543de82ef95);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return low + (high - low) * (double)(z >> 40) / (double)(1 << 24);
}

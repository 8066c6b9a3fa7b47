// Part of blend-inl.hpp: blends of four neighbours on arm64, the same steps as there.

inline float32x4_t between(float32x4_t a, float32x4_t b, float32x4_t way) { return vfmaq_f32(a, way, vsubq_f32(b, a)); }

struct Sides {
    float32x4_t left, right;
};
// Between bytes and those below them. Differences are taken between integers: exact either way, and half the work.
inline Sides downwards(uint8x8_t top, uint8x8_t bottom, float32x4_t way) {
    const uint16x8_t from = vmovl_u8(top);
    const int16x8_t rise = vreinterpretq_s16_u16(vsubl_u8(bottom, top));
    const float32x4_t left = vcvtq_f32_u32(vmovl_u16(vget_low_u16(from))), right = vcvtq_f32_u32(vmovl_high_u16(from));
    return {vfmaq_f32(left, way, vcvtq_f32_s32(vmovl_s16(vget_low_s16(rise)))),
            vfmaq_f32(right, way, vcvtq_f32_s32(vmovl_high_s16(rise)))};
}
// To the nearest, halves to even.
inline uint16x4_t rounded(float32x4_t a) { return vqmovun_s32(vcvtnq_s32_f32(a)); }

// Pixels of three or four channels as bytes, four at a time.
template <int C>
struct BytePixels {
    static_assert(C == 3 || C == 4);
    // In the upper row the eight bytes begin with the left neighbour, in the lower one they end with the right one: so
    // nothing outside the image is read, as the other row lies there.
    static constexpr int kBack = 8 - 2 * C;
    const std::uint8_t* above;
    const std::uint8_t* below;
    Places places;

    BytePixels(const std::uint8_t* image, index_t cols, const Places& p)
        : above(image), below(image + cols * C - kBack), places(p) {}

    // Left neighbour's channels in the lower half, right one's in the upper half. A fourth channel of three is 0.
    static uint8x8_t sides(const std::uint8_t* p, int back) {
        const uint8x8_t bytes = vld1_u8(p);
        if constexpr (C == 4) return bytes;
        const uint8x8_t upper = {0, 1, 2, 255, 3, 4, 5, 255}, lower = {2, 3, 4, 255, 5, 6, 7, 255};
        return vtbl1_u8(bytes, back == 0 ? upper : lower);
    }
    uint16x4_t one(index_t i) const {
        const index_t at = static_cast<index_t>(places.index[i]) * C;
        const float32x4_t down = vdupq_n_f32(places.down[i]);
        const Sides both = downwards(sides(above + at, 0), sides(below + at, kBack), down);
        return rounded(between(both.left, both.right, vdupq_n_f32(places.right[i])));
    }
    void store(index_t i, std::uint8_t* out) const {
        const uint8x8_t first = vqmovn_u16(vcombine_u16(one(i), one(i + 1)));
        const uint8x16_t all = vcombine_u8(first, vqmovn_u16(vcombine_u16(one(i + 2), one(i + 3))));
        if constexpr (C == 4) {
            vst1q_u8(out + i * C, all);
        } else {
            const uint8x16_t order = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255};
            const uint8x16_t packed = vqtbl1q_u8(all, order);
            std::memcpy(out + i * C, &packed, 4 * C);
        }
    }
    // All of them, or none if they are too few.
    index_t all(index_t count, std::uint8_t* out) const {
        if (count < 4) return 0;
        for (index_t i = 0; i + 4 < count; i += 4) store(i, out);
        store(count - 4, out);
        return count;
    }
};

// Pixels of one byte, four at a time: each loads its left and right neighbour as one word.
struct GreyPixels {
    const std::uint8_t* above;
    const std::uint8_t* below;
    Places places;

    GreyPixels(const std::uint8_t* image, index_t cols, const Places& p)
        : above(image), below(image + cols), places(p) {}

    // Four left neighbours, then four right ones.
    static uint8x8_t sides(const std::uint8_t* row, const std::int32_t* at) {
        std::uint16_t words[4];
        for (int k = 0; k < 4; ++k) std::memcpy(words + k, row + at[k], 2);
        const uint8x8_t bytes = vreinterpret_u8_u16(vld1_u16(words));
        return vuzp1_u8(bytes, vext_u8(bytes, bytes, 1));
    }
    uint16x4_t four(index_t i) const {
        const float32x4_t down = vld1q_f32(places.down + i);
        const Sides both = downwards(sides(above, places.index + i), sides(below, places.index + i), down);
        return rounded(between(both.left, both.right, vld1q_f32(places.right + i)));
    }
    index_t all(index_t count, std::uint8_t* out) const {
        if (count < 8) return 0;
        const auto eight = [&](index_t i) { vst1_u8(out + i, vqmovn_u16(vcombine_u16(four(i), four(i + 4)))); };
        for (index_t i = 0; i + 8 < count; i += 8) eight(i);
        eight(count - 8);
        return count;
    }
};

// Pixels of three or four floats.
template <int C>
struct FloatPixels {
    static_assert(C == 3 || C == 4);
    const float* image;
    index_t row;
    Places places;

    FloatPixels(const float* pixels, index_t cols, const Places& p) : image(pixels), row(cols * C), places(p) {}

    // Behind three channels there may be no memory.
    static float32x4_t load(const float* p) {
        if constexpr (C == 4) return vld1q_f32(p);
        return vcombine_f32(vld1_f32(p), vld1_lane_f32(p + 2, vdup_n_f32(0.0f), 0));
    }
    float32x4_t one(index_t i) const {
        const float right = places.right[i], down = places.down[i];
        // A neighbour of no weight is replaced by the one that has it.
        const index_t next = right == 0 ? 0 : C, below = down == 0 ? 0 : row;
        const float* p = image + static_cast<index_t>(places.index[i]) * C;
        const float32x4_t way = vdupq_n_f32(down);
        const float32x4_t left = between(load(p), load(p + below), way);
        return between(left, between(load(p + next), load(p + below + next), way), vdupq_n_f32(right));
    }
    index_t all(index_t count, float* out) const {
        // All but the last may write a fourth value, which is written again.
        for (index_t i = 0; i < count - 1; ++i) vst1q_f32(out + i * C, one(i));
        if (count > 0) {
            const float32x4_t last = one(count - 1);
            std::memcpy(out + (count - 1) * C, &last, C * sizeof(float));
        }
        return count;
    }
};

// Pixels of one float, four at a time: each loads its left and right neighbour together.
struct GreyFloatPixels {
    const float* above;
    const float* below;
    Places places;

    GreyFloatPixels(const float* image, index_t cols, const Places& p)
        : above(image), below(image + cols), places(p) {}

    static Sides sides(const float* row, const std::int32_t* at) {
        const float32x4_t a = vcombine_f32(vld1_f32(row + at[0]), vld1_f32(row + at[1]));
        const float32x4_t b = vcombine_f32(vld1_f32(row + at[2]), vld1_f32(row + at[3]));
        return {vuzp1q_f32(a, b), vuzp2q_f32(a, b)};
    }
    void four(index_t i, float* out) const {
        const Sides top = sides(above, places.index + i), bottom = sides(below, places.index + i);
        const float32x4_t right = vld1q_f32(places.right + i), down = vld1q_f32(places.down + i);
        const uint32x4_t no_right = vceqzq_f32(right), no_down = vceqzq_f32(down);
        const auto column = [&](float32x4_t upper, float32x4_t lower) {
            return between(upper, vbslq_f32(no_down, upper, lower), down);
        };
        const float32x4_t first = column(top.left, bottom.left);
        const float32x4_t second =
            column(vbslq_f32(no_right, top.left, top.right), vbslq_f32(no_right, bottom.left, bottom.right));
        vst1q_f32(out + i, between(first, second, right));
    }
    index_t all(index_t count, float* out) const {
        if (count < 4) return 0;
        for (index_t i = 0; i + 4 < count; i += 4) four(i, out);
        four(count - 4, out);
        return count;
    }
};

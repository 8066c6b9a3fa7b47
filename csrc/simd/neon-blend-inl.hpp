// Part of blend-inl.hpp: blends of four neighbours on arm64, the same steps as there.

inline float32x4_t between(float32x4_t a, float32x4_t b, float32x4_t way) { return vfmaq_f32(a, way, vsubq_f32(b, a)); }

using Four = float32x4_t;
struct Sides {
    Four left, right;
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

inline Four load_four(const float* p) { return vld1q_f32(p); }
inline Four load_three(const float* p) { return vcombine_f32(vld1_f32(p), vld1_lane_f32(p + 2, vdup_n_f32(0.0f), 0)); }
inline void store_four(Four a, float* p) { vst1q_f32(p, a); }
inline Four spread_four(float x) { return vdupq_n_f32(x); }
inline uint32x4_t is_zero(Four a) { return vceqzq_f32(a); }
inline Four chosen(uint32x4_t mask, Four a, Four b) { return vbslq_f32(mask, a, b); }
// Left and right of four places in a row, each with its neighbour.
inline Sides sides_of_four(const float* row, const std::int32_t* at) {
    const Four a = vcombine_f32(vld1_f32(row + at[0]), vld1_f32(row + at[1]));
    const Four b = vcombine_f32(vld1_f32(row + at[2]), vld1_f32(row + at[3]));
    return {vuzp1q_f32(a, b), vuzp2q_f32(a, b)};
}

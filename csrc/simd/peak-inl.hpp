// Part of kernels-inl.hpp: how fast the arithmetic of the micro-tiles can be, with their sums in registers.

// Chains that do not wait for each other, as many as there are registers beside those of the operands: two units of
// four to seven steps from operand to sum are kept busy by eight to fourteen.
constexpr int kChains = kTileRows * kTileVectors > 14 ? 16 : 14;
#define PYFACE_EACH_CHAIN(i) PYFACE_UNROLL for (int i = 0; i < kChains; ++i)

// What a compiler could foresee it would not compute: lanes that are all alike, sums that nobody reads.
inline void fill(word_t* words, int count) {
    const volatile word_t seed = 0x3f000000u;  // 0.5 as a float32, small numbers as codes
    for (int i = 0; i < count; ++i) words[i] = seed + static_cast<word_t>(i);
}

inline void read(const float* sums) {
    for (int i = 0; i < kChains * kWidth; ++i) {
        const volatile float reader = sums[i];
        (void)reader;
    }
}

// In both loops a chain multiplies its own sum: a product of constants would be taken out of the loop.
double peak_floats(index_t iterations) {
    alignas(64) word_t words[2 * kWidth];
    fill(words, 2 * kWidth);
    const Floats factor = load_floats(words);
    const Floats summand = load_floats(words + kWidth);
    Floats sums[kChains];
    PYFACE_EACH_CHAIN(i) sums[i] = spread(static_cast<float>(i));
    for (index_t k = 0; k < iterations; ++k) {
        PYFACE_EACH_CHAIN(i) sums[i] = fused(sums[i], factor, summand);
    }
    float results[kChains * kWidth];
    PYFACE_EACH_CHAIN(i) store(sums[i], results + i * kWidth);
    read(results);
    return 2.0 * kWidth * kChains * static_cast<double>(iterations);
}

double peak_codes(index_t iterations) {
    constexpr int kStep = ScreenCodes::kStep;
    alignas(64) word_t words[kStep * kWidth];
    fill(words, kStep * kWidth);
    Ints rows[kStep];
    for (int s = 0; s < kStep; ++s) rows[s] = load_words(words + s * kWidth);
    Ints sums[kChains];
    PYFACE_EACH_CHAIN(i) sums[i] = spread_int(i);
    for (index_t k = 0; k < iterations; ++k) {
        PYFACE_EACH_CHAIN(i) {
            Ints cols[kStep];
            PYFACE_UNROLL for (int s = 0; s < kStep; ++s) cols[s] = sums[i];
            sums[i] = ScreenCodes::add_products(sums[i], rows, cols);
        }
    }
    float results[kChains * kWidth];
    PYFACE_EACH_CHAIN(i) store(to_floats(sums[i]), results + i * kWidth);
    read(results);
    return 2.0 * static_cast<double>(kWidth * kCoding.group * kStep * kChains) * static_cast<double>(iterations);
}

#undef PYFACE_EACH_CHAIN

// The product hidden · weightᵀ of one chunk whose result leaves the chip as exp(logit - reference), never as a logit.
//
// One persistent block per multiprocessor, two blocks to a cluster: the two share a tile of 256 vocabulary rows (each
// loads half of it for both) and own 128 tokens each. Warp group 0 keeps a ring of tiles filled by the bulk tensor
// copy, warp groups 1 and 2 multiply 64 × 256 each, and turn their sums into exponentials while the other still
// multiplies.
#pragma once
#include <cuda_bf16.h>

#include "hopper.cuh"

namespace head_exp {

constexpr int kTokens = 128, kVocabulary = 256, kDepth = 64, kStages = 4, kCluster = 2, kThreads = 384;
constexpr int kTokenBytes = kTokens * kDepth * 2, kVocabularyBytes = kVocabulary * kDepth * 2;
constexpr int kStageBytes = kTokenBytes + kVocabularyBytes;
constexpr int kSharedBytes = kStages * kStageBytes + 1024 + 256;
/// exp2 of what is masked out: flushes to 0, and 0 times it stays 0.
constexpr float kNothing = -200.0f;
/// Largest exponent, base 2: sums over any vocabulary stay finite; a row that comes near it is done by the plain version.
constexpr float kCeiling = 100.0f;

struct Chunk {
    int tokens, vocabulary, width;      // of this chunk, of this shard, of the model
    long long first;                    // number of the shard's first vocabulary row
    const long long* target;            // [tokens]
    const float* reference;             // [tokens] raw logit of the target
    float scale;                        // the multiplier of the logits times log2(e)
    __nv_bfloat16* out;                 // [tokens, stride] exp(logit - reference); null: sums only
    long long stride;
    float2* part;                       // [tokens, parts] sums of exp, and of exp times its exponent, per tile
    int parts;
};

__device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ __forceinline__ uint32_t pack(float low, float high) {
    uint32_t word;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
    return word;
}

/// Four lanes hold word `i` of block `i` each; afterwards lane q holds the four words of block q, in order.
__device__ __forceinline__ uint4 transpose_quad(uint32_t a, uint32_t b, uint32_t c, uint32_t d, int quad) {
    const bool odd = quad & 1, upper = quad & 2;
    uint32_t give = odd ? a : b;
    uint32_t got = __shfl_xor_sync(~0u, give, 1);
    if (odd) a = got; else b = got;
    give = odd ? c : d;
    got = __shfl_xor_sync(~0u, give, 1);
    if (odd) c = got; else d = got;
    give = upper ? a : c;
    got = __shfl_xor_sync(~0u, give, 2);
    if (upper) a = got; else c = got;
    give = upper ? b : d;
    got = __shfl_xor_sync(~0u, give, 2);
    if (upper) b = got; else d = got;
    return make_uint4(a, b, c, d);
}

/// One warp group's 64 × 256 sums: exponentials, their sums by row, and the exponentials as bf16 to memory.
template <bool Store>
__device__ __forceinline__ void finish_tile(
    const Chunk& chunk, float (&d)[128], int row, int tile, const float (&shift)[2], const long long (&target)[2]) {
    const int lane = threadIdx.x & 31, quad = lane & 3, start = tile * kVocabulary;
    const bool ragged = start + kVocabulary > chunk.vocabulary;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        // The target is 1 by definition of the reference: it is left out of the sums, which keeps log-probabilities
        // near 0 exact. So are the columns past the vocabulary.
        const long long mine = target[half] - chunk.first - start;
        if (ragged || (mine >= 0 && mine < kVocabulary)) {
            const float masked = (kNothing + shift[half]) / chunk.scale;
#pragma unroll
            for (int i = 0; i < 64; i++) {
                const int column = (i >> 1) * 8 + quad * 2 + (i & 1);
                if (column == mine || start + column >= chunk.vocabulary) d[(i >> 1) * 4 + half * 2 + (i & 1)] = masked;
            }
        }
        __syncwarp();
        float sum = 0.0f, moment = 0.0f;
        const int token = row + half * 8;
        __nv_bfloat16* to = chunk.out + static_cast<long long>(token) * chunk.stride + start + quad * 8;
#pragma unroll
        for (int group = 0; group < 8; group++) {
            uint32_t word[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int at = (group * 4 + i) * 4 + half * 2;
                const float x = fminf(fmaf(d[at], chunk.scale, -shift[half]), kCeiling);
                const float y = fminf(fmaf(d[at + 1], chunk.scale, -shift[half]), kCeiling);
                const float ex = exp2_fast(x), ey = exp2_fast(y);
                sum += ex + ey;
                moment = fmaf(ex, x, fmaf(ey, y, moment));
                word[i] = pack(ex, ey);
            }
            if (Store) {
                const uint4 line = transpose_quad(word[0], word[1], word[2], word[3], quad);
                if (token < chunk.tokens) *reinterpret_cast<uint4*>(to + group * 32) = line;
            }
        }
#pragma unroll
        for (int step = 1; step < 4; step *= 2) {
            sum += __shfl_xor_sync(~0u, sum, step);
            moment += __shfl_xor_sync(~0u, moment, step);
        }
        if (quad == 0 && token < chunk.tokens)
            chunk.part[static_cast<long long>(token) * chunk.parts + tile] = make_float2(sum, moment);
    }
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define HEAD_CLUSTER  // compiled empty there, and never launched
#else
#define HEAD_CLUSTER __cluster_dims__(kCluster, 1, 1)
#endif

template <bool Store>
__global__ void HEAD_CLUSTER __launch_bounds__(kThreads, 1) head_exp_kernel(
    const __grid_constant__ CUtensorMap hidden, const __grid_constant__ CUtensorMap weight, const Chunk chunk) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    extern __shared__ unsigned char raw[];
    const uint32_t base = (hopper::shared_address(raw) + 1023) & ~1023u;
    const uint32_t full = base + kStages * kStageBytes, empty = full + 8 * kStages;
    const int rank = hopper::cluster_rank();
    const int group = threadIdx.x / 128;
    if (threadIdx.x == 0) {
        for (int i = 0; i < kStages; i++) {
            hopper::barrier_init(full + 8 * i, 1);
            hopper::barrier_init(empty + 8 * i, 2 * kCluster);
        }
        hopper::barrier_init_fence();
    }
    hopper::cluster_sync();

    const int pairs = (chunk.tokens + kCluster * kTokens - 1) / (kCluster * kTokens);
    const int tiles = (chunk.vocabulary + kVocabulary - 1) / kVocabulary;
    const int depth = (chunk.width + kDepth - 1) / kDepth;
    const int clusters = gridDim.x / kCluster;
    int stage = 0;
    uint32_t phase = 0;
    if (group == 0) {
        hopper::registers_down<40>();
        if (threadIdx.x == 0) {
            for (int job = blockIdx.x / kCluster; job < pairs * tiles; job += clusters) {
                const int row = (job % pairs * kCluster + rank) * kTokens;
                const int column = job / pairs * kVocabulary + rank * (kVocabulary / kCluster);
                for (int k = 0; k < depth; k++) {
                    const uint32_t a = base + stage * kStageBytes, ready = full + 8 * stage;
                    hopper::barrier_wait(empty + 8 * stage, phase ^ 1);
                    hopper::barrier_expect(ready, kStageBytes);
                    hopper::copy_box(a, &hidden, ready, k * kDepth, row);
                    hopper::copy_box_to(
                        a + kTokenBytes + rank * (kVocabularyBytes / kCluster), &weight, ready, k * kDepth, column,
                        (1 << kCluster) - 1);
                    if (++stage == kStages) stage = 0, phase ^= 1;
                }
            }
        }
    } else {
        hopper::registers_up<232>();
        const int consumer = group - 1, thread = threadIdx.x % 128;
        float d[128];
        for (int job = blockIdx.x / kCluster; job < pairs * tiles; job += clusters) {
            const int row = (job % pairs * kCluster + rank) * kTokens + consumer * 64 + thread / 32 * 16 + thread % 32 / 4;
            float shift[2];
            long long target[2];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int token = min(row + half * 8, chunk.tokens - 1);
                shift[half] = chunk.reference[token] * chunk.scale;
                target[half] = chunk.target[token];
            }
            int before = -1;
            for (int k = 0; k < depth; k++) {
                const uint32_t a = base + stage * kStageBytes + consumer * (kTokenBytes / 2);
                const uint64_t from_a = hopper::tile_descriptor(a);
                const uint64_t from_b = hopper::tile_descriptor(base + stage * kStageBytes + kTokenBytes);
                hopper::barrier_wait(full + 8 * stage, phase);
                hopper::wgmma_fence();
#pragma unroll
                for (int i = 0; i < kDepth / 16; i++)
                    hopper::wgmma_64x256x16(d, from_a + 2 * i, from_b + 2 * i, k > 0 || i > 0);
                hopper::wgmma_commit();
                hopper::wgmma_wait<1>();
                if (before >= 0 && thread < kCluster) hopper::barrier_arrive_at(empty + 8 * before, thread);
                before = stage;
                if (++stage == kStages) stage = 0, phase ^= 1;
            }
            hopper::wgmma_wait<0>();
            if (thread < kCluster) hopper::barrier_arrive_at(empty + 8 * before, thread);
            finish_tile<Store>(chunk, d, row, job / pairs, shift, target);
        }
    }
    // No block leaves while the other may still write into its shared memory.
    __syncthreads();
    hopper::cluster_sync();
#endif
}

}  // namespace head_exp

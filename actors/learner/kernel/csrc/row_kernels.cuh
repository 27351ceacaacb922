// What is done once for each token of a chunk, around the three matrix products.
#pragma once
#include <cuda_bf16.h>

#include "head_exp_hopper.cuh"
#include "loss.h"

namespace rows {

constexpr int kThreads = 256, kSlice = 8192;
constexpr float kLn2 = 0.69314718055994531f;

/// Sum over the block, given to every thread.
__device__ __forceinline__ float block_sum(float x) {
    __shared__ float warp[32];
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(~0u, x, step);
    __syncthreads();
    if (threadIdx.x % 32 == 0) warp[threadIdx.x / 32] = x;
    __syncthreads();
    x = 0.0f;
    for (int i = 0; i < static_cast<int>(blockDim.x) / 32; i++) x += warp[i];
    return x;
}

/// reference[token] = hidden[token] · weight[target], 0 where another shard holds the target. A block to a token.
__global__ void target_logit(
    const __nv_bfloat16* hidden, const __nv_bfloat16* weight, const long long* target, float* reference, int width,
    int vocabulary, long long first) {
    const long long token = blockIdx.x, row = target[token] - first;
    if (row < 0 || row >= vocabulary) {
        if (threadIdx.x == 0) reference[token] = 0.0f;
        return;
    }
    float sum = 0.0f;
    for (int i = threadIdx.x; i < width; i += blockDim.x)
        sum = fmaf(__bfloat162float(hidden[token * width + i]), __bfloat162float(weight[row * width + i]), sum);
    sum = block_sum(sum);
    if (threadIdx.x == 0) reference[token] = sum;
}

/// In place, for any GPU: logits become exp(logit - reference); sums of a slice of kSlice go to `part`.
/// Grid: tokens × slices. The target's own place is left out, as in head_exp_hopper.cuh.
__global__ void __launch_bounds__(kThreads) exp_in_place(const head_exp::Chunk chunk) {
    const int token = blockIdx.x, start = blockIdx.y * kSlice;
    const int end = min(start + kSlice, chunk.vocabulary);
    const float shift = chunk.reference[token] * chunk.scale;
    const long long mine = chunk.target[token] - chunk.first;
    __nv_bfloat16* row = chunk.out + static_cast<long long>(token) * chunk.stride;
    float sum = 0.0f, moment = 0.0f;
    for (int at = start + threadIdx.x * 8; at < end; at += kThreads * 8) {
        // The stride is padded to whole groups of eight, so that the last one may be read past the vocabulary.
        uint4 line = *reinterpret_cast<const uint4*>(row + at);
        __nv_bfloat162* pair = reinterpret_cast<__nv_bfloat162*>(&line);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float2 logit = __bfloat1622float2(pair[i]);
            const int column = at + 2 * i;
            float x = fminf(fmaf(logit.x, chunk.scale, -shift), head_exp::kCeiling);
            float y = fminf(fmaf(logit.y, chunk.scale, -shift), head_exp::kCeiling);
            if (column == mine || column >= end) x = head_exp::kNothing;
            if (column + 1 == mine || column + 1 >= end) y = head_exp::kNothing;
            const float ex = head_exp::exp2_fast(x), ey = head_exp::exp2_fast(y);
            sum += ex + ey;
            moment = fmaf(ex, x, fmaf(ey, y, moment));
            pair[i] = __floats2bfloat162_rn(ex, ey);
        }
        *reinterpret_cast<uint4*>(row + at) = line;
    }
    sum = block_sum(sum);
    moment = block_sum(moment);
    if (threadIdx.x == 0)
        chunk.part[static_cast<long long>(token) * chunk.parts + blockIdx.y] = make_float2(sum, moment);
}

/// sums[token] = Σ over its parts, in one fixed order. A block to a token.
__global__ void add_parts(const float2* part, int parts, float2* sums) {
    float sum = 0.0f, moment = 0.0f;
    for (int i = threadIdx.x; i < parts; i += blockDim.x) {
        const float2 one = part[static_cast<long long>(blockIdx.x) * parts + i];
        sum += one.x;
        moment += one.y;
    }
    sum = block_sum(sum);
    moment = block_sum(moment);
    if (threadIdx.x == 0) sums[blockIdx.x] = make_float2(sum, moment);
}

/// Pointers to a chunk's first token; null where the call has none.
struct Tokens {
    const float2* sums;
    const float *old, *engine, *advantage, *weight, *reference;
    float *logp, *entropy, *loss, *kl, *clipped;  // results
    float *log_ratio, *slope;                     // gspo: of the token's sequence, between the two kernels
    float *factor;                                // what the token's row of both products is multiplied by
    int *flagged;                                 // one counter: rows outside the range of the exponentials
};

__device__ __forceinline__ LossToken read_token(const Tokens& t, int i, float logp) {
    LossToken token;
    token.logp = logp;
    token.old = t.old ? t.old[i] : logp;
    token.engine = t.engine ? t.engine[i] : token.old;
    token.advantage = t.advantage ? t.advantage[i] : 0.0f;
    token.weight = t.weight ? t.weight[i] : 0.0f;
    token.reference = t.reference ? t.reference[i] : logp;
    token.log_ratio = logp - token.old;
    return token;
}

/// GSPO: one log-ratio and one slope for each sequence. A block to a sequence: tokens starts[i] .. starts[i + 1].
__global__ void sequence_ratio(const Tokens t, const LossSettings settings, const int* starts, int base) {
    const int from = starts[blockIdx.x] - base, to = starts[blockIdx.x + 1] - base, count = to - from;
    float sum = 0.0f;
    for (int i = from + threadIdx.x; i < to; i += blockDim.x) {
        const float logp = -log1pf(t.sums[i].x);
        sum += t.old ? logp - t.old[i] : 0.0f;
    }
    const float ratio = block_sum(sum) / max(count, 1);
    float slope = 0.0f;
    for (int i = from + threadIdx.x; i < to; i += blockDim.x) {
        LossToken token = read_token(t, i, -log1pf(t.sums[i].x));
        token.log_ratio = ratio;
        slope += loss_of_token(settings, token).slope;
    }
    slope = block_sum(slope) / max(count, 1);
    for (int i = from + threadIdx.x; i < to; i += blockDim.x) {
        t.log_ratio[i] = ratio;
        t.slope[i] = slope;
    }
}

/// The token's loss and statistics; its target's place in the chunk; its row of hidden states times the factor.
/// A block to a token. `scaled` null: no gradient is asked for.
__global__ void finish_token(
    const Tokens t, const LossSettings settings, const head_exp::Chunk chunk, float multiplier,
    const __nv_bfloat16* hidden, __nv_bfloat16* scaled) {
    const int i = blockIdx.x;
    const float2 sums = t.sums[i];
    const float others = sums.x, logp = -log1pf(others), total = 1.0f + others;
    LossToken token = read_token(t, i, logp);
    if (settings.algorithm == kGspo) token.log_ratio = t.log_ratio[i];
    const LossResult result = loss_of_token(settings, token);
    const float slope = settings.algorithm == kGspo ? t.slope[i] + result.kl_slope : result.slope;
    // d loss / d logit of column j is -slope · multiplier · (softmax - onehot)
    const float factor = -slope * multiplier / total;
    if (threadIdx.x == 0) {
        t.logp[i] = logp;
        t.entropy[i] = log1pf(others) - kLn2 * sums.y / total;
        if (t.loss) t.loss[i] = result.loss, t.kl[i] = result.kl, t.clipped[i] = result.clipped;
        if (!(others < exp2f(head_exp::kCeiling - 1.0f))) atomicAdd(t.flagged, 1);
        if (t.factor) t.factor[i] = factor;
        const long long mine = chunk.target[i] - chunk.first;
        if (scaled && mine >= 0 && mine < chunk.vocabulary)
            chunk.out[i * chunk.stride + mine] = __float2bfloat16_rn(-others);
    }
    if (!scaled) return;
    const long long row = static_cast<long long>(i) * chunk.width;
    for (int at = threadIdx.x; at < chunk.width; at += blockDim.x)
        scaled[row + at] = __float2bfloat16_rn(factor * __bfloat162float(hidden[row + at]));
}

__device__ __forceinline__ void store(float* to, float x) { *to = x; }
__device__ __forceinline__ void store(__nv_bfloat16* to, float x) { *to = __float2bfloat16_rn(x); }

/// to[token] = factor[token] · from[token], rows of `width`. A block to a token; `to` may be `from`.
template <class Out>
__global__ void scale_rows(const float* from, const float* factor, Out* to, int width) {
    const long long row = static_cast<long long>(blockIdx.x) * width;
    const float by = factor[blockIdx.x];
    for (int at = threadIdx.x; at < width; at += blockDim.x) store(to + row + at, by * from[row + at]);
}

/// data *= *by; leaves at once where that is 1, so that a plain backward() moves nothing.
template <class T>
__global__ void scale_unless_one(T* data, long long count, const float* by) {
    const float factor = *by;
    if (factor == 1.0f) return;
    const long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < count; i += step)
        store(data + i, factor * static_cast<float>(data[i]));
}

}  // namespace rows

// The C interface that fused_steps.py calls. Every function launches on `stream` and returns a cudaError_t.
#include <cuda_runtime.h>

#include "row_kernels.cuh"

namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

Encode encoder() {
    static const Encode found = [] {
        void* function = nullptr;
        cudaDriverEntryPointQueryResult result;
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &result);
        return reinterpret_cast<Encode>(function);
    }();
    return found;
}

/// Map of a row-major bf16 matrix, read in boxes of 128 rows × 64 columns.
bool map_of(CUtensorMap* map, const void* matrix, int rows, int columns) {
    const cuuint64_t sizes[2] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
    const cuuint64_t stride[1] = {static_cast<cuuint64_t>(columns) * 2};
    const cuuint32_t box[2] = {head_exp::kDepth, 128}, step[2] = {1, 1};
    return encoder() != nullptr &&
           encoder()(
               map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<void*>(matrix), sizes, stride, box, step,
               CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
               CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

}  // namespace

extern "C" {

/// Parts a row's sums come in: by the wgmma product (hopper 1) or by exp_in_place (hopper 0).
int head_parts(int vocabulary, int hopper) {
    const int width = hopper ? head_exp::kVocabulary : rows::kSlice;
    return (vocabulary + width - 1) / width;
}

int head_target_logit(
    const void* hidden, const void* weight, const long long* target, float* reference, int tokens, int width,
    int vocabulary, long long first, cudaStream_t stream) {
    rows::target_logit<<<tokens, 128, 0, stream>>>(
        static_cast<const __nv_bfloat16*>(hidden), static_cast<const __nv_bfloat16*>(weight), target, reference, width,
        vocabulary, first);
    return cudaGetLastError();
}

int head_exp_in_place(const head_exp::Chunk* chunk, cudaStream_t stream) {
    const dim3 grid(chunk->tokens, head_parts(chunk->vocabulary, 0));
    rows::exp_in_place<<<grid, rows::kThreads, 0, stream>>>(*chunk);
    return cudaGetLastError();
}

int head_exp_product(const void* hidden, const void* weight, const head_exp::Chunk* chunk, cudaStream_t stream) {
    CUtensorMap of_hidden, of_weight;
    if (!map_of(&of_hidden, hidden, chunk->tokens, chunk->width) ||
        !map_of(&of_weight, weight, chunk->vocabulary, chunk->width))
        return cudaErrorInvalidValue;
    const auto kernel = chunk->out ? head_exp::head_exp_kernel<true> : head_exp::head_exp_kernel<false>;
    int device, blocks;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&blocks, cudaDevAttrMultiProcessorCount, device);
    cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, head_exp::kSharedBytes);
    if (error != cudaSuccess) return error;
    kernel<<<blocks / head_exp::kCluster * head_exp::kCluster, head_exp::kThreads, head_exp::kSharedBytes, stream>>>(
        of_hidden, of_weight, *chunk);
    return cudaGetLastError();
}

int head_add_parts(const head_exp::Chunk* chunk, float2* sums, cudaStream_t stream) {
    rows::add_parts<<<chunk->tokens, 128, 0, stream>>>(chunk->part, chunk->parts, sums);
    return cudaGetLastError();
}

int head_sequences(
    const rows::Tokens* tokens, const LossSettings* settings, const int* starts, int sequences, int base,
    cudaStream_t stream) {
    if (sequences > 0) rows::sequence_ratio<<<sequences, 256, 0, stream>>>(*tokens, *settings, starts, base);
    return cudaGetLastError();
}

int head_finish(
    const rows::Tokens* tokens, const LossSettings* settings, const head_exp::Chunk* chunk, float multiplier,
    const void* hidden, void* scaled, cudaStream_t stream) {
    rows::finish_token<<<chunk->tokens, 128, 0, stream>>>(
        *tokens, *settings, *chunk, multiplier, static_cast<const __nv_bfloat16*>(hidden),
        static_cast<__nv_bfloat16*>(scaled));
    return cudaGetLastError();
}

int head_scale_rows(
    const float* from, const float* factor, void* to, int to_float, int tokens, int width, cudaStream_t stream) {
    if (to_float)
        rows::scale_rows<<<tokens, 256, 0, stream>>>(from, factor, static_cast<float*>(to), width);
    else
        rows::scale_rows<<<tokens, 256, 0, stream>>>(from, factor, static_cast<__nv_bfloat16*>(to), width);
    return cudaGetLastError();
}

int head_scale_unless_one(void* data, long long count, int is_float, const float* by, cudaStream_t stream) {
    if (is_float)
        rows::scale_unless_one<<<1024, 256, 0, stream>>>(static_cast<float*>(data), count, by);
    else
        rows::scale_unless_one<<<1024, 256, 0, stream>>>(static_cast<__nv_bfloat16*>(data), count, by);
    return cudaGetLastError();
}
}

// The loss of one token and its derivative by the token's log-probability: the formulas of losses.py, for the device
// and, so that they can be tested without one, for the host.
#pragma once
#include <math.h>

#ifdef __CUDACC__
#define LOSS_CALL __host__ __device__ __forceinline__
#else
#define LOSS_CALL static inline
#endif

enum LossAlgorithm { kClipped = 0, kGspo = 1, kCispo = 2, kSft = 3, kLogprobs = 4 };
enum KlKind { kNoKl = 0, kK1 = 1, kK2 = 2, kK3 = 3 };

struct LossSettings {
    int algorithm;  // LossAlgorithm
    float low, high, dual, cap;
    int kl_kind;    // KlKind
    float kl_coef;
};

struct LossToken {
    float logp, old, engine, advantage, weight, reference;
    float log_ratio;  // of the token, or of its sequence; not bounded yet
};

struct LossResult {
    float loss, kl;      // weight · importance weight · l; weight · kl
    float slope;         // d (loss + kl_coef · kl) / d log_ratio's log-probability; of gspo: by the sequence's log-ratio
    float kl_slope;      // gspo only: the part of the KL term, which stays with the token
    float clipped;       // 1 where a clip took the gradient away or bounded its weight
};

LOSS_CALL float loss_bounded(float x, float bound) { return fminf(fmaxf(x, -bound), bound); }

/// NaN stays NaN in every result, as in the plain version.
LOSS_CALL struct LossResult loss_of_token(const struct LossSettings s, const struct LossToken t) {
    struct LossResult out = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    if (s.algorithm == kLogprobs) return out;
    const int inside = !(fabsf(t.log_ratio) > 20.0f);
    const float ratio = expf(inside ? t.log_ratio : loss_bounded(t.log_ratio, 20.0f));
    float loss = 0.0f, slope = 0.0f;
    if (s.algorithm == kSft) {
        loss = -t.logp;
        slope = -1.0f;
    } else if (s.algorithm == kCispo) {
        const float bounded = fminf(ratio, 1.0f + s.high);
        loss = -bounded * t.advantage * t.logp;
        slope = -bounded * t.advantage;
        out.clipped = ratio > 1.0f + s.high;
    } else {
        const float plain = -ratio * t.advantage;
        const float bounded = -fminf(fmaxf(ratio, 1.0f - s.low), 1.0f + s.high) * t.advantage;
        const int clipped = bounded > plain;
        loss = clipped ? bounded : plain;
        slope = clipped || !inside ? 0.0f : plain;
        out.clipped = clipped;
        const float ceiling = -s.dual * t.advantage;
        if (s.algorithm == kClipped && s.dual > 0.0f && t.advantage < 0.0f && loss > ceiling) {
            loss = ceiling;
            slope = 0.0f;
            out.clipped = 1.0f;
        }
    }
    float weight = t.weight;
    if (s.algorithm != kSft && s.cap > 0.0f)
        weight *= fminf(expf(loss_bounded(t.old - t.engine, 20.0f)), s.cap);
    out.loss = weight * loss;
    out.slope = weight * slope;
    if (s.kl_kind != kNoKl) {
        const float raw = t.reference - t.logp, d = loss_bounded(raw, 20.0f);
        float kl = -d, by = 1.0f;
        if (s.kl_kind == kK2) kl = d * d / 2.0f, by = -d;
        if (s.kl_kind == kK3) {
            kl = expf(d) - d - 1.0f;
            by = kl > 10.0f ? 0.0f : -(expf(d) - 1.0f);
            kl = loss_bounded(kl, 10.0f);
        }
        if (fabsf(raw) > 20.0f) by = 0.0f;
        out.kl = t.weight * kl;
        out.kl_slope = t.weight * s.kl_coef * by;
        if (s.algorithm != kGspo) out.slope += out.kl_slope;
    }
    return out;
}

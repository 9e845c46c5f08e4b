#include <algorithm>
#include <cmath>

#include "kernels/block/llama_reference.h"
#include "kernels/block/step_reference.h"
#include "kernels/dequant/dequant.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels::step_reference {
namespace {

size_t Count(int64_t n) { return static_cast<size_t>(n); }

double Dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void AddScaled(double by, const double* x, int64_t n, double* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += by * x[i];
}

}  // namespace

void Rows(ThreadPool& pool, int64_t count, const std::function<void(int64_t)>& run) {
  pool.Run([&](Worker& worker) {
    const Range rows = Share(count, 1, worker.slice());
    for (int64_t i = rows.begin; i < rows.end; ++i) run(i);
  });
}

Doubles Plus(const Doubles& a, const Doubles& b) {
  Doubles sum(a);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  return sum;
}

Doubles Linear::Forward(const Matrix& w, const Doubles& x) const {
  Doubles y(Count(tokens * w.rows));
  pool.Run([&](Worker& worker) { LinearRows(worker.slice(), w, x.data(), tokens, y.data()); });
  return y;
}

Doubles Linear::InputGradient(const Matrix& w, const Doubles& dy) const {
  Doubles dx(Count(tokens * w.cols));
  pool.Run([&](Worker& worker) {
    const Range mine = Share(tokens, 1, worker.slice());
    Doubles row(Count(w.cols));
    for (int64_t r = 0; r < w.rows; ++r) {
      DequantReference(w.format, w.Row(r), w.cols, row.data());
      for (int64_t t = mine.begin; t < mine.end; ++t) {
        AddScaled(dy[Count(t * w.rows + r)], row.data(), w.cols, &dx[Count(t * w.cols)]);
      }
    }
  });
  return dx;
}

Doubles Linear::WeightGradient(const Doubles& dy, const Doubles& x) const {
  const int64_t rows = static_cast<int64_t>(dy.size()) / tokens;
  const int64_t cols = static_cast<int64_t>(x.size()) / tokens;
  Doubles dw(Count(rows * cols));
  Rows(pool, rows, [&](int64_t r) {
    for (int64_t t = 0; t < tokens; ++t) {
      AddScaled(dy[Count(t * rows + r)], &x[Count(t * cols)], cols, &dw[Count(r * cols)]);
    }
  });
  return dw;
}

Doubles Heads::Weights(const Doubles& q, const Doubles& k, int64_t token, int64_t head) const {
  const int64_t kv = head * kv_heads / heads;
  Doubles weights(Count(causal ? token + 1 : tokens));
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim));
  double highest = -INFINITY;
  for (size_t p = 0; p < weights.size(); ++p) {
    const double* key = &k[Count((static_cast<int64_t>(p) * kv_heads + kv) * head_dim)];
    weights[p] = scale * Dot(&q[Count((token * heads + head) * head_dim)], key, head_dim);
    highest = std::max(highest, weights[p]);
  }
  double sum = 0;
  for (double& w : weights) sum += w = std::exp(w - highest);
  for (double& w : weights) w /= sum;
  return weights;
}

Doubles Heads::Forward(ThreadPool& pool, const Doubles& q, const Doubles& k,
                       const Doubles& v) const {
  Doubles out(q.size());
  Rows(pool, tokens * heads, [&](int64_t row) {
    const int64_t kv = row % heads * kv_heads / heads;
    const Doubles weights = Weights(q, k, row / heads, row % heads);
    for (size_t p = 0; p < weights.size(); ++p) {
      AddScaled(weights[p], &v[Count((static_cast<int64_t>(p) * kv_heads + kv) * head_dim)],
                head_dim, &out[Count(row * head_dim)]);
    }
  });
  return out;
}

void Heads::Backward(ThreadPool& pool, const Doubles& q, const Doubles& k, const Doubles& v,
                     const Doubles& out, const Doubles& dout, Doubles& dq, Doubles& dk,
                     Doubles& dv) const {
  dq.assign(q.size(), 0);
  dk.assign(k.size(), 0);
  dv.assign(v.size(), 0);
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim));
  const int64_t group = heads / kv_heads;
  Rows(pool, kv_heads, [&](int64_t kv) {
    for (int64_t i = 0; i < group * tokens; ++i) {
      const int64_t token = i / group;
      const int64_t head = kv * group + i % group;
      const size_t at = Count((token * heads + head) * head_dim);
      const Doubles weights = Weights(q, k, token, head);
      const double d = Dot(&dout[at], &out[at], head_dim);
      for (size_t p = 0; p < weights.size(); ++p) {
        const size_t key = Count((static_cast<int64_t>(p) * kv_heads + kv) * head_dim);
        AddScaled(weights[p], &dout[at], head_dim, &dv[key]);
        const double ds = weights[p] * (Dot(&dout[at], &v[key], head_dim) - d) * scale;
        AddScaled(ds, &k[key], head_dim, &dq[at]);
        AddScaled(ds, &q[at], head_dim, &dk[key]);
      }
    }
  });
}

Doubles RmsForward(const Doubles& x, const float* weight, int64_t dim, double eps) {
  Doubles y(x.size());
  for (size_t at = 0; at < x.size(); at += Count(dim)) {
    RmsNormReference(&x[at], weight, dim, eps, &y[at]);
  }
  return y;
}

Doubles RmsBackward(const Doubles& x, const Doubles& dy, const float* weight, int64_t dim,
                    double eps, Doubles& dw) {
  Doubles dx(x.size());
  dw.assign(Count(dim), 0);
  for (size_t at = 0; at < x.size(); at += Count(dim)) {
    const double n = static_cast<double>(dim);
    const double r = 1 / std::sqrt(Dot(&x[at], &x[at], dim) / n + eps);
    double mean = 0;
    for (size_t i = 0; i < dw.size(); ++i) {
      mean += dy[at + i] * static_cast<double>(weight[i]) * x[at + i] / n;
      dw[i] += dy[at + i] * x[at + i] * r;
    }
    for (size_t i = 0; i < dw.size(); ++i) {
      dx[at + i] = r * (dy[at + i] * static_cast<double>(weight[i]) - x[at + i] * r * r * mean);
    }
  }
  return dx;
}

Doubles LayerNormForward(const Doubles& x, const float* weight, const float* bias, int64_t dim,
                         double eps) {
  Doubles y(x.size());
  for (size_t at = 0; at < x.size(); at += Count(dim)) {
    LayerNormReference(&x[at], weight, bias, dim, eps, &y[at]);
  }
  return y;
}

Doubles LayerNormBackward(const Doubles& x, const Doubles& dy, const float* weight, int64_t dim,
                          double eps, Doubles& dw, Doubles& db) {
  Doubles dx(x.size());
  dw.assign(Count(dim), 0);
  db.assign(Count(dim), 0);
  const double n = static_cast<double>(dim);
  Doubles z(Count(dim));
  for (size_t at = 0; at < x.size(); at += Count(dim)) {
    double mean = 0;
    for (size_t i = 0; i < z.size(); ++i) mean += x[at + i] / n;
    for (size_t i = 0; i < z.size(); ++i) z[i] = x[at + i] - mean;
    const double r = 1 / std::sqrt(Dot(z.data(), z.data(), dim) / n + eps);
    double mean_g = 0, mean_gz = 0;
    for (size_t i = 0; i < z.size(); ++i) {
      z[i] *= r;
      const double g = dy[at + i] * static_cast<double>(weight[i]);
      mean_g += g / n;
      mean_gz += g * z[i] / n;
      dw[i] += dy[at + i] * z[i];
      db[i] += dy[at + i];
    }
    for (size_t i = 0; i < z.size(); ++i) {
      const double g = dy[at + i] * static_cast<double>(weight[i]);
      dx[at + i] = r * (g - mean_g - z[i] * mean_gz);
    }
  }
  return dx;
}

Doubles PlusBias(Doubles x, const float* bias, int64_t dim) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += static_cast<double>(bias[i % Count(dim)]);
  return x;
}

Doubles BiasGradient(const Doubles& dy, int64_t dim) {
  Doubles sum(Count(dim));
  for (size_t i = 0; i < dy.size(); ++i) sum[i % Count(dim)] += dy[i];
  return sum;
}

}  // namespace wattline::kernels::step_reference

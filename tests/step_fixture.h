// A training step of a random Llama layer, held against the reference in every tensor.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "kernels/block/step.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels {

struct StepShape {
  ModelShape shape;
  int64_t tokens;
  const char* format;
  bool bert = false;
};

using StepTensors = std::map<std::string, std::vector<float>>;

inline StepTensors Copy(const StepWork& work) {
  StepTensors all;
  for (const StepTensor<float>& t : work.Tensors()) {
    all[std::string(t.name)].assign(t.values.begin(), t.values.end());
  }
  return all;
}

struct StepFixture {
  explicit StepFixture(const StepShape& of) {
    ThreadPool pool(2);
    if (of.bert) {
      bert = MakeRandomBertLayer(of.shape, of.format, 5, pool);
      c.block.bert = &bert.layer;
    } else {
      made = MakeRandomLayer(of.shape, of.format, 5, pool);
      c.block.llama = &made.layer;
    }
    Random random(11);
    for (int64_t i = 0; i < of.tokens * of.shape.model_dim; ++i) {
      x.push_back(random.Normal());
      dy.push_back(random.Normal());
    }
    c.block.shape = of.shape;
    c.block.rope_factors = made.rope_factors;
    c.block.tokens = of.tokens;
    c.block.x = x.data();
    c.dy = dy.data();
    StepReference(c, pool, [this](StepTensor<double> t) {
      want[std::string(t.name)].assign(t.values.begin(), t.values.end());
    });
  }

  void Check(const StepTensors& got, Rounding rounds = {}) const {
    const double bound = StepTolerance(c, rounds);
    for (const auto& [name, values] : got) {
      SCOPED_TRACE(name);
      const std::vector<float>& expected = want.at(name);
      ASSERT_EQ(values.size(), expected.size());
      // The gradients of Q and K are made of differences dP - sum(dO O), whose terms are of the
      // size of those of V. A token that sees itself only has none; nor has K's bias any, which
      // adds the same to all scores of a query.
      double size = RootMeanSquare(expected);
      for (const std::string end : {"", "_bias"}) {
        if (name != "attn_q" + end && name != "attn_k" + end) continue;
        size = std::max(size, RootMeanSquare(want.at("attn_v" + end)));
      }
      std::vector<float> error(values);
      float worst = 0;
      for (size_t i = 0; i < error.size(); ++i) {
        error[i] -= expected[i];
        worst = std::max(worst, std::isnan(error[i]) ? INFINITY : std::abs(error[i]));
      }
      EXPECT_LE(RootMeanSquare(error), bound * size);
      EXPECT_LE(worst, kStepWorst * bound * size);
    }
  }

  LoadedLayer made;
  LoadedBertLayer bert;
  std::vector<float> x, dy;
  StepCase c;
  StepTensors want;
};

inline void CheckStep(const StepShape& of) {
  SCOPED_TRACE(testing::Message() << of.shape.name << ", " << of.format << ", " << of.tokens
                                  << " tokens");
  const StepFixture f(of);
  for (const Backend* backend : UsableCpuBackends()) {
    SCOPED_TRACE(backend->name);
    StepTensors first;
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << threads << " threads");
      ThreadPool pool(threads);
      const MadeStep made = backend->step(*backend, f.c, StepPass::kForwardBackward, pool);
      ASSERT_TRUE(made.work) << made.why_not;
      made.work->Run();
      const StepTensors got = Copy(*made.work);
      EXPECT_EQ(got.size(), of.bert ? 18u : 11u);
      if (first.empty()) {
        f.Check(got);
        first = got;
      }
      EXPECT_EQ(got, first);  // no sum depends on the number of threads
      made.work->RunAttention();
      made.work->Run();
      EXPECT_EQ(Copy(*made.work), first);  // every Run does the same

      const MadeStep forward = backend->step(*backend, f.c, StepPass::kForward, pool);
      forward.work->Run();
      EXPECT_EQ(Copy(*forward.work), StepTensors({{"y", first.at("y")}}));
    }
  }
}

}  // namespace wattline::kernels

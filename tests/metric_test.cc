// Which way each counter is better, and what is never judged.
#include "roofline/metric.h"

#include <gtest/gtest.h>

namespace wattline::roofline::metric_test {
namespace {

TEST(MetricTest, RatesAreBetterHigherAndTimesAndEnergiesLower) {
  for (const char* counter :
       {"TFLOPS", "GB/s", "tok/s", "MFU", "MBU", "L1_GB/s", "DRAM_GB/s", "tok/s/W",
        "tok/s per GB/s", "roof_share", "items_per_second", "images/s", "widgets_per_second"}) {
    ASSERT_TRUE(FindMetric(counter)) << counter;
    EXPECT_EQ(FindMetric(counter)->better, Better::kHigher) << counter;
  }
  for (const char* counter :
       {"time_s", "TTFT_ms", "TPOT_ms", "joules", "net_joules", "J/token", "J:gpu",
        "J/output_token", "EDP", "peak_GB", "latency_us", "wait_ns", "load_s"}) {
    ASSERT_TRUE(FindMetric(counter)) << counter;
    EXPECT_EQ(FindMetric(counter)->better, Better::kLower) << counter;
  }
}

TEST(MetricTest, WhatDescribesARowIsNotRanked) {
  for (const char* counter : {"AI",
                              "checked",
                              "check_rms_error",
                              "batch",
                              "watts",
                              "peak_watts",
                              "idle_watts",
                              "ground_GB/s",
                              "ground_end_GB/s",
                              "round_trip_ns",
                              "clock_GHz",
                              "joules_err",
                              "net_joules_err",
                              "doubling",
                              "spread",
                              "drift",
                              "unsteady",
                              "steal",
                              "weights_GB",
                              "GB/s@byte:8192",
                              "L1_KiB",
                              "output_input_J",
                              "theoretical_TFLOPS",
                              "theoretical_GB/s",
                              "anything",
                              "",
                              "/s",
                              "_s"}) {
    EXPECT_FALSE(FindMetric(counter)) << counter;
    EXPECT_FALSE(MetricOf(counter).ranked) << counter;
    EXPECT_EQ(MetricOf(counter).counter, counter);
  }
  EXPECT_EQ(MetricOf("watts").unit, "W");
  EXPECT_TRUE(MetricOf("tok/s").ranked);
}

TEST(MetricTest, HaveTheirUnits) {
  EXPECT_EQ(FindMetric("L2_GB/s")->unit, "GB/s");
  EXPECT_EQ(FindMetric("J:dram")->unit, "J");
  EXPECT_EQ(FindMetric("J/token")->unit, "J/token");
  EXPECT_EQ(FindMetric("J/output_token")->unit, "J/token");
  EXPECT_EQ(FindMetric("latency_us")->unit, "us");
  EXPECT_EQ(FindMetric("MBU")->unit, "");
  EXPECT_EQ(FindMetric("J/token")->quantity, Quantity::kEnergy);
  EXPECT_EQ(FindMetric("TTFT_ms")->quantity, Quantity::kSpeed);
}

// A counter that bench starts to write must be put on the list, or be ranked by its form.
TEST(MetricTest, EveryPrincipalCounterIsRanked) {
  for (const char* fixture :
       {"decode", "encode", "block", "gemm", "attention", "dequant", "ceiling"}) {
    EXPECT_FALSE(PrincipalCounters(fixture).empty()) << fixture;
    for (const std::string& counter : PrincipalCounters(fixture)) {
      EXPECT_TRUE(FindMetric(counter)) << counter;
    }
  }
  EXPECT_TRUE(PrincipalCounters("probe").empty());
  EXPECT_TRUE(PrincipalCounters("").empty());
}

}  // namespace
}  // namespace wattline::roofline::metric_test
